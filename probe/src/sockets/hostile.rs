//! Tests: recorded answers of Linux 6.18 (`probe/fuzz/netlink`), and what is left of them when bytes
//! change: fuzz target 7 of security.md.

use std::{fs, path::Path};

use netdiag_wire::sockets::{SocketEntry, SocketProtocol};
use proptest::prelude::*;

use super::{
    inet::{self, Table},
    unix,
};
use crate::packet::{
    Version,
    netlink::{attributes, messages},
};

const TABLE: Table =
    Table { version: Version::V4, protocol: SocketProtocol::Tcp, states: !0, tcp_info: false };
const V6: Table = Table { version: Version::V6, ..TABLE };
const UDP: Table = Table { protocol: SocketProtocol::Udp, ..TABLE };
const UDP6: Table = Table { version: Version::V6, ..UDP };

fn seed(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/netlink");
    fs::read(folder.join(name)).unwrap()
}

fn entries(name: &str, read: impl Fn(&[u8]) -> Option<SocketEntry>) -> Vec<SocketEntry> {
    messages(&seed(name)).map(|message| read(message.body).unwrap()).collect()
}

#[test]
fn every_recorded_socket_reads() {
    let tcp = entries("tcp4", |body| TABLE.entry(body));
    assert_eq!(tcp.len(), 5, "{tcp:#?}");
    let details = entries("tcp4-details", |body| TABLE.entry(body));
    let with_info = details.iter().filter(|entry| entry.tcp_info.is_some());
    assert!(with_info.clone().all(|entry| entry.tcp_info.as_ref().unwrap().memory.is_some()));
    assert!(with_info.count() >= 2, "{details:#?}");
    let six = entries("tcp6", |body| V6.entry(body));
    assert!(six.iter().any(|entry| entry.dual_stack && entry.accept_queue.is_some()), "{six:#?}");
    for (name, table) in [("udp4", UDP), ("udp6", UDP6)] {
        let udp = entries(name, |body| table.entry(body));
        assert!(udp.len() == 1 && udp[0].drops == Some(0), "{udp:#?}");
    }
    let unix = entries("unix", unix::entry);
    let named = |entry: &&SocketEntry| entry.unix.as_ref().unwrap().name.is_some();
    assert!(unix.len() >= 5 && unix.iter().filter(named).count() >= 2, "{unix:#?}");
}

/// Reads it as every kind of answer; each step goes on, and no further than the bytes.
fn read_all(bytes: &[u8]) {
    let mut left = bytes.len();
    for message in messages(bytes) {
        left = left.checked_sub(16 + message.body.len()).expect("no message overlaps another");
        for table in [TABLE, V6, UDP, UDP6] {
            let entry = table.entry(message.body);
            let _ = entry.map(|entry| inet::identity(message.body, &entry));
            let _ = (inet::interface(message.body), table.question_again(message.body));
        }
        let _ = unix::entry(message.body);
        let values: usize = attributes(message.body).map(|(_, value)| 4 + value.len()).sum();
        assert!(values <= message.body.len());
    }
}

#[test]
fn every_seed_replays_cut_anywhere() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/netlink");
    let seeds: Vec<_> = fs::read_dir(folder).unwrap().map(|seed| seed.unwrap().path()).collect();
    assert!(seeds.len() >= 10);
    for path in seeds {
        let bytes = fs::read(path).unwrap();
        (0..=bytes.len()).for_each(|length| read_all(&bytes[..length]));
    }
}

proptest! {
    #[test]
    fn changed_bytes_hold(
        name in prop::sample::select(vec!["tcp4", "tcp4-details", "tcp6", "udp6", "unix", "links"]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..16),
    ) {
        let mut bytes = seed(name);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        read_all(&bytes);
    }

    #[test]
    fn any_bytes_hold(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        read_all(&bytes);
    }
}
