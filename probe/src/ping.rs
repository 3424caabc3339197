//! Echo requests to one or more targets, sent on the interval whether or not answers come.

use std::net::IpAddr;

use netdiag_wire::ping::{PingEvent, PingRequest};
use tokio_util::sync::CancellationToken;

mod engine;
mod sockets;
mod start;
mod target;
mod track;

pub use sockets::PingSockets;

use crate::{Probe, ProbeError, names::ResolverFiles};
use engine::Engine;

impl Probe for PingRequest {
    type Sockets = PingSockets;
    type Event = PingEvent;

    fn open(&self) -> Result<PingSockets, ProbeError> {
        sockets::open(self)
    }

    async fn run(
        &self,
        sockets: PingSockets,
        files: &ResolverFiles,
        destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
        emit: &mut impl FnMut(PingEvent),
        stop: CancellationToken,
    ) -> Result<(), ProbeError> {
        let find = start::addresses(self, &sockets, files, destination);
        let addresses = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            addresses = find => addresses?,
        };
        Engine::new(self, sockets, &addresses, emit)?.run(emit, &stop).await
    }
}
