//! One handshake, or one scan, as the agent's worker makes it, with its report.

use std::io::{self, Write};

use netdiag_probe::{Probe, names::ResolverFiles};
use netdiag_wire::tls::{TlsEvent, TlsFold, TlsRequest};
use tokio_util::sync::CancellationToken;

use super::Result;

/// Prints the report as JSON.
pub(crate) fn run(port: u16, scan: bool) -> Result<()> {
    let mut request = TlsRequest::to("127.0.0.1", port);
    request.scan = scan;
    request.offer.server_name = Some("shop.test".into());
    let sockets = request.open()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut fold = TlsFold::default();
    let mut emit = |event: TlsEvent| fold.push(&event);
    let (files, stop) = (ResolverFiles::default(), CancellationToken::new());
    runtime.block_on(request.run(sockets, &files, &|_| Ok(()), &mut emit, stop))?;
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, &fold.report(None))?;
    Ok(out.flush()?)
}
