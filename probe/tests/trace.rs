//! Traces of known paths.

mod chain;
mod classic;
mod path;
mod paths;
mod router;
mod side_by_side;

use netdiag_probe::{names::ResolverFiles, trace};
use netdiag_wire::{
    EndReason,
    trace::{PathEnd, TraceEvent, TraceFold, TraceProtocol, TraceReport, TraceRequest},
};
use tokio_util::sync::CancellationToken;

use crate::lab::{Lab, Netns, ROUTER, SERVER, SERVER6, runtime};

/// Runs the engine to its end in that namespace.
pub(crate) fn trace(from: &Netns, request: &TraceRequest) -> Traced {
    from.enter(|| {
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
    })
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
