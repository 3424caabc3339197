//! What a worker must know of a probe besides how it is opened and run.

use std::net::IpAddr;

use netdiag_probe::names::ResolverFiles;
use serde::Serialize;

use super::destination::Traffic;

/// The 64 flows of a trace each hold a port by a socket; names are resolved over a few more.
pub(super) const DESCRIPTORS: u64 = 192;

/// What a worker may have once it has dropped everything else.
#[derive(Clone, Copy, Debug)]
pub(super) struct Means {
    pub(super) descriptors: u64,
    /// Whether it may start threads.
    pub(super) threads: bool,
}

impl Means {
    pub(super) const FEW: Self = Self { descriptors: DESCRIPTORS, threads: false };
}

pub(super) trait Probe: netdiag_probe::Probe<Event: Serialize> {
    /// Whether the source's resolv.conf and hosts file are read: an address needs no file of a
    /// pod's, which may lie on a file system that never answers.
    fn reads_files(&self) -> bool;

    /// How many descriptors it may have.
    fn descriptors(&self) -> u64 {
        DESCRIPTORS
    }

    /// Whether it may start threads; asked before the drop.
    fn threads(&self) -> bool {
        false
    }

    /// After the drop, when what the source wrote may be parsed.
    fn traffic(&self, files: &ResolverFiles) -> Traffic;
}

/// Whether `host` must be resolved.
pub(super) fn is_name(host: &str) -> bool {
    host.parse::<IpAddr>().is_err()
}
