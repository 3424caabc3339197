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
    },
    target::Wanted,
};

/// Open sockets; nothing was sent yet.
#[derive(Debug)]
pub struct TraceSockets {
    pub(super) lanes: Vec<Lane>,
    pub(super) secret: Secret,
    /// Absent where the kernel has no rtnetlink; the trace does without.
    pub(super) links: Option<Links>,
}

/// How a target of one IP version is reached.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) version: Version,
    pub(super) sender: PacketSocket,
    /// ICMP first, then what comes from the target itself, then echoes to `ident`.
    pub(super) receivers: Vec<PacketSocket>,
    /// Source ports, one a flow; for ICMP identifiers.
    pub(super) ports: Range<u16>,
    pub(super) ident: u16,
    /// Keeps the ports.
    pub(super) reserved: Option<Reserved>,
}

/// Opens what the request may need.
///
/// Names are resolved later, so a name of either family gets sockets for both.
pub fn open(request: &TraceRequest) -> Result<TraceSockets, ProbeError> {
    request.check().map_err(ProbeError::Request)?;
    let wanted = Wanted { family: request.family, source: request.source_address };
    wanted.check_source()?;
    let (ident, secret) = random().map_err(|e| ProbeError::Socket("read random bytes", e))?;
    let mut lanes = Vec::new();
    for version in [Version::V4, Version::V6] {
        if !wanted.allows(&request.host, version) {
            continue;
        }
        match Lane::open(request, version, ident) {
            Ok(lane) => lanes.push(lane),
            // A target that has only that finds no lane and says so.
            Err(error) if error.is_unsupported() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(TraceSockets { lanes, secret, links: Links::open().ok() })
}

impl TraceSockets {
    pub(super) fn has(&self, version: Version) -> bool {
        self.lanes.iter().any(|lane| lane.version == version)
    }
}

impl Lane {
    fn open(request: &TraceRequest, version: Version, ident: u16) -> Result<Self, ProbeError> {
        let source = request.source_address.filter(|a| Version::of(*a) == version);
        let kinds = match request.protocol {
            TraceProtocol::Udp => Some((Type::DGRAM, Protocol::UDP)),
            TraceProtocol::Tcp => Some((Type::STREAM, Protocol::TCP)),
            TraceProtocol::Icmp => None,
        };
        let reserved = kinds.map(|(kind, _)| reserve(version, kind, request.flows)).transpose();
        let reserved = reserved.map_err(|e| ProbeError::Socket("reserve source ports", e))?;
        let ports = match &reserved {
            Some(reserved) => reserved.ports.clone(),
            None => ident..ident + u16::from(request.flows),
        };
        let raw = || -> io::Result<_> {
            let mut receivers = vec![PacketSocket::errors(version, request.protocol, &ports)?];
            if let Some((_, protocol)) = kinds {
                receivers.push(PacketSocket::answers(version, protocol, &ports)?);
            }
            if request.protocol == TraceProtocol::Udp {
                let ident = ident..ident + 1;
                receivers.push(PacketSocket::errors(version, TraceProtocol::Icmp, &ident)?);
            }
            Ok((PacketSocket::sender(version, source)?, receivers))
        };
        let (sender, receivers) = raw().map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => ProbeError::NoRawSocket(error),
            _ => ProbeError::Socket("open raw socket", error),
        })?;
        Ok(Self { version, sender, receivers, ports, ident, reserved })
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
