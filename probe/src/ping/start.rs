//! From the hosts of a request to the addresses that are pinged.

use std::net::IpAddr;

use netdiag_wire::{Family, ping::PingRequest};

use super::PingSockets;
use crate::{
    ProbeError,
    names::{ResolverFiles, resolve},
    packet::Version,
    sys::route,
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
        let candidates = match literal(host) {
            Some(address) => vec![address],
            None => resolve(host, family(request), files).await?,
        };
        let has_lane = |address: &IpAddr| sockets.lane(target, Version::of(*address)).is_some();
        let usable: Vec<_> = candidates.into_iter().filter(has_lane).collect();
        let address = choose(&usable, request.source_address)
            .ok_or_else(|| ProbeError::WrongFamily { host: host.clone(), family: word(request) })?;
        destination(address)?;
        addresses.push(address);
    }
    Ok(addresses)
}

/// An address as written. `IpAddr` takes none of inet_aton's spellings (`0x7f000001`, `127.1`),
/// and an IPv4 address dressed as IPv6 must not pass for another one.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
    host.parse().ok().map(|address: IpAddr| address.to_canonical())
}

/// The family asked for, or the source address's.
pub(super) fn family(request: &PingRequest) -> Family {
    match (request.family, request.source_address) {
        (Family::Any, Some(IpAddr::V4(_))) => Family::V4,
        (Family::Any, Some(IpAddr::V6(_))) => Family::V6,
        (family, _) => family,
    }
}

/// The first that the namespace has a route to.
fn choose(candidates: &[IpAddr], from: Option<IpAddr>) -> Option<IpAddr> {
    let has_route = |address: &&IpAddr| route::source(**address, from).is_ok();
    candidates.iter().find(has_route).or(candidates.first()).copied()
}

fn word(request: &PingRequest) -> &'static str {
    match family(request) {
        Family::Any => "usable",
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    }
}
