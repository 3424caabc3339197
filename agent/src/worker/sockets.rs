//! What a worker must know of sockets.

use netdiag_probe::{names::ResolverFiles, second};
use netdiag_wire::sockets::SocketsRequest;

use super::{destination::Traffic, probe::Probe};

impl Probe for SocketsRequest {
    fn reads_files(&self) -> bool {
        false
    }

    fn threads(&self) -> bool {
        second::has_cpu()
    }

    /// None: no address is ever asked for.
    fn traffic(&self, _: &ResolverFiles) -> Traffic {
        Traffic::Connections
    }
}
