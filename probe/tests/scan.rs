//! Scans of targets whose ports are known.

use std::{
    net::{TcpListener, UdpSocket},
    time::{Duration, Instant},
};

use netdiag_probe::{Probe, ProbeError, names::ResolverFiles, scan::ScanSockets};
use netdiag_wire::{
    EndReason,
    scan::{
        PortState, Ports, Scan, ScanEvent, ScanFold, ScanLane, ScanMethod, ScanReport, ScanRequest,
        ScanWhy,
    },
};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

mod arrivals;
mod discovery;
mod limits;
mod nmap;

use crate::background::{Background, LOOK, came};
use crate::lab::{Lab, Netns, ROUTER, SERVER, SERVER6, runtime};

const METHODS: &[ScanMethod] = &[ScanMethod::Syn, ScanMethod::Connect];

pub(crate) fn full(request: ScanRequest) -> Scan {
    Scan { request, lane: ScanLane::Full }
}

/// Runs the engine to its end in that namespace.
pub(crate) fn scan(from: &Netns, scan: &Scan) -> Scanned {
    from.enter(|| run(scan, &CancellationToken::new())).unwrap()
}

fn run(scan: &Scan, stop: &CancellationToken) -> Result<Scanned, ProbeError> {
    let sockets = scan.open()?;
    drive(&runtime(), scan, sockets, stop)
}

fn drive(
    runtime: &Runtime,
    scan: &Scan,
    sockets: ScanSockets,
    stop: &CancellationToken,
) -> Result<Scanned, ProbeError> {
    let (mut fold, mut events) = (ScanFold::default(), Vec::new());
    let mut emit = |event: ScanEvent| {
        fold.push(&event);
        events.push(event);
    };
    let files = ResolverFiles::default();
    runtime.block_on(scan.run(sockets, &files, &|_| Ok(()), &mut emit, stop.clone()))?;
    Ok(Scanned { report: fold.report(Some(EndReason::Completed), None), events })
}

#[derive(Debug)]
pub(crate) struct Scanned {
    pub(crate) events: Vec<ScanEvent>,
    pub(crate) report: ScanReport,
}

impl Scanned {
    pub(crate) fn open(&self) -> Vec<u16> {
        self.report.ports.iter().map(|port| port.port).collect()
    }

    /// `closed rst: 1-21,23-79`, one for each group.
    pub(crate) fn rest(&self) -> Vec<String> {
        let by = |by: Option<std::net::IpAddr>| by.map_or(String::new(), |by| format!(" {by}"));
        let groups =
            self.report.rest.iter().map(|rest| {
                format!("{:?} {:?}{}: {}", rest.state, rest.why, by(rest.by), rest.ports)
            });
        groups.collect()
    }
}

fn ports(written: &str) -> Ports {
    written.parse().unwrap()
}

fn request(method: ScanMethod, target: &str, tcp: &str) -> Scan {
    let mut request = ScanRequest::to(target, ports(tcp));
    request.method = method;
    full(request)
}

#[test]
fn open_closed_rejected_and_dropped_ports_are_told_apart() {
    let lab = Lab::new();
    let _listeners: Vec<_> = [22, 80, 443].map(|port| listen(&lab.server, port)).into();
    lab.server.filter("tcp dport 81 counter drop");
    lab.router.nft("add table inet t");
    lab.router.nft("add chain inet t forward { type filter hook forward priority 0; }");
    lab.router.nft("add rule inet t forward tcp dport 82 reject with icmpx admin-prohibited");
    for &method in METHODS {
        for (target, router) in [(SERVER, ROUTER), (SERVER6, "fd09:1::1")] {
            let scanned = scan(&lab.client, &request(method, target, "20-100,443"));
            assert_eq!(scanned.open(), [22, 80, 443], "{scanned:#?}");
            let rejected = format!("Filtered Rejected {router}: 82");
            let closed = "Closed Rst: 20-21,23-79,83-100".to_owned();
            let expected = [closed, "Filtered Silence: 81".into(), rejected];
            assert_eq!(scanned.rest(), expected, "{method:?} {target}");
            assert_eq!(scanned.report.method, Some(method));
        }
    }
}

#[test]
fn every_port_is_asked() {
    let lab = Lab::new();
    let _listeners: Vec<_> = [1, 1_234, 65_535].map(|port| listen(&lab.server, port)).into();
    for &method in METHODS {
        let before = Instant::now();
        let scanned = scan(&lab.client, &request(method, SERVER, "-"));
        assert_eq!(scanned.open(), [1, 1_234, 65_535]);
        assert_eq!(scanned.rest(), ["Closed Rst: 2-1233,1235-65534"]);
        assert!(before.elapsed() < Duration::from_secs(20), "{:?}", before.elapsed());
    }
}

fn listen(namespace: &Netns, port: u16) -> TcpListener {
    namespace.enter(|| TcpListener::bind(("::", port)).unwrap())
}

#[test]
fn a_silent_port_is_not_called_open() {
    let lab = Lab::new();
    lab.server.filter("counter drop");
    let scanned = scan(&lab.client, &request(ScanMethod::Connect, SERVER, "1-100"));
    assert_eq!(scanned.rest(), ["Filtered Silence: 1-100"]);
    let group = &scanned.report.rest[0];
    assert_eq!((group.state, group.why), (PortState::Filtered, ScanWhy::Silence));
    assert!(matches!(scanned.events.last(), Some(ScanEvent::Done { asked_again: 100, .. })));
}

#[test]
fn udp_ports_are_told_apart_in_spite_of_rate_limits() {
    let lab = Lab::new();
    let answers = lab.server.enter(|| UdpSocket::bind("[::]:2000").unwrap());
    let _silent = lab.server.enter(|| UdpSocket::bind("[::]:2001").unwrap());
    answers.set_read_timeout(LOOK).unwrap();
    let _answering = Background::repeat(move || {
        if let Some((_, from)) = came(answers.recv_from(&mut [0; 512])) {
            answers.send_to(b"here", from).unwrap();
        }
    });
    lab.server.filter("udp dport 2002 counter drop");
    lab.router.nft("add table inet t");
    lab.router.nft("add chain inet t forward { type filter hook forward priority 0; }");
    lab.router.nft("add rule inet t forward udp dport 2003 reject with icmpx admin-prohibited");
    for (target, router) in [(SERVER, ROUTER), (SERVER6, "fd09:1::1")] {
        let mut request = ScanRequest::to(target, Ports::default());
        request.udp = ports("2000-2012");
        let scanned = scan(&lab.client, &full(request));
        assert_eq!(scanned.open(), [2000], "{scanned:#?}");
        let expected = [
            format!("Closed Rejected {target}: 2004-2012"),
            format!("Filtered Rejected {router}: 2003"),
            "OpenOrFiltered Silence: 2001-2002".to_owned(),
        ];
        assert_eq!(scanned.rest(), expected, "{target}");
    }
}
