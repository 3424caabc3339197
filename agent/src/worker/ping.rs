//! What a worker must know of ping.

use std::net::IpAddr;

use netdiag_probe::{
    ProbeError,
    names::ResolverFiles,
    ping::{self, PingSockets},
};
use netdiag_wire::ping::{PingEvent, PingRequest};
use tokio_util::sync::CancellationToken;

use super::{
    destination::Traffic,
    probe::{Probe, is_name},
};

impl Probe for PingRequest {
    type Sockets = PingSockets;
    type Event = PingEvent;

    fn reads_files(&self) -> bool {
        self.targets.iter().any(|target| is_name(&target.host))
    }

    fn open(&self) -> Result<PingSockets, ProbeError> {
        ping::open(self)
    }

    fn traffic(&self, _: &ResolverFiles) -> Traffic {
        Traffic::Packets
    }

    async fn run(
        &self,
        sockets: PingSockets,
        files: &ResolverFiles,
        destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
        emit: &mut impl FnMut(PingEvent),
        stop: CancellationToken,
    ) -> Result<(), ProbeError> {
        ping::run(self, sockets, files, destination, emit, stop).await
    }
}
