//! TCP and UDP sockets as inet_diag tells them (linux/inet_diag.h).

use std::{
    hash::{DefaultHasher, Hasher},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU32,
};

use netdiag_wire::sockets::{
    AcceptQueue, SocketAddress, SocketEntry, SocketProtocol, SocketState, SocketTimer, TimerKind,
};
use nix::libc;

use super::{empty, tcp_info};
use crate::packet::{
    Version,
    netlink::{attributes, u32_at, u64_at},
};

/// inet_diag_msg.
const MESSAGE: usize = 72;
/// inet_diag_sockid, and where it lies in question and message.
const ID: usize = 48;
const ID_IN_MESSAGE: usize = 4;

/// Kinds of attributes.
const INFO: u16 = 2;
const CONGESTION: u16 = 4;
const MEMORY: u16 = 7;
const V6_ONLY: u16 = 11;

/// What else is asked for of each socket; every bit is one kind less one.
const DETAILS: u8 = 1 << (INFO - 1) | 1 << (CONGESTION - 1) | 1 << (MEMORY - 1);
const DROPS: u8 = 1 << (MEMORY - 1);

/// Which sockets are asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    pub(super) version: Version,
    pub(super) protocol: SocketProtocol,
    /// One bit a state, by the kernel's numbers.
    pub(super) states: u32,
    pub(super) tcp_info: bool,
}

impl Table {
    /// All of them.
    pub(super) fn question(self) -> Vec<u8> {
        let details = match (self.protocol, self.tcp_info) {
            (SocketProtocol::Udp, _) => DROPS,
            (_, true) => DETAILS,
            (_, false) => 0,
        };
        self.ask(details, self.states, &[0; ID])
    }

    /// The one that a message told of, with every detail.
    pub(super) fn question_again(self, body: &[u8]) -> Option<Vec<u8>> {
        Some(self.ask(DETAILS, u32::MAX, body.get(ID_IN_MESSAGE..)?.first_chunk()?))
    }

    /// inet_diag_req_v2.
    fn ask(self, details: u8, states: u32, id: &[u8; ID]) -> Vec<u8> {
        let family = match self.version {
            Version::V4 => libc::AF_INET,
            Version::V6 => libc::AF_INET6,
        };
        let protocol = match self.protocol {
            SocketProtocol::Udp => libc::IPPROTO_UDP,
            _ => libc::IPPROTO_TCP,
        };
        let mut question = vec![family as u8, protocol as u8, details, 0];
        question.extend(states.to_ne_bytes());
        question.extend(id);
        question
    }

    /// None for what is no message of this kernel.
    pub(super) fn entry(self, body: &[u8]) -> Option<SocketEntry> {
        let (message, tail) = body.split_at_checked(MESSAGE)?;
        let [_, state, timer, retransmits] = *message.first_chunk()?;
        let state = state_of(self.protocol, state);
        let (local, peer) = self.addresses(message)?;
        let (received, unsent) = (u32_at(message, 56)?, u32_at(message, 60)?);
        let inode = u32_at(message, 68).filter(|inode| *inode != 0);
        let mut entry = SocketEntry {
            local: Some(local),
            peer: Some(peer).filter(|peer| peer.port != 0 || !peer.address.is_unspecified()),
            timer: timer_of(timer, retransmits, u32_at(message, 52)?),
            inode,
            uid: u32_at(message, 64).filter(|_| inode.is_some()),
            ..empty(self.protocol, state)
        };
        if state == SocketState::Listen {
            entry.accept_queue = Some(AcceptQueue { waiting: received, limit: unsent });
        } else {
            entry.receive_queue_bytes = Some(received);
            entry.send_queue_bytes = Some(unsent);
        }
        let is_resending = entry.timer.is_some_and(|timer| timer.kind == TimerKind::Retransmit);
        entry.retransmits = NonZeroU32::new(retransmits.into()).filter(|_| is_resending);
        self.details(&mut entry, tail);
        Some(entry)
    }

    fn details(self, entry: &mut SocketEntry, tail: &[u8]) {
        let is_tcp = self.protocol == SocketProtocol::Tcp;
        let (mut info, mut congestion, mut memory) = (None, None, None);
        for (kind, value) in attributes(tail) {
            match kind {
                INFO if is_tcp => info = tcp_info::read(value),
                CONGESTION => congestion = value.strip_suffix(b"\0"),
                MEMORY => memory = tcp_info::memory(value),
                // Said of sockets without another end.
                V6_ONLY => {
                    let is_any = entry.local.is_some_and(|local| local.address.is_unspecified());
                    entry.dual_stack = is_any && entry.peer.is_none() && value == [0];
                }
                _ => {}
            }
        }
        if let Some(info) = &mut info {
            info.congestion_control = congestion.map(|name| name.to_vec().into());
            info.memory = memory;
        }
        entry.tcp_info = info.map(Box::new);
        entry.drops = memory.filter(|_| !is_tcp).map(|memory| memory.drops);
    }

    fn addresses(self, message: &[u8]) -> Option<(SocketAddress, SocketAddress)> {
        let id = message.get(ID_IN_MESSAGE..)?;
        Some((self.address(id, 0, 4)?, self.address(id, 2, 20)?))
    }

    fn address(self, id: &[u8], port: usize, address: usize) -> Option<SocketAddress> {
        let octets: [u8; 16] = *id.get(address..)?.first_chunk()?;
        let address = match self.version {
            Version::V4 => Ipv4Addr::from(*octets.first_chunk::<4>()?).into(),
            Version::V6 => IpAddr::from(Ipv6Addr::from(octets)).to_canonical(),
        };
        Some(SocketAddress { address, port: u16::from_be_bytes(*id.get(port..)?.first_chunk()?) })
    }
}

/// The interface that it is bound to.
pub(super) fn interface(body: &[u8]) -> Option<NonZeroU32> {
    NonZeroU32::new(u32_at(body, ID_IN_MESSAGE + 36)?)
}

/// The same for two messages of one socket. A connection becomes another socket of the kernel's
/// when it is established and when it only waits for its end, so it is known by its addresses.
pub(super) fn identity(body: &[u8], entry: &SocketEntry) -> u64 {
    let is_connection = entry.protocol == SocketProtocol::Tcp && entry.peer.is_some();
    let mut hasher = DefaultHasher::new();
    match body.get(ID_IN_MESSAGE..ID_IN_MESSAGE + 40) {
        Some(addresses) if is_connection => hasher.write(addresses),
        _ => hasher.write_u64(u64_at(body, ID_IN_MESSAGE + 40).unwrap_or_default()),
    }
    hasher.finish()
}

/// By the kernel's numbers (net/tcp_states.h), which serve all protocols.
pub(super) fn state_of(protocol: SocketProtocol, number: u8) -> SocketState {
    match number {
        1 => SocketState::Established,
        2 => SocketState::SynSent,
        3 | 12 => SocketState::SynReceived,
        4 => SocketState::FinWait1,
        5 => SocketState::FinWait2,
        6 => SocketState::TimeWait,
        7 if protocol == SocketProtocol::Tcp => SocketState::Closed,
        7 => SocketState::Unconnected,
        8 => SocketState::CloseWait,
        9 => SocketState::LastAck,
        10 => SocketState::Listen,
        11 => SocketState::Closing,
        _ => SocketState::Unknown,
    }
}

/// The other way round, as bits of a question.
pub(super) fn states(wanted: impl Fn(SocketState) -> bool, protocol: SocketProtocol) -> u32 {
    let numbers = (1..=12).filter(|number| wanted(state_of(protocol, *number)));
    numbers.fold(0, |bits, number| bits | 1 << number)
}

fn timer_of(number: u8, probes: u8, expires_ms: u32) -> Option<SocketTimer> {
    let kind = match number {
        0 => return None,
        1 => TimerKind::Retransmit,
        2 => TimerKind::Keepalive,
        3 => TimerKind::TimeWait,
        4 => TimerKind::ZeroWindowProbe,
        5 => TimerKind::DelayedAck,
        _ => TimerKind::Unknown,
    };
    let has_probes = matches!(kind, TimerKind::Keepalive | TimerKind::ZeroWindowProbe);
    let probes = if has_probes { probes.into() } else { 0 };
    Some(SocketTimer { kind, expires_us: u64::from(expires_ms) * 1_000, probes })
}

#[cfg(test)]
mod tests;
