//! The sockets of one scan, opened while there is privilege.

use std::{io, net::IpAddr, ops::Range};

use netdiag_wire::{
    scan::{Scan, ScanMethod, ScanRequest},
    trace::TraceProtocol,
};
use rustix::{
    process::{Resource, getrlimit},
    rand::{GetRandomFlags, getrandom},
};
use socket2::{Protocol, Type};

use super::{echo::EchoSockets, targets::wanted};
use crate::{
    ProbeError,
    packet::{Version, probe::Secret},
    second,
    sys::{
        links::Links,
        packets::{PacketSocket, Reserved, reserve},
    },
    tables::Tables,
};

/// Descriptors that a scan needs at most.
pub const DESCRIPTORS: u64 = 4_096;
/// Source ports, each with a socket and thus a buffer of its own for the answers.
const PORTS: u8 = 4;

/// Open sockets; nothing was sent yet.
#[derive(Debug)]
pub struct ScanSockets {
    pub(super) opened: Vec<Opened>,
    pub(super) means: Means,
    /// Absent where the kernel has no rtnetlink; the scan does without.
    pub(super) links: Option<Links>,
    pub(super) tables: Tables,
}

/// What this process may use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Means {
    /// To ask for the limit later is a call that a sandbox forbids.
    pub(super) descriptors: usize,
    /// For a second thread.
    pub(super) cpu: bool,
}

/// For targets of one IP version.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) version: Version,
    /// Source ports, kept from others.
    pub(super) reserved: Reserved,
    /// None without the privilege.
    pub(super) raw: Option<RawSockets>,
    /// Likewise.
    pub(super) echo: Option<EchoSockets>,
}

#[derive(Debug)]
pub(super) struct RawSockets {
    pub(super) sender: PacketSocket,
    /// ICMP errors first, then what comes to each source port.
    pub(super) receivers: Vec<PacketSocket>,
    /// For a second thread: two that shared one would wait for each other. None without a CPU for it.
    pub(super) second_sender: Option<PacketSocket>,
}

pub(super) fn open(scan: &Scan) -> Result<ScanSockets, ProbeError> {
    let request = &scan.request;
    request.check().map_err(ProbeError::Request)?;
    let wanted = wanted(request);
    wanted.check_source()?;
    let mut opened = Vec::new();
    for version in [Version::V4, Version::V6] {
        if !request.targets.iter().any(|target| wanted.allows(target, version)) {
            continue;
        }
        match Opened::new(request, version) {
            Ok(one) => opened.push(one),
            // A target that has only that is told so.
            Err(error) if error.is_unsupported() => {}
            Err(error) => return Err(error),
        }
    }
    let (links, tables) = (Links::open().ok(), Tables::open());
    let means = Means { descriptors: descriptors(), cpu: second::has_cpu() };
    Ok(ScanSockets { opened, means, links, tables })
}

impl ScanSockets {
    /// Never `auto`.
    pub(super) fn method(&self) -> ScanMethod {
        let is_raw = self.opened.iter().all(|opened| opened.raw.is_some());
        if is_raw { ScanMethod::Syn } else { ScanMethod::Connect }
    }

    pub(super) fn has(&self, version: Version) -> bool {
        self.opened.iter().any(|opened| opened.version == version)
    }
}

impl Opened {
    fn new(request: &ScanRequest, version: Version) -> Result<Self, ProbeError> {
        let reserved = reserve(version, Type::STREAM, PORTS);
        let reserved = reserved.map_err(|e| ProbeError::Socket("reserve source ports", e))?;
        let raw = match request.method {
            ScanMethod::Connect => None,
            ScanMethod::Auto | ScanMethod::Syn => {
                match RawSockets::open(version, source(request, version), &reserved.ports) {
                    Err(error) if is_optional(request, &error) => None,
                    raw => Some(raw.map_err(|e| ProbeError::Socket("open raw socket", e))?),
                }
            }
        };
        let echo = match &raw {
            Some(_) => {
                Some(echo(request, version).map_err(|e| ProbeError::Socket("open raw socket", e))?)
            }
            None => None,
        };
        Ok(Self { version, reserved, raw, echo })
    }
}

fn echo(request: &ScanRequest, version: Version) -> io::Result<EchoSockets> {
    let mut bytes = [0; 12];
    getrandom(&mut bytes[..], GetRandomFlags::empty())?;
    let [a, b, c, d, e, f, g, h, token @ ..] = bytes;
    let seq = u32::from_be_bytes([e, f, g, h]);
    let secret = Secret { id: u16::from_be_bytes([c, d]), seq, token };
    let ident = u16::from_be_bytes([a, b]).clamp(1, u16::MAX - 1);
    EchoSockets::open(version, source(request, version), ident, secret)
}

fn source(request: &ScanRequest, version: Version) -> Option<IpAddr> {
    request.source_address.filter(|address| Version::of(*address) == version)
}

fn is_optional(request: &ScanRequest, error: &io::Error) -> bool {
    request.method == ScanMethod::Auto && error.kind() == io::ErrorKind::PermissionDenied
}

impl RawSockets {
    fn open(version: Version, source: Option<IpAddr>, ports: &Range<u16>) -> io::Result<Self> {
        let mut receivers = vec![PacketSocket::errors(version, TraceProtocol::Tcp, ports)?];
        for port in ports.clone() {
            receivers.push(PacketSocket::answers(version, Protocol::TCP, &(port..port + 1))?);
        }
        let sender = || PacketSocket::sender(version, source);
        let second_sender = second::has_cpu().then(sender).transpose()?;
        Ok(Self { sender: sender()?, receivers, second_sender })
    }
}

fn descriptors() -> usize {
    let most = getrlimit(Resource::Nofile).current.unwrap_or(DESCRIPTORS);
    most.min(DESCRIPTORS) as usize
}
