//! `scan` on a real cluster: every port of a pod beside nmap in the same network, with what nmap
//! cannot know, and held to a bound where nobody said that it may be scanned.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use anyhow::{Context, Result};
use netdiag_tests::command::run;
use netdiag_tests::{Cluster, Netns, Node, Pod, turn};
use nix::sys::signal::Signal;
use serde_json::Value;

struct Place {
    cluster: Cluster,
    client: Pod,
    /// Says that it has a port 8080 and listens there.
    server: Pod,
    /// Further ones, of a process that is no container's.
    _listeners: [TcpListener; 2],
}

fn place() -> Result<Place> {
    let cluster = Cluster::with_agents()?;
    let client = cluster.pod("client").on(Node::First).start()?;
    let server = cluster.pod("server").on(Node::Second).distroless(8080).start()?;
    let listeners = Netns::of_pod(&server)?.run(|| {
        let everywhere = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 8443))?;
        Ok([everywhere, TcpListener::bind((Ipv4Addr::LOCALHOST, 6060))?])
    })?;
    Ok(Place { cluster, client, server, _listeners: listeners })
}

impl Place {
    fn scan(&self, target: &str, flags: &str) -> Result<netdiag_tests::Run> {
        let line = format!("scan {target} --from {} {flags}", self.client.target());
        self.cluster.netdiag(line.split_whitespace())
    }
}

fn open_ports(report: &Value) -> Result<BTreeSet<u64>> {
    let ports = report["scan"]["ports"].as_array().context("no list of ports")?;
    Ok(ports
        .iter()
        .filter(|port| port["state"] == "open")
        .filter_map(|p| p["port"].as_u64())
        .collect())
}

/// By nmap in the client's own network.
fn open_by_nmap(place: &Place) -> Result<BTreeSet<u64>> {
    let to = place.server.ip().to_string();
    let said = Netns::of_pod(&place.client)?
        .run(|| run("nmap", ["-n", "-Pn", "-sS", "-T4", "-p-", "-oG", "-", &to]))?;
    let list = said.split_once("Ports: ").map_or("", |(_, list)| list);
    let open = list.split(", ").filter_map(|port| port.split_once("/open/"));
    Ok(open.filter_map(|(port, _)| port.trim().parse().ok()).collect())
}

#[test]
#[ignore = "needs a cluster: scans all ports of a pod"]
fn all_ports_of_a_pod_are_those_of_nmap() -> Result<()> {
    let _turn = turn::share();
    let place = place()?;
    let report: Value = place.scan(&place.server.target(), "-p- -o json")?.exits(0).json();
    assert_eq!(open_ports(&report)?, BTreeSet::from([8080, 8443]));
    assert_eq!(open_ports(&report)?, open_by_nmap(&place)?);
    assert_eq!(report["scan"]["lane"], "full", "{report}");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: scans a pod"]
fn what_is_declared_listens_and_leads_there_is_told_beside_each_port() -> Result<()> {
    let _turn = turn::share();
    let place = place()?;
    let screen = place.scan(&place.server.target(), "-p 1-9000 -A")?.exits(0);
    let _ = screen
        .says("\nTCP 1-9000 at full speed: a pod of ")
        .says("8080/tcp  open ")
        .says("  http ")
        .says("\nnot shown: 8,998 closed (rst). Took ")
        .says("\noperating system Linux, by its SYN-ACK: high confidence ")
        .says("\nloopback only, not reachable by anyone else: 127.0.0.1:6060")
        .says("\nWARN     ND0605  8443 is open and declared nowhere");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: scans an address"]
fn a_bare_address_is_held_to_the_limits() -> Result<()> {
    let _turn = turn::share();
    let place = place()?;
    let address = place.server.ip().to_string();
    let refused = place.scan(&address, "-p-")?.refuses(
        "error    ND0040  65,535 ports of a bare address: the limit is 1,024 (chart: limits.scan.ports)",
    );
    let named = format!("  note   the address is {}", place.server.target());
    assert!(refused.stderr.contains(&named), "{refused:?}");
    let held = place.scan(&address, "-p 8080,8443,9090")?.exits(0);
    let _ = held.says(", held to 200/s (limits.scan)\n").says("8443/tcp  open ");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: scans a node's pods"]
fn the_pods_of_a_network_are_found_and_named() -> Result<()> {
    let _turn = turn::share();
    let place = place()?;
    let address = place.server.ip().to_string();
    let network = address.rsplit_once('.').context("an IPv4 address")?.0;
    let screen = place.scan(&format!("{network}.0/24"), "-p 8443")?.exits(0);
    let named = format!("{}, on {}", place.server.target(), place.server.node);
    let _ = screen.says(&format!("{address} ")).says(&named);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: stops a scan"]
fn ctrl_c_ends_a_scan_with_what_it_found() -> Result<()> {
    let _turn = turn::share();
    let place = place()?;
    let line = format!("scan {} -p 8000-8999 --from {}", place.server.ip(), place.client.target());
    let mut running = place.cluster.netdiag_start(line.split_whitespace())?;
    running.wait_for("held to 200/s")?;
    running.signal(Signal::SIGINT)?;
    let _ = running.finish(Duration::from_secs(5))?.exits(1).says("\nUNKNOWN  ND0619  ");
    Ok(())
}
