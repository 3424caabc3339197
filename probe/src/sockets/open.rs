//! What a socket table needs, opened while there is privilege.

use std::{collections::HashSet, fs::File, io};

use netdiag_wire::sockets::{SocketProtocol, SocketsRequest};

use super::{
    ahead::Ahead,
    counters::CounterFiles,
    processes::{self, Owners},
    text,
};
use crate::{
    ProbeError,
    packet::Version,
    sys::{diag::DiagSocket, links::Links, raw::own_sockets},
};

/// Nothing was asked of the kernel yet, but whose its sockets are.
#[derive(Debug)]
pub struct OpenSockets {
    pub(super) lists: Ahead,
    /// For single sockets, while a list is being read.
    pub(super) single: DiagSocket,
    pub(super) links: Option<Links>,
    pub(super) raw: Vec<File>,
    pub(super) counters: Option<CounterFiles>,
    pub(super) owners: Option<Owners>,
    /// Inodes of this process's own sockets by now; those that it makes later are no part of what
    /// is looked at.
    pub(super) own: HashSet<Option<u32>>,
}

pub(super) fn open(request: &SocketsRequest) -> Result<OpenSockets, ProbeError> {
    request.check().map_err(ProbeError::Request)?;
    let diag =
        || DiagSocket::open().map_err(|cause| ProbeError::Socket("open sock_diag socket", cause));
    let lists = diag()?;
    let owners = request.processes.then(|| processes::find(&lists)).transpose();
    let owners =
        owners.map_err(|cause| ProbeError::Socket("look for the sockets' processes", cause))?;
    let has_counters = request.stats || request.full_queue_wait_ms.is_some();
    let counters = has_counters.then(CounterFiles::open).transpose();
    Ok(OpenSockets {
        single: diag()?,
        lists: Ahead::new(lists),
        links: Links::open().ok(),
        raw: raw(request).map_err(|cause| ProbeError::Socket("open /proc/net/raw", cause))?,
        counters: counters
            .map_err(|cause| ProbeError::Socket("open the namespace's counters", cause))?,
        owners,
        own: own_sockets(),
    })
}

fn raw(request: &SocketsRequest) -> io::Result<Vec<File>> {
    let mut files = Vec::new();
    if request.has(SocketProtocol::Raw) {
        for version in versions(request) {
            let name = match version {
                Version::V4 => "raw",
                Version::V6 => "raw6",
            };
            files.extend(text::open(name)?);
        }
    }
    Ok(files)
}

/// Of the Internet's sockets.
pub(super) fn versions(request: &SocketsRequest) -> impl Iterator<Item = Version> {
    let family = request.family;
    [(Version::V4, netdiag_wire::Family::V6), (Version::V6, netdiag_wire::Family::V4)]
        .into_iter()
        .filter_map(move |(version, other)| (family != other).then_some(version))
}
