//! Unix sockets as unix_diag tells them (linux/unix_diag.h).

use netdiag_wire::{
    Untrusted,
    sockets::{AcceptQueue, SocketEntry, SocketProtocol, SocketState, UnixKind, UnixSocket},
};
use nix::libc;

use super::{empty, inet::state_of};
use crate::packet::netlink::{attributes, u32_at};

/// unix_diag_msg.
const MESSAGE: usize = 16;

/// Kinds of attributes.
const NAME: u16 = 0;
const PEER: u16 = 2;
const QUEUES: u16 = 4;
const UID: u16 = 7;

/// Name, peer, queues, owner.
const SHOW: u32 = 0x1 | 0x4 | 0x10 | 0x40;

/// unix_diag_req; states as bits.
pub(super) fn question(states: u32) -> Vec<u8> {
    let mut question = vec![libc::AF_UNIX as u8, 0, 0, 0];
    question.extend(states.to_ne_bytes());
    question.extend([0; 4]);
    question.extend(SHOW.to_ne_bytes());
    question.extend([0; 8]);
    question
}

/// None for what is no message of this kernel.
pub(super) fn entry(body: &[u8]) -> Option<SocketEntry> {
    let (message, tail) = body.split_at_checked(MESSAGE)?;
    let state = state_of(SocketProtocol::Unix, message[2]);
    let mut entry = SocketEntry {
        inode: u32_at(message, 4).filter(|inode| *inode != 0),
        ..empty(SocketProtocol::Unix, state)
    };
    let mut unix = UnixSocket { kind: kind(message[1]), name: None, peer_inode: None };
    for (kind, value) in attributes(tail) {
        match kind {
            NAME => unix.name = name(value),
            PEER => unix.peer_inode = u32_at(value, 0).filter(|inode| *inode != 0),
            QUEUES => queues(&mut entry, u32_at(value, 0)?, u32_at(value, 4)?),
            UID => entry.uid = u32_at(value, 0),
            _ => {}
        }
    }
    entry.unix = Some(Box::new(unix));
    Some(entry)
}

fn queues(entry: &mut SocketEntry, received: u32, unsent: u32) {
    if entry.state == SocketState::Listen {
        entry.accept_queue = Some(AcceptQueue { waiting: received, limit: unsent });
    } else {
        entry.receive_queue_bytes = Some(received);
        entry.send_queue_bytes = Some(unsent);
    }
}

fn kind(number: u8) -> UnixKind {
    match i32::from(number) {
        libc::SOCK_STREAM => UnixKind::Stream,
        libc::SOCK_DGRAM => UnixKind::Datagram,
        libc::SOCK_SEQPACKET => UnixKind::SeqPacket,
        _ => UnixKind::Unknown,
    }
}

fn name(bytes: &[u8]) -> Option<Untrusted> {
    match bytes {
        [] => None,
        [0, name @ ..] => Some([b"@", name].concat().into()),
        path => Some(path.strip_suffix(b"\0").unwrap_or(path).to_vec().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(state: u8, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![libc::AF_UNIX as u8, libc::SOCK_STREAM as u8, state, 0];
        bytes.extend(7_u32.to_ne_bytes());
        bytes.extend([0; 8]);
        for (kind, value) in attributes {
            bytes.extend((4 + value.len() as u16).to_ne_bytes());
            bytes.extend(kind.to_ne_bytes());
            bytes.extend(*value);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    #[test]
    fn a_listener_has_a_queue_and_a_name() {
        let queues = [3_u32.to_ne_bytes(), 128_u32.to_ne_bytes()].concat();
        let bytes =
            message(10, &[(NAME, b"/run/a.sock\0"), (QUEUES, &queues), (UID, &[9, 0, 0, 0])]);
        let entry = entry(&bytes).unwrap();
        assert_eq!(entry.accept_queue, Some(AcceptQueue { waiting: 3, limit: 128 }));
        assert_eq!((entry.inode, entry.uid), (Some(7), Some(9)));
        let unix = entry.unix.unwrap();
        assert_eq!((unix.kind, unix.name), (UnixKind::Stream, Some("/run/a.sock".into())));
    }

    #[test]
    fn names_are_as_ss_writes_them() {
        assert_eq!(name(b"\0/tmp/.X11-unix/X0"), Some("@/tmp/.X11-unix/X0".into()));
        assert_eq!(name(b"/a\nb\0"), Some("/a\nb".into()));
        assert_eq!(name(b""), None);
    }

    #[test]
    fn a_message_cut_anywhere_is_no_panic() {
        let bytes = message(1, &[(PEER, &[1, 0, 0, 0]), (QUEUES, &[0; 8]), (NAME, b"x")]);
        for length in 0..=bytes.len() {
            assert_eq!(entry(&bytes[..length]).is_some(), length >= MESSAGE);
        }
    }
}
