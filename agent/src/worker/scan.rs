//! What a worker must know of scan.

use netdiag_probe::{names::ResolverFiles, scan::DESCRIPTORS, second};
use netdiag_wire::scan::{Scan, ScanTarget, targets};

use super::{destination::Traffic, probe::Probe};

impl Probe for Scan {
    fn reads_files(&self) -> bool {
        let targets = targets(&self.request.targets, &self.request.exclude).unwrap_or_default();
        targets.iter().any(|target| matches!(target, ScanTarget::Name(_)))
    }

    fn descriptors(&self) -> u64 {
        DESCRIPTORS
    }

    fn threads(&self) -> bool {
        second::has_cpu()
    }

    fn traffic(&self, _: &ResolverFiles) -> Traffic {
        Traffic::Connections
    }
}
