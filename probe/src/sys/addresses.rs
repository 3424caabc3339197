//! The addresses of this network namespace.

use std::{io, net::IpAddr};

use nix::ifaddrs::getifaddrs;

pub(crate) fn addresses() -> io::Result<Vec<IpAddr>> {
    let interfaces = getifaddrs()?;
    let addresses = interfaces.filter_map(|interface| {
        let address = interface.address?;
        let v4 = address.as_sockaddr_in().map(|a| IpAddr::from(a.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|a| IpAddr::from(a.ip())))
    });
    Ok(addresses.collect())
}
