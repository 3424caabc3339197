//! A scan for tests: its events, what is known of its target, and the screen that comes of them.

use std::net::IpAddr;

use netdiag_wire::{
    EndReason, SendRefusal,
    scan::{
        PortState, ScanEvent, ScanFold, ScanHost, ScanLane, ScanMethod, ScanPort, ScanProtocol,
        ScanRequest, ScanRest, ScanWhy,
    },
};

use super::{ScanView, scan_body, scan_header};
use crate::{
    diagnose::{self, Context, ScanFacts},
    finding::{Finding, Peer, PeerKind},
    render::{
        Names, Screen,
        scene::{node, node_peer, pod_peer},
        verdict,
    },
    scan::{Declared, Known, Led, Listener, PortProcess},
};

pub(crate) struct ScanScene {
    pub(crate) request: ScanRequest,
    pub(crate) context: Context,
    pub(crate) known: Known,
    pub(crate) events: Vec<ScanEvent>,
    pub(crate) ended: Option<EndReason>,
    pub(crate) asked: (u64, u64),
    pub(crate) brief: u8,
    pub(crate) screen: Screen,
}

pub(crate) fn started(lane: ScanLane, method: ScanMethod, addresses: u32) -> ScanEvent {
    ScanEvent::Started {
        method,
        lane,
        addresses,
        off_limits: 0,
        tcp_ports: 0,
        udp_ports: 0,
        source: [10, 89, 0, 12].into(),
        other_addresses: Vec::new(),
    }
}

/// Of the given ports, whose packets were not sent.
fn rest(address: IpAddr, ports: &str) -> ScanRest {
    ScanRest {
        address,
        protocol: ScanProtocol::Tcp,
        state: PortState::Filtered,
        why: ScanWhy::NotSent,
        by: None,
        icmp: None,
        refusal: None,
        ports: ports.parse().unwrap(),
    }
}

impl ScanScene {
    fn new(to: Peer, target: &str, ports: &str, lane: ScanLane, addresses: u32) -> Self {
        let request = ScanRequest::to(target, ports.parse().unwrap());
        let names = Names { nodes: (1..4).map(node).collect(), ..Names::default() };
        let context = Context { from: node_peer(2), to, names, ..Context::default() };
        Self {
            request,
            context,
            known: Known::default(),
            events: vec![started(lane, ScanMethod::Syn, addresses)],
            ended: Some(EndReason::Completed),
            asked: (0, 0),
            brief: 0,
            screen: Screen::default(),
        }
    }

    pub(crate) fn to_pod(name: &str, address: [u8; 4], ports: &str) -> Self {
        let target = IpAddr::from(address).to_string();
        Self::new(pod_peer(name, address), &target, ports, ScanLane::Full, 1).up(address)
    }

    pub(crate) fn to_address(address: [u8; 4], ports: &str) -> Self {
        let name = IpAddr::from(address).to_string();
        let to = Peer { name: name.clone(), address: Some(address.into()), ..Peer::default() };
        Self::new(to, &name, ports, ScanLane::Held { rate: 200, hosts: 16 }, 1).up(address)
    }

    pub(crate) fn to_network(network: &str, addresses: u32) -> Self {
        let to = Peer { kind: PeerKind::Address, name: network.into(), ..Peer::default() };
        let lane = ScanLane::Held { rate: 200, hosts: 16 };
        Self::new(to, network, "80-100", lane, addresses)
    }

    fn up(self, address: [u8; 4]) -> Self {
        let address = address.into();
        self.then(ScanEvent::Host(ScanHost {
            address,
            name: None,
            is_up: true,
            why: None,
            rtt_us: None,
        }))
    }

    pub(crate) fn then(mut self, event: ScanEvent) -> Self {
        self.events.push(event);
        self
    }

    pub(crate) fn port(self, port: u16, state: PortState, why: ScanWhy) -> Self {
        let address = self.context.to.address.unwrap();
        self.of(address, port, state, why)
    }

    pub(crate) fn of(
        self,
        address: impl Into<IpAddr>,
        port: u16,
        state: PortState,
        why: ScanWhy,
    ) -> Self {
        self.then(ScanEvent::Port(ScanPort {
            address: address.into(),
            protocol: ScanProtocol::Tcp,
            port,
            state,
            why,
            by: None,
            icmp: None,
            ttl: Some(62),
            rtt_us: Some(412),
        }))
    }

    pub(crate) fn rest(self, ports: &str, state: PortState, why: ScanWhy) -> Self {
        let address = self.context.to.address.unwrap();
        self.rest_of(address, ports, state, why)
    }

    pub(crate) fn rest_of(
        self,
        address: impl Into<IpAddr>,
        ports: &str,
        state: PortState,
        why: ScanWhy,
    ) -> Self {
        let rest = ScanRest { state, why, ..rest(address.into(), ports) };
        self.then(ScanEvent::Rest(rest))
    }

    pub(crate) fn not_sent(self, ports: &str, refusal: SendRefusal) -> Self {
        let rest = rest(self.context.to.address.unwrap(), ports);
        self.then(ScanEvent::Rest(ScanRest { refusal: Some(refusal), ..rest }))
    }

    pub(crate) fn listens(
        mut self,
        address: [u8; 4],
        port: u16,
        process: (&str, &str, u32),
    ) -> Self {
        let (container, name, pid) = process;
        let process = PortProcess { container: Some(container.into()), name: name.into(), pid };
        self.known.listeners.get_or_insert_default().push(Listener {
            protocol: ScanProtocol::Tcp,
            address: address.into(),
            port,
            dual_stack: false,
            process: Some(process),
        });
        self
    }

    pub(crate) fn declares(mut self, port: u16, name: &str) -> Self {
        let name = Some(name.into());
        self.known.declared.push(Declared { protocol: ScanProtocol::Tcp, port, name });
        self
    }

    pub(crate) fn led(mut self, port: u16, by: &str) -> Self {
        self.known.led.push(Led { protocol: ScanProtocol::Tcp, port, by: by.into() });
        self
    }

    pub(crate) fn report(&self) -> netdiag_wire::scan::ScanReport {
        let mut fold = ScanFold::default();
        self.events.iter().for_each(|event| fold.push(event));
        fold.report(self.ended, None)
    }

    pub(crate) fn findings(&self) -> Vec<Finding> {
        let report = self.report();
        let (request, known) = (&self.request, &self.known);
        let facts = ScanFacts { request, report: &report, known, asked: self.asked };
        diagnose::scan(&facts, &self.context)
    }

    /// All that is printed for people.
    pub(crate) fn shown(&self) -> String {
        let (out, screen) = (&mut Vec::new(), &self.screen);
        let ends = (&self.context.from, &self.context.to);
        scan_header(out, screen, &self.request, &self.events[0], ends).unwrap();
        let report = self.report();
        let view = ScanView {
            request: &self.request,
            report: &report,
            to: &self.context.to,
            known: &self.known,
            names: &self.context.names,
            brief: self.brief,
        };
        scan_body(out, screen, &view).unwrap();
        verdict(out, screen, &self.findings()).unwrap();
        String::from_utf8(std::mem::take(out)).unwrap()
    }
}

/// The example of screens.md.
pub(crate) fn checkout() -> ScanScene {
    let any = [0, 0, 0, 0];
    ScanScene::to_pod("checkout-6d9c7b5f4-2xk8p", [10, 244, 1, 15], "-")
        .declares(8080, "http")
        .declares(9090, "metrics")
        .led(8080, "svc/checkout:http")
        .led(9090, "svc/checkout:metrics")
        .listens(any, 8080, ("app", "server", 1))
        .listens(any, 8443, ("app", "server", 1))
        .listens(any, 9901, ("istio-proxy", "envoy", 14))
        .listens([127, 0, 0, 1], 6060, ("app", "server", 1))
        .port(8080, PortState::Open, ScanWhy::SynAck)
        .port(8443, PortState::Open, ScanWhy::SynAck)
        .rest("1-8079,8081-8442,8444-9900,9902-65535", PortState::Closed, ScanWhy::Rst)
        .rest("9901", PortState::Filtered, ScanWhy::Silence)
        .then(ScanEvent::Done { took_us: 410_000, asked_again: 12, sent: 65_547 })
}
