//! One look in this process's namespace: every event a line of JSON on stdout, as the agent's worker
//! writes it.

use std::{
    fs,
    io::{self, Write},
};

use netdiag_probe::{Probe, names::ResolverFiles};
use netdiag_wire::{
    Event, Line,
    sockets::{SocketProtocol, SocketsRequest, Which},
};
use tokio_util::sync::CancellationToken;

use super::Result;

pub(crate) fn run(flags: &[String]) -> Result<()> {
    let has = |flag: &str| flags.iter().any(|word| word == flag);
    let request = SocketsRequest {
        protocols: vec![SocketProtocol::Tcp],
        which: if has("listening") { Which::Listening } else { Which::All },
        processes: has("processes"),
        tcp_info: has("tcpInfo"),
        ..SocketsRequest::default()
    };
    let sockets = request.open()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut out = io::stdout().lock();
    let mut written = Ok(());
    let mut emit = |event| {
        let line = Line { at: jiff::Timestamp::now(), event: Event::Probe(event) };
        let json = serde_json::to_vec(&line).map_err(io::Error::from);
        let more = json.and_then(|mut json| {
            json.push(b'\n');
            out.write_all(&json)
        });
        written = std::mem::replace(&mut written, Ok(())).and(more);
    };
    let (files, stop) = (ResolverFiles::default(), CancellationToken::new());
    runtime.block_on(request.run(sockets, &files, &|_| Ok(()), &mut emit, stop))?;
    written?;
    io::stderr().write_all(&fs::read("/proc/self/status")?)?;
    Ok(())
}

/// Out of what a run says of itself at its end.
pub(crate) fn peak_kib(status: &str) -> Result<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let words = line.and_then(|line| line.split_whitespace().next());
    Ok(words.ok_or("no VmHWM in the status")?.parse()?)
}
