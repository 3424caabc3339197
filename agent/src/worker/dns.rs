//! What a worker must know of dns.

use netdiag_probe::{dns, names::ResolverFiles};
use netdiag_wire::dns::{DnsRequest, DnsTransport};

use super::{destination::Traffic, probe::Probe};

impl Probe for DnsRequest {
    fn reads_files(&self) -> bool {
        // Also with a server named: its own resolvers may be asked where others may not.
        true
    }

    fn traffic(&self, files: &ResolverFiles) -> Traffic {
        let own = if is_plain(self) { dns::resolvers(self, files) } else { Vec::new() };
        Traffic::Questions { own }
    }
}

/// To a DNS server's own port and in DNS' own words: an own resolver's address may have other
/// services, which would understand HTTP.
fn is_plain(request: &DnsRequest) -> bool {
    const PORT: u16 = 53;
    matches!(request.options.transport, DnsTransport::Udp | DnsTransport::Tcp)
        && request.servers.iter().all(|server| server.port.is_none_or(|port| port == PORT))
}
