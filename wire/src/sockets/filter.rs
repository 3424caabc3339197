//! Which sockets a request means.

use std::net::IpAddr;

use super::{SocketEntry, SocketProtocol, SocketState, SocketsRequest, Which};

/// An address or a CIDR; host bits are ignored, since a peer's address with its prefix is what
/// people have at hand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Network {
    bits: u128,
    mask: u128,
    is_v4: bool,
}

impl Network {
    pub fn read(text: &str) -> Result<Self, String> {
        let bad = || format!("peer: {text:?} is neither an address nor a CIDR");
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| bad())?;
        let (bits, width, is_v4) = bits(address.to_canonical());
        let length = match length {
            None => width,
            Some(length) => {
                length.parse().ok().filter(|length| *length <= width).ok_or_else(bad)?
            }
        };
        let host_bits = width - length;
        let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
        Ok(Self { bits: bits & mask, mask, is_v4 })
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        let (bits, _, is_v4) = bits(address.to_canonical());
        is_v4 == self.is_v4 && bits & self.mask == self.bits
    }
}

/// In the lowest bits, how many they are, and whether they are IPv4's.
fn bits(address: IpAddr) -> (u128, u32, bool) {
    match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32, true),
        IpAddr::V6(v6) => (v6.to_bits(), 128, false),
    }
}

impl SocketEntry {
    /// Waits for others: TCP and unix by their state, UDP and raw while they have no other end, a
    /// unix datagram socket if it has a name to be found by. As `netstat -l` has it.
    pub fn is_listening(&self) -> bool {
        match self.state {
            SocketState::Listen => true,
            SocketState::Unconnected => self.unix.as_ref().is_none_or(|unix| unix.name.is_some()),
            _ => false,
        }
    }
}

impl SocketsRequest {
    pub fn has(&self, protocol: SocketProtocol) -> bool {
        self.protocols.is_empty() || self.protocols.contains(&protocol)
    }

    /// Whether a socket is one of those asked for; `peer` as [`Network::read`] has it.
    pub fn wants(&self, entry: &SocketEntry, peer: Option<&Network>) -> bool {
        let is_of_kind = match self.which {
            Which::All => true,
            Which::Listening => entry.is_listening(),
            Which::Connected => !entry.is_listening(),
        };
        let local = entry.local.map(|local| local.port);
        let peer_port = entry.peer.map(|peer| peer.port);
        is_of_kind
            && (self.states.is_empty() || self.states.contains(&entry.state))
            && self.local_port.is_none_or(|port| local == Some(port.get()))
            && self.peer_port.is_none_or(|port| peer_port == Some(port.get()))
            && peer.is_none_or(|net| entry.peer.is_some_and(|peer| net.contains(peer.address)))
    }
}
