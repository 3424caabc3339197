//! Where this caller may send packets, decided on the address that is really used.

use std::{cell::Cell, net::IpAddr};

use netdiag_probe::ProbeError;

use super::local_routes::LocalRoutes;

mod address;
#[cfg(test)]
mod spellings;
#[cfg(test)]
mod tests;

use address::{is_link_local, is_metadata, plain};

/// What a probe sends, as far as it decides where to.
#[derive(Clone, Debug)]
pub(super) enum Traffic {
    /// Echo requests, and datagrams that no service awaits.
    Packets,
    /// TCP, which a service may answer.
    Connections,
    /// DNS; `own` are the source's own resolvers, which whatever runs in it asks as well.
    Questions { own: Vec<IpAddr> },
}

impl Traffic {
    fn is_for_own_resolver(&self, address: IpAddr) -> bool {
        match self {
            Self::Questions { own } => own.iter().any(|resolver| plain(*resolver) == address),
            Self::Packets | Self::Connections => false,
        }
    }

    fn may_stay_on_link(&self, address: IpAddr) -> bool {
        matches!(self, Self::Packets) || self.is_for_own_resolver(address)
    }
}

/// Why an address is off limits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum OffLimits {
    Metadata,
    LinkLocal,
    Loopback,
}

impl OffLimits {
    /// Of resource `destinations`; it lifts the limit.
    fn right(self) -> &'static str {
        match self {
            Self::Metadata | Self::LinkLocal => "metadata",
            Self::Loopback => "loopback",
        }
    }

    fn why(self) -> &'static str {
        match self {
            Self::Metadata => "a cloud's metadata service, which hands out credentials",
            Self::LinkLocal => "a link-local address, where clouds have their metadata services",
            Self::Loopback => {
                "the node's own address, where its services trust whoever can reach them"
            }
        }
    }

    pub(super) fn to(self, address: IpAddr) -> ProbeError {
        ProbeError::Forbidden { address, why: self.why().into() }
    }
}

/// What one worker may reach.
pub(super) struct Policy {
    may_metadata: bool,
    /// The namespace's own addresses, where they are off limits: a node's, without the right.
    guarded: Option<LocalRoutes>,
    traffic: Traffic,
    missing: Cell<Option<&'static str>>,
}

impl Policy {
    pub(super) fn new(may_metadata: bool, guarded: Option<LocalRoutes>, traffic: Traffic) -> Self {
        Self { may_metadata, guarded, traffic, missing: Cell::new(None) }
    }

    /// Why this address is off limits, if it is.
    pub(super) fn check(&self, address: IpAddr) -> Result<(), OffLimits> {
        let address = plain(address);
        let Some(off_limits) = self.limit(address) else { return Ok(()) };
        self.missing.set(Some(off_limits.right()));
        Err(off_limits)
    }

    fn limit(&self, address: IpAddr) -> Option<OffLimits> {
        if !self.may_metadata {
            if is_metadata(address) {
                return Some(OffLimits::Metadata);
            }
            if is_link_local(address) && !self.traffic.may_stay_on_link(address) {
                return Some(OffLimits::LinkLocal);
            }
        }
        let guarded = self.guarded.as_ref()?;
        let is_off_limits = is_own(address, guarded) && !self.traffic.is_for_own_resolver(address);
        is_off_limits.then_some(OffLimits::Loopback)
    }

    /// The right that was missing last.
    pub(super) fn missing(&self) -> Option<&'static str> {
        self.missing.get()
    }
}

/// In whatever spelling.
pub(super) fn is_metadata_service(address: IpAddr) -> bool {
    is_metadata(plain(address))
}

/// The kernel takes the unspecified address for loopback.
fn is_own(address: IpAddr, own: &LocalRoutes) -> bool {
    address.is_unspecified() || address.is_loopback() || own.contain(address)
}
