//! The ping engine against a network whose truth is known.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use netdiag_probe::{Probe, ProbeError, names::ResolverFiles};
use netdiag_wire::{
    ErrorCode, Family, IcmpMeaning,
    ping::{PingEvent, PingRequest, PingTarget, SocketKind},
};
use tokio_util::sync::CancellationToken;

use crate::{
    lab::{CLIENT, Lab, ROUTER, SERVER, SERVER6, drive, request, runtime},
    responder::{Responder, reply, seal, seq},
};

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
    lab.server.filter("drop");
    let began = Instant::now();
    let pinged = lab.client.ping(&request(SERVER, 2)).unwrap();
    assert_eq!((pinged.report().sent, pinged.report().silent), (2, 2), "{pinged:#?}");
    assert!(began.elapsed() > Duration::from_millis(3_500), "lingers for a late rejection");
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
        let sockets = request.open().unwrap();
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
        request(SERVER, 1).open().unwrap_err()
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
    let sockets = request.open()?;
    let files = ResolverFiles::default();
    runtime().block_on(request.run(sockets, &files, destination, &mut emit, stop))
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
    assert!((5..50).contains(&replies), "{replies}");
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
