//! What a worker must know of tls.

use netdiag_probe::names::ResolverFiles;
use netdiag_wire::tls::TlsRequest;

use super::{
    destination::Traffic,
    probe::{Probe, is_name},
};

impl Probe for TlsRequest {
    fn reads_files(&self) -> bool {
        is_name(&self.host)
    }

    fn traffic(&self, _: &ResolverFiles) -> Traffic {
        Traffic::Connections
    }
}
