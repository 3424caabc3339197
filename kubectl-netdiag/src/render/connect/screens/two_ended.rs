//! The screens of `connect --listen`.

use netdiag_wire::{
    connect::ConnectOutcome,
    listen::{AcceptedConnection, Arrival, ListenReport},
    sockets::SocketAddress,
};

use super::{ConnectScene, pod};
use crate::connect::ANSWER;

fn connected(said: &str) -> ConnectScene {
    pod().then(520, ConnectOutcome::Connected { banner: Some(said.into()), closed: true })
}

fn udp(outcome: ConnectOutcome) -> ConnectScene {
    pod().udp().then(2_000_000, outcome)
}

fn came(address: [u8; 4], port: u16, arrival: Arrival) -> ListenReport {
    let accepted = AcceptedConnection {
        at: "2026-11-23T03:07:14Z".parse().unwrap(),
        from: SocketAddress { address: address.into(), port },
        to: SocketAddress { address: [10, 244, 2, 7].into(), port: 8080 },
        arrival,
        closed: None,
    };
    ListenReport { accepted: vec![accepted], ..ListenReport::default() }
}

fn syn(mss: u16) -> Arrival {
    Arrival { ttl: Some(62), mss: Some(mss), ..Arrival::default() }
}

#[test]
fn as_it_was_sent() {
    let came = came([10, 244, 1, 23], 41822, syn(1460));
    insta::assert_snapshot!(connected(ANSWER).shown_with(&came), @r"
    sent     10.244.1.23:41822 -> 10.244.2.7:8080   TCP, MSS 1460
    arrived  10.244.1.23:41822 -> 10.244.2.7:8080   TCP, MSS 1460, TTL 62

    OK       connected, and arrived as it was sent
    ");
}

#[test]
fn with_another_source() {
    let came = came([10, 89, 0, 11], 41822, syn(1460));
    insta::assert_snapshot!(connected(ANSWER).shown_with(&came), @r"
    sent     10.244.1.23:41822 -> 10.244.2.7:8080   TCP, MSS 1460
    arrived  10.89.0.11:41822  -> 10.244.2.7:8080   TCP, MSS 1460, TTL 62

    WARN     ND0310  connected, but rewritten on the way: shop/pod/foo sees 10.89.0.11 (node-1), not the client
      means  a NetworkPolicy that allows pod/web-7d4c9b5f6-x2x9z by label does not match this traffic
    ");
}

#[test]
fn with_another_source_port_and_mss() {
    let came = came([10, 89, 0, 11], 1024, syn(1410));
    insta::assert_snapshot!(connected(ANSWER).shown_with(&came), @r"
    sent     10.244.1.23:41822 -> 10.244.2.7:8080   TCP, MSS 1460
    arrived  10.89.0.11:1024   -> 10.244.2.7:8080   TCP, MSS 1410, TTL 62

    WARN     ND0310  connected, but rewritten on the way: shop/pod/foo sees 10.89.0.11 (node-1), not the client
      means  a NetworkPolicy that allows pod/web-7d4c9b5f6-x2x9z by label does not match this traffic
      note   its port was rewritten as well: 41822 -> 1024
      note   its MSS was changed on the way: 1460 -> 1410
    ");
}

#[test]
fn taken_by_somebody_else() {
    let nothing = ListenReport::default();
    insta::assert_snapshot!(connected("220 mail\r\n").shown_with(&nothing), @r"
    sent     10.244.1.23:41822 -> 10.244.2.7:8080   TCP, MSS 1460
    arrived  nothing

    FAIL     ND0314  answered by somebody else: the listener in shop/pod/foo saw nothing of it
      next   kubectl netdiag trace shop/pod/foo:8080 -T --from shop/pod/web-7d4c9b5f6-x2x9z
    ");
}

#[test]
fn refused_while_ours_listens() {
    let refused = pod().then(470, ConnectOutcome::Refused { ttl: Some(62) });
    insta::assert_snapshot!(refused.shown_with(&ListenReport::default()), @r"
    arrived  nothing

    FAIL     ND0304  refused by somebody on the way: shop/pod/foo listens there and saw nothing
      next   kubectl netdiag trace shop/pod/foo:8080 -T --from shop/pod/web-7d4c9b5f6-x2x9z
    ");
}

#[test]
fn silence_with_a_listener_there() {
    let silence = pod().then(3_100_000, ConnectOutcome::Silence { sent: 3, bytes: None });
    insta::assert_snapshot!(silence.shown_with(&ListenReport::default()), @r"
    arrived  nothing

    FAIL     ND0302  silence from shop/pod/foo:8080; neither refused nor rejected, so dropped somewhere
      seen   the listener in shop/pod/foo saw no connection: the SYN or its answer is lost
      next   kubectl netdiag trace shop/pod/foo:8080 -T --from shop/pod/web-7d4c9b5f6-x2x9z
    ");
}

#[test]
fn datagrams_that_are_lost_there_or_back() {
    let silence = ConnectOutcome::Silence { sent: 1, bytes: Some(7) };
    let there = udp(silence.clone()).shown_with(&ListenReport::default());
    insta::assert_snapshot!(there, @r"
    arrived  nothing

    FAIL     ND0302  the datagram did not arrive at shop/pod/foo, which listened for it
      next   kubectl netdiag trace shop/pod/foo:8080 -U --from shop/pod/web-7d4c9b5f6-x2x9z
    ");
    let came = came([10, 244, 1, 23], 41822, Arrival { ttl: Some(62), ..Arrival::default() });
    insta::assert_snapshot!(udp(silence).shown_with(&came), @r"
    sent     10.244.1.23:41822 -> 10.244.2.7:8080   UDP
    arrived  10.244.1.23:41822 -> 10.244.2.7:8080   UDP, TTL 62

    FAIL     ND0302  arrived at shop/pod/foo, but its answer did not come back
      next   kubectl netdiag trace shop/pod/foo:8080 -U --from shop/pod/web-7d4c9b5f6-x2x9z
    ");
}
