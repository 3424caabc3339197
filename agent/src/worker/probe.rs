//! What a worker must know of a probe besides how it is opened and run.

use std::net::IpAddr;

use netdiag_probe::names::ResolverFiles;
use serde::Serialize;

use super::destination::Traffic;

/// The 64 flows of a trace each hold a port by a socket; names are resolved over a few more.
pub(super) const DESCRIPTORS: u64 = 192;

pub(super) trait Probe: netdiag_probe::Probe<Event: Serialize> {
    /// Whether the source's resolv.conf and hosts file are read: an address needs no file of a
    /// pod's, which may lie on a file system that never answers.
    fn reads_files(&self) -> bool;

    /// How many descriptors it may have.
    fn descriptors(&self) -> u64 {
        DESCRIPTORS
    }

    /// After the drop, when what the source wrote may be parsed.
    fn traffic(&self, files: &ResolverFiles) -> Traffic;
}

/// Whether `host` must be resolved.
pub(super) fn is_name(host: &str) -> bool {
    host.parse::<IpAddr>().is_err()
}
