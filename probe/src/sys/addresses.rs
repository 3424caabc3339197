//! The addresses of this network namespace.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use nix::ifaddrs::getifaddrs;

use crate::ProbeError;

/// IPv4 as IPv4, also on a socket of IPv6.
pub(crate) fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

pub(crate) fn addresses() -> io::Result<Vec<IpAddr>> {
    let interfaces = getifaddrs()?;
    let addresses = interfaces.filter_map(|interface| {
        let address = interface.address?;
        let v4 = address.as_sockaddr_in().map(|a| IpAddr::from(a.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|a| IpAddr::from(a.ip())))
    });
    Ok(addresses.collect())
}

/// A source that is none of them is told before anything is sent.
pub(crate) fn check_source(wanted: Option<IpAddr>) -> Result<(), ProbeError> {
    let Some(wanted) = wanted else { return Ok(()) };
    let has = addresses().map_err(|e| ProbeError::Socket("list addresses", e))?;
    if has.contains(&wanted) { Ok(()) } else { Err(ProbeError::SourceAddress { wanted, has }) }
}
