//! The RSTs that come back: their TTL says how far away the one is who refuses.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
};

use crate::{
    ProbeError,
    packet::Version,
    sys::packets::{PacketSocket, Taken},
};

/// The longest IP and TCP headers, and more than a RST carries.
const BUFFER: usize = 512;
/// RSTs that nobody asks for are somebody else's.
const MAX_KEPT: usize = 1_024;

/// One socket a family; none where there is no privilege.
#[derive(Debug, Default)]
pub(super) struct Resets {
    sockets: Vec<PacketSocket>,
    /// By the one who refused and our port.
    seen: Mutex<HashMap<(SocketAddr, u16), u8>>,
}

impl Resets {
    pub(super) fn open(from_ports: &[u16]) -> Result<Self, ProbeError> {
        let mut ports = from_ports.to_vec();
        ports.sort_unstable();
        ports.dedup();
        let mut opened = Self::default();
        for version in [Version::V4, Version::V6] {
            match PacketSocket::resets(version, &ports) {
                Ok(socket) => opened.sockets.push(socket),
                Err(cause) if cause.kind() == io::ErrorKind::PermissionDenied => {}
                Err(cause) => {
                    let cause = ProbeError::Socket("open a raw socket for RSTs", cause);
                    // A kernel without IPv6.
                    if !cause.is_unsupported() {
                        return Err(cause);
                    }
                }
            }
        }
        Ok(opened)
    }

    /// TTL of the RST to our port: the raw socket has it before the connection ends.
    pub(super) fn ttl(&self, remote: SocketAddr, local_port: u16) -> Option<u8> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buffer = [0; BUFFER];
        for socket in &self.sockets {
            while let Ok(Taken::Packet(packet)) = socket.take(&mut buffer) {
                if let (Some((from, to)), Some(ttl)) = (ports(packet.bytes), packet.ttl)
                    && seen.len() < MAX_KEPT
                {
                    seen.insert((SocketAddr::new(packet.from, from), to), ttl);
                }
            }
        }
        seen.remove(&(remote, local_port))
    }
}

fn ports(segment: &[u8]) -> Option<(u16, u16)> {
    let (from, rest) = segment.split_first_chunk()?;
    Some((u16::from_be_bytes(*from), u16::from_be_bytes(*rest.first_chunk()?)))
}
