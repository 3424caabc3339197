//! From the hosts of a request to the addresses that are pinged.

use std::net::IpAddr;

use netdiag_wire::ping::PingRequest;

use super::PingSockets;
use crate::{
    ProbeError,
    names::ResolverFiles,
    target::{self, Wanted},
};

/// One address a target, each allowed by `destination`.
pub(super) async fn addresses(
    request: &PingRequest,
    sockets: &PingSockets,
    files: &ResolverFiles,
    destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
) -> Result<Vec<IpAddr>, ProbeError> {
    let mut addresses = Vec::new();
    for (target, host) in request.targets.iter().map(|target| &target.host).enumerate() {
        let is_open = |version| sockets.lane(target, version).is_some();
        let find = target::find(host, wanted(request), files, destination, is_open);
        addresses.push(find.await?);
    }
    Ok(addresses)
}

pub(super) fn wanted(request: &PingRequest) -> Wanted {
    Wanted { family: request.family, source: request.source_address }
}
