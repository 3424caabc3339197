//! One scan in this process's namespace, as the agent's worker makes it.

use std::io::{self, Write};

use netdiag_probe::{Probe, names::ResolverFiles};
use netdiag_wire::scan::{Scan, ScanEvent, ScanFold, ScanLane, ScanMethod, ScanRequest};
use tokio_util::sync::CancellationToken;

use super::Result;

/// Prints the open ports, one a line.
pub(crate) fn run(target: &str, ports: &str, method: &str) -> Result<()> {
    let tcp = if ports == "none" { "".parse().unwrap_or_default() } else { ports.parse()? };
    let mut request = ScanRequest::to(target, tcp);
    request.method = if method == "connect" { ScanMethod::Connect } else { ScanMethod::Syn };
    let scan = Scan { request, lane: ScanLane::Full };
    let sockets = scan.open()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut fold = ScanFold::default();
    let mut emit = |event: ScanEvent| fold.push(&event);
    let (files, stop) = (ResolverFiles::default(), CancellationToken::new());
    runtime.block_on(scan.run(sockets, &files, &|_| Ok(()), &mut emit, stop))?;
    let report = fold.report(None, None);
    let mut out = io::stdout().lock();
    for port in &report.ports {
        writeln!(out, "{}", port.port)?;
    }
    Ok(())
}
