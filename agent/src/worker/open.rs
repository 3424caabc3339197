//! What the request names and nothing else, while there is still the privilege to open it.

use std::{net::IpAddr, os::fd::AsFd};

use netdiag_probe::{
    ProbeError,
    names::ResolverFiles,
    ping::{self, PingSockets},
};
use netdiag_wire::ping::PingRequest;

use super::{destination::Policy, files, local_routes::LocalRoutes};
use crate::ipc::WorkerOrder;

/// All that the probe will have.
pub(super) struct Opened {
    pub(super) sockets: PingSockets,
    pub(super) files: ResolverFiles,
    pub(super) policy: Policy,
}

pub(super) fn ping(
    order: &WorkerOrder,
    request: &PingRequest,
    process: impl AsFd,
) -> Result<Opened, ProbeError> {
    let is_guarded = order.is_node && !order.may_loopback;
    let own = is_guarded.then(LocalRoutes::of_this_namespace).transpose();
    let own = own.map_err(|cause| ProbeError::Socket("read the node's local routes", cause))?;
    Ok(Opened {
        sockets: ping::open(request)?,
        files: resolver_files(request, process),
        policy: Policy::new(order.may_metadata, own),
    })
}

/// A file that may not be read counts as empty: the name then has no address, and that is said.
fn resolver_files(request: &PingRequest, process: impl AsFd) -> ResolverFiles {
    let is_name = |host: &str| host.parse::<IpAddr>().is_err();
    if !request.targets.iter().any(|target| is_name(&target.host)) {
        return ResolverFiles::default();
    }
    let read = |path| files::read(&process, path).unwrap_or_default();
    ResolverFiles { resolv_conf: read("etc/resolv.conf"), hosts: read("etc/hosts") }
}
