//! T1: nobody reaches an agent's listener over the network.

use std::net::IpAddr;
use std::panic::resume_unwind;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use netdiag_tests::{Agent, Cluster, Netns, Node, command, turn, wait};

use crate::scan::{self, Scan};

#[test]
#[ignore = "needs a cluster: scans its agents"]
fn t1_nothing_listens() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let pods = [
        cluster.pod("near").on(Node::First).start()?,
        cluster.pod("far").on(Node::Second).start()?,
    ];
    let control = cluster.pod("control").on(Node::First).distroless(8080).start()?;
    let vantages = [
        ("a pod of node-1", Netns::of_pod(&pods[0])?),
        ("a pod of node-2", Netns::of_pod(&pods[1])?),
        ("node-1 itself", Netns::of_node(Node::First)?),
        ("node-2 itself", Netns::of_node(Node::Second)?),
    ];
    let agents = [Agent::on(&cluster, Node::First)?, Agent::on(&cluster, Node::Second)?];
    // Most of it is waiting for silent ports.
    let found = thread::scope(|scope| {
        let scans = vantages.each_ref().map(|(who, netns)| {
            let scan = scope.spawn(|| scan_from(netns, control.ip(), &agents));
            (*who, scan)
        });
        scans.map(|(who, scan)| (who, scan.join().unwrap_or_else(|panic| resume_unwind(panic))))
    });
    for (who, scans) in found {
        for (node, scan) in agents.iter().map(|agent| &agent.pod.node).zip(scans?) {
            println!("agent of {node}, from {who}: {scan:?}");
            assert_eq!(scan.open, [0; 0]);
            assert_eq!(scan.closed + scan.silent, 65_535);
        }
    }
    Ok(())
}

/// What each agent shows where the control shows its only port.
fn scan_from(netns: &Netns, control: IpAddr, agents: &[Agent]) -> Result<Vec<Scan>> {
    wait::until("the control listens", Duration::from_secs(10), || {
        let scan = netns.run(|| scan::all_ports(control))?;
        anyhow::ensure!(scan.open == [8080], "{scan:?}");
        Ok(())
    })?;
    agents.iter().map(|agent| netns.run(|| scan::all_ports(agent.pod.ip()))).collect()
}

#[test]
#[ignore = "needs a cluster: looks into its agents' namespaces"]
fn t1_the_only_listener_is_on_loopback() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    for node in [Node::First, Node::Second] {
        let agent = Agent::on(&cluster, node)?;
        let netns = Netns::of_pod(&agent.pod)?;
        let listening = netns.run(|| command::run("ss", ["-Hltn"]))?;
        let lines: Vec<_> = listening.lines().collect();
        println!("{}: {lines:?}", agent.pod.node);
        assert_eq!(lines.len(), 1, "{listening}");
        assert_eq!(lines[0].split_whitespace().nth(3), Some("127.0.0.1:9443"));
        let others = netns.run(|| command::run("ss", ["-Hlunx"]))?;
        assert!(!others.lines().any(|line| line.starts_with("udp")), "{others}");
    }
    Ok(())
}
