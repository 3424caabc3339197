//! What TARGET and SOURCE may be called, and names that the source resolves.

use std::time::Duration;

use anyhow::{Result, ensure};
use netdiag_tests::{Node, Pair, turn, wait};

#[test]
#[ignore = "needs a cluster: pings between two nodes"]
fn every_form_of_a_target_is_the_same_pod() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let (namespace, ip) = (pair.cluster.namespace(), pair.server.ip());
    for line in [
        format!("{namespace}/pod/server"),
        format!("pod/server -n {namespace}"),
        format!("pod server -n {namespace}"),
        format!("pods/server --namespace={namespace}"),
        format!("po/server -n{namespace}"),
    ] {
        let _ = pair.ping_to(&line, "-c 1")?.exits(0).says(&pair.header());
    }
    let bare = pair.ping_to(&ip.to_string(), "-c 1")?.exits(0);
    let header =
        format!("{} ({}, {}) -> {ip}\n", pair.client.target(), pair.client.ip(), pair.client.node);
    assert!(bare.stdout.starts_with(&header), "{}", bare.stdout);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: pings between two nodes"]
fn nodes_are_targets_and_sources() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let far = Node::Second.name(&pair.cluster)?;
    let run = pair.ping_to(&format!("node/{far}"), "-c 1")?.exits(0);
    let _ = run.says(&format!(" -> node/{far} ("));
    let to = pair.server.target();
    let from = format!("node/{}", Node::First.name(&pair.cluster)?);
    let run = pair.cluster.netdiag(["ping", &to, "--from", &from, "-c", "1"])?.exits(0);
    assert!(run.stdout.starts_with(&format!("{from} (")), "{}", run.stdout);
    assert!(run.stdout.contains(" ttl=63 "), "one router: {}", run.stdout);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: pings between two nodes"]
fn a_default_source_is_another_node_and_said_so() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let to = pair.server.target();
    let near = Node::First.name(&pair.cluster)?;
    let run = pair.cluster.netdiag(["ping", &to, "-c", "1"])?.exits(0);
    let run = run.says(&format!("node/{near} (")).says(", default source) -> ");
    assert!(run.stdout.ends_with(&format!(" ms, from {near}\n")), "{}", run.stdout);
    let mut netdiag = pair.cluster.netdiag_command(["ping", &to, "-c", "1"])?;
    netdiag.env("NETDIAG_FROM", pair.client.target());
    let run = pair.cluster.run(netdiag)?.exits(0);
    assert!(run.stdout.starts_with(&pair.header()), "{}", run.stdout);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: resolves names in a pod"]
fn a_name_is_what_the_source_makes_of_it() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let (namespace, ip) = (pair.cluster.namespace(), pair.server.ip());
    pair.cluster.apply(&format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: crowd, namespace: {namespace}}}, \
         spec: {{clusterIP: None, selector: {{app: server}}, ports: [{{port: 80}}]}}}}"
    ))?;
    let full = format!("crowd.{namespace}.svc.cluster.local");
    wait::until("CoreDNS knows the Service", Duration::from_secs(30), || {
        let run = pair.ping_to(&full, "-c 1")?;
        ensure!(run.code == Some(0), "{run:?}");
        Ok(())
    })?;
    let by_address = ip.to_string().replace(['.', ':'], "-");
    for name in [
        full,
        format!("crowd.{namespace}"),
        "crowd".into(),
        format!("{by_address}.{namespace}.pod.cluster.local"),
    ] {
        let run = pair.ping_to(&name, "-c 1")?.exits(0);
        let _ = run.says(&format!(" -> {name} ({ip})\n64 bytes from {ip}: "));
        println!("{name} is {ip}");
    }
    // Its own name is in the hosts file that the kubelet wrote.
    let own = pair.ping_to("client", "-c 1")?.exits(0);
    let _ = own.says(&format!(" -> client ({})\n", pair.client.ip()));
    Ok(())
}

#[test]
#[ignore = "needs a cluster: resolves names in a pod"]
fn a_name_that_is_none_is_an_error_in_words() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let (namespace, node) = (pair.cluster.namespace(), &pair.client.node);
    let name = format!("nobody.{namespace}.svc.cluster.local");
    let server = netdiag_tests::lab::addresses::CLUSTER_DNS;
    let _ = pair.ping_to(&name, "-c 1")?.refuses(&format!(
        "error    ND0020  resolve {name}: no such name (NXDOMAIN), says nameserver {server} \
         (said by the agent on {node})"
    ));
    // CoreDNS here has nobody to ask about names outside the cluster.
    let run = pair.ping_to("server", &format!("-c 1 -n {namespace}"))?.refuses(&format!(
        "error    ND0020  resolve server: nameserver {server} answered SERVFAIL (said by the agent on {node})"
    ));
    let (to, from) = (pair.server.target(), pair.client.target());
    let next = format!("  next   kubectl netdiag ping {to} --from {from}\n");
    assert!(run.stderr.ends_with(&next), "{}", run.stderr);
    Ok(())
}
