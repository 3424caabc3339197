//! A socket table for tests: its sockets, what is known of them, and the screen that comes of them.

use std::net::IpAddr;

use netdiag_wire::{
    EndReason, MissingRight, Untrusted,
    sockets::{
        AcceptQueue, Counters, CountersReading, SocketAddress, SocketEntry, SocketProcess,
        SocketProtocol, SocketState, SocketsEvent, SocketsFold, SocketsReport, SocketsRequest,
        SocketsRound, TcpInfo, Which,
    },
};

use super::{SocketsShown, SocketsView, sockets};
use crate::{
    cluster::leads::Lead,
    diagnose,
    finding::{Finding, Peer},
    plan::{DeclaredPort, PortProtocol},
    render::{
        Names, PodFacts, Screen, ServiceFacts,
        scene::{node, pod_peer},
        verdict,
    },
    sockets::Known,
};

pub(crate) struct SocketsScene {
    pub(crate) place: Peer,
    pub(crate) request: SocketsRequest,
    pub(crate) shown: SocketsShown,
    pub(crate) known: Known,
    pub(crate) events: Vec<SocketsEvent>,
    pub(crate) entries: Vec<SocketEntry>,
    pub(crate) screen: Screen,
    pub(crate) ended: Option<EndReason>,
}

pub(crate) fn at(address: &str, port: u16) -> SocketAddress {
    SocketAddress { address: address.parse().unwrap(), port }
}

pub(crate) fn entry(protocol: SocketProtocol, state: SocketState) -> SocketEntry {
    let golden = r#"{"protocol":"tcp","state":"listen"}"#;
    let entry: SocketEntry = serde_json::from_str(golden).unwrap();
    SocketEntry { protocol, state, ..entry }
}

/// A TCP socket that listens.
pub(crate) fn listens(address: &str, port: u16, waiting: u32, limit: u32) -> SocketEntry {
    SocketEntry {
        local: Some(at(address, port)),
        accept_queue: Some(AcceptQueue { waiting, limit }),
        uid: Some(1000),
        inode: Some(4_000 + u32::from(port)),
        ..entry(SocketProtocol::Tcp, SocketState::Listen)
    }
}

/// A TCP connection of 10.244.1.23.
pub(crate) fn connection(state: SocketState, port: u16, peer: (&str, u16)) -> SocketEntry {
    SocketEntry {
        local: Some(at("10.244.1.23", port)),
        peer: Some(at(peer.0, peer.1)),
        receive_queue_bytes: Some(0),
        send_queue_bytes: Some(0),
        uid: Some(1000),
        inode: Some(9_000 + u32::from(port)),
        ..entry(SocketProtocol::Tcp, state)
    }
}

pub(crate) fn process(pid: u32, inside: u32, name: &str, container: &str) -> SocketProcess {
    SocketProcess {
        pid,
        container_pid: Some(inside),
        name: name.into(),
        container_id: Some(container.into()),
    }
}

impl SocketsScene {
    fn new(name: &str, address: [u8; 4], which: Which) -> Self {
        let place = pod_peer(name, address);
        let service = |name: &str, address: &str| ServiceFacts {
            namespace: "shop".into(),
            name: name.into(),
            cluster_ips: vec![address.parse().unwrap()],
            ports: vec![port("http", 80)],
        };
        let pod = |name: &str, address: &str, node: &str| PodFacts {
            namespace: "shop".into(),
            name: name.into(),
            node: Some(node.into()),
            addresses: vec![address.parse().unwrap()],
            ..PodFacts::default()
        };
        let names = Names {
            nodes: (1..4).map(node).collect(),
            pods: vec![pod("db-1", "10.244.2.18", "node-2")],
            services: vec![service("checkout", "10.96.14.7"), service("search", "10.96.77.9")],
        };
        let own: Vec<IpAddr> = place.address.into_iter().collect();
        let containers = [("8f3c", "app"), ("17aa", "istio-proxy")];
        let containers = containers.map(|(id, name)| (id.to_owned(), name.to_owned()));
        Self {
            place,
            request: SocketsRequest { which, ..SocketsRequest::default() },
            shown: SocketsShown {
                is_default_set: which == Which::Connected,
                has_names: true,
                ..SocketsShown::default()
            },
            known: Known { names, own, containers: containers.into(), ..Known::default() },
            events: Vec::new(),
            entries: Vec::new(),
            screen: Screen::default(),
            ended: Some(EndReason::Completed),
        }
    }

    /// The pod of the screens that listens: `sockets pod/checkout-... -l -p`.
    pub(crate) fn listening() -> Self {
        let mut scene = Self::new("checkout-7f8d6c9b4-9zq4m", [10, 244, 2, 7], Which::Listening);
        scene.request.processes = true;
        scene
            .then(SocketsEvent::Process(process(4711, 1, "node", "8f3c")))
            .then(SocketsEvent::Process(process(4790, 17, "envoy", "17aa")))
    }

    /// The client pod of all examples: `sockets pod/web-... -t`.
    pub(crate) fn connected() -> Self {
        let mut scene = Self::new("web-7d4c9b5f6-x2x9z", [10, 244, 1, 23], Which::Connected);
        scene.request.protocols = vec![SocketProtocol::Tcp];
        scene
    }

    pub(crate) fn then(mut self, event: SocketsEvent) -> Self {
        self.events.push(event);
        self
    }

    pub(crate) fn with(mut self, entry: SocketEntry) -> Self {
        self.entries.push(entry);
        self
    }

    /// A socket of the process with this PID of the node.
    pub(crate) fn of(self, pid: u32, entry: SocketEntry) -> Self {
        self.with(SocketEntry { pids: vec![pid], ..entry })
    }

    /// A Service of the pod's namespace sends to this port.
    pub(crate) fn led_to(mut self, target: u16) -> Self {
        self.known.leads.push(Lead { service: "checkout".into(), port: port("http", 80), target });
        self
    }

    pub(crate) fn counters(self, at_us: u64, counts: &[(&str, &str, i64)]) -> Self {
        let mut counters = Counters::default();
        for (group, name, value) in counts {
            let group = counters.0.entry((*group).into()).or_default();
            group.insert((*name).into(), *value);
        }
        self.then(SocketsEvent::Counters(CountersReading { round: 1, at_us, counters }))
    }

    pub(crate) fn without_processes(self) -> Self {
        let [resource, right, user] = ["pods", "processes", "u"].map(Untrusted::from);
        let namespace = Some(Untrusted::from("shop"));
        let missing = MissingRight { resource, right, namespace, user };
        self.then(SocketsEvent::Skipped { missing })
    }

    pub(crate) fn report(&self) -> SocketsReport {
        let mut fold = SocketsFold::default();
        self.events.iter().for_each(|event| fold.push(event));
        fold.push(&SocketsEvent::Sockets { round: 1, entries: self.entries.clone() });
        let sockets = self.entries.len() as u64;
        fold.push(&SocketsEvent::Round(SocketsRound {
            round: 1,
            sockets,
            ..SocketsRound::default()
        }));
        fold.report(self.ended, None)
    }

    pub(crate) fn view<'a>(&'a self, report: &'a SocketsReport) -> SocketsView<'a> {
        let Self { request, known, place, shown, .. } = self;
        SocketsView { request, report, place, known, shown: *shown }
    }

    pub(crate) fn findings(&self) -> Vec<Finding> {
        let account = ("shop".to_owned(), "netdiag-user".to_owned());
        diagnose::sockets(&self.view(&self.report()), Some(&account))
    }

    /// The whole screen.
    pub(crate) fn shown(&self) -> String {
        let (report, mut out) = (self.report(), Vec::new());
        sockets(&mut out, &self.screen, &self.view(&report), None).unwrap();
        verdict(&mut out, &self.screen, &self.findings()).unwrap();
        String::from_utf8(out).unwrap()
    }
}

pub(crate) fn port(name: &str, number: u16) -> DeclaredPort {
    DeclaredPort { name: Some(name.into()), number, protocol: PortProtocol::Tcp }
}

/// Of a connection that waits for acknowledgements.
pub(crate) fn unheard(us: u64, resent: u32) -> Option<Box<TcpInfo>> {
    Some(Box::new(TcpInfo {
        rtt_us: Some(412),
        cwnd: 1,
        mss_bytes: 1448,
        total_retransmits: resent,
        last_data_received_us: us * 2,
        last_ack_received_us: us,
        ..TcpInfo::default()
    }))
}
