//! One trace in this process's namespace, as the agent's worker makes it.

use std::io::{self, Write};

use netdiag_probe::{Probe, names::ResolverFiles};
use netdiag_wire::{
    EndReason,
    trace::{TraceFold, TraceProtocol, TraceRequest},
};
use tokio_util::sync::CancellationToken;

use super::Result;

pub(crate) fn run(host: &str, queries: u8) -> Result<()> {
    let mut request = TraceRequest::to(host, TraceProtocol::Udp);
    request.queries = queries;
    request.no_names = true;
    let sockets = request.open()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut fold = TraceFold::new(&request);
    let mut emit = |event| fold.push(&event);
    let (files, stop) = (ResolverFiles::default(), CancellationToken::new());
    runtime.block_on(request.run(sockets, &files, &|_| Ok(()), &mut emit, stop))?;
    let report = fold.report(Some(EndReason::Completed), None);
    let known = report.hops.iter().filter(|hop| !hop.answers.is_empty()).count();
    let (hops, end) = (report.hops.len(), report.flows.first().map(|flow| &flow.end));
    writeln!(io::stdout().lock(), "{known} of {hops} hops, {end:?}")?;
    Ok(())
}
