//! As many sockets in one event as a line of the stream has room for.

use netdiag_wire::sockets::{SocketEntry, SocketsEvent};

/// Bytes of JSON; the line around them and its time need little more.
const MOST: usize = netdiag_wire::MAX_LINE_BYTES - 1024;

/// Most PIDs that are told of one socket.
pub(super) const MAX_PIDS: usize = 64;

pub(super) struct Batch {
    round: u32,
    entries: Vec<SocketEntry>,
    bytes: usize,
    pub(super) count: u64,
}

impl Batch {
    pub(super) fn new(round: u32) -> Self {
        Self { round, entries: Vec::new(), bytes: 0, count: 0 }
    }

    pub(super) fn push(&mut self, entry: SocketEntry, emit: &mut impl FnMut(SocketsEvent)) {
        let bytes = most_bytes(&entry);
        if self.bytes + bytes > MOST {
            self.flush(emit);
        }
        self.bytes += bytes;
        self.count += 1;
        self.entries.push(entry);
    }

    pub(super) fn flush(&mut self, emit: &mut impl FnMut(SocketsEvent)) {
        self.bytes = 0;
        if !self.entries.is_empty() {
            let room = Vec::with_capacity(self.entries.len());
            let entries = std::mem::replace(&mut self.entries, room);
            emit(SocketsEvent::Sockets { round: self.round, entries });
        }
    }
}

/// At least what the entry has as JSON.
fn most_bytes(entry: &SocketEntry) -> usize {
    // An escape of JSON has six bytes for one.
    let texts = entry.interface.iter().chain(entry.unix.iter().filter_map(|u| u.name.as_ref()));
    let texts: usize = texts.map(|text| text.as_bytes().len() * 6).sum();
    let details = if entry.tcp_info.is_some() { 1_700 } else { 0 };
    560 + texts + details + entry.pids.len() * 11
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use netdiag_wire::{
        Event, Line, MAX_LINE_BYTES,
        sockets::{
            AcceptQueue, Congestion, SocketAddress, SocketMemory, SocketProtocol, SocketState,
            SocketTimer, TcpInfo, TimerKind, UnixKind, UnixSocket,
        },
    };

    use super::*;
    use crate::sockets::empty;

    /// Every number as long as it can be.
    fn longest() -> SocketEntry {
        let address = Some(SocketAddress { address: [u16::MAX; 8].into(), port: u16::MAX });
        SocketEntry {
            local: address,
            peer: address,
            dual_stack: true,
            interface: Some("\u{1}".repeat(15).into()),
            ip_protocol: Some(255),
            accept_queue: Some(AcceptQueue { waiting: u32::MAX, limit: u32::MAX }),
            receive_queue_bytes: Some(u32::MAX),
            send_queue_bytes: Some(u32::MAX),
            timer: Some(SocketTimer {
                kind: TimerKind::ZeroWindowProbe,
                expires_us: u64::from(u32::MAX) * 1_000,
                probes: 255,
            }),
            retransmits: NonZeroU32::new(255),
            drops: Some(u32::MAX),
            uid: Some(u32::MAX),
            inode: Some(u32::MAX),
            pids: vec![u32::MAX; MAX_PIDS],
            more_pids: u32::MAX,
            tcp_info: Some(Box::new(longest_info())),
            unix: Some(Box::new(UnixSocket {
                kind: UnixKind::SeqPacket,
                name: Some("\u{1}".repeat(108).into()),
                peer_inode: Some(u32::MAX),
            })),
            ..empty(SocketProtocol::Unknown, SocketState::Established)
        }
    }

    /// What the kernel would say if every byte of it were 0xfe, with the name of its algorithm.
    fn longest_info() -> TcpInfo {
        let mut info = crate::sockets::tcp_info::read(&[0xfe; 240]).unwrap();
        info.ssthresh = Some(u32::MAX);
        info.delivery_rate_by_app = true;
        info.timestamps = true;
        info.congestion_state = Congestion::Disorder;
        info.congestion_control = Some("\u{1}".repeat(15).into());
        let n = u32::MAX;
        info.memory = Some(SocketMemory {
            receive_bytes: n,
            receive_limit_bytes: n,
            send_bytes: n,
            send_limit_bytes: n,
            drops: n,
        });
        info
    }

    #[test]
    fn no_entry_is_longer_than_counted() {
        let entry = longest();
        let json = serde_json::to_string(&entry).unwrap();
        assert!(json.len() <= most_bytes(&entry), "{} > {}", json.len(), most_bytes(&entry));
        let bare = SocketEntry { tcp_info: None, unix: None, interface: None, ..entry };
        let json = serde_json::to_string(&bare).unwrap();
        assert!(json.len() <= most_bytes(&bare), "{} > {}", json.len(), most_bytes(&bare));
    }

    #[test]
    fn every_batch_fits_a_line() {
        let (mut lines, mut told) = (Vec::new(), 0);
        let mut emit = |event| {
            if let SocketsEvent::Sockets { entries, .. } = &event {
                told += entries.len();
            }
            let line = Line { at: jiff::Timestamp::now(), event: Event::Probe(event) };
            lines.push(serde_json::to_vec(&line).unwrap().len());
        };
        let mut batch = Batch::new(u32::MAX);
        for _ in 0..100 {
            batch.push(longest(), &mut emit);
        }
        batch.flush(&mut emit);
        assert_eq!((batch.count, told), (100, 100));
        assert!(lines.iter().all(|length| *length < MAX_LINE_BYTES), "{lines:?}");
        assert!(lines.len() < 20, "{lines:?}");
    }
}
