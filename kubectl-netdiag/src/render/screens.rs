//! Whole screens of `ping`, from events to the last label line, as the reference page has them.

use netdiag_wire::{
    EndReason, IcmpError, IcmpMeaning, SendRefusal,
    ping::{PingEvent, PingTarget},
};

use super::{
    Format, Screen,
    scene::{Scene, foo, icmp, node_peer, pod_peer},
};
use crate::finding::{Peer, PeerKind};

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
    insta::assert_snapshot!(scene.shown(), @r#"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> 192.0.2.1
    not sent: icmp_seq=1, no route

    FAIL     ND0305  no route: the kernel of shop/pod/web-7d4c9b5f6-x2x9z knows no way to 192.0.2.1, nothing was sent
      means  clients get "Network is unreachable" or "No route to host" at once
      next   kubectl netdiag ping 192.0.2.1 --from node/node-1
    "#);
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
    insta::assert_snapshot!(scene.shown(), @"UNKNOWN  ND0309  cannot tell: nothing was sent, it was stopped by Ctrl-C or SIGTERM");
    let mut scene = scene.sent(1);
    scene.ended = Some(EndReason::Deadline);
    insta::assert_snapshot!(scene.shown(), @"UNKNOWN  ND0309  cannot tell: 1 echo was sent, and no reply was waited for");
}

#[test]
fn whatever_comes_has_its_line() {
    let mut scene = Scene::from_web(foo(), 9);
    let reordered = match scene.reply(2, 400, 62) {
        PingEvent::Replied { target, seq, address, bytes, ttl, rtt_us, .. } => PingEvent::Replied {
            target,
            seq,
            address,
            bytes,
            ttl,
            rtt_us,
            late: false,
            duplicate: false,
            reordered: true,
            wrong_byte: Some(17),
        },
        other => other,
    };
    let address = scene.context.to.address.unwrap();
    let (by, gateway) = ([10, 244, 1, 1].into(), [10, 244, 1, 2].into());
    let mtu = Some(1400);
    let too_big = IcmpError { mtu, ..icmp(IcmpMeaning::FragmentationNeeded, 3, 4) };
    scene = scene
        .sent(1)
        .sent(2)
        .replied(3, 12_345)
        .then(reordered)
        .then(PingEvent::Corrupted { target: 0, seq: 1, address, bytes: 64 })
        .sent(4)
        .then(PingEvent::Redirected { target: 0, seq: 4, by, gateway })
        .then(PingEvent::Rejected { target: 0, seq: 4, by, icmp: too_big, after_us: 412 })
        .then(PingEvent::NotSent { target: 0, seq: 5, refusal: SendRefusal::InterfaceDown })
        .then(PingEvent::Silence { target: 0, seq: 1, waited_us: 1_000_000 })
        .then(PingEvent::Unknown);
    scene.screen.timestamps = true;
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo (10.244.2.7, node-2)
    [1795316831.250000] 64 bytes from 10.244.2.7: icmp_seq=3 ttl=63 time=12.3 ms
    [1795316831.250000] 64 bytes from 10.244.2.7: icmp_seq=2 ttl=62 time=0.400 ms (reordered) (wrong data: byte 17 is not the one sent)
    [1795316831.250000] corrupted: 64 bytes from 10.244.2.7, icmp_seq=1, wrong ICMP checksum
    [1795316831.250000] redirect: icmp_seq=4 forwarded, with a shorter way by 10.244.1.2, said by 10.244.1.1 (node-1, gateway of its pods)
    [1795316831.250000] rejected: icmp_seq=4 fragmentation needed (MTU 1400) after 0.412 ms, said by 10.244.1.1 (node-1, gateway of its pods)
    [1795316831.250000] not sent: icmp_seq=5, the interface is down
    [1795316831.250000] silence: icmp_seq=1, waited 1.00 s
    [1795316831.250000] something newer: the agent saw what this plugin cannot name

    WARN     ND0301  3 of 5 echoes lost (60 %), 1 reordered, 1 corrupted, 1 with wrong data
      seen   lost icmp_seq 1, 4-5
      seen   rtt min/avg/max/stddev 0.400/6.37/12.3/5.97 ms over the 2 in time
      seen   1 rejected by node-1: fragmentation needed (MTU 1400)
      next   kubectl netdiag ping shop/pod/foo --from node/node-2 -c 20
      next   kubectl netdiag ping node/node-2 --from node/node-1 -c 20
    ");
}

#[test]
fn several_targets_are_told_apart() {
    let mut scene = Scene::from_web(foo(), 1).silent(1);
    scene.request.targets.push(PingTarget { host: "10.244.3.8".into() });
    let one = PingEvent::Silence { target: 1, seq: 1, waited_us: 1_000_000 };
    insta::assert_snapshot!(scene.then(one).shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo (10.244.2.7, node-2)
    silence: 10.244.2.7 icmp_seq=1, waited 1.00 s
    silence: 10.244.3.8 icmp_seq=1, waited 1.00 s

    FAIL     ND0302  shop/pod/foo: silence: 0 of 1 echoes replied, and nobody on the way said why
      seen   the pod lives: Ready by an httpGet probe from its own node (Pod, resourceVersion 88410)
      unless only echoes are dropped: TCP may pass where ICMP does not
      next   kubectl netdiag ping shop/pod/foo --from node/node-2 -c 3
      next   kubectl get networkpolicy -n shop
    ");
}

#[test]
fn a_header_that_is_too_wide_breaks_before_the_arrow() {
    let to = Peer {
        kind: PeerKind::Service,
        port: Some(8080),
        words: vec!["ClusterIP".into()],
        ..foo()
    };
    let shown = |width| {
        let mut out = Vec::new();
        let screen = Screen { width: Some(width), ..Screen::default() };
        super::header(&mut out, &screen, &node_peer(1), std::slice::from_ref(&to)).unwrap();
        String::from_utf8(out).unwrap()
    };
    assert_eq!(
        shown(75),
        "node/node-1 (10.89.0.11)\n  -> shop/svc/foo:8080 (10.244.2.7, node-2, ClusterIP)\n"
    );
    assert_eq!(shown(78).lines().count(), 1);
}

#[test]
fn colour_is_never_alone() {
    let mut scene = Scene::from_web(foo(), 2).replied(1, 400).silent(2);
    scene.screen.colour = true;
    let shown = scene.shown();
    assert!(shown.contains("icmp_seq=1 ttl=63 time=\x1b[2m0.400 ms\x1b[0m\n"), "{shown:?}");
    assert!(shown.contains("\x1b[31msilence:\x1b[0m icmp_seq=2"), "{shown:?}");
}

#[test]
fn ndjson_has_each_event_as_it_came() {
    let mut scene = Scene::from_web(foo(), 1).replied(1, 400);
    scene.screen.format = Format::Ndjson;
    insta::assert_snapshot!(scene.shown(), @r#"
    {"at":"2026-11-22T03:07:11.25Z","event":"started","host":"10.244.2.7","address":"10.244.2.7","source":"10.244.1.23","socket":"raw"}
    {"at":"2026-11-22T03:07:11.25Z","event":"sent","seq":1}
    {"at":"2026-11-22T03:07:11.25Z","event":"replied","seq":1,"address":"10.244.2.7","bytes":64,"ttl":63,"rttUs":400}
    "#);
}
