//! The sockets of one ping, opened while there is privilege.

use std::{io, net::IpAddr, ops::Range};

use netdiag_wire::{
    Family,
    ping::{MAX_TARGETS, PingRequest},
};
use rustix::{
    io::Errno,
    rand::{GetRandomFlags, getrandom},
};

use super::start::{family, literal};
use crate::{
    ProbeError,
    packet::{Version, echo::Token},
    sys::{addresses::addresses, icmp::IcmpSocket},
};

/// Open sockets; nothing was sent yet.
#[derive(Debug)]
pub struct PingSockets {
    pub(super) sockets: Vec<IcmpSocket>,
    pub(super) lanes: Vec<Lane>,
    pub(super) token: Token,
}

/// How one target is reached in one IP version.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    pub(super) target: usize,
    pub(super) version: Version,
    /// Index of the socket.
    pub(super) socket: usize,
    pub(super) ident: u16,
}

/// Opens what the request may need: raw sockets, or datagram ones where NET_RAW is missing.
///
/// Names are resolved later, so a name of either family gets both.
pub fn open(request: &PingRequest) -> Result<PingSockets, ProbeError> {
    request.check().map_err(ProbeError::Request)?;
    check_source(request.source_address)?;
    let (ident, token) = random().map_err(|e| ProbeError::Socket("read random bytes", e))?;
    let first = 1 + ident % (u16::MAX - MAX_TARGETS as u16);
    let idents = first..first + request.targets.len() as u16;
    let mut opened = PingSockets { sockets: Vec::new(), lanes: Vec::new(), token };
    for version in [Version::V4, Version::V6] {
        let targets = (0..request.targets.len()).filter(|t| may_need(request, *t, version));
        let targets: Vec<usize> = targets.collect();
        if targets.is_empty() {
            continue;
        }
        match opened.add(request, version, &targets, &idents) {
            // A kernel without IPv6; a target that has only that finds no lane and says so.
            Err(error) if is_unsupported(&error) => {}
            other => other?,
        }
    }
    Ok(opened)
}

impl PingSockets {
    fn add(
        &mut self,
        request: &PingRequest,
        version: Version,
        targets: &[usize],
        idents: &Range<u16>,
    ) -> Result<(), ProbeError> {
        match IcmpSocket::raw(version, request, idents) {
            Ok(socket) => {
                let index = self.sockets.len();
                self.sockets.push(socket);
                self.lanes.extend(targets.iter().map(|&target| {
                    let ident = idents.start + target as u16;
                    Lane { target, version, socket: index, ident }
                }));
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                self.add_datagram(request, version, targets)
            }
            Err(error) => Err(ProbeError::Socket("open raw ICMP socket", error)),
        }
    }

    /// The kernel gives each datagram socket one identifier, so each target has its own.
    fn add_datagram(
        &mut self,
        request: &PingRequest,
        version: Version,
        targets: &[usize],
    ) -> Result<(), ProbeError> {
        for &target in targets {
            let (socket, ident) =
                IcmpSocket::datagram(version, request).map_err(|error| match error.kind() {
                    io::ErrorKind::PermissionDenied => ProbeError::NoIcmpSocket(error),
                    _ => ProbeError::Socket("open datagram ICMP socket", error),
                })?;
            self.lanes.push(Lane { target, version, socket: self.sockets.len(), ident });
            self.sockets.push(socket);
        }
        Ok(())
    }

    pub(super) fn lane(&self, target: usize, version: Version) -> Option<Lane> {
        self.lanes.iter().find(|lane| lane.target == target && lane.version == version).copied()
    }
}

fn check_source(wanted: Option<IpAddr>) -> Result<(), ProbeError> {
    let Some(wanted) = wanted else { return Ok(()) };
    let has = addresses().map_err(|e| ProbeError::Socket("list addresses", e))?;
    if has.contains(&wanted) { Ok(()) } else { Err(ProbeError::SourceAddress { wanted, has }) }
}

/// Which family a target may come to have: its own if it is an address, else what is asked for.
fn may_need(request: &PingRequest, target: usize, version: Version) -> bool {
    let literal = request.targets.get(target).and_then(|target| literal(&target.host));
    let in_family = match family(request) {
        Family::Any => true,
        Family::V4 => version == Version::V4,
        Family::V6 => version == Version::V6,
    };
    in_family && literal.is_none_or(|address| Version::of(address) == version)
}

fn is_unsupported(error: &ProbeError) -> bool {
    let ProbeError::Socket(_, error) = error else { return false };
    matches!(Errno::from_io_error(error), Some(Errno::AFNOSUPPORT | Errno::PROTONOSUPPORT))
}

fn random() -> io::Result<(u16, Token)> {
    let mut bytes = [0; 10];
    getrandom(&mut bytes[..], GetRandomFlags::empty())?;
    let [a, b, token @ ..] = bytes;
    Ok((u16::from_be_bytes([a, b]), token))
}
