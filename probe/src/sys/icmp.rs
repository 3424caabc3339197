//! ICMP sockets: raw with a locked filter, or datagram where NET_RAW is missing.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    ops::Range,
    os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd},
};

use netdiag_wire::ping::{PingRequest, SocketKind};
use nix::sys::socket::{setsockopt, sockopt as option};
use rustix::net::sockopt::{
    Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery, set_ip_mtu_discover, set_ipv6_mtu_discover,
};
use socket2::{Domain, Protocol, Socket, Type};

use super::{filter, raw};
use crate::packet::Version;

/// Room for bursts of replies; the kernel takes less if net.core.rmem_max says so.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;

/// With IP_RECVERR, without which the kernel hides ENOBUFS, an ICMP error that came for an earlier
/// packet makes one send fail; an error of the send itself stays.
const SEND_ATTEMPTS: usize = 3;

#[derive(Debug)]
pub(crate) struct IcmpSocket {
    socket: Socket,
    pub(crate) version: Version,
    pub(crate) kind: SocketKind,
}

impl IcmpSocket {
    /// One socket for all of `idents`.
    pub(crate) fn raw(
        version: Version,
        request: &PingRequest,
        idents: &Range<u16>,
    ) -> io::Result<Self> {
        let socket = Self::new(version, SocketKind::Raw)?;
        socket.socket.attach_filter(&filter::program(version, idents))?;
        raw::lock_filter(&socket.socket)?;
        socket.configure(request)?;
        Ok(socket)
    }

    /// A socket with an identifier that the kernel has chosen.
    pub(crate) fn datagram(version: Version, request: &PingRequest) -> io::Result<(Self, u16)> {
        let socket = Self::new(version, SocketKind::Datagram)?;
        socket.configure(request)?;
        let address = socket.socket.local_addr()?;
        let ident = address.as_socket().map_or(0, |address| address.port());
        Ok((socket, ident))
    }

    fn new(version: Version, kind: SocketKind) -> io::Result<Self> {
        let (domain, protocol) = match version {
            Version::V4 => (Domain::IPV4, Protocol::ICMPV4),
            Version::V6 => (Domain::IPV6, Protocol::ICMPV6),
        };
        let is_raw = kind == SocketKind::Raw;
        let kind_of_socket = if is_raw { Type::RAW } else { Type::DGRAM };
        let socket = Socket::new(domain, kind_of_socket.nonblocking(), Some(protocol))?;
        Ok(Self { socket, version, kind })
    }

    fn configure(&self, request: &PingRequest) -> io::Result<()> {
        self.socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        setsockopt(self, option::ReceiveTimestampns, &true)?;
        match self.version {
            Version::V4 => self.configure_v4(request)?,
            Version::V6 => self.configure_v6(request)?,
        }
        let any: IpAddr = match self.version {
            Version::V4 => [0u8; 4].into(),
            Version::V6 => [0u8; 16].into(),
        };
        let source = request.source_address.filter(|a| Version::of(*a) == self.version);
        self.socket.bind(&SocketAddr::new(source.unwrap_or(any), 0).into())
    }

    fn configure_v4(&self, request: &PingRequest) -> io::Result<()> {
        setsockopt(self, option::Ipv4RecvErr, &true)?;
        setsockopt(self, option::Ipv4RecvTtl, &true)?;
        if let Some(ttl) = request.ttl {
            self.socket.set_ttl_v4(ttl.get().into())?;
        }
        if request.dont_fragment {
            set_ip_mtu_discover(&self.socket, Ipv4PathMtuDiscovery::DO)?;
        }
        Ok(())
    }

    fn configure_v6(&self, request: &PingRequest) -> io::Result<()> {
        setsockopt(self, option::Ipv6RecvErr, &true)?;
        setsockopt(self, option::Ipv6RecvHopLimit, &true)?;
        if let Some(ttl) = request.ttl {
            self.socket.set_unicast_hops_v6(ttl.get().into())?;
        }
        if request.dont_fragment {
            set_ipv6_mtu_discover(&self.socket, Ipv6PathMtuDiscovery::DO)?;
            setsockopt(self, option::Ipv6DontFrag, &true)?;
        }
        Ok(())
    }

    pub(crate) fn send(&self, to: IpAddr, packet: &[u8]) -> io::Result<()> {
        let to = SocketAddr::new(to, 0).into();
        let mut sent = self.socket.send_to(packet, &to);
        for _ in 1..SEND_ATTEMPTS {
            if sent.is_ok() {
                break;
            }
            sent = self.socket.send_to(packet, &to);
        }
        sent.map(drop)
    }
}

impl AsFd for IcmpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for IcmpSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}
