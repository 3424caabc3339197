//! The engine, run to its end.

use std::net::IpAddr;

use netdiag_probe::{Probe, ProbeError, names::ResolverFiles};
use netdiag_wire::{
    EndReason,
    dns::{DnsFold, DnsQuery, DnsReport, DnsRequest},
};
use tokio_util::sync::CancellationToken;

use crate::lab::{Netns, runtime};

type Destination<'a> = &'a (dyn Fn(IpAddr) -> Result<(), ProbeError> + Sync);

pub(crate) fn run(namespace: &Netns, request: &DnsRequest) -> Result<DnsReport, ProbeError> {
    run_to(namespace, request, &|_| Ok(()))
}

pub(crate) fn run_to(
    namespace: &Netns,
    request: &DnsRequest,
    destination: Destination<'_>,
) -> Result<DnsReport, ProbeError> {
    drive(namespace, request, &ResolverFiles::default(), destination, || ())
}

/// Calls `prepare` when all that needs a privilege is done.
pub(crate) fn run_with(
    namespace: &Netns,
    request: &DnsRequest,
    files: &ResolverFiles,
    prepare: fn(),
) -> Result<DnsReport, ProbeError> {
    drive(namespace, request, files, &|_| Ok(()), prepare)
}

fn drive(
    namespace: &Netns,
    request: &DnsRequest,
    files: &ResolverFiles,
    destination: Destination<'_>,
    prepare: fn(),
) -> Result<DnsReport, ProbeError> {
    namespace.enter(|| {
        let sockets = request.open()?;
        let runtime = runtime();
        prepare();
        let mut fold = DnsFold::new(request);
        let stop = CancellationToken::new();
        let mut emit = |event| fold.push(&event);
        let run = request.run(sockets, files, destination, &mut emit, stop);
        runtime.block_on(run)?;
        Ok(fold.report(Some(EndReason::Completed), None))
    })
}

/// All of them, in the order in which they were asked.
pub(crate) fn queries(report: &DnsReport) -> Vec<&DnsQuery> {
    report.names.iter().flat_map(|name| &name.queries).collect()
}
