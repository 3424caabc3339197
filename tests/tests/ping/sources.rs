//! Where a ping may start: every kind of pod, without touching it.

use std::time::Duration;

use anyhow::{Context, Result};
use netdiag_tests::{Cluster, Namespace, Node, Pair, Pod, turn};
use serde_json::Value;

#[test]
#[ignore = "needs a cluster: starts a pod of every kind"]
fn every_kind_of_pod_is_a_source() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let strict = cluster.another_namespace(&["pod-security.kubernetes.io/enforce=restricted"])?;
    let target = cluster.pod("target").on(Node::Second).start()?;
    let static_pod = cluster.pod("static").on(Node::First).start_static()?;
    let mirror = format!("static-{}", Node::First.name(&cluster)?);
    let mut sources = running(&cluster, &strict)?;
    sources.push(("static pod", Pod::read(&cluster, static_pod.namespace(), &mirror)?));
    for (kind, source) in &sources {
        crosses(&cluster, source, &target).with_context(|| format!("from a pod: {kind}"))?;
        println!("{kind}: {} ({}): 2 of 2 replied", source.target(), source.ip());
    }
    assert_eq!(sources.len(), 6);
    Ok(())
}

fn running(cluster: &Cluster, strict: &Namespace) -> Result<Vec<(&'static str, Pod)>> {
    let pod = |name: &str| cluster.pod(name).on(Node::First);
    Ok(vec![
        ("ordinary", pod("ordinary").start()?),
        ("distroless", pod("distroless").distroless(8080).start()?),
        ("restricted", pod("strict").in_namespace(strict.name()).restricted().start()?),
        ("hostNetwork", pod("on-host").host_network().start()?),
        ("two containers", pod("two").sidecar("proxy").start()?),
    ])
}

/// Pings from the pod, which is neither changed nor started again.
fn crosses(cluster: &Cluster, source: &Pod, target: &Pod) -> Result<()> {
    let (to, from) = (target.target(), source.target());
    let words = ["ping", &to, "--from", &from, "-c", "2", "-i", "0.2"];
    let before = cluster.object(["pod", &source.name, "-n", &source.namespace])?;
    let report: Value = cluster.netdiag(words.iter().chain(&["-o", "json"]))?.exits(0).json();
    let ip = source.ip().to_string();
    assert_eq!(report["source"]["name"], source.name.as_str());
    assert_eq!(report["source"]["address"], ip.as_str());
    assert_eq!(report["ping"]["sourceAddress"], ip.as_str());
    assert_eq!((&report["ping"]["sent"], &report["ping"]["replied"]), (&2.into(), &2.into()));
    assert_ne!(report["source"]["node"], report["target"]["node"]);
    let header = format!("{from} ({ip}, {}", source.node);
    let _ = cluster.netdiag(words)?.exits(0).says(&header);
    let after = cluster.object(["pod", &source.name, "-n", &source.namespace])?;
    assert_eq!(after["metadata"]["uid"], source.uid.as_str());
    assert_eq!(after["spec"], before["spec"]);
    assert_eq!(after["status"]["containerStatuses"], before["status"]["containerStatuses"]);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: starts a pod that ends and one that no node takes"]
fn a_pod_without_a_network_is_refused_at_either_end() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let running = cluster.pod("running").on(Node::First).start()?;
    let done = cluster.pod("done").on(Node::First).completed().start()?;
    let pending = cluster.pod("pending").pending().start()?;
    let pod = cluster.object(["pod", "done", "-n", cluster.namespace()])?;
    let ended = "/status/containerStatuses/0/state/terminated/finishedAt";
    let ended = pod.pointer(ended).and_then(Value::as_str).context("it has not ended")?;
    let at = ended.get(11..19).context("no time of day")?;
    for (pod, why) in [
        (&done, format!("has no network any more: it completed at {at} UTC")),
        (&pending, "has no network yet: Unschedulable, on no node yet".into()),
    ] {
        let line = format!("error    ND0021  {} {why}", pod.target());
        let ends = [running.target(), pod.target()];
        for (from, to) in [(&ends[0], &ends[1]), (&ends[1], &ends[0])] {
            let _ = cluster.netdiag(["ping", to, "--from", from, "-c", "1"])?.refuses(&line);
        }
        println!("{line}");
    }
    Ok(())
}

#[test]
#[ignore = "needs a cluster: deletes a pod that is being probed from"]
fn a_source_that_vanishes_ends_the_ping_with_a_report() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let mut ping = pair.start_ping("-c 100 -i 0.2")?;
    ping.wait_for("icmp_seq=3 ")?;
    delete(&pair.cluster, &pair.client)?;
    let run = ping.finish(Duration::from_secs(20))?.exits(0).says("\nWARN     ND0309  ");
    let why = format!(" of 100: {} ended and its network with it\n", pair.client.target());
    let run = run.says("  note   ended after ").says(&why);
    println!("{}", run.stdout);
    assert!(run.stdout.starts_with(&pair.header()), "{}", run.stdout);
    assert_eq!(run.stderr, "");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: deletes a pod that is being pinged"]
fn a_target_that_vanishes_is_told_from_one_that_is_well() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let mut ping = pair.start_ping("-c 30 -i 0.2")?;
    ping.wait_for("icmp_seq=3 ")?;
    delete(&pair.cluster, &pair.server)?;
    let run = ping.finish(Duration::from_secs(30))?.exits(0);
    println!("{}", run.stdout);
    let run = run.says("\nWARN     ND0301  ").says("  seen   lost icmp_seq ");
    assert!(run.stdout.contains(" of 30 echoes lost ("), "{}", run.stdout);
    Ok(())
}

fn delete(cluster: &Cluster, pod: &Pod) -> Result<()> {
    let words = ["delete", "pod", &pod.name, "-n", &pod.namespace, "--wait=false"];
    cluster.kubectl(words).map(drop)
}
