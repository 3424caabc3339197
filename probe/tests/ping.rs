//! The ping engine against a network whose truth is known.

use crate::lab::{CLIENT, Lab, ROUTER, SERVER, SERVER6, request};
use netdiag_wire::ping::{IcmpMeaning, PingEvent, SendRefusal};

#[test]
fn replies_come_with_ttl_bytes_and_time() {
    let lab = Lab::new();
    let pinged = lab.client.ping(&request(SERVER, 3)).unwrap();
    let report = pinged.report();
    assert_eq!((report.sent, report.replied, report.lost()), (3, 3, 0), "{pinged:#?}");
    assert_eq!(report.source_address, Some(CLIENT.parse().unwrap()));
    let first = pinged.events.iter().find(|e| matches!(e, PingEvent::Replied { .. })).unwrap();
    let PingEvent::Replied { seq: 1, address, bytes: 64, ttl: Some(63), rtt_us, .. } = first else {
        panic!("{first:?}")
    };
    assert_eq!(address.to_string(), SERVER);
    assert!((1..100_000).contains(rtt_us), "{rtt_us}");
}

#[test]
fn ipv6_replies() {
    let lab = Lab::new();
    let pinged = lab.client.ping(&request(SERVER6, 3)).unwrap();
    assert_eq!((pinged.report().sent, pinged.report().replied), (3, 3), "{pinged:#?}");
}

#[test]
fn silence_is_an_outcome() {
    let lab = Lab::new();
    lab.server.nft(
        "add table inet t\nadd chain inet t in { type filter hook input priority 0; policy drop; }",
    );
    let pinged = lab.client.ping(&request(SERVER, 2)).unwrap();
    assert_eq!((pinged.report().sent, pinged.report().silent), (2, 2), "{pinged:#?}");
}

#[test]
fn a_ttl_that_runs_out_names_the_router() {
    let lab = Lab::new();
    let mut request = request(SERVER, 1);
    request.ttl = 1.try_into().ok();
    let pinged = lab.client.ping(&request).unwrap();
    let rejection = &pinged.report().rejections[0];
    assert_eq!(rejection.icmp.meaning, IcmpMeaning::TtlExceeded);
    assert_eq!(rejection.by.to_string(), ROUTER);
}

#[test]
fn no_route_is_not_sent() {
    let lab = Lab::new();
    lab.client.ip("route del default");
    let pinged = lab.client.ping(&request(SERVER, 2)).unwrap();
    assert_eq!(pinged.report().not_sent, 2, "{pinged:#?}");
    assert_eq!(pinged.report().refusals, [SendRefusal::NoRoute]);
}
