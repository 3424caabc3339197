//! From the targets as they were asked for to the addresses that may be scanned.

use std::{collections::HashSet, net::IpAddr};

use netdiag_wire::{
    Untrusted,
    scan::{ScanRequest, ScanTarget, targets},
};

use super::field::Host;
use crate::{
    ProbeError,
    names::ResolverFiles,
    packet::Version,
    sys::route,
    target::{self, Wanted},
};

/// Addresses that may be sent to.
#[derive(Debug, Default)]
pub(super) struct Targets {
    pub(super) hosts: Vec<Named>,
    /// Of CIDRs, forbidden.
    pub(super) off_limits: u32,
    /// Of names, and not scanned: one address of each is.
    pub(super) others: Vec<IpAddr>,
}

impl Targets {
    pub(super) fn of(&self, version: Version) -> Vec<Named> {
        let is_of = |named: &&Named| Version::of(named.host.address) == version;
        self.hosts.iter().filter(is_of).cloned().collect()
    }
}

#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) host: Host,
    pub(super) name: Option<Untrusted>,
}

pub(super) fn wanted(request: &ScanRequest) -> Wanted {
    Wanted { family: request.family, source: request.source_address }
}

/// In order, each once. A forbidden address is an error only if it was asked for by itself.
pub(super) async fn find(
    request: &ScanRequest,
    files: &ResolverFiles,
    destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
    is_open: &dyn Fn(Version) -> bool,
) -> Result<Targets, ProbeError> {
    let asked = targets(&request.targets, &request.exclude).map_err(ProbeError::Request)?;
    let mut found = Targets::default();
    let mut seen = HashSet::new();
    let mut refusal = None;
    for target in asked {
        let (host, is_single) = match &target {
            ScanTarget::Address(address) => (address.to_string(), is_single(request, *address)),
            ScanTarget::Name(name) => (name.clone(), true),
        };
        let name = matches!(target, ScanTarget::Name(_)).then(|| host.as_str().into());
        match target::find_one(&host, wanted(request), files, destination, is_open).await {
            Ok((address, others)) => {
                found.others.extend(others);
                if seen.insert(address) {
                    found.hosts.push(Named { host: from(address, request.source_address), name });
                }
            }
            Err(error @ ProbeError::Forbidden { .. }) if !is_single => {
                found.off_limits += 1;
                refusal = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    match refusal {
        Some(error) if found.hosts.is_empty() => Err(error),
        _ => Ok(found),
    }
}

fn is_single(request: &ScanRequest, address: IpAddr) -> bool {
    let is_it = |text: &String| text.parse().is_ok_and(|a: IpAddr| a.to_canonical() == address);
    request.targets.iter().any(is_it)
}

fn from(address: IpAddr, source: Option<IpAddr>) -> Host {
    let source = route::source(address, source).unwrap_or(route::unspecified(address));
    Host { address, source }
}
