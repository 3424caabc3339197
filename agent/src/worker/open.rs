//! What the request names and nothing else, while there is still the privilege to open it.

use std::os::fd::AsFd;

use netdiag_probe::{ProbeError, names::ResolverFiles};

use super::{destination, files, local_routes::LocalRoutes};
use crate::ipc::WorkerOrder;

/// All that the probe will have.
pub(super) struct Opened<S> {
    pub(super) sockets: S,
    pub(super) files: ResolverFiles,
    /// The namespace's own addresses, where they are off limits.
    pub(super) guarded: Option<LocalRoutes>,
}

pub(super) fn open<S>(
    order: &WorkerOrder,
    reads_files: bool,
    process: impl AsFd,
    sockets: impl FnOnce() -> Result<S, ProbeError>,
) -> Result<Opened<S>, ProbeError> {
    let is_guarded = order.is_node && !order.may_loopback;
    let guarded = is_guarded.then(LocalRoutes::of_this_namespace).transpose();
    let guarded =
        guarded.map_err(|cause| ProbeError::Socket("read the node's local routes", cause))?;
    let sockets = sockets()?;
    let files = if reads_files { read(order, process) } else { ResolverFiles::default() };
    Ok(Opened { sockets, files, guarded })
}

/// A file that may not be read counts as empty: the name then has no address, and that is said.
fn read(order: &WorkerOrder, process: impl AsFd) -> ResolverFiles {
    let read = |path| files::read(&process, path).unwrap_or_default();
    ResolverFiles {
        resolv_conf: read("etc/resolv.conf"),
        hosts: read("etc/hosts"),
        never_ask: (!order.may_metadata).then_some(destination::is_metadata_service),
    }
}
