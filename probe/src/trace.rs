//! Who answers at each distance on the way to a target: all hops at once, every flow on one 5-tuple.

use std::net::IpAddr;

use netdiag_wire::trace::{TraceEvent, TraceRequest};
use tokio_util::sync::CancellationToken;

mod datagram;
mod engine;
mod exchange;
mod intercepted;
mod lane;
mod mtu;
mod names;
mod path;
mod raw;
mod sequential;
mod sockets;
mod start;

pub use sockets::{TraceSockets, open};

use crate::{ProbeError, names::ResolverFiles, target};
use engine::Engine;
use names::Names;

/// Runs until every flow's path is known as far as it can be, or `stop` is cancelled; needs no
/// privilege and opens no file.
///
/// `destination` is asked about the target's address before anything is sent to it.
pub async fn run(
    request: &TraceRequest,
    mut sockets: TraceSockets,
    files: &ResolverFiles,
    destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
    emit: &mut impl FnMut(TraceEvent),
    stop: CancellationToken,
) -> Result<(), ProbeError> {
    let wanted = target::Wanted { family: request.family, source: request.source_address };
    let is_open = |version| sockets.has(version);
    let find = target::find(&request.host, wanted, files, destination, is_open);
    let address = tokio::select! {
        () = stop.cancelled() => return Ok(()),
        address = find => address?,
    };
    let tables = std::mem::take(&mut sockets.tables);
    let (mut exchange, mtu) = start::start(request, sockets, address, emit)?;
    let names = Names::new(request.no_names, files);
    let hops = Engine::new(request, &mut exchange, names).run(emit, &stop).await?;
    if intercepted::check(request, &tables, &hops, address).await {
        emit(TraceEvent::Intercepted);
    }
    if !request.mtu {
        return Ok(());
    }
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        done = mtu::run(&mut exchange, &hops, mtu, emit) => done,
    }
}
