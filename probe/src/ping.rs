//! Echo requests to one or more targets, sent on the interval whether or not answers come.

use std::net::IpAddr;

use netdiag_wire::ping::{PingEvent, PingRequest};
use tokio_util::sync::CancellationToken;

mod engine;
mod sockets;
mod start;
mod target;
mod track;

pub use sockets::{PingSockets, open};

use crate::{ProbeError, names::ResolverFiles};
use engine::Engine;

/// Runs until every target is done or `stop` is cancelled; needs no privilege and opens no file.
///
/// `destination` is asked about each address really used, before anything is sent to it.
pub async fn run(
    request: &PingRequest,
    sockets: PingSockets,
    files: &ResolverFiles,
    destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
    emit: &mut impl FnMut(PingEvent),
    stop: CancellationToken,
) -> Result<(), ProbeError> {
    let find = start::addresses(request, &sockets, files, destination);
    let addresses = tokio::select! {
        () = stop.cancelled() => return Ok(()),
        addresses = find => addresses?,
    };
    Engine::new(request, sockets, &addresses, emit)?.run(emit, &stop).await
}
