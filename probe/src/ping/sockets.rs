//! The sockets of one ping, opened while there is privilege.

use std::{io, ops::Range};

use netdiag_wire::ping::{MAX_TARGETS, PingRequest};
use rustix::rand::{GetRandomFlags, getrandom};

use super::start::wanted;
use crate::{
    ProbeError,
    packet::{Version, echo::Token},
    sys::icmp::IcmpSocket,
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
pub(super) fn open(request: &PingRequest) -> Result<PingSockets, ProbeError> {
    request.check().map_err(ProbeError::Request)?;
    wanted(request).check_source()?;
    let (ident, token) = random().map_err(|e| ProbeError::Socket("read random bytes", e))?;
    let first = 1 + ident % (u16::MAX - MAX_TARGETS as u16);
    let idents = first..first + request.targets.len() as u16;
    let mut opened = PingSockets { sockets: Vec::new(), lanes: Vec::new(), token };
    for version in [Version::V4, Version::V6] {
        let hosts = request.targets.iter().map(|target| &target.host).enumerate();
        let allowed = hosts.filter(|(_, host)| wanted(request).allows(host, version));
        let targets: Vec<usize> = allowed.map(|(index, _)| index).collect();
        if targets.is_empty() {
            continue;
        }
        match opened.add(request, version, &targets, &idents) {
            // A kernel without IPv6; a target that has only that finds no lane and says so.
            Err(error) if error.is_unsupported() => {}
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

fn random() -> io::Result<(u16, Token)> {
    let mut bytes = [0; 10];
    getrandom(&mut bytes[..], GetRandomFlags::empty())?;
    let [a, b, token @ ..] = bytes;
    Ok((u16::from_be_bytes([a, b]), token))
}
