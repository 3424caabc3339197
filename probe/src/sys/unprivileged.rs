//! Sockets that need no privilege: datagrams, echoes and connections that are sent with a TTL, and
//! what the kernel keeps in their error queues.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd},
    time::Duration,
};

use netdiag_wire::IcmpError;
use nix::{
    errno::Errno,
    sys::socket::{MsgFlags, setsockopt, sockopt as option},
};
use rustix::net::sockopt::{
    Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery, set_ip_mtu_discover, set_ipv6_mtu_discover,
};
use socket2::{Domain, Protocol, Socket, Type};

use super::{
    packets::{Packet, any},
    receive, stream,
};
use crate::packet::Version;

/// With IP_RECVERR an ICMP error that came for an earlier packet makes one send fail, and there may
/// be one for each packet that is under way.
const SEND_ATTEMPTS: usize = 16;

#[derive(Debug)]
pub(crate) struct Unprivileged {
    socket: Socket,
    version: Version,
}

/// An ICMP error about a packet of this socket.
#[derive(Debug)]
pub(crate) struct Queued<'a> {
    pub(crate) by: IpAddr,
    pub(crate) icmp: IcmpError,
    pub(crate) ttl: Option<u8>,
    pub(crate) at: Option<Duration>,
    /// What was quoted of the packet's data; of an echo from its ICMP header on.
    pub(crate) bytes: &'a [u8],
}

#[derive(Debug)]
pub(crate) enum Came<'a> {
    Packet(Packet<'a>),
    Error(Queued<'a>),
    Other,
    Empty,
}

/// What sockets of one trace have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) version: Version,
    pub(crate) source: Option<IpAddr>,
    pub(crate) dont_fragment: bool,
}

impl Unprivileged {
    pub(crate) fn udp(terms: Terms) -> io::Result<Self> {
        let socket = Self::new(terms, Type::DGRAM, Protocol::UDP)?;
        socket.bind(terms, 0)?;
        Ok(socket)
    }

    pub(crate) fn echo(terms: Terms) -> io::Result<Self> {
        let protocol = match terms.version {
            Version::V4 => Protocol::ICMPV4,
            Version::V6 => Protocol::ICMPV6,
        };
        let socket = Self::new(terms, Type::DGRAM, protocol)?;
        socket.bind(terms, 0)?;
        Ok(socket)
    }

    /// One connection from `port`, which others may have had; [`Self::let_go`] resets it.
    pub(crate) fn tcp(terms: Terms, port: u16) -> io::Result<Self> {
        let socket = Self::new(terms, Type::STREAM, Protocol::TCP)?;
        socket.socket.set_reuse_address(true)?;
        socket.socket.set_linger(Some(Duration::ZERO))?;
        socket.bind(terms, port)?;
        Ok(socket)
    }

    fn new(terms: Terms, kind: Type, protocol: Protocol) -> io::Result<Self> {
        let domain = match terms.version {
            Version::V4 => Domain::IPV4,
            Version::V6 => Domain::IPV6,
        };
        let socket = Socket::new(domain, kind.nonblocking(), Some(protocol))?;
        setsockopt(&socket, option::ReceiveTimestampns, &true)?;
        match terms.version {
            Version::V4 => {
                setsockopt(&socket, option::Ipv4RecvErr, &true)?;
                setsockopt(&socket, option::Ipv4RecvTtl, &true)?;
                // PROBE: sent whatever was learned of the path.
                let discovery = match terms.dont_fragment {
                    true => Ipv4PathMtuDiscovery::PROBE,
                    false => Ipv4PathMtuDiscovery::DONT,
                };
                set_ip_mtu_discover(&socket, discovery)?;
            }
            Version::V6 => {
                setsockopt(&socket, option::Ipv6RecvErr, &true)?;
                setsockopt(&socket, option::Ipv6RecvHopLimit, &true)?;
                let discovery = match terms.dont_fragment {
                    true => Ipv6PathMtuDiscovery::PROBE,
                    false => Ipv6PathMtuDiscovery::DONT,
                };
                set_ipv6_mtu_discover(&socket, discovery)?;
            }
        }
        Ok(Self { socket, version: terms.version })
    }

    fn bind(&self, terms: Terms, port: u16) -> io::Result<()> {
        let address = terms.source.unwrap_or(any(terms.version));
        self.socket.bind(&SocketAddr::new(address, port).into())
    }

    pub(crate) fn port(&self) -> Option<u16> {
        Some(self.socket.local_addr().ok()?.as_socket()?.port())
    }

    fn set_ttl(&self, ttl: u8) -> io::Result<()> {
        match self.version {
            Version::V4 => self.socket.set_ttl_v4(ttl.into()),
            Version::V6 => self.socket.set_unicast_hops_v6(ttl.into()),
        }
    }

    pub(crate) fn send(&self, to: SocketAddr, ttl: u8, bytes: &[u8]) -> io::Result<()> {
        self.set_ttl(ttl)?;
        let to = to.into();
        let mut sent = self.socket.send_to(bytes, &to);
        for _ in 1..SEND_ATTEMPTS {
            if sent.is_ok() {
                break;
            }
            sent = self.socket.send_to(bytes, &to);
        }
        sent.map(drop)
    }

    pub(crate) fn connect(&self, to: SocketAddr, ttl: u8) -> io::Result<()> {
        self.set_ttl(ttl)?;
        match self.socket.connect(&to.into()) {
            Err(error) if error.raw_os_error() == Some(Errno::EINPROGRESS as i32) => Ok(()),
            other => other,
        }
    }

    /// Resets the connection: the next one may come from its port at once.
    pub(crate) fn let_go(&self) {
        stream::let_go(&self.socket);
    }

    /// Whether the other end took the connection; `None` while that is open.
    pub(crate) fn is_connected(&self) -> Option<bool> {
        if self.socket.peer_addr().is_ok() {
            return Some(true);
        }
        let error = self.socket.take_error().ok().flatten()?;
        (error.kind() == io::ErrorKind::ConnectionRefused).then_some(false)
    }

    /// The next ICMP error; never waits.
    pub(crate) fn take_error<'a>(&self, buffer: &'a mut [u8]) -> io::Result<Came<'a>> {
        let beside = match receive::read(self, buffer, MsgFlags::MSG_ERRQUEUE) {
            Ok(beside) => beside,
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(Came::Empty),
            Err(errno) => return Err(errno.into()),
        };
        let bytes = buffer.get(..beside.length).unwrap_or_default();
        Ok(beside.rejection().map_or(Came::Other, |(by, icmp)| {
            Came::Error(Queued { by, icmp, ttl: beside.ttl, at: beside.at, bytes })
        }))
    }

    /// The next packet; never waits.
    pub(crate) fn take_packet<'a>(&self, buffer: &'a mut [u8]) -> io::Result<Came<'a>> {
        match receive::read(self, buffer, MsgFlags::empty()) {
            Ok(beside) => {
                let bytes = buffer.get(..beside.length).unwrap_or_default();
                let receive::Beside { from, ttl, at, .. } = beside;
                Ok(from.map_or(Came::Other, |from| {
                    Came::Packet(Packet { from: from.ip(), ttl, at, bytes })
                }))
            }
            Err(Errno::EAGAIN) => Ok(Came::Empty),
            Err(Errno::EPERM) => Err(Errno::EPERM.into()),
            // An ICMP error, told once; packets may wait behind it.
            Err(_) => Ok(Came::Other),
        }
    }
}

impl AsFd for Unprivileged {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for Unprivileged {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}
