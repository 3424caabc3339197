//! What a worker must know of facts.

use netdiag_probe::names::ResolverFiles;
use netdiag_wire::facts::FactsRequest;

use super::{destination::Traffic, probe::Probe};

impl Probe for FactsRequest {
    fn reads_files(&self) -> bool {
        false
    }

    /// None to a place of the caller's choice: no address is ever asked for.
    fn traffic(&self, _: &ResolverFiles) -> Traffic {
        Traffic::Connections
    }
}
