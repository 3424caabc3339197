//! What a worker must know of trace.

use netdiag_probe::names::ResolverFiles;
use netdiag_wire::trace::{TraceProtocol, TraceRequest};

use super::{
    destination::Traffic,
    probe::{Probe, is_name},
};

impl Probe for TraceRequest {
    fn reads_files(&self) -> bool {
        // The names of the routers come from the source's resolver.
        is_name(&self.host) || !self.no_names
    }

    fn traffic(&self, _: &ResolverFiles) -> Traffic {
        match self.protocol {
            TraceProtocol::Udp | TraceProtocol::Icmp => Traffic::Packets,
            TraceProtocol::Tcp => Traffic::Connections,
        }
    }
}
