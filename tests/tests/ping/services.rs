//! `ping svc/NAME`: nothing is sent, the truth is told, and `--icmp` sends all the same.

use std::time::Duration;

use anyhow::{Result, ensure};
use netdiag_tests::{Pair, Run, turn, wait};

#[test]
#[ignore = "needs a cluster: makes Services"]
fn an_echo_to_a_service_is_a_trap_and_said_to_be_one() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    for (name, spec) in [
        ("web", "selector: {app: server}, ports: [{port: 80}]"),
        ("empty", "selector: {app: nobody}, ports: [{port: 80}]"),
        ("crowd", "clusterIP: None, selector: {app: server}, ports: [{port: 80}]"),
        ("away", "type: ExternalName, externalName: db.example.net"),
    ] {
        let metadata = format!("{{name: {name}, namespace: {}}}", pair.cluster.namespace());
        pair.cluster.apply(&format!(
            "{{apiVersion: v1, kind: Service, metadata: {metadata}, spec: {{{spec}}}}}"
        ))?;
    }
    let server = pair.server.target();
    let listed = |name| {
        wait::until("the endpoint is listed", Duration::from_secs(20), || {
            let run = service(&pair, name, "")?;
            ensure!(run.stdout.contains(&format!("ping its endpoint, {server}")), "{run:?}");
            Ok(run)
        })
    };
    let row = format!("\n{:<11}  {server} ", pair.server.ip().to_string());
    let next = format!("  next   kubectl netdiag ping {server} --from {}\n", pair.client.target());
    for (name, code) in [("web", "ND0901"), ("crowd", "ND0902")] {
        let run = listed(name)?.exits(1).says("nothing is sent\n");
        println!("{}", run.stdout);
        let run = run.says(&format!("\nNOTE     {code}  ")).says("\nADDRESS ");
        let run = run.says(row.trim_end()).says(&format!("\nUNKNOWN  {code}  nothing was sent: "));
        assert!(run.stdout.ends_with(&next), "{}", run.stdout);
    }
    let run = service(&pair, "empty", "")?.exits(1);
    let _ =
        run.says("UNKNOWN  ND0901  nothing was sent: the Service has no endpoint, so its clients");
    let run = service(&pair, "away", "")?.exits(1);
    let run =
        run.says("UNKNOWN  ND0903  nothing was sent: the Service is only a CNAME to db.example");
    let _ = run.says("  next   kubectl netdiag ping db.example.net --from ");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: makes a Service"]
fn icmp_sends_the_echo_and_blames_nobody_for_its_silence() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    pair.cluster.apply(&format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: web, namespace: {}}}, \
         spec: {{selector: {{app: server}}, ports: [{{port: 80}}]}}}}",
        pair.cluster.namespace()
    ))?;
    let run = service(&pair, "web", "--icmp -c 1 -W 0.5")?.exits(1);
    println!("{}", run.stdout);
    let run = run.says("\nNOTE     ND0901  ").says(" because of --icmp");
    // kube-proxy's mode decides whether it is rejected or meets silence.
    let run = run.says("\nUNKNOWN  ND030");
    let _ = run.says("svc/web: an echo reaches no pod of it\n");
    let run = pair.cluster.netdiag(["ping", &format!("{}/svc/wep", pair.cluster.namespace())])?;
    let line = format!(
        "error    ND0020  no svc \"wep\" in {}; there is svc/web",
        pair.cluster.namespace()
    );
    let _ = run.refuses(&line);
    Ok(())
}

fn service(pair: &Pair, name: &str, flags: &str) -> Result<Run> {
    pair.ping_to(&format!("{}/svc/{name}", pair.cluster.namespace()), flags)
}
