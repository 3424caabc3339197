//! Workloads as TARGET and as SOURCE: what makes pods stands for them.

use std::time::Duration;

use anyhow::{Result, ensure};
use netdiag_tests::{Cluster, Node, lab::images::BUSYBOX, turn, wait};
use serde_json::json;

/// Until its controller has made the pods and they listen.
const MADE: Duration = Duration::from_secs(60);

fn workload(cluster: &Cluster, kind: &str, name: &str, replicas: u8, port: u16) -> Result<()> {
    let listen = ["httpd", "-f", "-p", "8080"];
    let object = json!({
        "apiVersion": "apps/v1", "kind": kind,
        "metadata": {"name": name, "namespace": cluster.namespace()},
        "spec": {
            "replicas": replicas, "serviceName": name,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "containers": [{
                        "name": "main", "image": BUSYBOX, "command": listen,
                        "ports": [{"name": "http", "containerPort": port}],
                    }],
                },
            },
        },
    });
    let mut object = object;
    if kind == "Deployment"
        && let Some(spec) = object["spec"].as_object_mut()
    {
        spec.remove("serviceName");
    }
    cluster.apply(&object.to_string())
}

#[test]
#[ignore = "needs a cluster: makes a Deployment and a StatefulSet"]
fn a_workload_stands_for_its_pods() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let client = cluster.pod("client").on(Node::First).start()?;
    workload(&cluster, "Deployment", "web", 2, 8080)?;
    workload(&cluster, "StatefulSet", "db", 1, 8081)?;
    workload(&cluster, "Deployment", "none", 0, 8080)?;
    let (place, from) = (cluster.namespace().to_owned(), client.target());
    let netdiag = |line: String| cluster.netdiag(line.split_whitespace());

    let run = wait::until("both pods are there", MADE, || {
        let run = netdiag(format!("ping {place}/deploy/web --from {from}"))?;
        let well = "\nOK       both pods take connections on http\n";
        ensure!(run.stdout.contains(well), "{run:?}");
        Ok(run)
    })?;
    let run = run.exits(0).says(&format!(" -> {place}/deploy/web (2 pods)\n"));
    let run = run.says("  WHAT ").says("  READY  ECHO      TCP 8080 http\n");
    assert!(!run.stdout.contains("NOTE "), "{}", run.stdout);

    // Declared, and nobody listens there.
    let run = netdiag(format!("ping sts db -n {place} --from {from}"))?.exits(1);
    let _ =
        run.says("\nFAIL     ND0103  nobody listens on 8081, where port http leads, in its pod\n");

    let run = netdiag(format!("connect {place}/deploy/web:http --from {place}/sts/db"))?.exits(0);
    let run = run
        .says(&format!("{place}/pod/db-0 ("))
        .says(&format!("the ready pod of {place}/sts/db) -> "));
    let _ = run.says(&format!("one of 2 ready pods of {place}/deploy/web)\nconnected in "));

    for (line, error) in [
        (format!("ping {place}/deploy/none"), format!("ND0021  {place}/deploy/none has no pods")),
        (
            format!("connect {place}/deploy/wbe:80"),
            format!("ND0020  no deploy \"wbe\" in {place}; there are deploy/web, deploy/none"),
        ),
        (
            format!("dns {place}/deploy/web"),
            format!(
                "ND0030  {place}/deploy/web has no name in the cluster's DNS; svc and pod have"
            ),
        ),
    ] {
        let run = netdiag(format!("{line} --from {from}"))?;
        let _ = run.refuses(&format!("error    {error}"));
    }
    Ok(())
}
