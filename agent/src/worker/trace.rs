//! What a worker must know of trace.

use std::net::IpAddr;

use netdiag_probe::{
    ProbeError,
    names::ResolverFiles,
    trace::{self, TraceSockets},
};
use netdiag_wire::trace::{TraceEvent, TraceProtocol, TraceRequest};
use tokio_util::sync::CancellationToken;

use super::{
    destination::Traffic,
    probe::{Probe, is_name},
};

impl Probe for TraceRequest {
    type Sockets = TraceSockets;
    type Event = TraceEvent;

    fn reads_files(&self) -> bool {
        // The names of the routers come from the source's resolver.
        is_name(&self.host) || !self.no_names
    }

    fn open(&self) -> Result<TraceSockets, ProbeError> {
        trace::open(self)
    }

    fn traffic(&self, _: &ResolverFiles) -> Traffic {
        match self.protocol {
            TraceProtocol::Udp | TraceProtocol::Icmp => Traffic::Packets,
            TraceProtocol::Tcp => Traffic::Connections,
        }
    }

    async fn run(
        &self,
        sockets: TraceSockets,
        files: &ResolverFiles,
        destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
        emit: &mut impl FnMut(TraceEvent),
        stop: CancellationToken,
    ) -> Result<(), ProbeError> {
        trace::run(self, sockets, files, destination, emit, stop).await
    }
}
