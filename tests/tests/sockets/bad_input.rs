//! What cannot be is refused: the first line of stderr to the letter, exit code 2, nothing on stdout.

use anyhow::Result;
use netdiag_tests::{Pair, turn};

use crate::table::sockets;

#[test]
#[ignore = "needs a cluster: asks for what is not there"]
fn bad_input_is_refused_in_words() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let place = pair.cluster.namespace();
    let target = pair.client.target();
    let nowhere = "cannot be looked into; name a pod, a node or local";
    for (words, line) in [
        ("10.0.0.7".to_owned(), format!("ND0030  sockets 10.0.0.7: an address {nowhere}")),
        ("web".into(), format!("ND0030  sockets web: a host name {nowhere}")),
        ("".into(), "ND0030  TARGET is missing".into()),
        (
            format!("{target} --port 65536"),
            "ND0030  --port 65536: the port must be 1 to 65535".into(),
        ),
        (format!("{target} --watch=0"), "ND0030  --watch 0: the interval must be 0.2 s to 1 h".into()),
        (
            format!("{target} --from node/node-1"),
            "ND0030  --from node/node-1: sockets reads the table of TARGET itself; leave --from out"
                .into(),
        ),
        (
            format!("-tulpn {target}"),
            "ND0031  -tulpn: -n is kubectl's --namespace; ports are always numbers, and --no-names \
             leaves the peers' names out"
                .into(),
        ),
    ] {
        let _ = sockets(&pair.cluster, &words)?.refuses(&format!("error    {line}"));
        println!("{line}");
    }
    let run = sockets(&pair.cluster, &format!("{place}/pod/nobody"))?.exits(2);
    let start = format!("error    ND0020  no pod \"nobody\" in {place}; there are pod/");
    assert!(run.stderr.starts_with(&start), "{}", run.stderr);
    let run = sockets(&pair.cluster, "node/nowhere")?.exits(2);
    assert!(run.stderr.starts_with("error    ND0020  no node \"nowhere\""), "{}", run.stderr);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: makes a Service and a pod that ended"]
fn a_service_is_answered_with_its_pods_and_an_ended_pod_with_its_end() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let place = pair.cluster.namespace();
    pair.cluster.apply(&format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: web, namespace: {place}}}, \
         spec: {{selector: {{app: server}}, ports: [{{port: 80}}]}}}}"
    ))?;
    let next = format!("  next   kubectl netdiag sockets {} -l\n", pair.server.target());
    netdiag_tests::wait::until(
        "the endpoint is listed",
        std::time::Duration::from_secs(20),
        || {
            let run = sockets(&pair.cluster, &format!("{place}/svc/web"))?.exits(2);
            let start =
                format!("error    ND0030  sockets {place}/svc/web: a Service has no sockets");
            assert!(run.stderr.starts_with(&start), "{}", run.stderr);
            anyhow::ensure!(run.stderr.contains(&next), "{}", run.stderr);
            Ok(())
        },
    )?;
    let done = pair.cluster.pod("done").completed().start()?;
    let run = sockets(&pair.cluster, &done.target())?.exits(2);
    let start = format!("error    ND0021  {} has no network any more", done.target());
    assert!(run.stderr.starts_with(&start), "{}", run.stderr);
    Ok(())
}
