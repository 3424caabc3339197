//! What the kernel's routes say of a destination, asked by connecting a UDP socket; nothing is sent.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
};

use rustix::net::sockopt;

/// Not zero, which some kernels refuse for IPv6.
const ANY_PORT: u16 = 9;

/// The address that packets to `to` come from.
pub(crate) fn source(to: IpAddr, from: Option<IpAddr>) -> io::Result<IpAddr> {
    Ok(connect(to, from)?.local_addr()?.ip())
}

/// The largest packet for `to`, as the interface and what was learned of the path allow.
pub(crate) fn mtu(to: IpAddr) -> io::Result<u32> {
    let socket = connect(to, None)?;
    Ok(if to.is_ipv4() { sockopt::ip_mtu(socket) } else { sockopt::ipv6_mtu(socket) }?)
}

fn connect(to: IpAddr, from: Option<IpAddr>) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(SocketAddr::new(from.unwrap_or(unspecified(to)), 0))?;
    socket.connect(SocketAddr::new(to, ANY_PORT))?;
    Ok(socket)
}

/// Of the same family as `like`.
pub(crate) fn unspecified(like: IpAddr) -> IpAddr {
    if like.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() }
}
