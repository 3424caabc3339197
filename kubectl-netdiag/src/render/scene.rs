//! A ping for tests: its events, what is known around it, and the screen that comes of them.

use std::{net::IpAddr, num::NonZeroU32};

use jiff::Timestamp;
use netdiag_wire::{
    EndReason, Event, IcmpError, IcmpMeaning, Line,
    ping::{PingEvent, PingFold, PingRequest, SocketKind},
};

use super::{
    Names, NodeAddress, NodeFacts, PodFacts, ReadyBy, Screen, header, names::ServiceFacts,
    ping_event, stream_line, verdict,
};
use crate::{
    diagnose::{self, Context},
    finding::{Finding, Peer, PeerKind},
};

pub(crate) fn node(n: u8) -> NodeFacts {
    NodeFacts {
        name: format!("node-{n}"),
        addresses: vec![NodeAddress {
            address: [10, 89, 0, 10 + n].into(),
            kind: "InternalIP".into(),
        }],
        pod_cidrs: vec![format!("10.244.{n}.0/24").parse().unwrap()],
        ready: Some(true),
        resource_version: "88123".into(),
        ..NodeFacts::default()
    }
}

pub(crate) fn node_peer(n: u8) -> Peer {
    Peer {
        kind: PeerKind::Node,
        name: format!("node-{n}"),
        address: Some([10, 89, 0, 10 + n].into()),
        ..Peer::default()
    }
}

pub(crate) fn pod_peer(name: &str, address: [u8; 4]) -> Peer {
    Peer {
        kind: PeerKind::Pod,
        namespace: Some("shop".into()),
        name: name.into(),
        node: Some(format!("node-{}", address[2])),
        address: Some(address.into()),
        ..Peer::default()
    }
}

fn pod(peer: &Peer) -> PodFacts {
    PodFacts {
        namespace: "shop".into(),
        name: peer.name.clone(),
        node: peer.node.clone(),
        addresses: peer.address.into_iter().collect(),
        phase: "Running".into(),
        ready: true,
        ready_by: ReadyBy::HttpGet,
        resource_version: "88410".into(),
        ..PodFacts::default()
    }
}

/// A ping of `shop/pod/foo` from the pod that all examples have.
pub(crate) struct Scene {
    pub(crate) request: PingRequest,
    pub(crate) context: Context,
    pub(crate) events: Vec<PingEvent>,
    pub(crate) ended: Option<EndReason>,
    pub(crate) screen: Screen,
}

impl Scene {
    pub(crate) fn new(from: Peer, to: Peer, count: u32) -> Self {
        let target = to.address.unwrap();
        let request =
            PingRequest { count: NonZeroU32::new(count), ..PingRequest::to(target.to_string()) };
        let started = PingEvent::Started {
            target: 0,
            host: target.to_string().into(),
            address: target,
            source: from.address.unwrap(),
            socket: SocketKind::Raw,
        };
        let pods: Vec<_> =
            [&from, &to].into_iter().filter(|p| p.kind == PeerKind::Pod).map(pod).collect();
        let context = Context {
            target_pod: Some(pod(&to)).filter(|_| to.kind == PeerKind::Pod),
            target_node: (1..4).map(node).find(|n| Some(&n.name) == to.node.as_ref()),
            names: Names { nodes: (1..4).map(node).collect(), pods, services: Vec::new() },
            now_at: "2026-11-22T03:07:11Z".parse().unwrap(),
            from,
            to,
            default_source: false,
        };
        let ended = Some(EndReason::Completed);
        Self { request, context, events: vec![started], ended, screen: Screen::default() }
    }

    pub(crate) fn from_web(to: Peer, count: u32) -> Self {
        Self::new(pod_peer("web-7d4c9b5f6-x2x9z", [10, 244, 1, 23]), to, count)
    }

    pub(crate) fn sent(mut self, seq: u32) -> Self {
        self.events.push(PingEvent::Sent { target: 0, seq });
        self
    }

    pub(crate) fn then(mut self, event: PingEvent) -> Self {
        self.events.push(event);
        self
    }

    pub(crate) fn replied(self, seq: u32, rtt_us: u64) -> Self {
        let reply = self.reply(seq, rtt_us, 63);
        self.sent(seq).then(reply)
    }

    pub(crate) fn reply(&self, seq: u32, rtt_us: u64, ttl: u8) -> PingEvent {
        PingEvent::Replied {
            target: 0,
            seq,
            address: self.context.to.address.unwrap(),
            bytes: 64,
            ttl: Some(ttl),
            rtt_us,
            late: false,
            duplicate: false,
            reordered: false,
            wrong_byte: None,
        }
    }

    pub(crate) fn silent(self, seq: u32) -> Self {
        self.sent(seq).then(PingEvent::Silence { target: 0, seq, waited_us: 1_000_000 })
    }

    pub(crate) fn rejected(self, by: [u8; 4], icmp: IcmpError, after_us: u64) -> Self {
        let by = IpAddr::from(by);
        self.sent(1).then(PingEvent::Rejected { target: 0, seq: 1, by, icmp, after_us })
    }

    /// The target's address is that of `shop/svc/checkout`.
    pub(crate) fn aimed_at_service(mut self) -> Self {
        self.context.names.services = vec![ServiceFacts {
            namespace: "shop".into(),
            name: "checkout".into(),
            cluster_ips: self.context.to.address.into_iter().collect(),
            ports: Vec::new(),
        }];
        self
    }

    /// The findings without a screen.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let mut fold = PingFold::new(&self.request);
        self.events.iter().for_each(|event| fold.push(event));
        let report = fold.reports(self.ended, None).remove(0);
        diagnose::ping(&report, &self.request, &self.context)
    }

    pub(crate) fn shown(&self) -> String {
        let (screen, context) = (&self.screen, &self.context);
        let mut out = Vec::new();
        header(&mut out, screen, &context.from, std::slice::from_ref(&context.to)).unwrap();
        for event in &self.events {
            let at: Timestamp = "2026-11-22T03:07:11.25Z".parse().unwrap();
            let line = Line { at, event: Event::Probe(event.clone()) };
            stream_line(&mut out, screen, &line).unwrap();
            ping_event(&mut out, screen, &self.request, &context.names, event, at).unwrap();
        }
        verdict(&mut out, screen, &self.findings()).unwrap();
        String::from_utf8(out).unwrap()
    }
}

pub(crate) fn icmp(meaning: IcmpMeaning, kind: u8, code: u8) -> IcmpError {
    IcmpError { meaning, kind, code, mtu: None }
}

pub(crate) fn foo() -> Peer {
    pod_peer("foo", [10, 244, 2, 7])
}
