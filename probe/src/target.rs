//! From a host as it was asked for to the address that is probed.

use std::net::IpAddr;

use netdiag_wire::Family;

use crate::{
    ProbeError,
    names::{ResolverFiles, resolve},
    packet::Version,
    sys::{addresses, route},
};

/// What an address must be like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) family: Family,
    pub(crate) source: Option<IpAddr>,
}

/// One address of `host`, of a version that `is_open` has sockets for, and allowed by `destination`.
pub(crate) async fn find(
    host: &str,
    wanted: Wanted,
    files: &ResolverFiles,
    destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
    is_open: impl Fn(Version) -> bool,
) -> Result<IpAddr, ProbeError> {
    find_one(host, wanted, files, destination, is_open).await.map(|(chosen, _)| chosen)
}

/// The same, and the other addresses that the host has.
pub(crate) async fn find_one(
    host: &str,
    wanted: Wanted,
    files: &ResolverFiles,
    destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
    is_open: impl Fn(Version) -> bool,
) -> Result<(IpAddr, Vec<IpAddr>), ProbeError> {
    let candidates = candidates(host, wanted, files).await?;
    let is_usable = |address: &&IpAddr| is_open(Version::of(**address));
    let usable: Vec<IpAddr> = candidates.iter().filter(is_usable).copied().collect();
    let chosen = choose(&usable, wanted.source)
        .ok_or_else(|| ProbeError::WrongFamily { host: host.to_owned(), family: wanted.word() })?;
    destination(chosen)?;
    Ok((chosen, candidates.into_iter().filter(|address| *address != chosen).collect()))
}

/// Every address of `host` in the wanted family; never an empty list.
pub(crate) async fn candidates(
    host: &str,
    wanted: Wanted,
    files: &ResolverFiles,
) -> Result<Vec<IpAddr>, ProbeError> {
    match literal(host) {
        Some(address) => Ok(vec![address]),
        None => resolve(host, wanted.family(), files).await,
    }
}

/// An address as written. `IpAddr` takes none of inet_aton's spellings (`0x7f000001`, `127.1`),
/// and an IPv4 address dressed as IPv6 must not pass for another one.
fn literal(host: &str) -> Option<IpAddr> {
    host.parse().ok().map(|address: IpAddr| address.to_canonical())
}

impl Wanted {
    /// The family asked for, or the source address's.
    fn family(self) -> Family {
        match (self.family, self.source) {
            (Family::Any, Some(IpAddr::V4(_))) => Family::V4,
            (Family::Any, Some(IpAddr::V6(_))) => Family::V6,
            (family, _) => family,
        }
    }

    /// Whether `host` may come to have an address of that version: its own if it is an address,
    /// else what is asked for.
    pub(crate) fn allows(self, host: &str, version: Version) -> bool {
        let in_family = match self.family() {
            Family::Any => true,
            Family::V4 => version == Version::V4,
            Family::V6 => version == Version::V6,
        };
        in_family && literal(host).is_none_or(|address| Version::of(address) == version)
    }

    /// Whether the namespace has the source address.
    pub(crate) fn check_source(self) -> Result<(), ProbeError> {
        addresses::check_source(self.source)
    }

    fn word(self) -> &'static str {
        match self.family() {
            Family::Any => "usable",
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        }
    }
}

/// The first that the namespace has a route to.
fn choose(candidates: &[IpAddr], from: Option<IpAddr>) -> Option<IpAddr> {
    let has_route = |address: &&IpAddr| route::source(**address, from).is_ok();
    candidates.iter().find(has_route).or(candidates.first()).copied()
}
