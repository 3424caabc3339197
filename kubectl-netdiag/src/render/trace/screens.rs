//! Whole screens of `trace`, from events to the last label line, as the reference page has them.

use netdiag_wire::{
    EndReason, IcmpMeaning, SendRefusal,
    trace::{
        MplsLabel, MtuLimit, TraceAnswer, TraceEvent, TraceMethod, TraceOutcome, TraceProtocol,
    },
};

use super::scene::{TraceScene, expired, rejected};
use crate::{
    finding::{Peer, PeerKind},
    render::{
        Format, Screen, ServiceFacts,
        scene::{icmp, node_peer, pod_peer},
    },
};

use TraceOutcome::{Open, Refused};

fn outside() -> Peer {
    Peer { name: "192.0.2.1".into(), address: Some([192, 0, 2, 1].into()), ..Peer::default() }
}

#[test]
fn a_path_that_is_there_is_a_table_and_ok() {
    let scene = TraceScene::tcp().two_nodes().arrived(3, Open, &[402, 391, 388]);
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2), TCP
    HOP  ADDRESS     MS                   WHAT
      1  10.244.1.1  0.041  0.038  0.036  node-1, gateway of its pods
      2  10.89.0.12  0.312  0.298  0.301  node-2
      3  10.244.2.7  0.402  0.391  0.388  shop/pod/foo

    OK       reached in 3 hops, 0.393 ms
    ");
}

#[test]
fn a_dead_path_is_folded_and_says_where_it_ends() {
    let scene = TraceScene::tcp().two_nodes().silent(3..=30, true);
    // The first two hops are shown before anything is known of the rest.
    insta::assert_snapshot!(scene.shown_after(3), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2), TCP
     HOP  ADDRESS     MS                   WHAT
       1  10.244.1.1  0.041  0.038  0.036  node-1, gateway of its pods
       2  10.89.0.12  0.312  0.298  0.301  node-2
    3-30  *                                silence

    FAIL     ND0303  the path ends after hop 2, node-2, the pod's own node; no answer from shop/pod/foo
      seen   3 SYNs to each of 28 further hops, waited 0.800 s, asked again once (ICMP is rate-limited)
      unless the pod drops SYNs itself: by this alone a policy and a dead pod look alike
      next   kubectl netdiag trace shop/pod/foo:8080 --from node/node-2
      next   kubectl get networkpolicy -n shop
    ");
}

#[test]
fn nobody_at_all_answers() {
    insta::assert_snapshot!(TraceScene::tcp().silent(1..=30, true).shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2), TCP
     HOP  ADDRESS  MS                   WHAT
    1-30  *                             silence

    FAIL     ND0303  nobody answers, neither a hop on the way nor shop/pod/foo
      seen   3 SYNs to each of 30 hops, waited 0.800 s, asked again once (ICMP is rate-limited)
      unless only SYNs are dropped: another protocol may pass or be answered
      next   kubectl netdiag trace shop/pod/foo:8080 --from node/node-2
      next   kubectl get networkpolicy -n shop
    ");
}

#[test]
fn a_silent_middle_hop_is_faint_and_no_finding() {
    let scene = TraceScene::tcp()
        .router(1, [10, 244, 1, 1], &[41, 38, 36])
        .silent(2..=2, false)
        .router(3, [10, 89, 0, 12], &[312, 298, 301])
        .silent(4..=5, false)
        .arrived(6, Open, &[402, 391]);
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2), TCP
    HOP  ADDRESS     MS                   WHAT
      1  10.244.1.1  0.041  0.038  0.036  node-1, gateway of its pods
      2  *                                does not answer; later hops do
      3  10.89.0.12  0.312  0.298  0.301  node-2
    4-5  *                                do not answer; later hops do
      6  10.244.2.7  0.402  0.391         shop/pod/foo

    OK       reached in 6 hops, 0.396 ms
    ");
}

#[test]
fn several_answerers_have_a_row_each() {
    let mut labelled = expired([192, 0, 2, 9], 500);
    labelled.labels = vec![MplsLabel { label: 24_001, traffic_class: 0, bottom: true, ttl: 1 }];
    let answers = [expired([10, 89, 0, 12], 312), labelled, expired([10, 89, 0, 12], 301)];
    let scene = TraceScene::tcp().hop(1, &answers).arrived(2, Open, &[402, 391, 388]);
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2), TCP
    HOP  ADDRESS     MS                   WHAT
      1  10.89.0.12  0.312  0.301         node-2
         192.0.2.9   0.500                (unknown address); MPLS 24001 (class 0, TTL 1)
      2  10.244.2.7  0.402  0.391  0.388  shop/pod/foo

    OK       reached in 2 hops, 0.393 ms
    ");
}

#[test]
fn a_rejection_is_a_row_and_says_by_whom() {
    let prohibited = || rejected([10, 89, 0, 12], 310, icmp(IcmpMeaning::AdminProhibited, 3, 13));
    let scene = TraceScene::tcp()
        .router(1, [10, 244, 1, 1], &[41, 38, 36])
        .hop(2, &[prohibited(), prohibited(), prohibited()]);
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2), TCP
    HOP  ADDRESS     MS                   WHAT
      1  10.244.1.1  0.041  0.038  0.036  node-1, gateway of its pods
      2  10.89.0.12  0.310  0.310  0.310  node-2: rejected, administratively prohibited

    FAIL     ND0304  rejected by node-2 at hop 2: a filter there forbids it (prohibited)
      seen   the path is there up to hop 1, node-1, the source's own node
      next   kubectl get networkpolicy -n shop
    ");
}

#[test]
fn a_router_that_finds_nobody_says_so_after_its_arp() {
    let nobody = || rejected([10, 244, 1, 1], 3_060_000, icmp(IcmpMeaning::HostUnreachable, 3, 1));
    let scene = TraceScene::tcp().hop(1, &[nobody()]);
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2), TCP
    HOP  ADDRESS     MS                   WHAT
      1  10.244.1.1   3060                node-1, gateway of its pods: rejected, host unreachable

    FAIL     ND0304  rejected by node-1 at hop 1: it finds nobody to hand 10.244.2.7 to (ARP unanswered)
      next   kubectl netdiag ping node/node-2 --from node/node-1
    ");
}

#[test]
fn a_loop_names_those_who_take_turns() {
    let mut scene = TraceScene::tcp().router(1, [10, 244, 1, 1], &[41]);
    for ttl in 2..=7 {
        let address = if ttl % 2 == 0 { [10, 89, 0, 12] } else { [10, 89, 0, 13] };
        scene = scene.router(ttl, address, &[300]);
    }
    scene.request.queries = 1;
    insta::assert_snapshot!(scene.shown(), @r#"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2), TCP
    HOP  ADDRESS     MS     WHAT
      1  10.244.1.1  0.041  node-1, gateway of its pods
      2  10.89.0.12  0.300  node-2
      3  10.89.0.13  0.300  node-3
      4  10.89.0.12  0.300  node-2
      5  10.89.0.13  0.300  node-3
      6  10.89.0.12  0.300  node-2
      7  10.89.0.13  0.300  node-3

    FAIL     ND0312  loop between node-2 and node-3: from hop 2 on the packets go round and never reach shop/pod/foo
      seen   10.89.0.12, 10.89.0.13 again and again until the TTL ends
      means  clients get silence, or "time to live exceeded" as no route to host
      next   kubectl netdiag trace shop/pod/foo:8080 --from node/node-1
    "#);
}

#[test]
fn a_path_longer_than_was_asked_is_unknown() {
    let mut scene = TraceScene::to(outside(), TraceProtocol::Udp, None)
        .router(1, [10, 244, 1, 1], &[41, 38, 36])
        .router(2, [198, 51, 100, 1], &[1_300, 1_250, 1_280])
        .then(TraceEvent::Name {
            address: [198, 51, 100, 1].into(),
            name: "core1.example.net".into(),
        });
    scene.request.max_ttl = 2;
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> 192.0.2.1, UDP
    HOP  ADDRESS       MS                   WHAT
      1  10.244.1.1    0.041  0.038  0.036  node-1, gateway of its pods
      2  198.51.100.1   1.30   1.25   1.28  core1.example.net

    UNKNOWN  ND0313  not finished: routers answer up to hop 2, the last that was asked, and none is 192.0.2.1
      next   kubectl netdiag trace 192.0.2.1 --from shop/pod/web-7d4c9b5f6-x2x9z -U -m 30
    ");
}

#[test]
fn nothing_is_sent_without_a_route() {
    insta::assert_snapshot!(TraceScene::tcp().not_sent(&SendRefusal::NoRoute).shown(), @r#"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2), TCP
     HOP  ADDRESS  MS                   WHAT
    1-30  *                             not sent: no route

    FAIL     ND0305  no route: the kernel of shop/pod/web-7d4c9b5f6-x2x9z knows no way to shop/pod/foo, nothing was sent
      means  clients get "Network is unreachable" or "No route to host" at once
      next   kubectl netdiag trace shop/pod/foo:8080 --from node/node-1
    "#);
}

#[test]
fn a_refusal_is_an_arrival_with_a_note() {
    let scene = TraceScene::tcp().two_nodes().arrived(3, Refused, &[402, 391, 388]);
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2), TCP
    HOP  ADDRESS     MS                   WHAT
      1  10.244.1.1  0.041  0.038  0.036  node-1, gateway of its pods
      2  10.89.0.12  0.312  0.298  0.301  node-2
      3  10.244.2.7  0.402  0.391  0.388  shop/pod/foo: refused

    OK       reached in 3 hops, 0.393 ms
      note   TCP 8080 is refused there: the path is well, but nobody listens
    ");
}

#[test]
fn a_datagrams_end_is_a_port_unreachable() {
    let end = || rejected([10, 244, 2, 7], 402, icmp(IcmpMeaning::PortUnreachable, 3, 3));
    let pod = pod_peer("foo", [10, 244, 2, 7]);
    let scene = TraceScene::to(pod, TraceProtocol::Udp, None).two_nodes().hop(3, &[end()]);
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo (10.244.2.7, node-2), UDP
    HOP  ADDRESS     MS                   WHAT
      1  10.244.1.1  0.041  0.038  0.036  node-1, gateway of its pods
      2  10.89.0.12  0.312  0.298  0.301  node-2
      3  10.244.2.7  0.402                shop/pod/foo

    OK       reached in 3 hops, 0.402 ms
    ");
}

#[test]
fn on_one_bridge_no_node_is_in_between() {
    let pod = pod_peer("checkout-6d9c7b5f4-2xk8p", [10, 244, 1, 15]);
    let scene = TraceScene::to(pod, TraceProtocol::Tcp, Some(8080)).arrived(1, Open, &[60, 55, 52]);
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/checkout-6d9c7b5f4-2xk8p:8080 (10.244.1.15, node-1), TCP
    HOP  ADDRESS      MS                   WHAT
      1  10.244.1.15  0.060  0.055  0.052  shop/pod/checkout-6d9c7b5f4-2xk8p (same bridge: no node in between)

    OK       reached in 1 hop, 0.055 ms
    ");
}

#[test]
fn a_services_hops_are_counted_and_not_named() {
    let service = Peer {
        kind: PeerKind::Service,
        namespace: Some("shop".into()),
        name: "checkout".into(),
        address: Some([10, 96, 14, 7].into()),
        words: vec!["ClusterIP".into()],
        ..Peer::default()
    };
    let scene = TraceScene::to(service, TraceProtocol::Tcp, Some(80))
        .router(1, [10, 244, 1, 1], &[41, 38, 36])
        .router(2, [10, 96, 14, 7], &[312, 298, 301])
        .arrived(3, Open, &[483, 477, 480]);
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/svc/checkout:80 (10.96.14.7, ClusterIP), TCP
    HOP  ADDRESS     MS                   WHAT
      1  10.244.1.1  0.041  0.038  0.036  node-1, gateway of its pods
      2  10.96.14.7  0.312  0.298  0.301  somebody who answers in the Service's name
      3  10.96.14.7  0.483  0.477  0.480  shop/svc/checkout

    OK       reached in 3 hops, 0.480 ms
      note   after the Service's rules every hop answers in the Service's name: their number and times are real, who they are is not told
    ");
}

#[test]
fn a_name_that_is_a_cluster_ip_proves_nothing_by_silence() {
    let host = Peer {
        kind: PeerKind::Host,
        name: "checkout".into(),
        address: Some([10, 96, 14, 7].into()),
        ..Peer::default()
    };
    let mut scene = TraceScene::to(host, TraceProtocol::Udp, None)
        .router(1, [10, 244, 1, 1], &[41, 38, 36])
        .silent(2..=30, true);
    scene.context.names.services = vec![ServiceFacts {
        namespace: "shop".into(),
        name: "checkout".into(),
        cluster_ips: vec![[10, 96, 14, 7].into()],
        ports: Vec::new(),
    }];
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> checkout (10.96.14.7), UDP
     HOP  ADDRESS     MS                   WHAT
       1  10.244.1.1  0.041  0.038  0.036  node-1, gateway of its pods
    2-30  *                                silence

    UNKNOWN  ND0303  cannot tell: no answer from checkout, but it is a ClusterIP
      note   10.96.14.7 is the ClusterIP of shop/svc/checkout, which takes only the Service's ports
      next   kubectl netdiag trace shop/svc/checkout --from shop/pod/web-7d4c9b5f6-x2x9z
    ");
}

#[test]
fn a_connection_that_a_proxy_took_tells_nothing() {
    let scene = TraceScene::tcp().arrived(1, Open, &[20, 18, 17]).then(TraceEvent::Intercepted);
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2), TCP
    HOP  ADDRESS     MS                   WHAT
      1  10.244.2.7  0.020  0.018  0.017  shop/pod/foo

    UNKNOWN  ND0609  cannot tell: the connection ends at the source's own mesh proxy
      seen   the connection is in the source's own socket table, with a process of the source at its other end
      next   kubectl netdiag trace shop/pod/foo --from shop/pod/web-7d4c9b5f6-x2x9z -I
    ");
}

#[test]
fn ctrl_c_says_how_far_it_leads() {
    let mut scene = TraceScene::tcp().two_nodes();
    scene.ended = Some(EndReason::Cancelled);
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2), TCP
    HOP  ADDRESS     MS                   WHAT
      1  10.244.1.1  0.041  0.038  0.036  node-1, gateway of its pods
      2  10.89.0.12  0.312  0.298  0.301  node-2

    UNKNOWN  ND0309  cannot tell: so far it leads to hop 2, node-2, the pod's own node, and it was stopped by Ctrl-C or SIGTERM
    ");
}

#[test]
fn one_hop_after_the_other_is_said_in_the_header() {
    let mut scene = TraceScene::tcp().two_nodes().arrived(3, Open, &[402, 391, 388]);
    if let TraceEvent::Started { method, .. } = &mut scene.events[0] {
        *method = TraceMethod::Sequential;
    }
    let header = scene.shown().lines().next().unwrap().to_owned();
    insta::assert_snapshot!(header, @r"shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2), TCP, one hop after the other, so paths may differ from probe to probe");
}

#[test]
fn a_default_source_is_in_the_verdict() {
    let mut scene = TraceScene::tcp().two_nodes().silent(3..=30, true);
    scene.context.from = node_peer(1);
    scene.context.from.words = vec!["default source".into()];
    scene.context.default_source = true;
    let shown = scene.shown();
    let verdict: Vec<_> = shown.lines().skip_while(|line| !line.starts_with("FAIL")).collect();
    insta::assert_snapshot!(verdict.join("\n"), @r"
    FAIL     ND0303  the path ends after hop 2, node-2, the pod's own node; no answer from shop/pod/foo, from node-1
      seen   3 SYNs to each of 28 further hops, waited 0.800 s, asked again once (ICMP is rate-limited)
      unless the pod drops SYNs itself: by this alone a policy and a dead pod look alike
      next   kubectl netdiag trace shop/pod/foo:8080 --from node/node-2
      next   kubectl get networkpolicy -n shop
    ");
}

#[test]
fn many_probes_are_summed_up() {
    let times: Vec<u64> = (0..20).map(|n| 300 + n).collect();
    let mut scene = TraceScene::tcp().router(1, [10, 89, 0, 12], &times);
    if let Some(TraceEvent::Hop(hop)) = scene.events.last_mut() {
        hop.silent = 2;
    }
    scene.request.queries = 22;
    let scene = scene.arrived(2, Open, &times);
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2), TCP
    HOP  ADDRESS     MS                                 WHAT
      1  10.89.0.12  0.300/0.309/0.319  2 silent        node-2
      2  10.244.2.7  0.300/0.309/0.319                  shop/pod/foo

    OK       reached in 2 hops, 0.309 ms
    ");
}

/// Three endpoints of two nodes, as flows through one gateway meet them.
fn parted() -> TraceScene {
    let pods = [("checkout-9zq4m", [10, 244, 2, 7]), ("checkout-tt6wd", [10, 244, 3, 9])];
    let mut scene = TraceScene::tcp().known(&pods);
    scene.context.to = Peer { port: Some(8080), ..outside() };
    let open = |address: [u8; 4], us| super::scene::answer(address.into(), us, Open);
    for flow in 0..6u64 {
        if flow > 0 {
            scene = scene.next_flow();
        }
        scene = scene.router(1, [10, 244, 1, 1], &[41 + flow]);
        scene = match flow {
            0..5 => scene
                .router(2, [10, 89, 0, 12], &[312])
                .hop(3, &[open([10, 244, 2, 7], 470 + flow)]),
            _ => scene.router(2, [10, 89, 0, 13], &[331]).silent(3..=30, true),
        };
    }
    scene
}

#[test]
fn flows_part_in_a_tree() {
    let mut scene = parted();
    scene.screen = Screen { ascii: true, ..Screen::default() };
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> 192.0.2.1:8080, TCP, 6 flows
    `- 1  10.244.1.1  0.041 ms  node-1, gateway of its pods  x6
       |- 2  10.89.0.12  0.312 ms  node-2  x5
       |  `- 3  10.244.2.7  0.470 ms  shop/pod/foo, on node-2: open  x5
       `- 2  10.89.0.13  0.331 ms  node-3
          `- 3-30  *  silence

    FAIL     ND0303  1 of 6 flows: the path ends after hop 2, node-3; no answer from 192.0.2.1
      seen   the other 5 arrive
      seen   3 SYNs to each of 28 further hops, waited 0.800 s, asked again once (ICMP is rate-limited)
      unless what follows never answers and only SYNs are dropped: another protocol may pass
      next   kubectl netdiag trace 192.0.2.1:8080 --from node/node-1
      next   kubectl netdiag trace 192.0.2.1 --from shop/pod/web-7d4c9b5f6-x2x9z -I
    ");
}

#[test]
fn branches_have_glyphs_on_a_terminal_that_has_them() {
    let tree: Vec<String> = parted().shown().lines().skip(1).take(5).map(str::to_owned).collect();
    insta::assert_snapshot!(tree.join("\n"), @r"
    └─ 1  10.244.1.1  0.041 ms  node-1, gateway of its pods  x6
       ├─ 2  10.89.0.12  0.312 ms  node-2  x5
       │  └─ 3  10.244.2.7  0.470 ms  shop/pod/foo, on node-2: open  x5
       └─ 2  10.89.0.13  0.331 ms  node-3
          └─ 3-30  *  silence
    ");
}

#[test]
fn flows_that_all_arrive_are_counted() {
    let mut scene = TraceScene::tcp();
    for flow in 0..8 {
        if flow > 0 {
            scene = scene.next_flow();
        }
        scene = scene.two_nodes().arrived(3, Open, &[402]);
    }
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2), TCP, 8 flows
    └─ 1  10.244.1.1  0.036 ms  node-1, gateway of its pods  x8
       └─ 2  10.89.0.12  0.298 ms  node-2  x8
          └─ 3  10.244.2.7  0.402 ms  shop/pod/foo: open  x8

    OK       8 of 8 flows reached it in 3 hops, 0.402 ms, over one path
    ");
}

#[test]
fn silence_of_one_flow_that_was_not_asked_again_is_unknown() {
    let mut scene = TraceScene::tcp().two_nodes().arrived(3, Open, &[402]).next_flow();
    scene = scene.two_nodes().silent(3..=30, false);
    let shown = scene.shown();
    let verdict = shown.lines().find(|line| line.contains("ND0303"));
    assert!(
        verdict.is_some_and(|line| line.starts_with("UNKNOWN  ND0303  1 of 2 flows: ")),
        "{shown}"
    );
}

#[test]
fn silence_of_one_flow_is_no_path_of_its_own() {
    let mut scene = TraceScene::tcp().two_nodes().arrived(3, Open, &[402]).next_flow();
    scene = scene.silent(1..=2, false).arrived(3, Open, &[402]);
    let shown = scene.shown();
    let verdict = "OK       2 of 2 flows reached it in 3 hops, 0.402 ms, over one path";
    assert_eq!(shown.lines().last(), Some(verdict));
    insta::assert_snapshot!(shown.lines().skip(1).take(3).collect::<Vec<_>>().join("\n"), @r"
    └─ 1  10.244.1.1  0.036 ms  node-1, gateway of its pods  x2
       └─ 2  10.89.0.12  0.298 ms  node-2  x2
          └─ 3  10.244.2.7  0.402 ms  shop/pod/foo: open  x2
    ");
}

fn sizes() -> TraceScene {
    let pod = pod_peer("foo", [10, 244, 2, 7]);
    let end = || rejected([10, 244, 2, 7], 402, icmp(IcmpMeaning::PortUnreachable, 3, 3));
    TraceScene::to(pod, TraceProtocol::Udp, None).two_nodes().hop(3, &[end()])
}

#[test]
fn a_black_hole_names_both_sides_of_it() {
    let scene = sizes()
        .passes(1, [10, 244, 1, 1], 1500, Some(MtuLimit::Interface))
        .passes(2, [10, 89, 0, 12], 1400, Some(MtuLimit::Silence { sent: 2 }))
        .passes(3, [10, 244, 2, 7], 1400, None);
    insta::assert_snapshot!(scene.shown(), @r#"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo (10.244.2.7, node-2), UDP, DF set
    HOP  ADDRESS     PASSES  WHAT
      1  10.244.1.1    1500  node-1, gateway of its pods
      2  10.89.0.12    1400  node-2; 1401 and more vanish without a word
      3  10.244.2.7    1400  shop/pod/foo

    FAIL     ND0306  MTU black hole between node-1 and node-2: 1400 bytes pass, 1401 are lost in silence
      seen   the pod's eth0 has MTU 1500 and no ICMP "fragmentation needed" came back for 1401 bytes (sent twice)
      means  connections open, then hang on the first large answer (TLS: after the ClientHello)
      next   kubectl netdiag trace shop/pod/web-7d4c9b5f6-x2x9z --mtu --from shop/pod/foo
    "#);
}

#[test]
fn a_smaller_mtu_that_is_announced_is_well() {
    let said = MtuLimit::Icmp { address: [10, 244, 1, 1].into(), mtu: 1400 };
    let scene = sizes()
        .passes(1, [10, 244, 1, 1], 1500, Some(MtuLimit::Interface))
        .passes(2, [10, 89, 0, 12], 1400, Some(said))
        .passes(3, [10, 244, 2, 7], 1400, None);
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo (10.244.2.7, node-2), UDP, DF set
    HOP  ADDRESS     PASSES  WHAT
      1  10.244.1.1    1500  node-1, gateway of its pods
      2  10.89.0.12    1400  node-2; 1401 and more rejected by node-1, which said MTU 1400
      3  10.244.2.7    1400  shop/pod/foo

    OK       reached in 3 hops, 0.402 ms; 1400 bytes pass, and node-1 says so when more is sent
    ");
}

#[test]
fn one_mtu_all_the_way_is_well() {
    let scene = sizes()
        .passes(1, [10, 244, 1, 1], 1500, Some(MtuLimit::Interface))
        .passes(2, [10, 89, 0, 12], 1500, None)
        .passes(3, [10, 244, 2, 7], 1500, None);
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo (10.244.2.7, node-2), UDP, DF set
    HOP  ADDRESS     PASSES  WHAT
      1  10.244.1.1    1500  node-1, gateway of its pods
      2  10.89.0.12    1500  node-2
      3  10.244.2.7    1500  shop/pod/foo

    OK       reached in 3 hops, 0.402 ms; 1500 bytes pass all the way
    ");
}

#[test]
fn a_graph_for_graphviz() {
    let mut scene =
        TraceScene::tcp().two_nodes().silent(3..=3, false).arrived(4, Open, &[402, 391, 388]);
    scene.screen = Screen { format: Format::Dot, ..Screen::default() };
    insta::assert_snapshot!(scene.shown(), @r#"
    digraph trace {
      graph [rankdir=LR, labelloc=t, label="reached in 4 hops, 0.393 ms"];
      node [shape=box];
      "source" [label="shop/pod/web-7d4c9b5f6-x2x9z\n10.244.1.23"];
      "10.244.1.1@1" [label="1  10.244.1.1\nnode-1, gateway of its pods\n0.036 ms"];
      "10.89.0.12@2" [label="2  10.89.0.12\nnode-2\n0.298 ms"];
      "*@3/0" [label="3  *", style=dashed];
      "10.244.2.7@4" [label="4  10.244.2.7\nshop/pod/foo\n0.388 ms"];
      "source" -> "10.244.1.1@1";
      "10.244.1.1@1" -> "10.89.0.12@2";
      "10.89.0.12@2" -> "*@3/0";
      "*@3/0" -> "10.244.2.7@4";
    }
    "#);
}

/// Its own programs judge what is drawn.
#[test]
fn graphviz_draws_it_whatever_the_names_are() {
    use std::{io::Write as _, process::Stdio};
    for name in ["node-1", "a\"]; }\\", "\\", "&lt;<b>", "\x1b]0;x\x07", "\u{202e}"] {
        let mut scene = parted();
        scene.context.names.nodes[0].name = name.into();
        scene.screen = Screen { format: Format::Dot, ..Screen::default() };
        let hop: TraceAnswer = expired([198, 51, 100, 1], 400);
        let scene = scene
            .hop(31, &[hop])
            .then(TraceEvent::Name { address: [198, 51, 100, 1].into(), name: name.into() });
        #[expect(clippy::disallowed_methods, reason = "the judge of a graph is Graphviz")]
        let mut dot = std::process::Command::new("dot")
            .arg("-Tsvg")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("Graphviz is installed");
        dot.stdin.take().unwrap().write_all(scene.shown().as_bytes()).unwrap();
        let output = dot.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && said.is_empty(), "{name:?}: {said}\n{}", scene.shown());
        assert!(String::from_utf8(output.stdout).unwrap().contains("</svg>"), "{name:?}");
    }
}
