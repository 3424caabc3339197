//! The ping engine against a network whose truth is known.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use netdiag_probe::{ProbeError, names::ResolverFiles, ping};
use netdiag_wire::{
    ErrorCode, Family,
    ping::{IcmpMeaning, PingEvent, PingRequest, PingTarget, SendRefusal, SocketKind},
};
use tokio_util::sync::CancellationToken;

use crate::{
    lab::{CLIENT, Lab, Netns, ROUTER, SERVER, SERVER6, drive, request},
    responder::{Responder, reply, seal, seq},
};

/// Drops or rejects what comes in.
fn filter(namespace: &Netns, rule: &str) {
    namespace.nft("add table inet t");
    namespace.nft("add chain inet t input { type filter hook input priority 0; }");
    namespace.nft(&format!("add rule inet t input {rule}"));
}

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
fn ipv6_replies_with_its_hop_limit() {
    let lab = Lab::new();
    let pinged = lab.client.ping(&request(SERVER6, 3)).unwrap();
    assert_eq!((pinged.report().sent, pinged.report().replied), (3, 3), "{pinged:#?}");
    let ttl = pinged.events.iter().find_map(|event| match event {
        PingEvent::Replied { ttl, .. } => *ttl,
        _ => None,
    });
    assert_eq!(ttl, Some(63));
}

#[test]
fn data_of_every_size_comes_back_unchanged() {
    let lab = Lab::new();
    for (host, size) in
        [(SERVER, 0), (SERVER, 7), (SERVER, 65_507), (SERVER6, 0), (SERVER6, 65_507)]
    {
        let request = PingRequest { size, ..request(host, 2) };
        let report = lab.client.ping(&request).unwrap().reports.remove(0);
        assert_eq!((report.replied, report.wrong_data), (2, 0), "{host} {size}: {report:#?}");
    }
}

#[test]
fn silence_is_an_outcome() {
    let lab = Lab::new();
    filter(&lab.server, "drop");
    let began = Instant::now();
    let pinged = lab.client.ping(&request(SERVER, 2)).unwrap();
    assert_eq!((pinged.report().sent, pinged.report().silent), (2, 2), "{pinged:#?}");
    assert!(began.elapsed() > Duration::from_millis(3_500), "lingers for a late rejection");
}

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
        filter(&lab.server, &format!("{echo} type echo-request reject with {with}"));
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
fn own_addresses_answer() {
    let lab = Lab::new();
    for host in [CLIENT, "127.0.0.1", "fd09:1::2", "::1"] {
        let report = lab.client.ping(&request(host, 2)).unwrap().reports.remove(0);
        assert_eq!((report.replied, report.duplicates), (2, 0), "{host}: {report:#?}");
        assert_eq!(report.source_address, report.address);
    }
}

#[test]
fn a_source_address_is_used_or_refused_with_those_there_are() {
    let lab = Lab::new();
    lab.client.ip("addr add 10.9.1.3/24 dev eth0");
    let source_address = Some([10, 9, 1, 3].into());
    let report =
        lab.client.ping(&PingRequest { source_address, ..request(SERVER, 1) }).unwrap().reports;
    assert_eq!((report[0].source_address, report[0].replied), (source_address, 1));

    let source_address = Some([192, 0, 2, 9].into());
    let error = lab.client.ping(&PingRequest { source_address, ..request(SERVER, 1) }).unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceAddress);
    let text = error.to_string();
    assert!(text.contains(CLIENT) && text.contains("fd09:1::2"), "{text}");
}

#[test]
fn duplicates_and_damage_are_told_apart() {
    let lab = Lab::new();
    let _host = Responder::start(&lab.server, |request| {
        let mut answer = reply(request);
        match seq(request) {
            1 => vec![answer.clone(), answer],
            2 => {
                answer[20] ^= 0xff;
                vec![answer]
            }
            3 => {
                answer[20] ^= 0xff;
                seal(&mut answer);
                vec![answer]
            }
            _ => vec![answer],
        }
    });
    let pinged = lab.client.ping(&request(SERVER, 4)).unwrap();
    let report = pinged.report();
    assert_eq!((report.sent, report.replied, report.duplicates), (4, 3, 1), "{pinged:#?}");
    assert_eq!((report.corrupted, report.wrong_data, report.lost_seqs.clone()), (1, 1, vec![2]));
    let wrong = pinged.events.iter().find_map(|event| match event {
        PingEvent::Replied { seq: 3, wrong_byte, .. } => *wrong_byte,
        _ => None,
    });
    assert_eq!(wrong, Some(12), "an offset in the data");
}

#[test]
fn replies_in_another_order_are_told() {
    let lab = Lab::new();
    let held = std::sync::Mutex::new(Vec::new());
    let _host = Responder::start(&lab.server, move |request| {
        let mut held = held.lock().unwrap();
        held.insert(0, reply(request));
        if held.len() < 3 { Vec::new() } else { std::mem::take(&mut *held) }
    });
    let report = lab.client.ping(&request(SERVER, 3)).unwrap().reports.remove(0);
    assert_eq!((report.replied, report.reordered), (3, 2), "{report:#?}");
}

#[test]
fn a_late_reply_is_late_and_no_loss() {
    let lab = Lab::new();
    let held = std::sync::Mutex::new(Vec::new());
    let _host = Responder::start(&lab.server, move |request| {
        let mut held = held.lock().unwrap();
        held.push(reply(request));
        if seq(request) == 1 { Vec::new() } else { std::mem::take(&mut *held) }
    });
    let request = PingRequest { wait_us: 50_000, interval_us: 200_000, ..request(SERVER, 2) };
    let pinged = lab.client.ping(&request).unwrap();
    let report = pinged.report();
    assert_eq!((report.replied, report.late, report.silent), (2, 1, 0), "{pinged:#?}");
}

#[test]
fn two_pings_at_once_do_not_see_each_others_replies() {
    let lab = Lab::new();
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| lab.client.ping(&request(SERVER, 50)).unwrap()))
            .collect();
        for run in runs {
            let report = run.join().unwrap().reports.remove(0);
            assert_eq!((report.replied, report.duplicates, report.wrong_data), (50, 0, 0));
        }
    });
}

#[test]
fn without_net_raw_datagram_sockets_do() {
    let lab = Lab::new();
    lab.client.sysctl("ipv4/ping_group_range", "0 0");
    let targets = [SERVER, SERVER6, SERVER, "10.9.2.77"];
    let mut request = request(SERVER, 3);
    request.targets = targets.map(|host| PingTarget { host: host.into() }).into();
    let pinged = lab.client.enter(|| {
        drop_net_raw();
        let sockets = ping::open(&request).unwrap();
        drive(&request, sockets, &ResolverFiles::default()).unwrap()
    });
    let replied: Vec<_> = pinged.reports.iter().map(|report| report.replied).collect();
    assert_eq!(replied, [3, 3, 3, 0], "{pinged:#?}");
    let started = pinged
        .events
        .iter()
        .filter(|event| matches!(event, PingEvent::Started { socket: SocketKind::Datagram, .. }));
    assert_eq!(started.count(), 4);
    let rejections = &pinged.reports[3].rejections;
    assert_eq!(rejections[0].icmp.meaning, IcmpMeaning::HostUnreachable, "{pinged:#?}");
    assert_eq!(rejections[0].by.to_string(), ROUTER);
}

#[test]
fn without_any_icmp_socket_the_error_names_both_ways() {
    let lab = Lab::new();
    let error = lab.client.enter(|| {
        drop_net_raw();
        ping::open(&request(SERVER, 1)).unwrap_err()
    });
    assert_eq!(error.code(), ErrorCode::Permission);
    let text = error.to_string();
    assert!(text.contains("CAP_NET_RAW") && text.contains("ping_group_range"), "{text}");
}

/// Of this thread, which ends with the test.
fn drop_net_raw() {
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
    let mut sets = capabilities(None).unwrap();
    sets.effective.remove(CapabilitySet::NET_RAW);
    set_capabilities(None, sets).unwrap();
}

#[test]
fn open_sockets_work_without_any_capability() {
    let lab = Lab::new();
    let request = request(SERVER, 2);
    let pinged = lab.client.enter(|| {
        let sockets = ping::open(&request).unwrap();
        let mut sets = rustix::thread::capabilities(None).unwrap();
        sets.effective = rustix::thread::CapabilitySet::empty();
        sets.permitted = rustix::thread::CapabilitySet::empty();
        rustix::thread::set_capabilities(None, sets).unwrap();
        drive(&request, sockets, &ResolverFiles::default()).unwrap()
    });
    assert_eq!(pinged.report().replied, 2);
}

#[test]
fn a_hundred_targets_hold_two_milliseconds() {
    let lab = Lab::new();
    let mut request = request(SERVER, 500);
    request.targets = vec![PingTarget { host: SERVER.into() }; 128];
    request.interval_us = 2_000;
    request.size = 0;
    let began = Instant::now();
    let pinged = lab.client.ping(&request).unwrap();
    let took = began.elapsed();
    let sent: u32 = pinged.reports.iter().map(|report| report.sent).sum();
    let replied: u32 = pinged.reports.iter().map(|report| report.replied).sum();
    println!("{sent} sent, {replied} replied in {took:?}");
    assert_eq!(sent, 128 * 500);
    assert!(replied > 128 * 450, "{replied}");
}

/// Runs the engine with what tests of its callbacks hand in.
fn run(
    request: &PingRequest,
    destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
    mut emit: impl FnMut(PingEvent),
    stop: CancellationToken,
) -> Result<(), ProbeError> {
    let sockets = ping::open(request)?;
    let files = ResolverFiles::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(ping::run(request, sockets, &files, destination, &mut emit, stop))
}

#[test]
fn stop_ends_a_ping_without_end() {
    let lab = Lab::new();
    let request = PingRequest { count: None, ..request(SERVER, 1) };
    let stop = CancellationToken::new();
    let mut replies = 0;
    let emit = |event| {
        replies += u32::from(matches!(event, PingEvent::Replied { .. }));
        if replies == 5 {
            stop.cancel();
        }
    };
    lab.client.enter(|| run(&request, &|_| Ok(()), emit, stop.clone())).unwrap();
    assert_eq!(replies, 5);
}

#[test]
fn once_ends_with_the_first_reply() {
    let lab = Lab::new();
    let request = PingRequest { once: true, ..request(SERVER, 1000) };
    let report = lab.client.ping(&request).unwrap().reports.remove(0);
    assert_eq!((report.sent, report.replied), (1, 1));
}

#[test]
fn a_destination_that_is_off_limits_gets_no_packet() {
    let lab = Lab::new();
    let request = request("::ffff:10.9.2.2", 1);
    let mut events = Vec::new();
    let deny = |address| Err(ProbeError::Forbidden { address, why: "metadata".into() });
    let refused = lab
        .client
        .enter(|| run(&request, &deny, |event| events.push(event), CancellationToken::new()));
    let error = refused.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Forbidden);
    assert_eq!(error.to_string(), "10.9.2.2 is off limits: metadata");
    assert_eq!(events, []);
}

#[test]
fn an_address_of_the_other_family_is_refused() {
    let lab = Lab::new();
    let request = PingRequest { family: Family::V6, ..request(SERVER, 1) };
    let error = lab.client.ping(&request).unwrap_err();
    assert_eq!(
        (error.code(), error.to_string()),
        (ErrorCode::BadRequest, "10.9.2.2 has no IPv6 address".into())
    );
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
