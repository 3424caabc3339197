//! What is not answered, and who said why: ICMP errors on the way, refused sends here.

use std::net::IpAddr;

use netdiag_wire::{IcmpMeaning, SendRefusal, ping::PingRequest};

use crate::lab::{CLIENT, Lab, Netns, ROUTER, SERVER, SERVER6, request};

#[test]
fn a_dead_neighbour_is_told_by_the_router_after_three_seconds() {
    let lab = Lab::new();
    let pinged = lab.client.ping(&request("10.9.2.77", 1)).unwrap();
    let [rejection] = &pinged.report().rejections[..] else { panic!("{pinged:#?}") };
    assert_eq!(rejection.icmp.meaning, IcmpMeaning::HostUnreachable);
    assert_eq!(rejection.by.to_string(), ROUTER);
    assert!(rejection.after_us > 2_000_000, "{rejection:?}");
    assert_eq!((pinged.report().rejected, pinged.report().silent), (1, 0));
}

#[test]
fn rejections_name_who_and_what() {
    use IcmpMeaning::{AdminProhibited, HostUnreachable, NetUnreachable, PortUnreachable};
    for (host, with, meaning) in [
        (SERVER, "icmp port-unreachable", PortUnreachable),
        (SERVER, "icmp net-unreachable", NetUnreachable),
        (SERVER, "icmp host-unreachable", HostUnreachable),
        (SERVER, "icmp admin-prohibited", AdminProhibited),
        (SERVER6, "icmpv6 port-unreachable", PortUnreachable),
        (SERVER6, "icmpv6 no-route", NetUnreachable),
        (SERVER6, "icmpv6 admin-prohibited", AdminProhibited),
    ] {
        let lab = Lab::new();
        let echo = if host == SERVER { "icmp" } else { "icmpv6" };
        lab.server.filter(&format!("{echo} type echo-request reject with {with}"));
        let pinged = lab.client.ping(&request(host, 1)).unwrap();
        let [rejection] = &pinged.report().rejections[..] else { panic!("{with}: {pinged:#?}") };
        assert_eq!((rejection.icmp.meaning, rejection.by.to_string()), (meaning, host.into()));
    }
}

#[test]
fn a_ttl_that_runs_out_names_the_router() {
    for (host, router) in [(SERVER, ROUTER), (SERVER6, "fd09:1::1")] {
        let lab = Lab::new();
        let request = PingRequest { ttl: 1.try_into().ok(), ..request(host, 1) };
        let pinged = lab.client.ping(&request).unwrap();
        let [rejection] = &pinged.report().rejections[..] else { panic!("{pinged:#?}") };
        assert_eq!(rejection.icmp.meaning, IcmpMeaning::TtlExceeded);
        assert_eq!(rejection.by.to_string(), router);
    }
}

#[test]
fn a_narrow_path_is_told_by_the_router_and_then_known_here() {
    for (host, size) in [(SERVER, 1_380), (SERVER6, 1_380)] {
        let lab = Lab::new();
        lab.router.ip("link set right mtu 1400");
        let request = PingRequest { size, dont_fragment: true, ..request(host, 2) };
        let pinged = lab.client.ping(&request).unwrap();
        let report = pinged.report();
        let [rejection] = &report.rejections[..] else { panic!("{pinged:#?}") };
        assert_eq!(rejection.icmp.meaning, IcmpMeaning::FragmentationNeeded);
        assert_eq!(rejection.icmp.mtu, Some(1400));
        assert_eq!(report.refusals, [SendRefusal::TooLong { mtu: Some(1400) }]);
        assert_eq!((report.sent, report.not_sent), (1, 1));
    }
}

#[test]
fn a_packet_for_which_the_interface_is_too_narrow_is_not_sent() {
    let lab = Lab::new();
    for host in [SERVER, SERVER6] {
        let request = PingRequest { size: 1_500, dont_fragment: true, ..request(host, 1) };
        let report = lab.client.ping(&request).unwrap().reports.remove(0);
        assert_eq!(report.refusals, [SendRefusal::TooLong { mtu: Some(1500) }], "{host}");
    }
}

#[test]
fn no_route_is_not_sent() {
    let lab = Lab::new();
    lab.client.ip("route del default");
    lab.client.ip("-6 route del default");
    for host in [SERVER, SERVER6] {
        let pinged = lab.client.ping(&request(host, 2)).unwrap();
        assert_eq!(pinged.report().not_sent, 2, "{pinged:#?}");
        assert_eq!(pinged.report().refusals, [SendRefusal::NoRoute]);
    }
}

#[test]
fn a_filter_of_the_sources_own_is_not_silence() {
    let lab = Lab::new();
    lab.client.nft("add table inet t");
    lab.client.nft("add chain inet t out { type filter hook output priority 0; policy drop; }");
    let report = lab.client.ping(&request(SERVER, 2)).unwrap().reports.remove(0);
    assert_eq!((report.not_sent, report.refusals), (2, vec![SendRefusal::Denied]));
}

#[test]
fn a_full_queue_is_not_silence() {
    let lab = Lab::new();
    lab.client.must("tc", "qdisc add dev eth0 root tbf rate 8kbit burst 1540 limit 1540");
    let request = PingRequest { size: 1_000, ..request(SERVER, 20) };
    let report = lab.client.ping(&request).unwrap().reports.remove(0);
    assert_eq!(report.refusals, [SendRefusal::QueueFull], "{report:#?}");
    assert!(report.not_sent > 0 && report.replied > 0, "{report:#?}");
}

#[test]
fn a_down_interface_has_no_route() {
    let lab = Lab::new();
    lab.client.ip("link set eth0 down");
    let report = lab.client.ping(&request(SERVER, 2)).unwrap().reports.remove(0);
    assert_eq!((report.sent, report.not_sent), (0, 2), "{report:#?}");
}

#[test]
fn a_redirect_is_reported_beside_the_reply() {
    let lab = Lab::new();
    let detour = Netns::new();
    lab.router.veth("third", &detour);
    lab.router.ip("link add hub type bridge");
    lab.router.ip("link set left master hub");
    lab.router.ip("link set third master hub");
    lab.router.ip("addr del 10.9.1.1/24 dev left");
    lab.router.ip("addr add 10.9.1.1/24 dev hub");
    lab.router.ip("link set hub up");
    detour.ip("addr add 10.9.1.254/24 dev eth0");
    detour.ip("route add default via 10.9.1.1");
    detour.sysctl("ipv4/ip_forward", "1");
    lab.client.ip("route replace default via 10.9.1.254");
    let pinged = lab.client.ping(&request(SERVER, 1)).unwrap();
    assert_eq!(pinged.report().redirects, [ROUTER.parse::<IpAddr>().unwrap()], "{pinged:#?}");
    assert_eq!(pinged.report().replied, 1);
}

#[test]
fn a_dead_neighbour_of_its_own_is_told_by_the_source_itself() {
    let lab = Lab::new();
    for (host, own) in [("10.9.1.77", CLIENT), ("fd09:1::77", "fd09:1::2")] {
        let pinged = lab.client.ping(&request(host, 1)).unwrap();
        let [rejection] = &pinged.report().rejections[..] else { panic!("{pinged:#?}") };
        assert_eq!(rejection.icmp.meaning, IcmpMeaning::HostUnreachable);
        assert_eq!(rejection.by.to_string(), own);
    }
}
