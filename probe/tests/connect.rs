//! Checks of ports whose behaviour is known.

mod servers;
mod side_by_side;

use std::{
    net::{IpAddr, TcpListener},
    time::{Duration, Instant},
};

use netdiag_probe::{Probe, ProbeError, names::ResolverFiles};
use netdiag_wire::{
    EndReason, IcmpMeaning, SendRefusal,
    connect::{
        ConnectAttempt, ConnectEvent, ConnectFold, ConnectOutcome, ConnectProtocol, ConnectReport,
        ConnectRequest,
    },
};
use tokio_util::sync::CancellationToken;

use crate::lab::{Lab, Netns, ROUTER, SERVER, SERVER6, runtime};

/// Runs the engine to its end in that namespace.
pub(crate) fn connect(from: &Netns, request: &ConnectRequest) -> ConnectReport {
    from.enter(|| run(request, &ResolverFiles::default(), &CancellationToken::new())).unwrap()
}

fn run(
    request: &ConnectRequest,
    files: &ResolverFiles,
    stop: &CancellationToken,
) -> Result<ConnectReport, ProbeError> {
    let sockets = request.open()?;
    let mut fold = ConnectFold::default();
    let mut emit = |event: ConnectEvent| fold.push(&event, jiff::Timestamp::now());
    runtime().block_on(request.run(sockets, files, &|_| Ok(()), &mut emit, stop.clone()))?;
    Ok(fold.report(Some(EndReason::Completed)))
}

fn only(report: &ConnectReport) -> &ConnectAttempt {
    assert_eq!(report.attempts.len(), 1, "{report:#?}");
    &report.attempts[0]
}

fn outcome(lab: &Lab, request: &ConnectRequest) -> ConnectOutcome {
    only(&connect(&lab.client, request)).outcome.clone()
}

fn udp(host: &str, port: u16) -> ConnectRequest {
    let request = ConnectRequest::to(host, port);
    ConnectRequest { protocol: ConnectProtocol::Udp, wait_us: Some(300_000), ..request }
}

fn short(host: &str, port: u16) -> ConnectRequest {
    ConnectRequest { wait_us: Some(300_000), ..ConnectRequest::to(host, port) }
}

#[test]
fn a_listener_takes_the_connection_in_both_families() {
    let lab = Lab::new();
    let _listener = lab.server.enter(|| TcpListener::bind("[::]:80").unwrap());
    // What an Ethernet packet has left (RFC 6691).
    for (host, mss) in [(SERVER, 1460), (SERVER6, 1440)] {
        let report = connect(&lab.client, &ConnectRequest::to(host, 80));
        let attempt = only(&report);
        let silent = ConnectOutcome::Connected { banner: None, closed: false };
        assert_eq!(attempt.outcome, silent, "{host}");
        assert_eq!(attempt.mss, Some(mss), "{host}");
        assert_eq!(attempt.remote.ip(), host.parse::<IpAddr>().unwrap());
        assert_eq!(Some(attempt.local.unwrap().ip()), report.targets[0].source_address);
    }
}

#[test]
fn who_refuses_is_as_many_routers_away_as_the_reset_crossed() {
    let lab = Lab::new();
    for (host, routers) in [(SERVER, 1), (SERVER6, 1), (ROUTER, 0)] {
        let refused = outcome(&lab, &ConnectRequest::to(host, 80));
        assert!(matches!(refused, ConnectOutcome::Refused { .. }), "{refused:?}");
        assert_eq!(refused.routers(), Some(routers), "{host}: {refused:?}");
    }
    // A rule of the router's that answers in the server's name.
    lab.router.nft("add table inet t");
    lab.router.nft("add chain inet t forward { type filter hook forward priority 0; }");
    lab.router.nft("add rule inet t forward tcp dport 80 reject with tcp reset");
    assert_eq!(outcome(&lab, &ConnectRequest::to(SERVER, 80)).routers(), Some(0));
}

#[test]
fn who_rejects_is_named_with_its_words() {
    let lab = Lab::new();
    lab.router.nft("add table inet t");
    lab.router.nft("add chain inet t forward { type filter hook forward priority 0; }");
    lab.router.nft("add rule inet t forward tcp dport 80 reject with icmpx type port-unreachable");
    lab.router.nft("add rule inet t forward tcp dport 81 reject with icmpx type admin-prohibited");
    for (port, meaning) in [(80, IcmpMeaning::PortUnreachable), (81, IcmpMeaning::AdminProhibited)]
    {
        let rejected = outcome(&lab, &ConnectRequest::to(SERVER, port));
        let ConnectOutcome::Rejected { by, icmp } = rejected else { panic!("{rejected:?}") };
        assert_eq!((by, icmp.meaning), (ROUTER.parse().unwrap(), meaning));
    }
}

/// Older kernels send after 0, 1 and 3 s, newer ones every second.
#[test]
fn at_least_three_syns_go_out_before_silence_is_said_and_all_are_counted() {
    let lab = Lab::new();
    lab.server.filter("tcp dport 80 counter drop");
    let report = connect(&lab.client, &ConnectRequest::to(SERVER, 80));
    let attempt = only(&report);
    let ConnectOutcome::Silence { sent, bytes: None } = attempt.outcome else {
        panic!("{report:#?}")
    };
    assert!(sent >= 3, "{attempt:?}");
    assert!((3_100_000..3_600_000).contains(&attempt.took_us), "{attempt:?}");
    let counted = lab.server.output("nft", &["list", "table", "inet", "t"]).stdout;
    let counted = String::from_utf8_lossy(&counted);
    assert!(counted.contains(&format!("packets {sent} ")), "{sent}: {counted}");
}

#[test]
fn what_is_not_sent_says_why() {
    let lab = Lab::new();
    lab.client.ip("route del default");
    let not_sent = outcome(&lab, &ConnectRequest::to(SERVER, 80));
    assert_eq!(not_sent, ConnectOutcome::NotSent { refusal: SendRefusal::NoRoute });
    assert_eq!(
        outcome(&lab, &udp(SERVER, 80)),
        ConnectOutcome::NotSent { refusal: SendRefusal::NoRoute }
    );
}

/// The fixture of a mesh: what the app sends is redirected to a listener of uid 1337, whose own
/// connections are not. Its healthy twin has the proxy and no rule.
#[test]
fn a_connection_with_the_sources_own_proxy_is_none() {
    let lab = Lab::new();
    let _server = lab.server.enter(|| TcpListener::bind("0.0.0.0:80").unwrap());
    let _proxy = lab.client.enter(|| TcpListener::bind("0.0.0.0:15001").unwrap());
    let connected = ConnectOutcome::Connected { banner: None, closed: false };
    assert_eq!(outcome(&lab, &ConnectRequest::to(SERVER, 80)), connected);
    lab.client.nft("add table ip mesh");
    lab.client.nft("add chain ip mesh out { type nat hook output priority -100; }");
    lab.client.nft(
        "add rule ip mesh out meta skuid != 1337 ip daddr 10.9.2.2 tcp dport 1-1024 redirect to :15001",
    );
    // Also where nobody listens.
    for port in [80, 81] {
        let taken = outcome(&lab, &ConnectRequest::to(SERVER, port));
        assert_eq!(taken, ConnectOutcome::Intercepted, "{port}");
    }
}

#[test]
fn a_listener_of_the_sources_own_is_no_proxy() {
    let lab = Lab::new();
    let _listener = lab.client.enter(|| TcpListener::bind("0.0.0.0:80").unwrap());
    for host in ["127.0.0.1", "10.9.1.2"] {
        let taken = outcome(&lab, &ConnectRequest::to(host, 80));
        assert!(taken.is_well(), "{host}: {taken:?}");
    }
}

#[test]
fn both_families_of_a_name_are_tried_and_the_first_connection_wins() {
    let lab = Lab::new();
    let _listener = lab.server.enter(|| TcpListener::bind("0.0.0.0:80").unwrap());
    let hosts = format!("{SERVER} both\n{SERVER6} both\n").into_bytes();
    let files = ResolverFiles { hosts, ..ResolverFiles::default() };
    let tried = || {
        let request = ConnectRequest::to("both", 80);
        lab.client.enter(|| run(&request, &files, &CancellationToken::new())).unwrap()
    };
    let words = |report: &ConnectReport| -> Vec<String> {
        let word =
            |a: &ConnectAttempt| format!("{} {} {}", a.remote.ip(), a.outcome.word(), a.beside);
        report.attempts.iter().map(word).collect()
    };
    assert_eq!(
        words(&tried()),
        [format!("{SERVER6} refused true"), format!("{SERVER} connected false")]
    );
    lab.server.filter("meta nfproto ipv6 tcp dport 80 drop");
    let report = tried();
    assert_eq!(
        words(&report),
        [format!("{SERVER6} abandoned true"), format!("{SERVER} connected false")]
    );
    assert_eq!((report.rounds(), report.well()), (1, 1));
}

#[test]
fn rounds_keep_to_count_interval_and_time() {
    let lab = Lab::new();
    let _listener = lab.server.enter(|| TcpListener::bind("0.0.0.0:80").unwrap());
    let request = ConnectRequest {
        count: std::num::NonZeroU32::new(5),
        interval_us: 400_000,
        banner_us: 0,
        ..ConnectRequest::to(SERVER, 80)
    };
    let start = Instant::now();
    let report = connect(&lab.client, &request);
    assert_eq!((report.rounds(), report.well(), report.tallies.len()), (5, 5, 1));
    assert!(start.elapsed() >= Duration::from_millis(1_600));
    let request = ConnectRequest { count: None, for_us: Some(2_000_000), ..request };
    let rounds = connect(&lab.client, &request).rounds();
    assert!((2..=6).contains(&rounds), "{rounds}");
}

#[test]
fn many_targets_are_asked_at_once() {
    let lab = Lab::new();
    lab.server.filter("tcp dport 1000-1099 drop");
    let mut request = short(SERVER, 1000);
    request.concurrency = 64;
    let target = request.targets[0].clone();
    request.targets = (1000..1064)
        .map(|port| netdiag_wire::connect::ConnectTarget { port, ..target.clone() })
        .collect();
    let start = Instant::now();
    let report = connect(&lab.client, &request);
    assert_eq!((report.rounds(), report.well()), (64, 0));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn a_stopped_check_ends_at_once_with_what_it_has() {
    let lab = Lab::new();
    lab.server.filter("tcp dport 80 drop");
    let stop = CancellationToken::new();
    let request = ConnectRequest::to(SERVER, 80);
    let start = Instant::now();
    let report = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(100));
            stop.cancel();
        });
        lab.client.enter(|| run(&request, &ResolverFiles::default(), &stop)).unwrap()
    });
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    assert_eq!((report.targets.len(), report.rounds()), (1, 0));
}

#[test]
fn source_address_and_port_are_those_that_were_asked_for() {
    let lab = Lab::new();
    let listener = lab.server.enter(|| TcpListener::bind("0.0.0.0:80").unwrap());
    lab.client.ip("addr add 10.9.1.77/24 dev eth0");
    let mut request = ConnectRequest::to(SERVER, 80);
    request.source_address = Some("10.9.1.77".parse().unwrap());
    request.source_port = Some(40_404);
    assert!(outcome(&lab, &request).is_well());
    assert_eq!(listener.accept().unwrap().1, "10.9.1.77:40404".parse().unwrap());
    request.source_address = Some("10.9.1.78".parse().unwrap());
    let refused = lab.client.enter(|| request.open().unwrap_err());
    assert!(refused.to_string().contains("10.9.1.78"), "{refused}");
}
