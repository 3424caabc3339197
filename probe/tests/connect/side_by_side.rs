//! The same ports asked by netdiag, nc and telnet in one namespace and run.

use netdiag_wire::connect::{ConnectOutcome, ConnectRequest};

use super::{connect, only, servers, short, udp};
use crate::lab::{Lab, SERVER};

/// A port, what we say of it, and what the classic tools say.
struct Case {
    port: u16,
    ours: &'static str,
    banner: Option<&'static str>,
    /// The words in `nc -zv`'s line.
    nc: &'static str,
    /// The words in telnet's output.
    telnet: &'static str,
    /// Why the tools differ, where they do.
    _why: &'static str,
}

const fn case(
    port: u16,
    ours: &'static str,
    nc: &'static str,
    telnet: &'static str,
    why: &'static str,
) -> Case {
    Case { port, ours, banner: None, nc, telnet, _why: why }
}

const CONNECTED: &str = "Connected to";
const TCP: [Case; 10] = [
    case(servers::SILENT, "connected", "succeeded", CONNECTED, ""),
    Case {
        banner: Some("220 mail.test ESMTP\r\n"),
        ..case(servers::BANNER, "connected", "succeeded", CONNECTED, "")
    },
    case(servers::REFUSED, "refused", "Connection refused", "Connection refused", ""),
    case(
        servers::DROPPED,
        "silence",
        "timed out",
        "",
        "telnet waits 127 s; it is ended after 2 s and has said nothing by then",
    ),
    case(
        servers::REJECTED,
        "rejected",
        "Connection refused",
        "Connection refused",
        "the errno of a port unreachable is that of a RST; who said it is in the error queue",
    ),
    case(
        servers::RESET,
        "reset",
        "succeeded",
        CONNECTED,
        "nc -z mostly closes before the RST comes, which it otherwise calls a failure to connect",
    ),
    case(servers::HALF_CLOSED, "connected", "succeeded", CONNECTED, "ours says closed besides"),
    case(
        servers::SLOW,
        "connected",
        "succeeded",
        CONNECTED,
        "the greeting comes after our wait for it (100 ms) and is not waited for by nc -z",
    ),
    case(servers::HUGE, "connected", "succeeded", CONNECTED, ""),
    case(servers::TLS, "connected", "succeeded", CONNECTED, ""),
];

#[test]
fn nc_and_telnet_say_the_same_of_twelve_servers_or_there_is_a_reason() {
    let lab = Lab::new();
    servers::start(&lab);
    for case in &TCP {
        let report = connect(&lab.client, &short(SERVER, case.port));
        let attempt = only(&report);
        assert_eq!(attempt.outcome.word(), case.ours, "{}: {attempt:?}", case.port);
        if let ConnectOutcome::Connected { banner: Some(banner), .. } = &attempt.outcome
            && let Some(wanted) = case.banner
        {
            assert_eq!(banner.as_bytes(), wanted.as_bytes());
        }
        let port = case.port.to_string();
        let nc = lab.client.output("nc", &["-z", "-v", "-w", "1", SERVER, &port]);
        let said = String::from_utf8_lossy(&nc.stderr);
        // It connects, and then meets the RST or closes before it comes.
        let is_reset = case.port == servers::RESET && said.contains("Connection reset by peer");
        assert!(said.contains(case.nc) || is_reset, "{port}: nc {said}");
        assert_eq!(nc.status.success(), case.nc == "succeeded" && !is_reset, "{port}: {said}");
        let telnet = lab.client.output("timeout", &["2", "telnet", SERVER, &port]);
        let said = [telnet.stdout, telnet.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains(case.telnet), "{port}: telnet {said}");
        assert_eq!(said.contains(CONNECTED), case.telnet == CONNECTED, "{port}: {said}");
    }
    assert_datagrams(&lab);
}

/// nc calls a UDP port open when its datagrams were not rejected: silence succeeds there.
fn assert_datagrams(lab: &Lab) {
    for (port, ours, nc_succeeds) in [
        (servers::UDP_ECHO, "replied", true),
        (servers::UDP_SILENT, "silence", true),
        (servers::REFUSED, "rejected", false),
    ] {
        let request = ConnectRequest { send: Some("hello".into()), ..udp(SERVER, port) };
        let report = connect(&lab.client, &request);
        assert_eq!(only(&report).outcome.word(), ours, "{port}: {report:#?}");
        let nc = lab.client.output("nc", &["-z", "-v", "-u", "-w", "1", SERVER, &port.to_string()]);
        assert_eq!(nc.status.success(), nc_succeeds, "{port}: {nc:?}");
    }
}

#[test]
fn what_comes_with_and_after_the_connection_is_told() {
    let lab = Lab::new();
    servers::start(&lab);
    let outcome = |port| only(&connect(&lab.client, &short(SERVER, port))).outcome.clone();
    assert_eq!(
        outcome(servers::HALF_CLOSED),
        ConnectOutcome::Connected { banner: None, closed: true }
    );
    let ConnectOutcome::Connected { banner: Some(banner), closed: false } = outcome(servers::HUGE)
    else {
        panic!("a banner")
    };
    assert_eq!(banner.as_bytes(), [b'x'; netdiag_wire::connect::MAX_KEPT]);
    let patient = ConnectRequest { banner_us: 1_000_000, ..short(SERVER, servers::SLOW) };
    let report = connect(&lab.client, &patient);
    let late = ConnectOutcome::Connected { banner: Some("late\r\n".into()), closed: false };
    assert_eq!(only(&report).outcome, late);
    assert!(only(&report).took_us < 400_000, "the handshake alone is timed");
}
