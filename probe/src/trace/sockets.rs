//! The sockets of one trace, opened while there is privilege.

use std::{io, ops::Range};

use netdiag_wire::trace::{MAX_FLOWS, TraceProtocol, TraceRequest};
use rustix::rand::{GetRandomFlags, getrandom};
use socket2::{Protocol, Type};

use crate::{
    ProbeError,
    packet::{Version, probe::Secret},
    sys::{
        links::Links,
        packets::{PacketSocket, Reserved, reserve},
        unprivileged::{Terms, Unprivileged},
    },
    tables::Tables,
    target::Wanted,
};

/// Open sockets; nothing was sent yet.
#[derive(Debug)]
pub struct TraceSockets {
    pub(super) opened: Vec<Opened>,
    pub(super) secret: Secret,
    /// Absent where the kernel has no rtnetlink; the trace does without.
    pub(super) links: Option<Links>,
    /// Of a trace by TCP.
    pub(super) tables: Tables,
}

/// How a target of one IP version is reached.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) terms: Terms,
    pub(super) sockets: Sockets,
    /// Source ports, one a flow; for ICMP identifiers.
    pub(super) ports: Range<u16>,
    /// Keeps the ports.
    pub(super) reserved: Option<Reserved>,
}

#[derive(Debug)]
pub(super) enum Sockets {
    Raw {
        sender: PacketSocket,
        /// ICMP first, then what comes from the target itself, then echoes to `ident`.
        receivers: Vec<PacketSocket>,
        ident: u16,
    },
    /// One a flow.
    Datagram(Vec<Unprivileged>),
    /// Each is opened when its turn comes.
    Sequential,
}

/// Opens what the request may need.
///
/// Names are resolved later, so a name of either family gets sockets for both.
pub(super) fn open(request: &TraceRequest) -> Result<TraceSockets, ProbeError> {
    request.check().map_err(ProbeError::Request)?;
    let wanted = Wanted { family: request.family, source: request.source_address };
    wanted.check_source()?;
    let (ident, secret) = random().map_err(|e| ProbeError::Socket("read random bytes", e))?;
    let mut opened = Vec::new();
    for version in [Version::V4, Version::V6] {
        if !wanted.allows(&request.host, version) {
            continue;
        }
        match Opened::new(request, version, ident) {
            Ok(one) => opened.push(one),
            // A target that has only that finds no lane and says so.
            Err(error) if error.is_unsupported() => {}
            Err(error) => return Err(error),
        }
    }
    let is_tcp = request.protocol == TraceProtocol::Tcp;
    let tables = if is_tcp { Tables::open() } else { Tables::default() };
    Ok(TraceSockets { opened, secret, links: Links::open().ok(), tables })
}

impl TraceSockets {
    pub(super) fn has(&self, version: Version) -> bool {
        self.opened.iter().any(|opened| opened.terms.version == version)
    }
}

impl Opened {
    fn new(request: &TraceRequest, version: Version, ident: u16) -> Result<Self, ProbeError> {
        let kind = match request.protocol {
            TraceProtocol::Udp => Some(Type::DGRAM),
            TraceProtocol::Tcp => Some(Type::STREAM),
            TraceProtocol::Icmp => None,
        };
        let reserved = kind.map(|kind| reserve(version, kind, request.flows)).transpose();
        let reserved = reserved.map_err(|e| ProbeError::Socket("reserve source ports", e))?;
        let ports = match &reserved {
            Some(reserved) => reserved.ports.clone(),
            None => ident..ident + u16::from(request.flows),
        };
        let terms = Terms {
            version,
            source: request.source_address.filter(|a| Version::of(*a) == version),
            dont_fragment: request.dont_fragment || request.mtu,
        };
        let sockets = match raw(request.protocol, terms, &ports, ident) {
            Ok(sockets) => sockets,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                unprivileged(request, terms)?
            }
            Err(error) => return Err(ProbeError::Socket("open raw socket", error)),
        };
        Ok(Self { terms, sockets, ports, reserved })
    }
}

fn raw(
    protocol: TraceProtocol,
    terms: Terms,
    ports: &Range<u16>,
    ident: u16,
) -> io::Result<Sockets> {
    let version = terms.version;
    let mut receivers = vec![PacketSocket::errors(version, protocol, ports)?];
    match protocol {
        TraceProtocol::Udp => {
            let echoes = PacketSocket::errors(version, TraceProtocol::Icmp, &(ident..ident + 1));
            receivers.push(PacketSocket::answers(version, Protocol::UDP, ports)?);
            receivers.push(echoes?);
        }
        TraceProtocol::Tcp => {
            receivers.push(PacketSocket::answers(version, Protocol::TCP, ports)?);
        }
        TraceProtocol::Icmp => {}
    }
    receivers.iter().try_for_each(PacketSocket::stamp)?;
    let sender = PacketSocket::sender(version, terms.source)?;
    Ok(Sockets::Raw { sender, receivers, ident })
}

fn unprivileged(request: &TraceRequest, terms: Terms) -> Result<Sockets, ProbeError> {
    let flows = 0..request.flows;
    match request.protocol {
        // The kernel makes these SYNs, all of one size.
        TraceProtocol::Tcp if request.mtu => Err(ProbeError::Request(
            "mtu: needs CAP_NET_RAW by TCP, which this process lacks; UDP and ICMP do not".into(),
        )),
        TraceProtocol::Tcp if request.size.is_some() => Err(ProbeError::Request(
            "size: needs CAP_NET_RAW by TCP, which this process lacks; UDP and ICMP do not".into(),
        )),
        TraceProtocol::Tcp => Ok(Sockets::Sequential),
        TraceProtocol::Udp => {
            let sockets: io::Result<_> = flows.map(|_| Unprivileged::udp(terms)).collect();
            sockets
                .map(Sockets::Datagram)
                .map_err(|e| ProbeError::Socket("open datagram socket", e))
        }
        TraceProtocol::Icmp => {
            let sockets: io::Result<_> = flows.map(|_| Unprivileged::echo(terms)).collect();
            sockets.map(Sockets::Datagram).map_err(|error| match error.kind() {
                io::ErrorKind::PermissionDenied => ProbeError::NoIcmpSocket(error),
                _ => ProbeError::Socket("open datagram ICMP socket", error),
            })
        }
    }
}

/// A first identifier that leaves room for every flow, and the secret.
fn random() -> io::Result<(u16, Secret)> {
    let mut bytes = [0; 12];
    getrandom(&mut bytes[..], GetRandomFlags::empty())?;
    let [a, b, c, d, e, f, g, h, token @ ..] = bytes;
    let ident = 1 + u16::from_be_bytes([a, b]) % (u16::MAX - u16::from(MAX_FLOWS));
    let seq = u32::from_be_bytes([e, f, g, h]);
    Ok((ident, Secret { id: u16::from_be_bytes([c, d]), seq, token }))
}
