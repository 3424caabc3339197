//! Addresses that are more than they look.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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

pub(super) fn is_metadata(address: IpAddr) -> bool {
    METADATA.contains(&address)
}

pub(super) fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

/// An IPv4 address in IPv6's clothes is what it is.
pub(super) fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    embedded(v6).map_or(address, IpAddr::V4)
}

fn embedded(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let (low, segments) = (v6.to_bits() as u32, v6.segments());
    let bits = match segments {
        // `::` and `::1` are themselves; the others that begin so were IPv4-compatible once (RFC
        // 4291, section 2.5.5.1), and a sit tunnel still takes them for that.
        [0, 0, 0, 0, 0, 0, ..] if low > 1 => low,
        // IPv4-mapped.
        [0, 0, 0, 0, 0, 0xffff, ..] => low,
        // NAT64: RFC 6052's prefix, and RFC 8215's for local use.
        [0x64, 0xff9b, 0, 0, 0, 0, ..] | [0x64, 0xff9b, 1, ..] => low,
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => u32::from(high) << 16 | u32::from(low),
        _ => return None,
    };
    Some(Ipv4Addr::from_bits(bits))
}
