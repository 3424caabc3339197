//! What is asked of an agent, and what this machine does with it by itself.

use netdiag_wire::scan::ScanRequest;
use serde::Serialize;

/// As the agent gets it, which decides the lane.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Asked(pub(crate) ScanRequest);

/// `--from local`: nobody is there to hold it.
#[cfg(target_os = "linux")]
impl netdiag_probe::Probe for Asked {
    type Sockets = <netdiag_wire::scan::Scan as netdiag_probe::Probe>::Sockets;
    type Event = netdiag_wire::scan::ScanEvent;

    fn open(&self) -> Result<Self::Sockets, netdiag_probe::ProbeError> {
        self.order().open()
    }

    async fn run(
        &self,
        sockets: Self::Sockets,
        files: &netdiag_probe::names::ResolverFiles,
        destination: &dyn Fn(std::net::IpAddr) -> Result<(), netdiag_probe::ProbeError>,
        emit: &mut impl FnMut(Self::Event),
        stop: tokio_util::sync::CancellationToken,
    ) -> Result<(), netdiag_probe::ProbeError> {
        self.order().run(sockets, files, destination, emit, stop).await
    }
}

#[cfg(target_os = "linux")]
impl Asked {
    fn order(&self) -> netdiag_wire::scan::Scan {
        let lane = netdiag_wire::scan::ScanLane::Full;
        netdiag_wire::scan::Scan { request: self.0.clone(), lane }
    }
}
