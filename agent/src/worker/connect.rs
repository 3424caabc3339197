//! What a worker must know of connect.

use netdiag_probe::names::ResolverFiles;
use netdiag_wire::connect::ConnectRequest;

use super::{
    destination::Traffic,
    probe::{DESCRIPTORS, Probe, is_name},
};

/// Each target has a few addresses, whose connections may all be under way.
const EACH: u64 = 8;

impl Probe for ConnectRequest {
    fn reads_files(&self) -> bool {
        self.targets.iter().any(|target| is_name(&target.host))
    }

    fn descriptors(&self) -> u64 {
        DESCRIPTORS + EACH * u64::from(self.concurrency)
    }

    fn traffic(&self, _: &ResolverFiles) -> Traffic {
        Traffic::Connections
    }
}
