//! The screens of a checked port, as screens.md has them where it does.

mod two_ended;

use netdiag_wire::{IcmpMeaning, SendRefusal, connect::ConnectOutcome};

use super::scene::{ConnectScene, checkout, foo};
use crate::{diagnose::Endpoints, finding::Peer, render::scene::icmp};

const CONNECTED: ConnectOutcome = ConnectOutcome::Connected { banner: None, closed: false };

fn svc() -> ConnectScene {
    ConnectScene::to(checkout(), "http")
}

fn pod() -> ConnectScene {
    ConnectScene::to(foo(), "8080")
}

fn payments() -> ConnectScene {
    let peer =
        Peer { name: "payments".into(), address: Some([10, 96, 77, 3].into()), ..checkout() };
    ConnectScene::to(peer, "http").endpoints(Endpoints::None)
}

#[test]
fn connected() {
    insta::assert_snapshot!(svc().then(520, CONNECTED).shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/svc/checkout:http (10.96.14.7 TCP 80)
    connected in 0.520 ms: 10.244.1.23:41822 -> 10.96.14.7:80

    OK       connected
    ");
}

#[test]
fn refused_by_an_endpoint() {
    let refused = ConnectOutcome::Refused { ttl: Some(62) };
    insta::assert_snapshot!(svc().endpoints(Endpoints::Ready(3)).then(470, refused).shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/svc/checkout:http (10.96.14.7 TCP 80)
    refused after 0.470 ms: RST from 10.96.14.7, over 2 routers

    FAIL     ND0602  refused by an endpoint: no listener on its port (not blocked: its answer came back)
      note   the RST bears the Service's address: which endpoint it was, it does not say
      next   kubectl netdiag ping shop/svc/checkout --from shop/pod/web-7d4c9b5f6-x2x9z
    ");
}

#[test]
fn rejected_for_want_of_endpoints() {
    let by = [10, 244, 1, 1].into();
    let icmp = icmp(IcmpMeaning::PortUnreachable, 3, 3);
    insta::assert_snapshot!(payments().then(120, ConnectOutcome::Rejected { by, icmp }).shown(), @r#"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/svc/payments:http (10.96.77.3 TCP 80)
    rejected after 0.120 ms: port unreachable, said by 10.244.1.1 (node-1, gateway of its pods)

    FAIL     ND0101  rejected by node-1, not by a pod: shop/svc/payments has no endpoints
      note   curl and nc call this "Connection refused" as well
      next   kubectl netdiag ping shop/svc/payments --from shop/pod/web-7d4c9b5f6-x2x9z
    "#);
}

#[test]
fn silence() {
    let silence = ConnectOutcome::Silence { sent: 3, bytes: None };
    insta::assert_snapshot!(pod().then(3_100_000, silence).shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2)
    silence: 3 SYNs over 3.10 s, no SYN-ACK, no RST, no ICMP

    FAIL     ND0302  silence from shop/pod/foo:8080; neither refused nor rejected, so dropped somewhere
      next   kubectl netdiag trace shop/pod/foo:8080 -T --from shop/pod/web-7d4c9b5f6-x2x9z
    ");
}

#[test]
fn a_datagram_that_nobody_answers_is_not_called_open() {
    let silence = ConnectOutcome::Silence { sent: 1, bytes: Some(0) };
    insta::assert_snapshot!(pod().udp().then(2_000_000, silence).shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2), UDP
    silence: 1 datagram of 0 bytes, waited 2.00 s; not rejected

    UNKNOWN  ND0610  open or filtered: UDP that does not answer looks like UDP that is dropped
      next   kubectl netdiag sockets shop/pod/foo -l -u -p
    ");
}

#[test]
fn refused_by_a_pod_or_by_a_rule() {
    let shown = |ttl| pod().then(470, ConnectOutcome::Refused { ttl }).shown();
    insta::assert_snapshot!([shown(None), shown(Some(62)), shown(Some(64))].join("\n"), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2)
    refused after 0.470 ms: RST from 10.244.2.7

    FAIL     ND0602  refused by shop/pod/foo or by a rule that answers for it
      seen   not dropped: an answer came back for port 8080
      next   kubectl netdiag sockets shop/pod/foo -l -p

    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2)
    refused after 0.470 ms: RST from 10.244.2.7, over 2 routers

    FAIL     ND0602  refused by shop/pod/foo or by a rule that answers for it
      seen   not dropped: an answer came back for port 8080
      next   kubectl netdiag sockets shop/pod/foo -l -p

    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2)
    refused after 0.470 ms: RST from 10.244.2.7, over no router

    FAIL     ND0602  refused by a rule on the source's own node, not by shop/pod/foo:8080
      seen   the RST crossed no router, and shop/pod/foo is on node-2
    ");
}

#[test]
fn a_proxy_of_the_sources_own_is_never_called_connected() {
    let shown = pod().then(180, ConnectOutcome::Intercepted).shown();
    assert!(!shown.contains("connected") && !shown.contains("open"), "{shown}");
    insta::assert_snapshot!(shown, @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2)
    taken in 0.180 ms by a socket of the source's own namespace: 10.244.1.23:41822 -> 10.244.2.7:8080

    UNKNOWN  ND0609  taken by a proxy in the source's own namespace, not by the target
      seen   the source's own socket table has 10.244.1.23:41822 as a peer
      means  whether the target takes connections only the proxy knows: it connects by itself, perhaps later, perhaps to elsewhere
      next   kubectl netdiag connect shop/pod/foo:8080 --from node/node-1
    ");
}

#[test]
fn what_else_may_come_of_it() {
    let banner =
        |text: &str, closed| ConnectOutcome::Connected { banner: Some(text.into()), closed };
    let not_sent = ConnectOutcome::NotSent { refusal: SendRefusal::NoRoute };
    let by = [10, 244, 2, 7].into();
    let icmp = icmp(IcmpMeaning::PortUnreachable, 3, 3);
    let replied = ConnectOutcome::Replied { from: None, bytes: 5, data: "hello".into() };
    let shown = [
        pod().then(520, banner("SSH-2.0-OpenSSH_9.2\r\nmore", false)),
        pod().then(520, ConnectOutcome::Connected { banner: None, closed: true }),
        pod().then(520, ConnectOutcome::Reset { banner: None }),
        pod().then(9, not_sent),
        pod().udp().then(430, replied),
        pod().udp().then(430, ConnectOutcome::Rejected { by, icmp }),
    ];
    insta::assert_snapshot!(shown.map(|scene| scene.shown()).join("\n"), @r#"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2)
    connected in 0.520 ms: 10.244.1.23:41822 -> 10.244.2.7:8080
    banner "SSH-2.0-OpenSSH_9.2" and 6 bytes more

    OK       connected

    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2)
    connected in 0.520 ms: 10.244.1.23:41822 -> 10.244.2.7:8080, closed by the other end at once

    OK       connected
      note   closed by the other end at once: a proxy without a backend does so, and a server that turns this client away; one that only ends its own half looks the same

    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2)
    reset, connected in 0.520 ms: 10.244.1.23:41822 -> 10.244.2.7:8080

    FAIL     ND0618  reset by shop/pod/foo:8080 right after connecting
      note   a listener that crashes, or a proxy or rule that takes every connection and then drops it

    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2)
    not sent: no route: nothing was sent to 10.244.2.7:8080

    FAIL     ND0305  no route: the kernel of shop/pod/web-7d4c9b5f6-x2x9z knows no way to shop/pod/foo:8080, nothing was sent
      next   kubectl netdiag connect shop/pod/foo:8080 --from node/node-1

    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2), UDP
    replied in 0.430 ms: 5 bytes, 10.244.1.23:41822 -> 10.244.2.7:8080
    reply "hello"

    OK       open: 5 bytes came back

    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2), UDP
    rejected after 0.430 ms: port unreachable, said by 10.244.2.7 (the target's own address)

    FAIL     ND0602  rejected by shop/pod/foo itself: nobody listens on UDP 8080
      next   kubectl netdiag sockets shop/pod/foo -l -u -p
    "#);
}

#[test]
fn both_families_of_a_name_are_shown() {
    let v6 = "[fd00::7]:8080".parse().unwrap();
    let mut scene = pod().at(v6, 250_000, ConnectOutcome::Abandoned, true).then(520, CONNECTED);
    scene.screen.width = Some(80);
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1)
      -> shop/pod/foo:8080 (10.244.2.7, node-2)
    abandoned after 250 ms: [fd00::7]:8080, another address was faster
    connected in 0.520 ms: 10.244.1.23:41822 -> 10.244.2.7:8080

    OK       connected
    ");
}

#[test]
fn a_port_that_comes_and_goes_is_counted_and_healthy_lines_are_folded() {
    let mut scene = pod();
    for n in 0..30 {
        scene = match n % 10 {
            7 => scene.then(470, ConnectOutcome::Refused { ttl: Some(62) }),
            _ => scene.then(400 + n, CONNECTED),
        };
    }
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/pod/foo:8080 (10.244.2.7, node-2)
    connected in 0.400 ms: 10.244.1.23:41822 -> 10.244.2.7:8080
    connected in 0.401 ms: 10.244.1.23:41822 -> 10.244.2.7:8080
    connected in 0.402 ms: 10.244.1.23:41822 -> 10.244.2.7:8080
    connected in 0.403 ms: 10.244.1.23:41822 -> 10.244.2.7:8080
    connected in 0.404 ms: 10.244.1.23:41822 -> 10.244.2.7:8080
    connected in 0.405 ms: 10.244.1.23:41822 -> 10.244.2.7:8080
    connected in 0.406 ms: 10.244.1.23:41822 -> 10.244.2.7:8080
    refused after 0.470 ms: RST from 10.244.2.7, over 2 routers
    connected in 0.408 ms: 10.244.1.23:41822 -> 10.244.2.7:8080
    connected in 0.409 ms: 10.244.1.23:41822 -> 10.244.2.7:8080
    connected in 0.410 ms: 10.244.1.23:41822 -> 10.244.2.7:8080
    connected in 0.411 ms: 10.244.1.23:41822 -> 10.244.2.7:8080
    connected in 0.412 ms: 10.244.1.23:41822 -> 10.244.2.7:8080
    connected in 0.413 ms: 10.244.1.23:41822 -> 10.244.2.7:8080
    connected in 0.414 ms: 10.244.1.23:41822 -> 10.244.2.7:8080
    connected in 0.415 ms: 10.244.1.23:41822 -> 10.244.2.7:8080
    connected in 0.416 ms: 10.244.1.23:41822 -> 10.244.2.7:8080
    refused after 0.470 ms: RST from 10.244.2.7, over 2 routers
    connected in 0.418 ms: 10.244.1.23:41822 -> 10.244.2.7:8080
    connected in 0.419 ms: 10.244.1.23:41822 -> 10.244.2.7:8080
    connected in 0.420 ms: 10.244.1.23:41822 -> 10.244.2.7:8080
    connected in 0.421 ms: 10.244.1.23:41822 -> 10.244.2.7:8080
    refused after 0.470 ms: RST from 10.244.2.7, over 2 routers
    7 more connected, 0.422-0.429 ms

    FAIL     ND0621  comes and goes: 27 of 30 well; 27 connected, 3 refused
      seen   27 connected, first 03:07:12 UTC, last 03:07:41 UTC
      seen   3 refused, first 03:07:19 UTC, last 03:07:39 UTC
    ");
    let always = (0..30).fold(pod(), |scene, n| scene.then(400 + n, CONNECTED)).shown();
    assert!(
        always.ends_with(
            "10 more connected, 0.420-0.429 ms\n\nOK       30 of 30 connected, 0.400-0.429 ms\n"
        ),
        "{always}"
    );
}
