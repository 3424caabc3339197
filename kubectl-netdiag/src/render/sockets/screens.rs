//! The screens of `sockets`, to the letter.

use std::num::NonZeroU32;

use netdiag_wire::sockets::{
    SocketEntry, SocketProtocol, SocketState, SocketTimer, SocketsRound, TcpInfo, TimerKind,
    UnixKind, Which,
};

use super::{
    Earlier,
    scene::{SocketsScene, at, connection, entry, listens, port, unheard},
    sockets,
};
use crate::render::{Format, Screen};

#[test]
fn a_full_queue_and_a_port_that_nobody_reaches() {
    let overflows = |at_us, count| (at_us, [("TcpExt", "ListenOverflows", count)]);
    let (before, after) = (overflows(0, 1_873), overflows(2_000_000, 1_914));
    let envoy = SocketEntry { dual_stack: true, uid: Some(1337), ..listens("::", 15090, 0, 4096) };
    let scene = SocketsScene::listening()
        .counters(before.0, &before.1)
        .counters(after.0, &after.1)
        .of(4790, envoy)
        .of(4711, listens("0.0.0.0", 9000, 129, 128))
        .of(4711, listens("127.0.0.1", 8080, 0, 511))
        .led_to(8080);
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/checkout-7f8d6c9b4-9zq4m (10.244.2.7, node-2): 3 listening sockets in its network namespace
    PROTO  LOCAL           ACCEPT QUEUE  PROCESS (PID)           UID
    tcp    127.0.0.1:8080         0/511  app/node (1)            1000
    tcp    0.0.0.0:9000         129/128  app/node (1)            1000
    tcp    *:15090               0/4096  istio-proxy/envoy (17)  1337

    FAIL     ND0603  accept queue full on 9000: 129 wait, the limit is 128; app/node (1) does not accept
      seen   TcpExt ListenOverflows 1,873 -> 1,914 in 2.00 s, in this pod's namespace
      means  clients see silence: their SYNs are dropped and sent again after 1, 3, 7 s
    WARN     ND0601  8080 listens on 127.0.0.1 only, but svc/checkout:http sends to 10.244.2.7:8080
      next   kubectl netdiag explain ND0603
    ");
}

#[test]
fn who_the_peers_are_and_what_they_do_not_acknowledge() {
    let stuck = SocketEntry {
        send_queue_bytes: Some(91_220),
        retransmits: NonZeroU32::new(5),
        tcp_info: unheard(4_200_000, 5),
        ..connection(SocketState::Established, 41990, ("10.244.2.18", 5432))
    };
    let begins = SocketEntry {
        send_queue_bytes: Some(1),
        ..connection(SocketState::SynSent, 42011, ("10.96.77.9", 80))
    };
    let scene = SocketsScene::connected().with(begins).with(stuck).with(connection(
        SocketState::Established,
        41822,
        ("10.96.14.7", 80),
    ));
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1): 3 connected TCP sockets in its network namespace
    STATE        RECV-Q  SEND-Q  LOCAL              PEER              WHO THE PEER IS
    ESTABLISHED       0       0  10.244.1.23:41822  10.96.14.7:80     svc/checkout:http
    ESTABLISHED       0  91,220  10.244.1.23:41990  10.244.2.18:5432  pod/db-1 on node-2
    SYN-SENT          0       1  10.244.1.23:42011  10.96.77.9:80     svc/search:http

    WARN     ND0611  91,220 bytes to pod/db-1 unacknowledged: nothing heard for 4.20 s, 5 times resent
    ");
}

/// Its twin is only busy.
#[test]
fn a_peer_that_takes_no_more_is_told() {
    let held = |port, idle_us| SocketEntry {
        send_queue_bytes: Some(182_440),
        timer: Some(SocketTimer {
            kind: TimerKind::ZeroWindowProbe,
            expires_us: 400_000,
            probes: 3,
        }),
        tcp_info: Some(Box::new(TcpInfo { last_data_sent_us: idle_us, ..TcpInfo::default() })),
        ..connection(SocketState::Established, port, ("10.244.2.18", 5432))
    };
    let busy = SocketsScene::connected().with(held(41990, 300_000)).shown();
    assert!(busy.ends_with("\nOK       1 connected socket, none is stuck\n"), "{busy}");
    let stuck = SocketsScene::connected().with(held(41990, 7_300_000)).with(held(41991, 2_000_000));
    insta::assert_snapshot!(stuck.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1): 2 connected TCP sockets in its network namespace
    STATE        RECV-Q   SEND-Q  LOCAL              PEER              WHO THE PEER IS
    ESTABLISHED       0  182,440  10.244.1.23:41990  10.244.2.18:5432  pod/db-1 on node-2
    ESTABLISHED       0  182,440  10.244.1.23:41991  10.244.2.18:5432  pod/db-1 on node-2

    WARN     ND0625  182,440 bytes wait for pod/db-1, which takes none for 7.30 s: window 0
      seen   1 more connection is held back likewise
    ");
}

#[test]
fn every_kind_of_peer_has_its_word() {
    let established = |port, peer| connection(SocketState::Established, port, peer);
    let other_half = SocketEntry {
        local: Some(at("127.0.0.1", 6060)),
        peer: Some(at("127.0.0.1", 50001)),
        pids: vec![4711],
        ..established(6060, ("127.0.0.1", 50001))
    };
    let half = SocketEntry {
        local: Some(at("127.0.0.1", 50001)),
        ..established(50001, ("127.0.0.1", 6060))
    };
    let mut scene = SocketsScene::listening();
    scene.request.which = Which::Connected;
    let mut scene = scene
        .with(established(1, ("10.96.14.7", 81)))
        .with(established(2, ("10.89.0.12", 10250)))
        .with(established(3, ("10.244.1.1", 55555)))
        .with(established(4, ("10.244.3.9", 80)))
        .with(established(5, ("203.0.113.9", 443)))
        .with(half)
        .with(other_half);
    scene.request.protocols = vec![SocketProtocol::Tcp];
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/checkout-7f8d6c9b4-9zq4m (10.244.2.7, node-2): 7 TCP sockets in its network namespace
    STATE        RECV-Q  SEND-Q  LOCAL            PEER              WHO THE PEER IS                     PROCESS (PID)
    ESTABLISHED       0       0  10.244.1.23:1    10.96.14.7:81     svc/checkout, which has no port 81  -
    ESTABLISHED       0       0  10.244.1.23:2    10.89.0.12:10250  node/node-2                         -
    ESTABLISHED       0       0  10.244.1.23:3    10.244.1.1:55555  node/node-1, gateway of its pods    -
    ESTABLISHED       0       0  10.244.1.23:4    10.244.3.9:80     an address of node-3's pod range    -
    ESTABLISHED       0       0  10.244.1.23:5    203.0.113.9:443   (unknown address)                   -
    ESTABLISHED       0       0  127.0.0.1:6060   127.0.0.1:50001   itself                              app/node (1)
    ESTABLISHED       0       0  127.0.0.1:50001  127.0.0.1:6060    itself: app/node (1)                -

    OK       7 connected sockets, none is stuck
    ");
}

#[test]
fn datagrams_raw_and_unix_sockets_have_their_rows() {
    let udp = SocketEntry {
        local: Some(at("0.0.0.0", 53)),
        receive_queue_bytes: Some(4_096),
        drops: Some(12),
        uid: Some(0),
        ..entry(SocketProtocol::Udp, SocketState::Unconnected)
    };
    let raw = SocketEntry {
        local: Some(at("::", 0)),
        ip_protocol: Some(58),
        uid: Some(0),
        ..entry(SocketProtocol::Raw, SocketState::Unconnected)
    };
    let unix: SocketEntry = serde_json::from_str(
        r#"{"protocol":"unix","state":"listen","acceptQueue":{"waiting":0,"limit":128},"inode":9,
            "unix":{"type":"stream","name":"@bus"}}"#,
    )
    .unwrap();
    assert_eq!(unix.unix.as_ref().map(|unix| unix.kind), Some(UnixKind::Stream));
    let mut scene = SocketsScene::listening().of(4711, udp).with(raw).with(unix);
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/checkout-7f8d6c9b4-9zq4m (10.244.2.7, node-2): 3 listening sockets in its network namespace
    PROTO  LOCAL           ACCEPT QUEUE  UNREAD  DROPPED  PROCESS (PID)  UID
    udp    0.0.0.0:53                 -   4,096       12  app/node (1)   0
    raw    [::]:ipv6-icmp             -       -        -  -              0
    unix   @bus                   0/128       -        -  -              -

    OK       3 listening sockets, no accept queue is full
    ");
    scene.screen.format = Format::Wide;
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/checkout-7f8d6c9b4-9zq4m (10.244.2.7, node-2): 3 listening sockets in its network namespace
    PROTO  LOCAL           ACCEPT QUEUE  UNREAD  DROPPED  PROCESS (PID)  UID  STATE   TYPE    INODE
    udp    0.0.0.0:53                 -   4,096       12  app/node (1)   0    UNCONN  -       -
    raw    [::]:ipv6-icmp             -       -        -  -              0    UNCONN  -       -
    unix   @bus                   0/128       -        -  -              -    LISTEN  stream  9

    OK       3 listening sockets, no accept queue is full
    ");
}

#[test]
fn a_process_that_may_not_be_seen_is_a_question_mark() {
    let mut scene = SocketsScene::listening();
    scene.events.clear();
    let scene = scene.without_processes().with(listens("0.0.0.0", 8080, 0, 128));
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/checkout-7f8d6c9b4-9zq4m (10.244.2.7, node-2): 1 listening socket in its network namespace
    PROTO  LOCAL         ACCEPT QUEUE  PROCESS (PID)  UID
    tcp    0.0.0.0:8080         0/128  ?              1000

    SKIP     processes: pods/processes not granted in shop
      admin  kubectl create rolebinding netdiag-user-processes -n shop --clusterrole=netdiag-pods-processes --serviceaccount=shop:netdiag-user
    OK       1 listening socket, no accept queue is full
    ");
}

#[test]
fn what_passes_by_itself_is_counted() {
    let mut scene =
        SocketsScene::connected().with(connection(SocketState::Established, 1, ("10.96.14.7", 80)));
    for port in 1_000..2_200 {
        scene = scene.with(connection(SocketState::TimeWait, port, ("10.244.2.18", 5432)));
    }
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1): 1 connected TCP socket in its network namespace
    STATE        RECV-Q  SEND-Q  LOCAL          PEER           WHO THE PEER IS
    ESTABLISHED       0       0  10.244.1.23:1  10.96.14.7:80  svc/checkout:http
    not shown: 1,200 TIME-WAIT (-a)

    WARN     ND0613  1,200 connections to pod/db-1 in TIME-WAIT: one a request
      means  each holds a local port for 60 s; of one address to one peer there are some 28,000
    ");
}

#[test]
fn what_was_never_closed_is_pointed_out() {
    let mut scene = SocketsScene::connected();
    for port in 1..=6 {
        let left = connection(SocketState::CloseWait, port, ("10.244.2.18", 5432));
        scene = scene.with(SocketEntry { tcp_info: unheard(90_000_000, 0), ..left });
    }
    for port in 10..90 {
        let half = connection(SocketState::SynReceived, 8080, ("203.0.113.9", port));
        scene = scene.with(half);
    }
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1): 6 connected TCP sockets in its network namespace
    STATE       RECV-Q  SEND-Q  LOCAL          PEER              WHO THE PEER IS
    CLOSE-WAIT       0       0  10.244.1.23:1  10.244.2.18:5432  pod/db-1 on node-2
    CLOSE-WAIT       0       0  10.244.1.23:2  10.244.2.18:5432  pod/db-1 on node-2
    CLOSE-WAIT       0       0  10.244.1.23:3  10.244.2.18:5432  pod/db-1 on node-2
    CLOSE-WAIT       0       0  10.244.1.23:4  10.244.2.18:5432  pod/db-1 on node-2
    CLOSE-WAIT       0       0  10.244.1.23:5  10.244.2.18:5432  pod/db-1 on node-2
    CLOSE-WAIT       0       0  10.244.1.23:6  10.244.2.18:5432  pod/db-1 on node-2
    not shown: 80 SYN-RECV (-a)

    WARN     ND0612  80 half-open connections on 8080: SYN-ACKs are not answered
      means  a flood of SYNs, or what this end sends back is lost on its way
    WARN     ND0614  6 connections in CLOSE-WAIT: the peer closed, its process did not
      seen   the longest has heard nothing for 90.0 s
      means  each keeps a descriptor, and ends only when the process closes it
      next   kubectl netdiag explain ND0612
    ");
}

#[test]
fn tcps_own_figures_are_columns() {
    let mut info = unheard(120_000, 3).unwrap();
    info.pacing_rate = Some(1_775_000);
    info.delivery_rate = Some(125_000_000);
    let known = SocketEntry {
        tcp_info: Some(info),
        ..connection(SocketState::Established, 41822, ("10.96.14.7", 80))
    };
    let unknown = connection(SocketState::SynSent, 41823, ("10.96.14.7", 80));
    let mut scene = SocketsScene::connected().with(known).with(unknown);
    scene.request.tcp_info = true;
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1): 2 connected TCP sockets in its network namespace
    STATE        RECV-Q  SEND-Q  LOCAL              PEER           WHO THE PEER IS    RTT MS  RESENT  CWND   MSS       PACING     DELIVERY
    ESTABLISHED       0       0  10.244.1.23:41822  10.96.14.7:80  svc/checkout:http   0.412       3     1  1448  14.2 Mbit/s  1.00 Gbit/s
    SYN-SENT          0       0  10.244.1.23:41823  10.96.14.7:80  svc/checkout:http       -       -     -     -            -            -

    OK       2 connected sockets, none is stuck
    ");
}

#[test]
fn a_declared_port_on_loopback_is_told_as_well() {
    let mut scene = SocketsScene::listening().of(4711, listens("127.0.0.1", 8080, 0, 511));
    scene.known.declared = vec![port("http", 8080)];
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/checkout-7f8d6c9b4-9zq4m (10.244.2.7, node-2): 1 listening socket in its network namespace
    PROTO  LOCAL           ACCEPT QUEUE  PROCESS (PID)  UID
    tcp    127.0.0.1:8080         0/511  app/node (1)   1000

    WARN     ND0601  8080 listens on 127.0.0.1 only, but the pod declares it as http: nobody else reaches it
    ");
    // What also listens on the pod's own address is reached there.
    let scene = scene.of(4711, listens("10.244.2.7", 8080, 0, 511));
    assert_eq!(scene.findings().len(), 1);
    assert!(scene.findings()[0].code.is_none(), "{:?}", scene.findings());
}

#[test]
fn the_counters_that_matter_are_told_in_words() {
    let counts = [
        ("Tcp", "CurrEstab", 7),
        ("Tcp", "RetransSegs", 1_204),
        ("Tcp", "RtoMin", 200),
        ("TcpExt", "ListenOverflows", 0),
        ("Udp", "RcvbufErrors", 3),
    ];
    let mut scene = SocketsScene::listening().counters(0, &counts);
    scene.shown.has_stats = true;
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/checkout-7f8d6c9b4-9zq4m (10.244.2.7, node-2): counters of its network namespace, since that began
    COUNTER           VALUE  WHAT IT MEANS
    Tcp CurrEstab         7  connections that stand now
    Tcp RetransSegs   1,204  segments sent again: they or their acknowledgements were lost
    Udp RcvbufErrors      3  thrown away: the process reads too slowly
    not shown: 2 counters without trouble in them (-v)

    OK       5 counters read, no accept queue is full
    ");
    scene.screen.detail = 1;
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/checkout-7f8d6c9b4-9zq4m (10.244.2.7, node-2): counters of its network namespace, since that began
    COUNTER                 VALUE  WHAT IT MEANS
    Tcp CurrEstab               7  connections that stand now
    Tcp RetransSegs         1,204  segments sent again: they or their acknowledgements were lost
    Tcp RtoMin                200  -
    TcpExt ListenOverflows      0  SYNs and last ACKs thrown away: an accept queue was full, its process did not accept
    Udp RcvbufErrors            3  thrown away: the process reads too slowly

    OK       5 counters read, no accept queue is full
    ");
}

#[test]
fn a_holder_that_was_not_found_is_accounted_for() {
    use netdiag_wire::sockets::{ProcessCount, SocketsDone, SocketsEvent};
    let count = ProcessCount { read: 2, vanished: 1, refused: 1, left_out: 0 };
    let done = SocketsEvent::Done(SocketsDone { took_us: 1, processes: Some(count) });
    let scene = SocketsScene::listening().then(done).of(4711, listens("0.0.0.0", 80, 0, 128));
    assert!(scene.findings()[0].labels.is_empty(), "{:?}", scene.findings());
    let scene = scene.with(listens("0.0.0.0", 81, 0, 128));
    let note = "of 4 processes 1 ended before they were looked into, 1 could not be looked into";
    assert_eq!(scene.findings()[0].labels, [crate::finding::Label::Note(note.into())]);
}

#[test]
fn an_overflow_between_two_looks_is_a_warning() {
    let count = |count| [("TcpExt", "ListenOverflows", count)];
    let scene = SocketsScene::listening()
        .counters(0, &count(3))
        .counters(500_000, &count(9))
        .of(4711, listens("0.0.0.0", 80, 1, 128));
    let finding = &scene.findings()[0];
    assert_eq!(
        finding.summary,
        "an accept queue was full meanwhile: 6 SYNs or last ACKs thrown away in 0.500 s; none is full now"
    );
}

#[test]
fn an_incomplete_table_says_so() {
    let mut scene = SocketsScene::connected();
    scene = scene.with(connection(SocketState::Established, 1, ("10.96.14.7", 80)));
    let mut report = scene.report();
    report.round = Some(SocketsRound { incomplete: 1, ..SocketsRound::default() });
    let findings = crate::diagnose::sockets(&scene.view(&report), None);
    assert_eq!(
        findings[0].summary,
        "cannot tell: of the table 1 sockets are known, and 1 list changed each time the kernel \
         wrote them"
    );
}

#[test]
fn a_later_round_says_what_changed() {
    let first = SocketsScene::connected()
        .with(connection(SocketState::Established, 1, ("10.96.14.7", 80)))
        .with(connection(SocketState::Established, 2, ("10.96.14.7", 80)));
    let sends = SocketEntry {
        send_queue_bytes: Some(1_448),
        ..connection(SocketState::Established, 1, ("10.96.14.7", 80))
    };
    let second = SocketsScene::connected().with(sends).with(connection(
        SocketState::Established,
        3,
        ("10.96.14.7", 80),
    ));
    let report = first.report();
    let earlier = Earlier::of(&first.view(&report));
    let (report, mut out) = (second.report(), Vec::new());
    let at = "2026-11-22T03:07:14Z".parse().unwrap();
    let view = second.view(&report);
    sockets(&mut out, &second.screen, &view, Some((&earlier, at))).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
    03:07:14 UTC: 2 connected TCP sockets in its network namespace; 1 new, 1 gone
    STATE        RECV-Q   +n  SEND-Q      +n  LOCAL          PEER           WHO THE PEER IS
    ESTABLISHED       0   +0   1,448  +1,448  10.244.1.23:1  10.96.14.7:80  svc/checkout:http
    ESTABLISHED       0  new       0     new  10.244.1.23:3  10.96.14.7:80  svc/checkout:http
    ");
}

#[test]
fn a_terminal_folds_what_is_well_and_a_pipe_does_not() {
    let mut scene = SocketsScene::connected();
    for port in 1..=40 {
        scene = scene.with(connection(SocketState::Established, port, ("10.96.14.7", 80)));
    }
    let ill = connection(SocketState::CloseWait, 41, ("10.244.2.18", 5432));
    scene = scene.with(ill);
    assert_eq!(scene.shown().lines().filter(|line| line.contains("ESTABLISHED")).count(), 40);
    scene.screen = Screen { width: Some(100), ..Screen::default() };
    let folded = scene.shown();
    assert_eq!(folded.lines().filter(|line| line.contains("ESTABLISHED")).count(), 20);
    assert!(folded.contains("CLOSE-WAIT"), "{folded}");
    let last = "20 more, with nothing in their queues (-a or a pipe shows all)\n";
    assert!(folded.contains(last), "{folded}");
    scene.shown.is_all = true;
    assert_eq!(scene.shown().lines().filter(|line| line.contains("ESTABLISHED")).count(), 40);
}

/// Twice the sockets take about twice the time: a table of 54,000 must not be quadratic.
#[test]
fn a_table_of_54_000_is_shown_in_linear_time() {
    let mut scene = SocketsScene::connected();
    let address = |n: u32| format!("10.244.{}.{}", n % 4, n % 250);
    scene.entries = (0..54_000u32)
        .map(|n| {
            let peer = address(n);
            connection(SocketState::Established, (n % 60_000) as u16, (&peer, 5432))
        })
        .collect();
    let start = std::time::Instant::now();
    assert_eq!(scene.shown().lines().count(), 54_000 + 4);
    // A quadratic one takes minutes.
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}
