//! What a worker must know of a probe: what it opens with privilege, and how it runs without any.

use std::net::IpAddr;

use netdiag_probe::{ProbeError, names::ResolverFiles};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::destination::Traffic;

pub(super) trait Probe {
    type Sockets;
    type Event: Serialize;

    /// Whether the source's resolv.conf and hosts file are read: an address needs no file of a
    /// pod's, which may lie on a file system that never answers.
    fn reads_files(&self) -> bool;

    /// Before the drop.
    fn open(&self) -> Result<Self::Sockets, ProbeError>;

    /// After it, when what the source wrote may be parsed.
    fn traffic(&self, files: &ResolverFiles) -> Traffic;

    /// In the sandbox, until it is done or cancelled.
    async fn run(
        &self,
        sockets: Self::Sockets,
        files: &ResolverFiles,
        destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
        emit: &mut impl FnMut(Self::Event),
        stop: CancellationToken,
    ) -> Result<(), ProbeError>;
}

/// Whether `host` must be resolved.
pub(super) fn is_name(host: &str) -> bool {
    host.parse::<IpAddr>().is_err()
}
