//! T9: only the namespace that holds the pod's address is the pod's.

use anyhow::{Context, Result};
use netdiag_tests::{Cluster, Netns, Node, command, turn};
use serde_json::{Value, json};

#[test]
#[ignore = "needs a cluster: a pod makes namespaces of its own"]
fn t9_unshared_children_do_not_count() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    // Most of its processes, the container's first one too, live in other namespaces.
    let script = "for i in 1 2 3 4 5; do unshare -n sleep 1000000 & done; \
                  exec unshare -n sleep 1000000";
    let nested = cluster.pod("nested").on(Node::First).privileged().command(["sh", "-c", script]);
    let nested = nested.start()?;
    let namespaces = namespaces(&nested.processes()?);
    let run = cluster.netdiag([
        "ping",
        &nested.ip().to_string(),
        "--from",
        &nested.target(),
        "-c1",
        "-o",
        "ndjson",
    ])?;
    let run = run.exits(0);
    let lines = run.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let started = lines.into_iter().find(|line| line["event"] == "started").context("a start")?;
    assert_eq!(started["source"], json!(nested.ip()));
    assert!(namespaces >= 7, "{namespaces} namespaces");
    println!("{namespaces} namespaces in one pod, probed from the one with its address");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: takes a pod's address away"]
fn t9_foreign_namespace() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let target = cluster.pod("target").on(Node::First).start()?;
    let bare = cluster.pod("bare").on(Node::First).start()?;
    let ping = ["ping", &target.target(), "--from", &bare.target(), "-c1"];
    let _ = cluster.netdiag(ping)?.exits(0);

    Netns::of_pod(&bare)?.run(|| command::run_words("ip addr flush dev eth0"))?;
    let run = cluster.netdiag(ping)?.exits(2);
    let words = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("does not hold its address"), "{words}");

    // Another address in its place is as foreign.
    let add = "ip addr add 10.244.1.253/24 dev eth0";
    Netns::of_pod(&bare)?.run(|| command::run_words(add))?;
    let _ = cluster.netdiag(ping)?.exits(2);
    println!("without the pod's address, and with another one: exit 2, {words}");
    Ok(())
}

fn namespaces(pids: &[u32]) -> usize {
    let links =
        pids.iter().filter_map(|pid| std::fs::read_link(format!("/proc/{pid}/ns/net")).ok());
    links.collect::<std::collections::BTreeSet<_>>().len()
}
