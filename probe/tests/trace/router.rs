//! A router that answers expired packets as a test wants, in place of the kernel.

use std::{
    io::{ErrorKind, Read},
    net::SocketAddr,
};

use socket2::{Domain, Protocol, Socket, Type};

use crate::{
    background::{Background, LOOK, came},
    lab::Netns,
    responder::seal,
};

/// By which the kernel's own time exceeded is told from ours.
const TTL: u32 = 200;
const ETHERTYPE_IPV4: u16 = 0x0800;

/// Runs until it is dropped.
pub(crate) struct Router {
    _thread: Background,
}

impl Router {
    /// `answers` gets an IPv4 packet that came with TTL 1, and gives ICMP messages, whose checksum
    /// it may leave to this.
    pub(crate) fn start(
        namespace: &Netns,
        answers: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static,
    ) -> Self {
        namespace.rule("output", &format!("icmp type time-exceeded ip ttl != {TTL} drop"));
        let [taps, sends] = namespace.enter(|| {
            let all = Protocol::from(i32::from(ETHERTYPE_IPV4.to_be()));
            [
                Socket::new(Domain::PACKET, Type::DGRAM, Some(all)).expect("root, to see packets"),
                Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)).unwrap(),
            ]
        });
        sends.set_ttl_v4(TTL).unwrap();
        taps.set_read_timeout(LOOK).unwrap();
        Self { _thread: Background::repeat(move || serve(&taps, &sends, &answers)) }
    }
}

fn serve(taps: &Socket, sends: &Socket, answers: &impl Fn(&[u8]) -> Vec<Vec<u8>>) {
    let mut buffer = [0; 2048];
    let mut reader = taps;
    let read = match reader.read(&mut buffer) {
        // A link that comes or goes is told once to everybody who listens.
        Err(error) if error.kind() == ErrorKind::NetworkDown => return,
        read => read,
    };
    let Some(length) = came(read) else { return };
    let packet = &buffer[..length];
    if packet[8] != 1 {
        return;
    }
    let from = <[u8; 4]>::try_from(&packet[12..16]).unwrap();
    for mut answer in answers(packet) {
        if answer[2..4] == [0, 0] {
            seal(&mut answer);
        }
        sends.send_to(&answer, &SocketAddr::from((from, 0)).into()).unwrap();
    }
}

/// Time exceeded with as much of the packet as `quoted` says.
pub(crate) fn expired(packet: &[u8], quoted: usize) -> Vec<u8> {
    let quote = &packet[..quoted.min(packet.len())];
    [&[11, 0, 0, 0, 0, 0, 0, 0], quote].concat()
}

/// The same with RFC 4884's length, padding and one label stack of RFC 4950.
pub(crate) fn with_labels(packet: &[u8], labels: &[u32]) -> Vec<u8> {
    let mut message = expired(packet, 128);
    message.resize(8 + 128, 0);
    message[5] = 32;
    let entry = |(at, label): (usize, &u32)| {
        let bottom = u32::from(at + 1 == labels.len());
        (label << 12 | 5 << 9 | bottom << 8 | 1).to_be_bytes()
    };
    let entries = labels.iter().enumerate().flat_map(entry);
    let length = 4 + 4 * labels.len() as u8;
    let mut extension = vec![0x20, 0, 0, 0, 0, length, 1, 1];
    extension.extend(entries);
    seal(&mut extension);
    message.extend(extension);
    message
}
