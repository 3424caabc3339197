//! Queries in this process's namespace, one after the other, as the agent's worker makes them.

use std::io::{self, Write};

use netdiag_probe::{Probe, names::ResolverFiles};
use netdiag_wire::dns::{DnsEvent, DnsOutcome, DnsRequest, RecordType};
use tokio_util::sync::CancellationToken;

use super::{Result, server::name};

pub(crate) fn run(server: &str, times: u32) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut answered = 0;
    for number in 0..times {
        let request = DnsRequest::ask(name(number), RecordType::A, server);
        let sockets = request.open()?;
        let (files, stop) = (ResolverFiles::default(), CancellationToken::new());
        let mut emit = |event| match event {
            DnsEvent::Query(query) if query.outcome == DnsOutcome::Answered => answered += 1,
            _ => {}
        };
        runtime.block_on(request.run(sockets, &files, &|_| Ok(()), &mut emit, stop))?;
    }
    if answered != times {
        return Err(format!("{answered} of {times} queries answered").into());
    }
    writeln!(io::stdout().lock(), "{answered} answered")?;
    Ok(())
}
