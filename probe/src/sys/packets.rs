//! Raw sockets: one that sends whole IP packets of our making, others that receive what answers.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    ops::Range,
    os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd},
    time::Duration,
};

use netdiag_wire::trace::TraceProtocol;
use nix::{
    errno::Errno,
    sys::socket::{MsgFlags, setsockopt, sockopt as option},
};
use pnet::packet::ipv4::Ipv4Packet;
use rustix::net::sockopt::{
    Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery, set_ip_mtu_discover, set_ipv6_mtu_discover,
};
use socket2::{Domain, Protocol, Socket, Type};

use super::{filter, raw, receive};
use crate::packet::Version;

/// As much as a burst of answers to every probe that may be under way.
const RECEIVE_BUFFER: usize = 1024 * 1024;
/// From linux/in.h; the kernel then expects the IP header from us, in IPv6 as well.
const IPPROTO_RAW: i32 = 255;

#[derive(Debug)]
pub(crate) struct PacketSocket {
    socket: Socket,
    version: Version,
}

/// What came, from behind its IP header on.
#[derive(Debug)]
pub(crate) struct Packet<'a> {
    pub(crate) from: IpAddr,
    pub(crate) ttl: Option<u8>,
    /// Since the epoch, by the kernel's clock of real time; where it is to be stamped.
    pub(crate) at: Option<Duration>,
    pub(crate) bytes: &'a [u8],
}

#[derive(Debug)]
pub(crate) enum Taken<'a> {
    Packet(Packet<'a>),
    Other,
    Empty,
}

impl PacketSocket {
    /// Sends packets with their IP header, from `source` if the routes depend on it.
    pub(crate) fn sender(version: Version, source: Option<IpAddr>) -> io::Result<Self> {
        let socket = Self::new(version, IPPROTO_RAW.into())?;
        // What the kernel has learned of the path is to be found out, not to be gone by.
        match version {
            Version::V4 => set_ip_mtu_discover(&socket, Ipv4PathMtuDiscovery::PROBE)?,
            Version::V6 => set_ipv6_mtu_discover(&socket, Ipv6PathMtuDiscovery::PROBE)?,
        }
        if let Some(source) = source {
            socket.socket.bind(&SocketAddr::new(source, 0).into())?;
        }
        Ok(socket)
    }

    /// ICMP: errors about our ports (or identifiers), and echo replies for them.
    pub(crate) fn errors(
        version: Version,
        protocol: TraceProtocol,
        ports: &Range<u16>,
    ) -> io::Result<Self> {
        let program = match protocol {
            TraceProtocol::Icmp => filter::program(version, ports),
            TraceProtocol::Udp => filter::errors(version, Protocol::UDP, ports),
            TraceProtocol::Tcp => filter::errors(version, Protocol::TCP, ports),
        };
        let protocol = match version {
            Version::V4 => Protocol::ICMPV4,
            Version::V6 => Protocol::ICMPV6,
        };
        Self::receiver(version, protocol, &program)
    }

    /// What the target itself sends to our ports.
    pub(crate) fn answers(
        version: Version,
        protocol: Protocol,
        ports: &Range<u16>,
    ) -> io::Result<Self> {
        Self::receiver(version, protocol, &filter::to_ports(version, ports))
    }

    /// RSTs from these ports, whoever sends them.
    pub(crate) fn resets(version: Version, from_ports: &[u16]) -> io::Result<Self> {
        Self::receiver(version, Protocol::TCP, &filter::resets_from(version, from_ports))
    }

    fn receiver(
        version: Version,
        protocol: Protocol,
        program: &[socket2::SockFilter],
    ) -> io::Result<Self> {
        let socket = Self::new(version, protocol)?;
        socket.socket.attach_filter(program)?;
        raw::lock_filter(&socket.socket)?;
        socket.socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        if version == Version::V6 {
            setsockopt(&socket, option::Ipv6RecvHopLimit, &true)?;
        }
        Ok(socket)
    }

    /// From now on packets come with their time, which costs every packet of the node a look at the
    /// clock.
    pub(crate) fn stamp(&self) -> io::Result<()> {
        Ok(setsockopt(self, option::ReceiveTimestampns, &true)?)
    }

    fn new(version: Version, protocol: Protocol) -> io::Result<Self> {
        let domain = match version {
            Version::V4 => Domain::IPV4,
            Version::V6 => Domain::IPV6,
        };
        let socket = Socket::new(domain, Type::RAW.nonblocking(), Some(protocol))?;
        Ok(Self { socket, version })
    }

    pub(crate) fn send(&self, to: IpAddr, packet: &[u8]) -> io::Result<()> {
        self.socket.send_to(packet, &SocketAddr::new(to, 0).into()).map(drop)
    }

    /// Never waits.
    pub(crate) fn take<'a>(&self, buffer: &'a mut [u8]) -> io::Result<Taken<'a>> {
        let beside = match receive::read(self, buffer, MsgFlags::empty()) {
            Ok(beside) => beside,
            Err(Errno::EAGAIN) => return Ok(Taken::Empty),
            // A sandbox that forbids receiving; never what an ICMP error is turned into.
            Err(Errno::EPERM) => return Err(Errno::EPERM.into()),
            Err(_) => return Ok(Taken::Other),
        };
        let bytes = buffer.get(..beside.length).unwrap_or_default();
        let packet = self.read(bytes, beside.from.map(|from| from.ip()), || beside.ttl);
        Ok(packet.map_or(Taken::Other, |packet| Taken::Packet(Packet { at: beside.at, ..packet })))
    }

    /// Without its time. What came over IPv4 brings its header.
    pub(super) fn read<'a>(
        &self,
        bytes: &'a [u8],
        from: Option<IpAddr>,
        hop_limit: impl FnOnce() -> Option<u8>,
    ) -> Option<Packet<'a>> {
        match self.version {
            Version::V4 => behind_header(bytes).map(|(ip, bytes)| Packet {
                from: ip.get_source().into(),
                ttl: Some(ip.get_ttl()),
                at: None,
                bytes,
            }),
            Version::V6 => from.map(|from| Packet { from, ttl: hop_limit(), at: None, bytes }),
        }
    }
}

fn behind_header(bytes: &[u8]) -> Option<(Ipv4Packet<'_>, &[u8])> {
    let ip = Ipv4Packet::new(bytes)?;
    let header = usize::from(ip.get_header_length()) * 4;
    Some((ip, bytes.get(header..)?))
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for PacketSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// Neighbouring ports of this namespace, which nobody else gets while this lives.
///
/// Bound and not listening: the kernel answers a SYN-ACK to such a port with RST by itself.
#[derive(Debug)]
pub(crate) struct Reserved {
    pub(crate) ports: Range<u16>,
    _holders: Vec<Socket>,
}

/// How often neighbours of a free port are tried, where the last one's were not free.
const ATTEMPTS: usize = 64;

pub(crate) fn reserve(version: Version, kind: Type, count: u8) -> io::Result<Reserved> {
    let mut last = io::Error::from(Errno::EADDRINUSE);
    for _ in 0..ATTEMPTS {
        match neighbours(version, kind, count) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = error,
            other => return other,
        }
    }
    Err(last)
}

fn neighbours(version: Version, kind: Type, count: u8) -> io::Result<Reserved> {
    let first = hold(version, kind, 0)?;
    let start = first.local_addr()?.as_socket().map_or(0, |address| address.port());
    let mut holders = vec![first];
    let end = start.checked_add(count.into()).ok_or(Errno::EADDRINUSE)?;
    for port in start + 1..end {
        holders.push(hold(version, kind, port)?);
    }
    Ok(Reserved { ports: start..end, _holders: holders })
}

fn hold(version: Version, kind: Type, port: u16) -> io::Result<Socket> {
    let domain = match version {
        Version::V4 => Domain::IPV4,
        Version::V6 => Domain::IPV6,
    };
    let socket = Socket::new(domain, kind.nonblocking(), None)?;
    if version == Version::V6 {
        socket.set_only_v6(true)?;
    }
    // Connections of our own may have the port as well; see `Unprivileged::tcp`.
    socket.set_reuse_address(kind == Type::STREAM)?;
    socket.bind(&SocketAddr::new(any(version), port).into())?;
    Ok(socket)
}

pub(crate) fn any(version: Version) -> IpAddr {
    match version {
        Version::V4 => IpAddr::from([0; 4]),
        Version::V6 => IpAddr::from([0; 16]),
    }
}
