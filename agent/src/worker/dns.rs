//! What a worker must know of dns.

use std::net::IpAddr;

use netdiag_probe::{
    ProbeError,
    dns::{self, DnsSockets},
    names::ResolverFiles,
};
use netdiag_wire::dns::{DnsEvent, DnsRequest, DnsTransport};
use tokio_util::sync::CancellationToken;

use super::{destination::Traffic, probe::Probe};

impl Probe for DnsRequest {
    type Sockets = DnsSockets;
    type Event = DnsEvent;

    fn reads_files(&self) -> bool {
        // Also with a server named: its own resolvers may be asked where others may not.
        true
    }

    fn open(&self) -> Result<DnsSockets, ProbeError> {
        dns::open(self)
    }

    fn traffic(&self, files: &ResolverFiles) -> Traffic {
        let own = if is_plain(self) { dns::resolvers(self, files) } else { Vec::new() };
        Traffic::Questions { own }
    }

    async fn run(
        &self,
        sockets: DnsSockets,
        files: &ResolverFiles,
        destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
        emit: &mut impl FnMut(DnsEvent),
        stop: CancellationToken,
    ) -> Result<(), ProbeError> {
        dns::run(self, sockets, files, destination, emit, stop).await
    }
}

/// To a DNS server's own port and in DNS' own words: an own resolver's address may have other
/// services, which would understand HTTP.
fn is_plain(request: &DnsRequest) -> bool {
    const PORT: u16 = 53;
    matches!(request.options.transport, DnsTransport::Udp | DnsTransport::Tcp)
        && request.servers.iter().all(|server| server.port.is_none_or(|port| port == PORT))
}
