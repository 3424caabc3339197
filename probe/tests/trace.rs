//! Traces of known paths.

mod chain;
mod classic;
mod mtu;
mod path;
mod paths;
mod router;
mod side_by_side;

use std::time::{Duration, Instant};

use netdiag_probe::{names::ResolverFiles, trace};
use netdiag_wire::{
    EndReason,
    trace::{
        PathEnd, TraceEvent, TraceFold, TraceMethod, TraceProtocol, TraceReport, TraceRequest,
    },
};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};
use tokio_util::sync::CancellationToken;

use crate::lab::{Lab, Netns, ROUTER, SERVER, SERVER6, runtime};

/// Runs the engine to its end in that namespace.
pub(crate) fn trace(from: &Netns, request: &TraceRequest) -> Traced {
    from.enter(|| run(request))
}

/// The same without any privilege.
fn trace_unprivileged(from: &Netns, request: &TraceRequest) -> Traced {
    from.enter(|| {
        let none = CapabilitySet::empty();
        let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
        set_capabilities(None, sets).unwrap();
        run(request)
    })
}

fn run(request: &TraceRequest) -> Traced {
    let sockets = trace::open(request).unwrap();
    let mut fold = TraceFold::new(request);
    let mut events = Vec::new();
    let mut emit = |event: TraceEvent| {
        fold.push(&event);
        events.push(event);
    };
    let (files, stop) = (ResolverFiles::default(), CancellationToken::new());
    let run = trace::run(request, sockets, &files, &|_| Ok(()), &mut emit, stop);
    runtime().block_on(run).unwrap();
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
            let request = TraceRequest { queries: 1, ..TraceRequest::to(SERVER, protocol) };
            let before = Instant::now();
            let traced = trace(&lab.client, &request);
            assert_eq!(traced.path(), [ROUTER, SERVER], "{protocol:?} {count}: {traced:#?}");
            assert!(before.elapsed() < Duration::from_millis(1_400), "{:?}", before.elapsed());
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
            assert!(before.elapsed() < Duration::from_millis(900), "{:?}", before.elapsed());
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
