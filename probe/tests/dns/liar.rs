//! Small DNS servers that do what a test wants.

use std::{net::UdpSocket, thread, time::Duration};

use crate::{
    background::{Background, LOOK, came},
    lab::Netns,
};

/// Runs until it is dropped.
pub(crate) struct Liar {
    _thread: Background,
}

/// One datagram in answer to a query.
pub(crate) struct Reply {
    pub(crate) bytes: Vec<u8>,
    pub(crate) from_another_port: bool,
    pub(crate) after: Duration,
}

pub(crate) type Answers = fn(&[u8]) -> Vec<Reply>;

impl Liar {
    pub(crate) fn start(namespace: &Netns, address: &str, answers: Answers) -> Self {
        let bind = |port| namespace.enter(|| UdpSocket::bind((address, port)).unwrap());
        let (socket, other) = (bind(53), bind(0));
        socket.set_read_timeout(LOOK).unwrap();
        Self { _thread: Background::repeat(move || serve(&socket, &other, answers)) }
    }
}

fn serve(socket: &UdpSocket, other: &UdpSocket, answers: Answers) {
    let mut buffer = [0; 2048];
    let Some((length, from)) = came(socket.recv_from(&mut buffer)) else { return };
    for reply in answers(&buffer[..length]) {
        thread::sleep(reply.after);
        let sender = if reply.from_another_port { other } else { socket };
        sender.send_to(&reply.bytes, from).unwrap();
    }
}

/// A message as bytes, made of a query.
pub(crate) struct Answer(Vec<u8>);

impl Answer {
    /// NOERROR, without any record.
    pub(crate) fn to(query: &[u8]) -> Self {
        let mut bytes = query[..end_of_question(query)].to_vec();
        bytes[2] |= 0x80;
        bytes[3] = 0;
        bytes[6..12].fill(0);
        Self(bytes)
    }

    pub(crate) fn rcode(mut self, code: u8) -> Self {
        self.0[3] = code;
        self
    }

    pub(crate) fn truncated(mut self) -> Self {
        self.0[2] |= 0x02;
        self
    }

    /// 192.0.2.1 for the name asked for.
    pub(crate) fn address(self) -> Self {
        self.record(7, &[0xc0, 0x0c, 0, 1, 0, 1, 0xff, 0xff, 0xff, 0xff, 0, 4, 192, 0, 2, 1])
    }

    pub(crate) fn opt(self, high: u8, version: u8, options: &[u8]) -> Self {
        let length = (options.len() as u16).to_be_bytes();
        let opt = [&[0, 0, 41, 0x10, 0, high, version, 0, 0][..], &length, options].concat();
        self.record(11, &opt)
    }

    /// `at` is the last byte of the section's count.
    pub(crate) fn record(mut self, at: usize, bytes: &[u8]) -> Self {
        self.0[at] += 1;
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn change(mut self, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        change(&mut self.0);
        self
    }

    pub(crate) fn now(self) -> Reply {
        Reply { bytes: self.0, from_another_port: false, after: Duration::ZERO }
    }
}

pub(crate) fn has_opt(query: &[u8]) -> bool {
    query[11] > 0
}

fn end_of_question(query: &[u8]) -> usize {
    let mut at = 12;
    while query[at] != 0 {
        at += 1 + usize::from(query[at]);
    }
    at + 5
}
