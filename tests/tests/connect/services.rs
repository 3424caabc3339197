//! A Service: once through its address, and what its endpoints say of a refusal.

use std::time::Duration;

use anyhow::{Result, ensure};
use netdiag_tests::{Cluster, Node, turn, wait};

fn service(cluster: &Cluster, name: &str, app: &str) -> Result<String> {
    let place = cluster.namespace();
    cluster.apply(&format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: {place}}}, \
         spec: {{selector: {{app: {app}}}, ports: [{{name: http, port: 80, targetPort: 8080}}]}}}}"
    ))?;
    Ok(format!("{place}/svc/{name}"))
}

#[test]
#[ignore = "needs a cluster: makes a Service with an endpoint"]
fn its_address_is_connected_by_the_name_of_its_port() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let client = cluster.pod("client").on(Node::First).start()?;
    let _server = cluster.pod("server").on(Node::Second).distroless(8080).start()?;
    let to = service(&cluster, "web", "server")?;
    let run = wait::until("the node sends to the endpoint", Duration::from_secs(20), || {
        let run =
            cluster.netdiag(["connect", &format!("{to}:http"), "--from", &client.target()])?;
        ensure!(run.code == Some(0), "{}", run.stdout);
        Ok(run)
    })?;
    println!("{}", run.stdout);
    let _ = run.says(&format!(" -> {to}:http (")).says(" TCP 80)\n").says("\nOK       connected\n");
    let run = cluster.netdiag(["connect", &to, "--from", &client.target()])?.exits(2);
    assert!(run.stderr.contains("a port is missing: "), "{}", run.stderr);
    assert!(run.stderr.contains("it declares http (80)"), "{}", run.stderr);
    let grpc = format!("{to}:grpc");
    let run = cluster.netdiag(["connect", &grpc, "--from", &client.target()])?.exits(2);
    assert!(run.stderr.contains("no such port \"grpc\"; it declares http (80)"), "{}", run.stderr);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: makes a Service without an endpoint"]
fn without_endpoints_that_is_what_is_said() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let client = cluster.pod("client").on(Node::First).start()?;
    let to = service(&cluster, "empty", "nobody")?;
    let run = wait::until("the node knows the Service", Duration::from_secs(20), || {
        let to = format!("{to}:http");
        let run = cluster.netdiag(["connect", &to, "--from", &client.target(), "-w", "2"])?;
        ensure!(run.stdout.contains("ND0101"), "{}", run.stdout);
        Ok(run)
    })?;
    println!("{}", run.stdout);
    let run = run.exits(1).says(&format!(": {to} has no endpoints\n"));
    let _ = run.says(&format!("  next   kubectl netdiag ping {to} --from {}\n", client.target()));
    Ok(())
}
