//! What a worker must know of ping.

use netdiag_probe::names::ResolverFiles;
use netdiag_wire::ping::PingRequest;

use super::{
    destination::Traffic,
    probe::{Probe, is_name},
};

impl Probe for PingRequest {
    fn reads_files(&self) -> bool {
        self.targets.iter().any(|target| is_name(&target.host))
    }

    fn traffic(&self, _: &ResolverFiles) -> Traffic {
        Traffic::Packets
    }
}
