//! What a scan leaves behind, how fast it is, and where it does not go.

use std::{
    net::{IpAddr, TcpListener},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use netdiag_probe::{Probe, ProbeError, names::ResolverFiles};
use netdiag_wire::{
    SendRefusal,
    scan::{Scan, ScanEvent, ScanLane, ScanMethod, ScanRequest, ScanWhy},
};
use tokio_util::sync::CancellationToken;

use super::{METHODS, arrivals::Arrivals, full, listen, ports, request, scan};
use crate::{
    lab::{Lab, Netns, SERVER, runtime},
    sandbox,
};

/// Makes the router remember connections.
fn track(lab: &Lab) {
    lab.router.nft("add table ip c");
    lab.router.nft("add chain ip c forward { type filter hook forward priority -10; }");
    lab.router.nft("add rule ip c forward ct state new counter accept");
}

/// Lines of its table.
fn remembered(router: &Netns) -> usize {
    let output = router.output("conntrack", &["-L"]);
    String::from_utf8(output.stdout).unwrap().lines().count()
}

#[test]
fn routers_remember_nothing_of_a_silent_target() {
    let lab = Lab::new();
    track(&lab);
    lab.server.filter("counter drop");
    let before = Instant::now();
    let scanned = scan(&lab.client, &request(ScanMethod::Syn, SERVER, "-"));
    assert_eq!(scanned.rest(), ["Filtered Silence: 1-65535"]);
    assert!(before.elapsed() < Duration::from_secs(20), "{:?}", before.elapsed());
    assert!(remembered(&lab.router) < 100, "{}", remembered(&lab.router));
}

#[test]
fn a_scan_that_is_stopped_ends_at_once_and_leaves_nothing() {
    for &method in METHODS {
        let lab = Lab::new();
        track(&lab);
        lab.server.filter("counter drop");
        let scan = request(method, SERVER, "-");
        let stop = CancellationToken::new();
        let stopping = stop.clone();
        let (stopped, ended) = thread::scope(|scope| {
            let stopper = scope.spawn(move || {
                thread::sleep(Duration::from_millis(300));
                stopping.cancel();
                Instant::now()
            });
            lab.client.enter(|| super::run(&scan, &stop)).unwrap();
            (stopper.join().unwrap(), Instant::now())
        });
        let took = ended.saturating_duration_since(stopped);
        assert!(took < Duration::from_secs(2), "{method:?} {took:?}");
        let sockets = lab.client.output("ss", &["-Htan"]);
        assert!(sockets.stdout.is_empty(), "{method:?} {sockets:?}");
        if method == ScanMethod::Syn {
            assert!(remembered(&lab.router) < 100, "{}", remembered(&lab.router));
        }
    }
}

/// T13, by the clock of the target's kernel.
#[test]
fn no_syn_comes_later_than_a_fifth_of_a_second_after_the_scan_is_stopped() {
    for &method in METHODS {
        let lab = Lab::new();
        let arrivals = Arrivals::at(&lab.server);
        // Silent for the scan, but what comes is seen.
        lab.server.nft("add table ip s");
        lab.server.nft("add chain ip s output { type filter hook output priority 0; }");
        lab.server.nft("add rule ip s output tcp flags & rst == rst drop");
        let stop = CancellationToken::new();
        let stopped = thread::scope(|scope| {
            let stopper = scope.spawn(|| {
                thread::sleep(Duration::from_millis(300));
                stop.cancel();
                SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
            });
            let scan = request(method, SERVER, "-");
            lab.client.enter(|| super::run(&scan, &stop)).unwrap();
            stopper.join().unwrap()
        });
        // What is on its way has arrived long before.
        thread::sleep(Duration::from_millis(500));
        let syns = arrivals.syns();
        let last = *syns.last().unwrap();
        let late = last.saturating_sub(stopped);
        println!("{method:?}: {} SYNs, the last one {late:?} after the stop", syns.len());
        assert!(last > stopped.saturating_sub(Duration::from_millis(250)), "it was still sending");
        assert!(late < Duration::from_millis(200), "{method:?} {late:?}");
    }
}

#[test]
fn what_the_source_itself_forbids_is_told_with_the_kernels_reason() {
    let lab = Lab::new();
    lab.client.nft("add table ip o");
    lab.client.nft("add chain ip o output { type filter hook output priority 0; }");
    lab.client.nft("add rule ip o output tcp dport 81-82 drop");
    lab.client.nft("add rule ip o output udp dport 81-82 drop");
    let mut both = request(ScanMethod::Syn, SERVER, "80-82");
    both.request.udp = ports("80-82");
    let scanned = scan(&lab.client, &both);
    let unsent: Vec<_> = scanned.report.rest.iter().filter(|rest| rest.refusal.is_some()).collect();
    assert_eq!(unsent.len(), 2, "{scanned:#?}");
    for rest in unsent {
        assert_eq!((&rest.refusal, rest.why), (&Some(SendRefusal::Denied), ScanWhy::NotSent));
        assert_eq!(rest.ports, ports("81-82"));
    }
}

#[test]
fn the_lanes_rate_holds_at_the_target() {
    for &method in METHODS {
        let lab = Lab::new();
        let lane = ScanLane::Held { rate: 200, hosts: 16 };
        let mut held = Scan { lane, ..request(method, SERVER, "1-1000") };
        for (rate, tcp) in [(200, "1-1000"), (100, "1-300")] {
            held.request.rate = rate.try_into().ok();
            held.request.tcp = ports(tcp);
            let arrivals = Arrivals::at(&lab.server);
            scan(&lab.client, &held);
            let (measured, rate) = (arrivals.rate(), f64::from(rate));
            assert!((0.9 * rate..=1.1 * rate).contains(&measured), "{method:?} {measured}");
        }
    }
}

#[test]
fn more_hosts_than_the_lane_allows_are_an_error_with_their_number() {
    let lab = Lab::new();
    let lane = ScanLane::Held { rate: 1_000, hosts: 1 };
    let held = Scan { lane, request: ScanRequest::to("10.9.2.0/29", ports("80")) };
    let error = lab.client.enter(|| super::run(&held, &CancellationToken::new())).unwrap_err();
    let expected = "2 hosts are up: the limit is 1 (chart: limits.scan.hosts)";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_meshed_source_does_not_scan() {
    let lab = Lab::new();
    let _proxy = lab.client.enter(|| TcpListener::bind("0.0.0.0:15001").unwrap());
    for &method in METHODS {
        let plain = scan(&lab.client, &request(method, SERVER, "80"));
        assert_eq!(plain.rest(), ["Closed Rst: 80"]);
    }
    lab.client.nft("add table ip m");
    lab.client.nft("add chain ip m output { type nat hook output priority -100; }");
    lab.client.nft("add rule ip m output tcp dport 1-65535 redirect to :15001");
    for &method in METHODS {
        let scanned = scan(&lab.client, &request(method, SERVER, "80"));
        assert!(scanned.report.intercepted, "{scanned:#?}");
        assert!(scanned.report.ports.is_empty() && scanned.report.rest.is_empty());
    }
}

#[test]
fn a_forbidden_address_of_a_network_is_left_out_and_one_by_itself_is_an_error() {
    let lab = Lab::new();
    let forbidden: IpAddr = SERVER.parse().unwrap();
    let destination = |address: IpAddr| match address == forbidden {
        true => Err(ProbeError::Forbidden { address, why: "of the test".into() }),
        false => Ok(()),
    };
    for (target, is_error) in [("10.9.2.0/29", false), (SERVER, true)] {
        let scan = full(ScanRequest::to(target, ports("80")));
        let mut events = Vec::new();
        let ended = lab.client.enter(|| {
            let sockets = scan.open().unwrap();
            let mut emit = |event: ScanEvent| events.push(event);
            let (files, stop) = (ResolverFiles::default(), CancellationToken::new());
            runtime().block_on(scan.run(sockets, &files, &destination, &mut emit, stop))
        });
        assert_eq!(ended.is_err(), is_error, "{ended:?}");
        let left_out = events.iter().find_map(|event| match event {
            ScanEvent::Started { off_limits, .. } => Some(*off_limits),
            _ => None,
        });
        assert_eq!(left_out, (!is_error).then_some(1));
        let is_sent_to = |event: &ScanEvent| match event {
            ScanEvent::Rest(rest) => rest.address == forbidden,
            ScanEvent::Host(host) => host.address == forbidden,
            _ => false,
        };
        assert!(!events.iter().any(is_sent_to), "{events:?}");
    }
}

/// As nmap has it.
#[test]
fn of_a_name_with_several_addresses_the_others_are_told() {
    let lab = Lab::new();
    let hosts = format!("{SERVER} both\n10.9.2.9 both\n").into_bytes();
    let files = ResolverFiles { hosts, ..ResolverFiles::default() };
    let scan = full(ScanRequest::to("both", ports("80")));
    let mut events = Vec::new();
    let ended = lab.client.enter(|| {
        let sockets = scan.open().unwrap();
        let mut emit = |event: ScanEvent| events.push(event);
        let stop = CancellationToken::new();
        runtime().block_on(scan.run(sockets, &files, &|_| Ok(()), &mut emit, stop))
    });
    ended.unwrap();
    let others = events.iter().find_map(|event| match event {
        ScanEvent::Started { other_addresses, .. } => Some(other_addresses.clone()),
        _ => None,
    });
    assert_eq!(others, Some(vec![[10, 9, 2, 9].into()]), "{events:?}");
}

#[test]
fn it_scans_within_a_sandbox() {
    let lab = Lab::new();
    let _listener = listen(&lab.server, 80);
    for &method in METHODS {
        let mut scan = request(method, SERVER, "80-81");
        scan.request.udp = ports("80");
        let scanned = lab.client.enter(|| {
            let sockets = scan.open().unwrap();
            let runtime = runtime();
            sandbox::close();
            super::drive(&runtime, &scan, sockets, &CancellationToken::new())
        });
        let scanned = scanned.unwrap();
        assert_eq!(scanned.open(), [80]);
        let expected = ["Closed Rst: 81", "Closed Rejected 10.9.2.2: 80"];
        assert_eq!(scanned.rest(), expected);
    }
}

#[test]
fn servers_that_do_not_accept_stay_open_to_scans() {
    let lab = Lab::new();
    let socket = lab.server.enter(|| {
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&"0.0.0.0:80".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
        socket.listen(1).unwrap();
        socket
    });
    for _ in 0..20 {
        let scanned = scan(&lab.client, &request(ScanMethod::Syn, SERVER, "80"));
        assert_eq!(scanned.open(), [80]);
    }
    drop(socket);
}

#[test]
fn its_own_ports_are_no_listeners() {
    let lab = Lab::new();
    for &method in METHODS {
        let scanned = scan(&lab.client, &request(method, "10.9.1.2", "30000-65535"));
        assert_eq!(scanned.open(), [0; 0], "{method:?}");
        assert_eq!(scanned.rest(), ["Closed Rst: 30000-65535"], "{method:?}");
    }
}
