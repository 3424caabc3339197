//! The sockets of one scan, opened while there is privilege.

use netdiag_wire::scan::Scan;
use rustix::process::{Resource, getrlimit};
use socket2::Type;

use super::targets::wanted;
use crate::{
    ProbeError,
    packet::Version,
    sys::packets::{Reserved, reserve},
};

/// Open sockets; nothing was sent yet.
#[derive(Debug)]
pub struct ScanSockets {
    pub(super) opened: Vec<Opened>,
}

/// For targets of one IP version.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) version: Version,
    /// Source ports, kept from others.
    pub(super) reserved: Reserved,
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
        match Opened::new(version) {
            Ok(one) => opened.push(one),
            // A target that has only that is told so.
            Err(error) if error.is_unsupported() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(ScanSockets { opened })
}

impl ScanSockets {
    pub(super) fn has(&self, version: Version) -> bool {
        self.opened.iter().any(|opened| opened.version == version)
    }
}

impl Opened {
    fn new(version: Version) -> Result<Self, ProbeError> {
        let reserved = reserve(version, Type::STREAM, 1);
        let reserved = reserved.map_err(|e| ProbeError::Socket("reserve a source port", e))?;
        Ok(Self { version, reserved })
    }
}

/// How many descriptors this process may have.
pub(super) fn descriptors() -> usize {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX).try_into().unwrap_or(usize::MAX)
}
