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

pub use sockets::TraceSockets;

use crate::{Probe, ProbeError, names::ResolverFiles, target};
use engine::Engine;
use names::Names;

impl Probe for TraceRequest {
    type Sockets = TraceSockets;
    type Event = TraceEvent;

    fn open(&self) -> Result<TraceSockets, ProbeError> {
        sockets::open(self)
    }

    async fn run(
        &self,
        mut sockets: TraceSockets,
        files: &ResolverFiles,
        destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
        emit: &mut impl FnMut(TraceEvent),
        stop: CancellationToken,
    ) -> Result<(), ProbeError> {
        let wanted = target::Wanted { family: self.family, source: self.source_address };
        let is_open = |version| sockets.has(version);
        let find = target::find(&self.host, wanted, files, destination, is_open);
        let address = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            address = find => address?,
        };
        let tables = std::mem::take(&mut sockets.tables);
        let (mut exchange, mtu) = start::start(self, sockets, address, emit)?;
        let names = Names::new(self.no_names, files);
        let hops = Engine::new(self, &mut exchange, names).run(emit, &stop).await?;
        if intercepted::check(self, &tables, &hops, address).await {
            emit(TraceEvent::Intercepted);
        }
        if !self.mtu {
            return Ok(());
        }
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            done = mtu::run(&mut exchange, &hops, mtu, emit) => done,
        }
    }
}
