//! Traces of known paths.

mod chain;
mod classic;
mod mtu;
mod path;
mod paths;
mod router;
mod side_by_side;

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use netdiag_probe::{
    Probe, ProbeError,
    names::ResolverFiles,
    trace::{self, TraceSockets},
};
use netdiag_wire::{
    EndReason,
    trace::{
        PathEnd, TraceEvent, TraceFold, TraceMethod, TraceProtocol, TraceReport, TraceRequest,
    },
};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::{
    lab::{Lab, Netns, ROUTER, SERVER, SERVER6, runtime},
    names::{files, serve},
};

/// Runs the engine to its end in that namespace.
pub(crate) fn trace(from: &Netns, request: &TraceRequest) -> Traced {
    from.enter(|| run(request))
}

/// The same without any privilege.
fn trace_unprivileged(from: &Netns, request: &TraceRequest) -> Traced {
    from.enter(|| {
        lose_privilege();
        run(request)
    })
}

/// For the rest of the thread's life.
fn lose_privilege() {
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    set_capabilities(None, sets).unwrap();
}

fn run(request: &TraceRequest) -> Traced {
    let sockets = request.open().unwrap();
    drive(&runtime(), request, sockets, &ResolverFiles::default())
}

/// Runs the engine to its end in this thread's namespace.
pub(crate) fn drive(
    runtime: &Runtime,
    request: &TraceRequest,
    sockets: TraceSockets,
    files: &ResolverFiles,
) -> Traced {
    let mut fold = TraceFold::new(request);
    let mut events = Vec::new();
    let mut emit = |event: TraceEvent| {
        fold.push(&event);
        events.push(event);
    };
    let stop = CancellationToken::new();
    let run = request.run(sockets, files, &|_| Ok(()), &mut emit, stop);
    runtime.block_on(run).unwrap();
    Traced { report: fold.report(Some(EndReason::Completed), None), events }
}

#[derive(Debug)]
pub(crate) struct Traced {
    pub(crate) events: Vec<TraceEvent>,
    pub(crate) report: TraceReport,
}

impl Traced {
    /// The first answer at each TTL of the first flow, `*` for silence.
    pub(crate) fn path(&self) -> Vec<String> {
        let hops = self.report.hops.iter().filter(|hop| hop.flow == 0);
        hops.map(|hop| hop.answers.first().map_or("*".into(), |a| a.address.to_string())).collect()
    }

    pub(crate) fn end(&self) -> &PathEnd {
        &self.report.flows[0].end
    }
}

#[test]
fn every_protocol_finds_the_path() {
    for protocol in [TraceProtocol::Icmp, TraceProtocol::Tcp, TraceProtocol::Udp] {
        // A router answers 6 times at once, so every protocol has a router of its own.
        let lab = Lab::new();
        for (server, router) in [(SERVER, ROUTER), (SERVER6, "fd09:1::1")] {
            let traced = trace(&lab.client, &TraceRequest::to(server, protocol));
            assert_eq!(traced.path(), [router, server], "{protocol:?} {traced:#?}");
            assert!(matches!(traced.end(), PathEnd::Reached { hops: 2, .. }), "{traced:#?}");
            let hops = &traced.report.hops;
            assert!(hops.iter().all(|hop| hop.answers.len() == 3), "{protocol:?} {traced:#?}");
            let last = traced.events.last();
            assert!(matches!(last, Some(TraceEvent::Hop(hop)) if hop.ttl == 2), "{last:?}");
        }
    }
}

#[test]
fn traces_in_a_row_are_complete_in_spite_of_rate_limits() {
    for protocol in [TraceProtocol::Icmp, TraceProtocol::Tcp, TraceProtocol::Udp] {
        let lab = Lab::new();
        for count in 1..=10 {
            // Every third asks for more than there is.
            let queries = if count % 3 == 0 { 3 } else { 1 };
            let request = TraceRequest { queries, ..TraceRequest::to(SERVER, protocol) };
            let before = Instant::now();
            let traced = trace(&lab.client, &request);
            assert_eq!(traced.path(), [ROUTER, SERVER], "{protocol:?} {count}: {traced:#?}");
            assert!(before.elapsed() < Duration::from_secs(5), "{:?}", before.elapsed());
        }
    }
}

#[test]
fn a_path_without_an_end_is_known_after_two_waits() {
    for protocol in [TraceProtocol::Icmp, TraceProtocol::Tcp, TraceProtocol::Udp] {
        for queries in [1, 3] {
            let lab = Lab::new();
            lab.server.filter("counter drop");
            let request = TraceRequest { queries, ..TraceRequest::to(SERVER, protocol) };
            let before = Instant::now();
            let traced = trace(&lab.client, &request);
            assert_eq!(*traced.end(), PathEnd::Silence { after_ttl: 1 }, "{traced:#?}");
            assert_eq!(traced.path().len(), 30);
            let last = traced.report.hops.last().unwrap();
            assert_eq!((last.asked_again, last.silent), (false, u16::from(queries)), "{last:?}");
            assert!(before.elapsed() < Duration::from_secs(3), "{:?}", before.elapsed());
        }
    }
}

#[test]
fn a_target_that_lives_is_asked_once_more_when_a_rate_limit_would_be_over() {
    let lab = Lab::new();
    lab.server.filter("meta l4proto udp counter drop");
    let traced = trace(&lab.client, &TraceRequest::to(SERVER, TraceProtocol::Udp));
    assert_eq!(*traced.end(), PathEnd::Silence { after_ttl: 1 }, "{traced:#?}");
    let again: Vec<_> = traced.report.hops.iter().map(|hop| hop.asked_again).collect();
    assert_eq!(again, [vec![false], vec![true; 29]].concat());
}

#[test]
fn without_privilege_the_path_is_the_same() {
    for (protocol, method) in [
        (TraceProtocol::Icmp, TraceMethod::Datagram),
        (TraceProtocol::Udp, TraceMethod::Datagram),
        (TraceProtocol::Tcp, TraceMethod::Sequential),
    ] {
        let lab = Lab::new();
        lab.client.sysctl("ipv4/ping_group_range", "0 2147483647");
        for (server, router) in [(SERVER, ROUTER), (SERVER6, "fd09:1::1")] {
            let traced = trace_unprivileged(&lab.client, &TraceRequest::to(server, protocol));
            assert_eq!(traced.path(), [router, server], "{protocol:?} {traced:#?}");
            assert!(matches!(traced.end(), PathEnd::Reached { hops: 2, .. }), "{traced:#?}");
            assert_eq!(traced.report.method, Some(method));
        }
    }
}

#[test]
fn without_privilege_a_path_without_an_end_is_known_as_well() {
    for protocol in [TraceProtocol::Udp, TraceProtocol::Tcp] {
        let lab = Lab::new();
        lab.server.filter("counter drop");
        let request = TraceRequest { max_ttl: 6, ..TraceRequest::to(SERVER, protocol) };
        let traced = trace_unprivileged(&lab.client, &request);
        assert_eq!(*traced.end(), PathEnd::Silence { after_ttl: 1 }, "{traced:#?}");
    }
}

#[test]
fn whoever_has_a_name_is_named_before_its_hop() {
    let lab = Lab::new();
    serve(&lab.router);
    let request = TraceRequest::to(SERVER, TraceProtocol::Tcp);
    let traced = lab.client.enter(|| {
        let sockets = request.open().unwrap();
        drive(&runtime(), &request, sockets, &files(""))
    });
    let [.., TraceEvent::Name { address, name }, TraceEvent::Hop(first), TraceEvent::Hop(_)] =
        &traced.events[..]
    else {
        panic!("{traced:#?}");
    };
    assert_eq!((address.to_string(), first.ttl), (ROUTER.into(), 1));
    assert_eq!(name.to_string(), "router.test");
}

#[test]
fn a_forbidden_nameserver_is_asked_for_no_names() {
    let lab = Lab::new();
    serve(&lab.router);
    let request = TraceRequest::to(SERVER, TraceProtocol::Tcp);
    let mut files = files("");
    files.never_ask = Some(|address| address.to_string() == ROUTER);
    let traced = lab.client.enter(|| {
        let sockets = request.open().unwrap();
        drive(&runtime(), &request, sockets, &files)
    });
    assert_eq!(traced.path(), [ROUTER, SERVER]);
    assert!(!traced.events.iter().any(|event| matches!(event, TraceEvent::Name { .. })));
}

#[test]
fn names_that_nobody_answers_keep_no_hop_back_for_long() {
    let lab = Lab::new();
    lab.router.filter("udp dport 53 drop");
    let request = TraceRequest::to(SERVER, TraceProtocol::Tcp);
    let traced = lab.client.enter(|| {
        let sockets = request.open().unwrap();
        let before = Instant::now();
        let traced = drive(&runtime(), &request, sockets, &files(""));
        assert!(before.elapsed() < Duration::from_secs(2), "{:?}", before.elapsed());
        traced
    });
    assert_eq!(traced.path(), [ROUTER, SERVER]);
}

#[test]
fn what_cannot_be_traced_is_an_error() {
    let lab = Lab::new();
    let wrong = |change: fn(&mut TraceRequest)| {
        let mut request = TraceRequest::to(SERVER, TraceProtocol::Udp);
        change(&mut request);
        lab.client.enter(|| request.open().unwrap_err())
    };
    let error = wrong(|request| request.source_address = Some([10, 9, 2, 2].into()));
    assert!(matches!(error, ProbeError::SourceAddress { .. }), "{error}");
    let error = wrong(|request| request.first_ttl = 31);
    assert!(matches!(error, ProbeError::Request(_)), "{error}");
}

#[test]
fn flows_have_ports_of_their_own_and_come_one_after_another() {
    let lab = Lab::new();
    let request =
        TraceRequest { flows: 3, queries: 1, ..TraceRequest::to(SERVER, TraceProtocol::Tcp) };
    let traced = trace(&lab.client, &request);
    let walked: Vec<_> = traced.report.hops.iter().map(|hop| (hop.flow, hop.ttl)).collect();
    assert_eq!(walked, [(0, 1), (0, 2), (1, 1), (1, 2), (2, 1), (2, 2)]);
    let ports: Vec<_> = traced.report.flows.iter().filter_map(|flow| flow.source_port).collect();
    assert!(matches!(ports[..], [a, b, c] if a + 1 == b && b + 1 == c), "{ports:?}");
}

#[test]
fn no_flow_is_called_dead_for_a_rate_limit() {
    for protocol in [TraceProtocol::Udp, TraceProtocol::Tcp] {
        let lab = Lab::new();
        let request = TraceRequest { flows: 8, queries: 1, ..TraceRequest::to(SERVER, protocol) };
        let traced = trace(&lab.client, &request);
        for flow in &traced.report.flows {
            assert!(matches!(flow.end, PathEnd::Reached { hops: 2, .. }), "{flow:?} {traced:#?}");
        }
        let silent = traced.report.hops.iter().filter(|hop| hop.answers.is_empty()).count();
        assert_eq!((silent, traced.report.flows.len()), (0, 8), "{protocol:?} {traced:#?}");
    }
}

#[test]
fn a_proxy_in_the_sources_own_namespace_is_not_the_target() {
    let lab = Lab::new();
    let _proxy = lab.client.enter(|| TcpListener::bind("0.0.0.0:15001").unwrap());
    lab.client.nft("add table ip mesh");
    lab.client.nft("add chain ip mesh out { type nat hook output priority -100; }");
    lab.client.nft("add rule ip mesh out ip daddr 10.9.2.2 tcp dport 80 redirect to :15001");
    let traced = trace(&lab.client, &TraceRequest::to(SERVER, TraceProtocol::Tcp));
    assert_eq!(traced.path(), [SERVER]);
    assert!(traced.report.intercepted, "{traced:#?}");
}

/// As behind a ClusterIP: the next connection has another backend, and cannot come so far.
#[test]
fn an_address_that_is_here_now_and_there_then_is_no_proxy() {
    const BOTH: &str = "10.9.9.9";
    let lab = Lab::new();
    let _server = lab.router.enter(|| TcpListener::bind("0.0.0.0:80").unwrap());
    lab.router.nft("add table ip n");
    lab.router.nft("add chain ip n in { type nat hook prerouting priority -100; }");
    let map = format!("{{ 0 : {ROUTER}, 1-99 : {SERVER} }}");
    lab.router
        .nft(&format!("add rule ip n in ip daddr {BOTH} dnat to numgen inc mod 100 map {map}"));
    let traced = trace(&lab.client, &TraceRequest::to(BOTH, TraceProtocol::Tcp));
    assert_eq!(traced.path(), [BOTH]);
    assert!(!traced.report.intercepted, "{traced:#?}");
}

#[test]
fn a_neighbour_that_answers_is_the_target_itself() {
    let lab = Lab::new();
    let _server = lab.router.enter(|| TcpListener::bind("0.0.0.0:80").unwrap());
    let traced = trace(&lab.client, &TraceRequest::to(ROUTER, TraceProtocol::Tcp));
    assert_eq!(traced.path(), [ROUTER]);
    assert!(matches!(traced.end(), PathEnd::Reached { hops: 1, .. }));
    assert!(!traced.report.intercepted, "{traced:#?}");
}
