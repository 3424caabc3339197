//! Whole screens of `ping`, from events to the last label line, as the reference page has them.

use std::{net::IpAddr, num::NonZeroU32};

use jiff::Timestamp;
use netdiag_wire::{
    EndReason,
    ping::{IcmpError, IcmpMeaning, PingEvent, PingFold, PingRequest, SendRefusal, SocketKind},
};

use super::{
    Format, Names, NodeAddress, NodeFacts, PodFacts, ReadyBy, Screen, header, ping_event, verdict,
};
use crate::{
    diagnose::{self, PingContext},
    finding::{Peer, PeerKind},
};

pub(super) fn node(n: u8) -> NodeFacts {
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

pub(super) fn node_peer(n: u8) -> Peer {
    Peer {
        kind: PeerKind::Node,
        name: format!("node-{n}"),
        address: Some([10, 89, 0, 10 + n].into()),
        ..Peer::default()
    }
}

pub(super) fn pod_peer(name: &str, address: [u8; 4]) -> Peer {
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
pub(super) struct Scene {
    pub(super) request: PingRequest,
    pub(super) context: PingContext,
    pub(super) events: Vec<PingEvent>,
    pub(super) ended: Option<EndReason>,
    pub(super) screen: Screen,
}

impl Scene {
    pub(super) fn new(from: Peer, to: Peer, count: u32) -> Self {
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
        let context = PingContext {
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

    pub(super) fn from_web(to: Peer, count: u32) -> Self {
        Self::new(pod_peer("web-7d4c9b5f6-x2x9z", [10, 244, 1, 23]), to, count)
    }

    pub(super) fn sent(mut self, seq: u32) -> Self {
        self.events.push(PingEvent::Sent { target: 0, seq });
        self
    }

    pub(super) fn then(mut self, event: PingEvent) -> Self {
        self.events.push(event);
        self
    }

    pub(super) fn replied(self, seq: u32, rtt_us: u64) -> Self {
        let reply = self.reply(seq, rtt_us, 63);
        self.sent(seq).then(reply)
    }

    pub(super) fn reply(&self, seq: u32, rtt_us: u64, ttl: u8) -> PingEvent {
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

    pub(super) fn silent(self, seq: u32) -> Self {
        self.sent(seq).then(PingEvent::Silence { target: 0, seq, waited_us: 1_000_000 })
    }

    pub(super) fn rejected(self, by: [u8; 4], icmp: IcmpError, after_us: u64) -> Self {
        let by = IpAddr::from(by);
        self.sent(1).then(PingEvent::Rejected { target: 0, seq: 1, by, icmp, after_us })
    }

    pub(super) fn shown(&self) -> String {
        let (screen, context) = (&self.screen, &self.context);
        let mut out = Vec::new();
        let mut fold = PingFold::new(&self.request);
        header(&mut out, screen, &context.from, std::slice::from_ref(&context.to)).unwrap();
        for event in &self.events {
            fold.push(event);
            let at: Timestamp = "2026-11-22T03:07:11.25Z".parse().unwrap();
            ping_event(&mut out, screen, &self.request, &context.names, event, at).unwrap();
        }
        let report = fold.reports(self.ended, None).remove(0);
        let findings = diagnose::ping(&report, &self.request, context);
        verdict(&mut out, screen, &findings).unwrap();
        String::from_utf8(out).unwrap()
    }
}

pub(super) fn icmp(meaning: IcmpMeaning, kind: u8, code: u8) -> IcmpError {
    IcmpError { meaning, kind, code, mtu: None }
}

fn late(mut event: PingEvent) -> PingEvent {
    if let PingEvent::Replied { late, .. } = &mut event {
        *late = true;
    }
    event
}

fn duplicate(mut event: PingEvent) -> PingEvent {
    if let PingEvent::Replied { duplicate, .. } = &mut event {
        *duplicate = true;
    }
    event
}

fn foo() -> Peer {
    pod_peer("foo", [10, 244, 2, 7])
}

#[test]
fn replies_end_in_ok() {
    let mut from = node_peer(1);
    from.words = vec!["default source".into()];
    let mut scene = Scene::new(from, foo(), 3).replied(1, 412).replied(2, 387).replied(3, 371);
    scene.context.default_source = true;
    insta::assert_snapshot!(scene.shown(), @r"
    node/node-1 (10.89.0.11, default source) -> shop/pod/foo (10.244.2.7, node-2)
    64 bytes from 10.244.2.7: icmp_seq=1 ttl=63 time=0.412 ms
    64 bytes from 10.244.2.7: icmp_seq=2 ttl=63 time=0.387 ms
    64 bytes from 10.244.2.7: icmp_seq=3 ttl=63 time=0.371 ms

    OK       3 of 3 echoes replied, rtt min/avg/max/stddev 0.371/0.390/0.412/0.016 ms, from node-1
    ");
}

#[test]
fn loss_is_a_warning() {
    let mut scene = Scene::from_web(foo(), 50);
    for seq in 1..=50 {
        scene = match seq {
            9..=12 | 20 | 23 | 31..=33 | 40 | 47 => scene.silent(seq),
            1 => scene.replied(1, 371),
            _ => scene.replied(seq, 402),
        };
    }
    for event in [scene.reply(12, 1_180_000, 62), scene.reply(20, 1_200_000, 62)] {
        scene = scene.then(late(event));
    }
    let again = duplicate(scene.reply(14, 398, 62));
    let shown = scene.then(again).shown();
    let lines: Vec<_> = shown.lines().filter(|line| !line.contains("time=0.402")).collect();
    let tail = lines.join("\n");
    insta::assert_snapshot!(tail, @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo (10.244.2.7, node-2)
    64 bytes from 10.244.2.7: icmp_seq=1 ttl=63 time=0.371 ms
    silence: icmp_seq=9, waited 1.00 s
    silence: icmp_seq=10, waited 1.00 s
    silence: icmp_seq=11, waited 1.00 s
    silence: icmp_seq=12, waited 1.00 s
    silence: icmp_seq=20, waited 1.00 s
    silence: icmp_seq=23, waited 1.00 s
    silence: icmp_seq=31, waited 1.00 s
    silence: icmp_seq=32, waited 1.00 s
    silence: icmp_seq=33, waited 1.00 s
    silence: icmp_seq=40, waited 1.00 s
    silence: icmp_seq=47, waited 1.00 s
    64 bytes from 10.244.2.7: icmp_seq=12 ttl=62 time=1180 ms (late: after the 1 s of -W)
    64 bytes from 10.244.2.7: icmp_seq=20 ttl=62 time=1200 ms (late: after the 1 s of -W)
    64 bytes from 10.244.2.7: icmp_seq=14 ttl=62 time=0.398 ms (duplicate)

    WARN     ND0301  9 of 50 echoes lost (18 %), 2 late, 1 duplicate
      seen   lost icmp_seq 9-11, 23, 31-33, 40, 47
      seen   rtt min/avg/max/stddev 0.371/0.401/0.402/0.004 ms over the 39 in time
      next   kubectl netdiag ping shop/pod/foo --from node/node-2 -c 50
      next   kubectl netdiag ping node/node-2 --from node/node-1 -c 50
    ");
}

#[test]
fn silence_is_a_failure_that_names_no_cause() {
    let to = pod_peer("foo", [10, 244, 3, 8]);
    let scene = Scene::from_web(to, 3).silent(1).silent(2).silent(3);
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo (10.244.3.8, node-3)
    silence: icmp_seq=1, waited 1.00 s
    silence: icmp_seq=2, waited 1.00 s
    silence: icmp_seq=3, waited 1.00 s

    FAIL     ND0302  silence: 0 of 3 echoes replied, and nobody on the way said why
      seen   the pod lives: Ready by an httpGet probe from its own node (Pod, resourceVersion 88410)
      unless only echoes are dropped: TCP may pass where ICMP does not
      next   kubectl netdiag ping shop/pod/foo --from node/node-3 -c 3
      next   kubectl get networkpolicy -n shop
    ");
}

#[test]
fn a_rejection_says_by_whom() {
    let to = pod_peer("foo", [10, 244, 3, 8]);
    let host = icmp(IcmpMeaning::HostUnreachable, 3, 1);
    let mut scene = Scene::from_web(to, 1).rejected([10, 244, 1, 1], host, 3_060_000);
    let dead = scene.context.target_node.as_mut().unwrap();
    dead.ready = Some(false);
    dead.ready_since = Some("2026-11-22T03:02:59Z".parse().unwrap());
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo (10.244.3.8, node-3)
    rejected: icmp_seq=1 host unreachable after 3.06 s, said by 10.244.1.1 (node-1, gateway of its pods)

    FAIL     ND0304  rejected by node-1: it finds nobody to hand 10.244.3.8 to (ARP unanswered)
      seen   node-3, where the pod runs, is NotReady since 03:02:59 UTC (Node, resourceVersion 88123)
      next   kubectl netdiag ping node/node-3 --from node/node-1
    ");
}

#[test]
fn a_kernel_that_did_not_send_says_why() {
    let to =
        Peer { name: "192.0.2.1".into(), address: Some([192, 0, 2, 1].into()), ..Peer::default() };
    let refusal = SendRefusal::NoRoute;
    let scene =
        Scene::from_web(to.clone(), 1).then(PingEvent::NotSent { target: 0, seq: 1, refusal });
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> 192.0.2.1
    not sent: icmp_seq=1, no route

    FAIL     ND0305  no route: the kernel of shop/pod/web-7d4c9b5f6-x2x9z knows no way to 192.0.2.1, nothing was sent
      next   kubectl netdiag ping 192.0.2.1 --from node/node-1
    ");
    let refusal = SendRefusal::TooLong { mtu: Some(1450) };
    let mut scene = Scene::from_web(to, 1).then(PingEvent::NotSent { target: 0, seq: 1, refusal });
    scene.request.size = 1500;
    scene.screen.format = Format::Verdict;
    insta::assert_snapshot!(scene.shown(), @"FAIL     ND0305  nothing was sent: 1528 bytes are longer than the MTU of 1450 bytes, and --df forbids fragments");
}

#[test]
fn a_ping_that_could_not_finish_says_why() {
    let mut scene = Scene::from_web(foo(), 100).replied(1, 400).replied(2, 400);
    scene.ended = Some(EndReason::SourceGone);
    scene.screen.format = Format::Wide;
    let tail = scene.shown().split_once("\n\n").unwrap().1.to_owned();
    insta::assert_snapshot!(tail, @r"
    WARN     ND0309  2 of 2 echoes replied, rtt min/avg/max/stddev 0.400/0.400/0.400/0.000 ms
      note   ended after 2 of 100: shop/pod/web-7d4c9b5f6-x2x9z ended and its network with it
    ");
    scene.ended = Some(EndReason::Cancelled);
    scene.screen.format = Format::Verdict;
    insta::assert_snapshot!(scene.shown(), @"OK       2 of 2 echoes replied, rtt min/avg/max/stddev 0.400/0.400/0.400/0.000 ms, stopped after 2 of 100");
}

#[test]
fn nothing_sent_is_unknown() {
    let mut scene = Scene::from_web(foo(), 3);
    scene.ended = Some(EndReason::Cancelled);
    scene.screen.format = Format::Verdict;
    insta::assert_snapshot!(scene.shown(), @"UNKNOWN  ND0309  cannot tell: nothing was sent, it was stopped by Ctrl-C");
    let mut scene = scene.sent(1);
    scene.ended = Some(EndReason::Deadline);
    insta::assert_snapshot!(scene.shown(), @"UNKNOWN  ND0309  cannot tell: 1 echo was sent, and no reply was waited for");
}
