//! The screens of scan as screens.md has them.

use netdiag_wire::{
    EndReason, IcmpMeaning, SendRefusal, Untrusted,
    scan::{
        Confidence, Identity, OsGuess, PortState, ScanEvent, ScanHost, ScanLane, ScanMethod,
        ScanPort, ScanProtocol, ScanRequest, ScanRest, ScanWhy,
    },
};

use super::scene::{ScanScene, checkout};
use crate::render::{Format, Screen, scene::icmp};

#[test]
fn every_kind_of_port_of_a_pod() {
    insta::assert_snapshot!(checkout().shown(), @r"
    node/node-2 (10.89.0.12) -> shop/pod/checkout-6d9c7b5f4-2xk8p (10.244.1.15, node-1)
    TCP 1-65535 at full speed: a pod of shop, where you hold pods/scan
    PORT      STATE     WHY      PROCESS (PID)           DECLARED  LED TO BY
    8080/tcp  open      syn-ack  app/server (1)          http      svc/checkout:http
    8443/tcp  open      syn-ack  app/server (1)          -         -
    9090/tcp  closed    rst      -                       metrics   svc/checkout:metrics
    9901/tcp  filtered  silence  istio-proxy/envoy (14)  -         -
    not shown: 65,531 closed (rst). Took 0.410 s; 12 ports asked again.
    loopback only, not reachable by anyone else: 127.0.0.1:6060 app/server (1)

    WARN     ND0604  9090 (metrics) is declared and svc/checkout:metrics leads there, but nobody listens
    WARN     ND0605  8443 is open and declared nowhere: app/server (1)
    WARN     ND0606  9901 listens, yet is silent from node-2: dropped on the way or by the pod
      next   kubectl netdiag sockets shop/pod/checkout-6d9c7b5f4-2xk8p -l -p
    ");
}

#[test]
fn a_narrow_terminal_loses_the_services_first() {
    let shown = |width| {
        let screen = Screen { width: Some(width), ..Screen::default() };
        let shown = ScanScene { screen, ..checkout() }.shown();
        shown.lines().skip(3).take(2).map(str::to_owned).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(shown(78), @r"
    PORT      STATE     WHY      PROCESS (PID)           DECLARED
    8080/tcp  open      syn-ack  app/server (1)          http
    ");
    insta::assert_snapshot!(shown(60), @r"
    PORT      STATE     WHY      PROCESS (PID)
    8080/tcp  open      syn-ack  app/server (1)
    ");
    insta::assert_snapshot!(shown(50), @r"
    PORT      STATE     PROCESS (PID)
    8080/tcp  open      app/server (1)
    ");
}

#[test]
fn what_was_not_sent_is_not_called_filtered_by_anybody() {
    let sent_nothing = ScanScene::to_address([10, 244, 1, 15], "80-89");
    let shown = sent_nothing.not_sent("80-89", SendRefusal::Denied).shown();
    insta::assert_snapshot!(shown, @r"
    node/node-2 (10.89.0.12) -> 10.244.1.15
    TCP 80-89, held to 200/s (limits.scan)
    PORT    STATE      WHY
    80/tcp  not asked  not sent
    81/tcp  not asked  not sent
    82/tcp  not asked  not sent
    83/tcp  not asked  not sent
    84/tcp  not asked  not sent
    85/tcp  not asked  not sent
    86/tcp  not asked  not sent
    87/tcp  not asked  not sent
    88/tcp  not asked  not sent
    89/tcp  not asked  not sent

    FAIL     ND0305  nothing was sent: a filter of the source's own namespace forbids it
      next   kubectl netdiag connect 10.244.1.15:80 --from node/node-2
    ");
    let sent_some = ScanScene::to_address([10, 244, 1, 15], "80-89")
        .port(80, PortState::Open, ScanWhy::SynAck)
        .not_sent("81", SendRefusal::NoRoute)
        .not_sent("82-89", SendRefusal::Denied);
    insta::assert_snapshot!(sent_some.shown(), @r"
    node/node-2 (10.89.0.12) -> 10.244.1.15
    TCP 80-89, held to 200/s (limits.scan)
    PORT    STATE      WHY
    80/tcp  open       syn-ack
    81/tcp  not asked  not sent
    82/tcp  not asked  not sent
    83/tcp  not asked  not sent
    84/tcp  not asked  not sent
    85/tcp  not asked  not sent
    86/tcp  not asked  not sent
    87/tcp  not asked  not sent
    88/tcp  not asked  not sent
    89/tcp  not asked  not sent

    WARN     ND0305  1 of 10 ports open
      note   9 ports were not asked: a filter of the source's own namespace forbids it; no route
    ");
}

#[test]
fn without_the_right_to_processes_they_are_question_marks() {
    let mut scene = checkout();
    scene.known.skipped = Some("processes: pods/processes not granted in shop".into());
    for listener in scene.known.listeners.iter_mut().flatten() {
        listener.process = None;
    }
    insta::assert_snapshot!(scene.shown(), @r"
    node/node-2 (10.89.0.12) -> shop/pod/checkout-6d9c7b5f4-2xk8p (10.244.1.15, node-1)
    TCP 1-65535 at full speed: a pod of shop, where you hold pods/scan
    PORT      STATE     WHY      PROCESS (PID)  DECLARED  LED TO BY
    8080/tcp  open      syn-ack  ?              http      svc/checkout:http
    8443/tcp  open      syn-ack  ?              -         -
    9090/tcp  closed    rst      -              metrics   svc/checkout:metrics
    9901/tcp  filtered  silence  ?              -         -
    not shown: 65,531 closed (rst). Took 0.410 s; 12 ports asked again.
    loopback only, not reachable by anyone else: 127.0.0.1:6060

    WARN     ND0604  9090 (metrics) is declared and svc/checkout:metrics leads there, but nobody listens
    WARN     ND0605  8443 is open and declared nowhere
    WARN     ND0606  9901 listens, yet is silent from node-2: dropped on the way or by the pod
      next   kubectl netdiag sockets shop/pod/checkout-6d9c7b5f4-2xk8p -l -p
    SKIP     processes: pods/processes not granted in shop
    ");
    scene.known.listeners = None;
    scene.known.skipped = Some("processes: pods/sockets not granted in shop".into());
    insta::assert_snapshot!(scene.shown(), @r"
    node/node-2 (10.89.0.12) -> shop/pod/checkout-6d9c7b5f4-2xk8p (10.244.1.15, node-1)
    TCP 1-65535 at full speed: a pod of shop, where you hold pods/scan
    PORT      STATE     WHY      PROCESS (PID)  DECLARED  LED TO BY
    8080/tcp  open      syn-ack  ?              http      svc/checkout:http
    8443/tcp  open      syn-ack  ?              -         -
    9090/tcp  closed    rst      ?              metrics   svc/checkout:metrics
    9901/tcp  filtered  silence  ?              -         -
    not shown: 65,531 closed (rst). Took 0.410 s; 12 ports asked again.

    WARN     ND0604  9090 (metrics) is declared and svc/checkout:metrics leads there, but nobody listens
    WARN     ND0605  8443 is open and declared nowhere
      next   kubectl netdiag sockets shop/pod/checkout-6d9c7b5f4-2xk8p -l -p
    SKIP     processes: pods/sockets not granted in shop
    ");
}

#[test]
fn less_and_more_of_it() {
    let mut scene = checkout();
    scene.brief = 1;
    insta::assert_snapshot!(scene.shown(), @r"
    node/node-2 (10.89.0.12) -> shop/pod/checkout-6d9c7b5f4-2xk8p (10.244.1.15, node-1)
    TCP 1-65535 at full speed: a pod of shop, where you hold pods/scan
    PORT      STATE  WHY      PROCESS (PID)   DECLARED  LED TO BY
    8080/tcp  open   syn-ack  app/server (1)  http      svc/checkout:http
    8443/tcp  open   syn-ack  app/server (1)  -         -
    not shown: 65,532 closed (rst), 1 filtered (silence). Took 0.410 s; 12 ports asked again.

    WARN     ND0604  9090 (metrics) is declared and svc/checkout:metrics leads there, but nobody listens
    WARN     ND0605  8443 is open and declared nowhere: app/server (1)
    WARN     ND0606  9901 listens, yet is silent from node-2: dropped on the way or by the pod
      next   kubectl netdiag sockets shop/pod/checkout-6d9c7b5f4-2xk8p -l -p
    ");
    scene.brief = 2;
    insta::assert_snapshot!(scene.shown(), @r"
    node/node-2 (10.89.0.12) -> shop/pod/checkout-6d9c7b5f4-2xk8p (10.244.1.15, node-1)
    TCP 1-65535 at full speed: a pod of shop, where you hold pods/scan

    WARN     ND0604  9090 (metrics) is declared and svc/checkout:metrics leads there, but nobody listens
    WARN     ND0605  8443 is open and declared nowhere: app/server (1)
    WARN     ND0606  9901 listens, yet is silent from node-2: dropped on the way or by the pod
      next   kubectl netdiag sockets shop/pod/checkout-6d9c7b5f4-2xk8p -l -p
    ");
    let screen = Screen { detail: 1, format: Format::Wide, ..Screen::default() };
    insta::assert_snapshot!(ScanScene { screen, brief: 0, ..scene }.shown(), @r"
    node/node-2 (10.89.0.12) -> shop/pod/checkout-6d9c7b5f4-2xk8p (10.244.1.15, node-1)
    TCP 1-65535 at full speed: a pod of shop, where you hold pods/scan
    PORT      STATE     WHY      PROCESS (PID)           DECLARED  LED TO BY             TTL     MS
    8080/tcp  open      syn-ack  app/server (1)          http      svc/checkout:http      62  0.412
    8443/tcp  open      syn-ack  app/server (1)          -         -                      62  0.412
    9090/tcp  closed    rst      -                       metrics   svc/checkout:metrics    -      -
    9901/tcp  filtered  silence  istio-proxy/envoy (14)  -         -                       -      -
    not shown: 65,531 closed (rst). Took 0.410 s; 12 ports asked again.
      closed (rst): 1-8079,8081-8442,8444-9089,9091-9900,9902-65535
    loopback only, not reachable by anyone else: 127.0.0.1:6060 app/server (1)

    WARN     ND0604  9090 (metrics) is declared and svc/checkout:metrics leads there, but nobody listens
    WARN     ND0605  8443 is open and declared nowhere: app/server (1)
    WARN     ND0606  9901 listens, yet is silent from node-2: dropped on the way or by the pod
      next   kubectl netdiag sockets shop/pod/checkout-6d9c7b5f4-2xk8p -l -p
    ");
}

#[test]
fn a_bare_address_is_held_and_nothing_more_is_known() {
    let scene = ScanScene::to_address([203, 0, 113, 9], "1-1024")
        .port(22, PortState::Open, ScanWhy::SynAck)
        .rest("1-21,23-1000", PortState::Closed, ScanWhy::Rst)
        .rest("1001-1024", PortState::Filtered, ScanWhy::Silence);
    insta::assert_snapshot!(scene.shown(), @r"
    node/node-2 (10.89.0.12) -> 203.0.113.9
    TCP 1-1024, held to 200/s (limits.scan)
    PORT    STATE  WHY
    22/tcp  open   syn-ack
    not shown: 999 closed (rst), 24 filtered (silence).

    OK       1 of 1,024 ports open
    ");
}

#[test]
fn what_open_ports_say_of_themselves() {
    let say = |port, speaks: &[&str], product: Option<&str>, banner: Option<&str>| Identity {
        address: [203, 0, 113, 9].into(),
        protocol: ScanProtocol::Tcp,
        port,
        speaks: speaks.iter().map(|word| Untrusted::from(*word)).collect(),
        product: product.map(Into::into),
        version: product.map(|_| "1.22.1".into()),
        info: None,
        banner: banner.map(Into::into),
    };
    let mut scene = ScanScene::to_address([203, 0, 113, 9], "22,80,443,9999");
    scene.request.identify = true;
    for port in [22, 80, 443, 9999] {
        scene = scene.port(port, PortState::Open, ScanWhy::SynAck);
    }
    let os = OsGuess {
        address: [203, 0, 113, 9].into(),
        name: "Linux".into(),
        confidence: Confidence::High,
        ttl: 62,
        window: 65_160,
        options: "mss,sok,ts,nop,ws".into(),
    };
    let scene = scene
        .then(ScanEvent::Identified(say(22, &["SSH 2.0"], None, Some("SSH-2.0-OpenSSH_9.2\r\n"))))
        .then(ScanEvent::Identified(say(80, &["HTTP/1.1"], Some("nginx"), None)))
        .then(ScanEvent::Identified(say(443, &["TLS 1.3", "HTTP/2"], Some("nginx"), None)))
        .then(ScanEvent::Os(os));
    insta::assert_snapshot!(scene.shown(), @r#"
    node/node-2 (10.89.0.12) -> 203.0.113.9
    TCP 22,80,443,9999, held to 200/s (limits.scan)
    PORT      STATE  WHY      PROTOCOL          PRODUCT
    22/tcp    open   syn-ack  SSH 2.0           "SSH-2.0-OpenSSH_9.2\r\n"
    80/tcp    open   syn-ack  HTTP/1.1          "nginx 1.22.1"
    443/tcp   open   syn-ack  TLS 1.3 > HTTP/2  "nginx 1.22.1"
    9999/tcp  open   syn-ack                    
    operating system Linux, by its SYN-ACK: high confidence (TTL 62, window 65160, options mss,sok,ts,nop,ws)

    OK       4 of 4 ports open
    "#);
}

#[test]
fn a_network_has_a_row_a_port_and_addresses_have_names() {
    let host = |last: u8, is_up| {
        ScanEvent::Host(ScanHost {
            address: [10, 244, 1, last].into(),
            name: None,
            is_up,
            why: Some(if is_up { ScanWhy::EchoReply } else { ScanWhy::Silence }),
            rtt_us: is_up.then_some(110),
        })
    };
    let network = || {
        let scene = ScanScene::to_network("10.244.1.0/30", 2);
        scene.then(host(1, true)).then(host(2, false))
    };
    let ports = network().of([10, 244, 1, 1], 80, PortState::Open, ScanWhy::SynAck).rest_of(
        [10, 244, 1, 1],
        "81-100",
        PortState::Closed,
        ScanWhy::Rst,
    );
    insta::assert_snapshot!(ports.shown(), @r"
    node/node-2 (10.89.0.12) -> 10.244.1.0/30
    TCP 80-100 of 2 addresses, held to 200/s (limits.scan)
    ADDRESS     PORT    STATE  WHY      WHAT
    10.244.1.1  80/tcp  open   syn-ack  node-1, gateway of its pods
    not shown: 20 closed (rst).

    OK       1 of 21 ports open
    ");
    let mut discovery = network();
    discovery.request = ScanRequest::to("10.244.1.0/30", Default::default());
    insta::assert_snapshot!(discovery.shown(), @r"
    node/node-2 (10.89.0.12) -> 10.244.1.0/30
    host discovery of 2 addresses, held to 200/s (limits.scan)
    ADDRESS     WHY            MS  WHAT
    10.244.1.1  echo-reply  0.110  node-1, gateway of its pods
    not shown: 1 down (silence).

    OK       1 of 2 addresses is up
    ");
}

#[test]
fn silence_refusal_and_rejection_are_told_apart() {
    let silent = ScanScene::to_address([203, 0, 113, 9], "1-1024").rest(
        "1-1024",
        PortState::Filtered,
        ScanWhy::Silence,
    );
    insta::assert_snapshot!(silent.shown(), @r"
    node/node-2 (10.89.0.12) -> 203.0.113.9
    TCP 1-1024, held to 200/s (limits.scan)
    not shown: 1,024 filtered (silence).

    UNKNOWN  ND0616  no answer from any of 1,024 ports: filtered, or nobody is there
    ");
    let refused = ScanScene::to_address([203, 0, 113, 9], "1-1024").rest(
        "1-1024",
        PortState::Closed,
        ScanWhy::Rst,
    );
    insta::assert_snapshot!(refused.shown(), @r"
    node/node-2 (10.89.0.12) -> 203.0.113.9
    TCP 1-1024, held to 200/s (limits.scan)
    not shown: 1,024 closed (rst).

    WARN     ND0617  none of 1,024 ports is open; 1,024 refused, so somebody is there
    ");
    let rejected = ScanScene::to_address([203, 0, 113, 9], "80").then(ScanEvent::Rest(ScanRest {
        address: [203, 0, 113, 9].into(),
        protocol: ScanProtocol::Tcp,
        state: PortState::Filtered,
        why: ScanWhy::Rejected,
        by: Some([10, 89, 0, 12].into()),
        icmp: Some(icmp(IcmpMeaning::AdminProhibited, 3, 13)),
        refusal: None,
        ports: "80".parse().unwrap(),
    }));
    insta::assert_snapshot!(rejected.shown(), @r"
    node/node-2 (10.89.0.12) -> 203.0.113.9
    TCP 80, held to 200/s (limits.scan)
    PORT    STATE     WHY
    80/tcp  filtered  rejected by node-2: administratively prohibited

    UNKNOWN  ND0616  nothing open: 80 was rejected by node-2: administratively prohibited
    ");
    let stopped = ScanScene {
        ended: Some(EndReason::Cancelled),
        asked: (412, 1_024),
        ..ScanScene::to_address([203, 0, 113, 9], "1-1024").port(
            22,
            PortState::Open,
            ScanWhy::SynAck,
        )
    };
    insta::assert_snapshot!(stopped.shown(), @r"
    node/node-2 (10.89.0.12) -> 203.0.113.9
    TCP 1-1024, held to 200/s (limits.scan)
    PORT    STATE  WHY
    22/tcp  open   syn-ack

    UNKNOWN  ND0619  not finished after 412 of 1,024 ports, 1 open so far
      note   ended: it was stopped by Ctrl-C or SIGTERM
    ");
    let meshed = ScanScene::to_address([203, 0, 113, 9], "1-1024").then(ScanEvent::Intercepted);
    insta::assert_snapshot!(meshed.shown(), @r"
    node/node-2 (10.89.0.12) -> 203.0.113.9
    TCP 1-1024, held to 200/s (limits.scan)

    UNKNOWN  ND0609  nothing can be told: a proxy in the source's own pod takes its connections
    ");
}

#[test]
fn udp_that_is_silent_may_be_open() {
    let mut scene = ScanScene::to_address([203, 0, 113, 9], "53");
    scene.request = ScanRequest { udp: "53".parse().unwrap(), ..scene.request };
    scene.request.tcp = Default::default();
    let scene = scene.then(ScanEvent::Port(ScanPort {
        address: [203, 0, 113, 9].into(),
        protocol: ScanProtocol::Udp,
        port: 53,
        state: PortState::OpenOrFiltered,
        why: ScanWhy::Silence,
        by: None,
        icmp: None,
        ttl: None,
        rtt_us: None,
    }));
    insta::assert_snapshot!(scene.shown(), @r"
    node/node-2 (10.89.0.12) -> 203.0.113.9
    UDP 53, held to 200/s (limits.scan)
    PORT    STATE          WHY
    53/udp  open|filtered  silence

    UNKNOWN  ND0616  no answer from 53/udp: UDP that is silent is open or filtered
    ");
}

#[test]
fn the_pace_says_who_holds_it() {
    let head = |lane: ScanLane, rate: Option<u32>, method| {
        let mut scene = ScanScene::to_address([203, 0, 113, 9], "80");
        scene.request.rate = rate.and_then(std::num::NonZeroU32::new);
        scene.events[0] = super::scene::started(lane, method, 1);
        scene.shown().lines().nth(1).unwrap().to_owned()
    };
    let held = || ScanLane::Held { rate: 200, hosts: 16 };
    for (lane, rate, method, line) in [
        (held(), None, ScanMethod::Syn, "TCP 80, held to 200/s (limits.scan)"),
        (held(), Some(500), ScanMethod::Syn, "TCP 80, held to 200/s (limits.scan)"),
        (held(), Some(50), ScanMethod::Syn, "TCP 80, at most 50/s (--rate)"),
        (ScanLane::Full, Some(50), ScanMethod::Syn, "TCP 80, at most 50/s (--rate)"),
        (ScanLane::Full, None, ScanMethod::Connect, "TCP 80 at full speed, by whole connections"),
    ] {
        assert_eq!(head(lane, rate, method), line);
    }
}
