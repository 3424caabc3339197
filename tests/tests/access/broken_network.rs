//! The agent outlives the network that it diagnoses: its own way to the API server is the node's.

use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use netdiag_tests::lab::addresses::{CONTROL, KUBERNETES_SERVICE};
use netdiag_tests::{
    Cluster, Netns, Node, Pod, command, lab::owner::Note, lab::settings::ProxyMode, turn, wait,
};
use serde_json::Value;

/// A way to break a node's pod network, and what it leaves of a ping to another node.
struct Breakage {
    name: &'static str,
    /// Typed on the node.
    line: &'static str,
    mend: &'static str,
    /// Where a pod of that node gets no connection any more.
    cut: (&'static str, u16),
    exit: i32,
}

const FORWARDING: [Breakage; 2] = [
    Breakage {
        name: "ip_forward=0",
        line: "sysctl -qw net.ipv4.ip_forward=0",
        mend: "sysctl -qw net.ipv4.ip_forward=1",
        cut: (CONTROL, 6443),
        exit: 1,
    },
    Breakage {
        name: "FORWARD DROP",
        line: "iptables -P FORWARD DROP",
        mend: "iptables -P FORWARD ACCEPT",
        cut: (CONTROL, 6443),
        exit: 1,
    },
];

/// kube-proxy's rules are gone, as its mode has them.
fn without_services(mode: ProxyMode) -> Breakage {
    let (line, mend) = match mode {
        ProxyMode::Iptables => {
            ("iptables -t nat -F KUBE-SERVICES", "iptables-restore /run/service-rules")
        }
        ProxyMode::Nftables => ("nft delete table ip kube-proxy", "nft -f /run/service-rules"),
    };
    // From pod to pod no Service is asked.
    Breakage { name: "Service rules flushed", line, mend, cut: (KUBERNETES_SERVICE, 443), exit: 0 }
}

fn save_rules(cluster: &Cluster, mode: ProxyMode) -> Result<()> {
    let list = match mode {
        ProxyMode::Iptables => "iptables-save -t nat",
        ProxyMode::Nftables => "nft list table ip kube-proxy",
    };
    let script = format!("{list} >/run/service-rules");
    cluster.in_node(Node::First, ["sh", "-c", &script]).map(drop)
}

#[test]
#[ignore = "needs a cluster: breaks a node's pod network in three ways"]
fn an_agent_outlives_the_pod_network_of_its_node() -> Result<()> {
    let _turn = turn::alone();
    let cluster = Cluster::with_agents()?;
    let source = cluster.pod("source").on(Node::First).start()?;
    let target = cluster.pod("target").on(Node::Second).start()?;
    let _ = ping(&cluster, &source, &target)?.0;
    let mode = Note::read().context("no cluster is up")?.settings.proxy_mode;
    save_rules(&cluster, mode)?;
    for breakage in FORWARDING.iter().chain([&without_services(mode)]) {
        let fault = Fault::make(&cluster, breakage)?;
        fault.is_felt(&source)?;
        forget_connections(&cluster)?;
        let (exit, report) = ping(&cluster, &source, &target)?;
        println!(
            "{}: exit {exit:?}, sent {}, replied {}",
            breakage.name, report["sent"], report["replied"]
        );
        assert_eq!(exit, Some(breakage.exit), "{}: {report:#}", breakage.name);
        assert_eq!(report["sent"], 2, "{}", breakage.name);
        drop(fault);
        wait::until("the network is whole again", Duration::from_secs(20), || {
            let (exit, report) = ping(&cluster, &source, &target)?;
            ensure!(exit == Some(0), "{report}");
            Ok(())
        })?;
    }
    Ok(())
}

/// Exit code and report of two echo requests.
fn ping(cluster: &Cluster, from: &Pod, to: &Pod) -> Result<(Option<i32>, Value)> {
    let run = cluster.netdiag([
        "ping",
        &to.target(),
        "--from",
        &from.target(),
        "-c2",
        "-i0.2",
        "-W1",
        "-ojson",
    ])?;
    let document: Value = serde_json::from_str(&run.stdout)
        .with_context(|| format!("no report; exit {:?}: {}", run.code, run.stderr))?;
    Ok((run.code, document["ping"].clone()))
}

/// Ends the node's connections to the API server: what is asked next has to find its way anew.
fn forget_connections(cluster: &Cluster) -> Result<()> {
    for address in [KUBERNETES_SERVICE, CONTROL] {
        cluster.in_node(Node::First, ["ss", "-HKt", "dst", address, "dport", "!=", ":10250"])?;
    }
    Ok(())
}

/// Mended on drop.
struct Fault {
    cut: SocketAddr,
    mend: Option<Command>,
}

impl Fault {
    fn make(cluster: &Cluster, breakage: &Breakage) -> Result<Self> {
        let mend = cluster.node_command(Node::First, breakage.mend.split(' '))?;
        let (address, port) = breakage.cut;
        let cut = SocketAddr::new(address.parse()?, port);
        let fault = Self { cut, mend: Some(mend) };
        cluster.in_node(Node::First, breakage.line.split(' '))?;
        Ok(fault)
    }

    /// A pod of that node reaches the API server no more.
    fn is_felt(&self, pod: &Pod) -> Result<()> {
        let netns = Netns::of_pod(pod)?;
        let connect = || {
            let wait = Duration::from_millis(500);
            Ok(TcpStream::connect_timeout(&self.cut, wait).is_ok())
        };
        let reached = netns.run(connect)?;
        ensure!(!reached, "{} still reaches {}", pod.target(), self.cut);
        Ok(())
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        // The node may be gone already.
        let _ = self.mend.take().map(command::finish);
    }
}
