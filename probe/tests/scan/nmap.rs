//! The same states as nmap says.

use std::{collections::BTreeMap, net::UdpSocket};

use netdiag_wire::scan::{PortState, Ports, ScanMethod, ScanRequest};

use super::{Scanned, full, listen, ports, request, scan};
use crate::lab::{Lab, Netns, SERVER};

/// By nmap's words.
type States = BTreeMap<u16, &'static str>;

fn ours(scanned: &Scanned) -> States {
    let word = |state: PortState| match state {
        PortState::Open => "open",
        PortState::Closed => "closed",
        PortState::Filtered => "filtered",
        PortState::OpenOrFiltered => "open|filtered",
        PortState::Unknown => "unknown",
    };
    let open = scanned.report.ports.iter().map(|port| (port.port, word(port.state)));
    let rest = scanned.report.rest.iter().flat_map(|rest| {
        rest.ports.iter().map(|port| (port, word(rest.state))).collect::<Vec<_>>()
    });
    open.chain(rest).collect()
}

/// `Host: 10.9.2.2 ()  Ports: 20/closed/tcp//ftp-data///, 22/open/tcp//ssh///`.
fn theirs(from: &Netns, flags: &[&str], asked: &str) -> States {
    let arguments = [&["-n", "-Pn", "-v", "-oG", "-", "-p", asked], flags, &[SERVER]].concat();
    let output = from.output("nmap", &arguments);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.split_once("Ports: ")).unwrap().1;
    let ignored =
        line.split_once("Ignored State: ").map(|(_, word)| word.split(' ').next().unwrap());
    let all: Ports = asked.parse().unwrap();
    let word = |word: &str| match word {
        "open" => "open",
        "closed" => "closed",
        "filtered" => "filtered",
        "open|filtered" => "open|filtered",
        other => panic!("{other}"),
    };
    let rest =
        ignored.into_iter().flat_map(|state| all.iter().map(move |port| (port, word(state))));
    let mut states: States = rest.collect();
    for part in line.split('\t').next().unwrap().split(", ") {
        let mut fields = part.split('/');
        let port = fields.next().unwrap().trim().parse().unwrap();
        states.insert(port, word(fields.next().unwrap()));
    }
    states
}

fn target() -> (Lab, Vec<std::net::TcpListener>) {
    let lab = Lab::new();
    // The second tool would not get past the rate limits.
    for node in [&lab.router, &lab.server] {
        node.sysctl("ipv4/icmp_ratemask", "0");
    }
    let listeners = [22, 80, 95].map(|port| listen(&lab.server, port)).into();
    lab.server.filter("tcp dport 30-32 counter drop");
    let reject = |ports: &str, with: &str| {
        lab.router.nft(&format!("add rule inet t forward {ports} reject with {with}"));
    };
    lab.router.nft("add table inet t");
    lab.router.nft("add chain inet t forward { type filter hook forward priority 0; }");
    for (port, with) in [
        ("40", "icmp net-unreachable"),
        ("41", "icmp host-unreachable"),
        ("42", "icmp prot-unreachable"),
        ("43", "icmp port-unreachable"),
        ("44", "icmp net-prohibited"),
        ("45", "icmp host-prohibited"),
        ("46", "icmp admin-prohibited"),
    ] {
        reject(&format!("tcp dport {port}"), with);
        reject(&format!("udp dport {port}"), with);
    }
    reject("tcp dport 47", "tcp reset");
    (lab, listeners)
}

#[test]
fn tcp_states_are_nmaps() {
    let (lab, _listeners) = target();
    for (method, flag) in [(ScanMethod::Syn, "-sS"), (ScanMethod::Connect, "-sT")] {
        let scanned = scan(&lab.client, &request(method, SERVER, "20-100"));
        let mut expected = theirs(&lab.client, &[flag], "20-100");
        // By connecting, nmap can't tell a router's port unreachable from a RST.
        expected.insert(43, "filtered");
        assert_eq!(ours(&scanned), expected, "{method:?}");
    }
}

#[test]
fn udp_states_are_nmaps() {
    let (lab, _listeners) = target();
    let _silent = lab.server.enter(|| UdpSocket::bind("0.0.0.0:50").unwrap());
    lab.server.nft("add rule inet t input udp dport 51 counter drop");
    let mut request = ScanRequest::to(SERVER, Ports::default());
    request.udp = ports("40-60");
    let scanned = scan(&lab.client, &full(request));
    assert_eq!(ours(&scanned), theirs(&lab.client, &["-sU"], "40-60"));
}
