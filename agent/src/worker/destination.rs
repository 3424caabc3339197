//! Where this caller may send packets, decided on the address that is really used.

use std::{
    cell::Cell,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::local_routes::LocalRoutes;

/// A right over resource `destinations`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Right {
    Metadata,
    Loopback,
}

impl Right {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Loopback => "loopback",
        }
    }

    pub(super) fn why(self) -> &'static str {
        match self {
            Self::Metadata => "a cloud's metadata service, which hands out credentials",
            Self::Loopback => {
                "the node's own address, where its services trust whoever can reach them"
            }
        }
    }
}

/// Clouds' metadata services, by their public documentation (T11).
const METADATA: [IpAddr; 9] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    // Task and pod credentials of AWS.
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    // Azure's WireServer.
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    // Alibaba Cloud and Oracle Cloud.
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    // AWS and Google Cloud over IPv6.
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

/// What one worker may reach.
pub(super) struct Policy {
    may_metadata: bool,
    /// The namespace's own addresses, where they are off limits: a node's, without the right.
    own: Option<LocalRoutes>,
    missing: Cell<Option<Right>>,
}

impl Policy {
    pub(super) fn new(may_metadata: bool, own: Option<LocalRoutes>) -> Self {
        Self { may_metadata, own, missing: Cell::new(None) }
    }

    /// The right that is missing for this address, if one is.
    pub(super) fn check(&self, address: IpAddr) -> Result<(), Right> {
        let address = plain(address);
        let refused = if !self.may_metadata && METADATA.contains(&address) {
            Some(Right::Metadata)
        } else if self.own.as_ref().is_some_and(|own| is_own(address, own)) {
            Some(Right::Loopback)
        } else {
            None
        };
        self.missing.set(refused.or(self.missing.get()));
        refused.map_or(Ok(()), Err)
    }

    /// The right that was missing last.
    pub(super) fn missing(&self) -> Option<Right> {
        self.missing.get()
    }
}

/// An IPv4 address in IPv6's clothes is what it is: `::ffff:a.b.c.d`, and RFC 6052's `64:ff9b::/96`.
fn plain(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if v6.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0] => {
            Ipv4Addr::from_bits(v6.to_bits() as u32).into()
        }
        canonical => canonical,
    }
}

/// The kernel takes the unspecified address for loopback.
fn is_own(address: IpAddr, own: &LocalRoutes) -> bool {
    address.is_unspecified() || address.is_loopback() || own.contain(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn metadata_in_every_spelling_needs_its_right() {
        let without = Policy::new(false, None);
        let with = Policy::new(true, None);
        for address in [
            "169.254.169.254",
            "169.254.170.2",
            "169.254.170.23",
            "168.63.129.16",
            "100.100.100.200",
            "192.0.0.192",
            "::ffff:169.254.169.254",
            "::ffff:a9fe:a9fe",
            "64:ff9b::169.254.169.254",
            "64:ff9b::a9fe:aa17",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "fd00:0ec2:0000:0000:0000:0000:0000:0254",
        ] {
            assert_eq!(without.check(of(address)), Err(Right::Metadata), "{address}");
            assert_eq!(with.check(of(address)), Ok(()), "{address}");
        }
        assert_eq!(without.missing(), Some(Right::Metadata));
        assert_eq!(with.missing(), None);
    }

    #[test]
    fn other_link_local_addresses_may_be_pinged() {
        let policy = Policy::new(false, None);
        for address in ["169.254.1.1", "fe80::1", "10.0.0.1", "2001:db8::1", "192.0.0.193"] {
            assert_eq!(policy.check(of(address)), Ok(()), "{address}");
        }
    }

    #[test]
    fn a_nodes_own_addresses_need_their_right() {
        let node = Policy::new(false, Some(LocalRoutes::default()));
        let pod = Policy::new(false, None);
        for address in ["127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1"] {
            assert_eq!(node.check(of(address)), Err(Right::Loopback), "{address}");
            assert_eq!(pod.check(of(address)), Ok(()), "{address}");
        }
        assert_eq!(node.check(of("10.0.0.1")), Ok(()));
    }
}
