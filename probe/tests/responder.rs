//! A host that answers echo requests as a test wants, in place of the kernel.

use std::{io::Read, net::SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};

use crate::{
    background::{Background, LOOK, came},
    lab::Netns,
};

/// Runs until it is dropped.
pub(crate) struct Responder {
    _thread: Background,
}

impl Responder {
    /// `answers` gets an echo request's ICMP part, and gives any number of replies.
    pub(crate) fn start(
        namespace: &Netns,
        answers: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static,
    ) -> Self {
        namespace.sysctl("ipv4/icmp_echo_ignore_all", "1");
        let socket = namespace
            .enter(|| Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)))
            .expect("root, to open a raw socket");
        socket.set_read_timeout(LOOK).unwrap();
        Self { _thread: Background::repeat(move || serve(&socket, &answers)) }
    }
}

fn serve(socket: &Socket, answers: &impl Fn(&[u8]) -> Vec<Vec<u8>>) {
    let mut buffer = [0; 2048];
    let mut reader = socket;
    let Some(length) = came(reader.read(&mut buffer)) else { return };
    let packet = &buffer[..length];
    let [from, icmp] = [&packet[12..16], &packet[20..]];
    if icmp[0] == 8 {
        let from = SocketAddr::from((<[u8; 4]>::try_from(from).unwrap(), 0));
        answers(icmp).iter().for_each(|reply| {
            socket.send_to(reply, &from.into()).unwrap();
        });
    }
}

/// The kernel's own answer to an echo request.
pub(crate) fn reply(request: &[u8]) -> Vec<u8> {
    let mut reply = request.to_vec();
    reply[0] = 0;
    seal(&mut reply);
    reply
}

/// Sets the checksum.
pub(crate) fn seal(icmp: &mut [u8]) {
    icmp[2..4].fill(0);
    let words = icmp.chunks(2).map(|w| u32::from(w[0]) << 8 | u32::from(*w.get(1).unwrap_or(&0)));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let checksum = !((folded + (folded >> 16)) as u16);
    icmp[2..4].copy_from_slice(&checksum.to_be_bytes());
}

/// Sequence number of an echo request.
pub(crate) fn seq(request: &[u8]) -> u16 {
    u16::from_be_bytes([request[6], request[7]])
}
