//! A server that answers as a test wants.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs, UdpSocket},
    thread,
    time::Duration,
};

use crate::background::{Background, LOOK, came};

/// Runs until it is dropped, in the namespace of the thread that starts it.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    _thread: Background,
}

impl Server {
    /// `answer` gets the socket, the query and who asked.
    pub(super) fn udp(
        mut answer: impl FnMut(&UdpSocket, &[u8], SocketAddr) + Send + 'static,
    ) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        socket.set_read_timeout(LOOK).unwrap();
        let mut buffer = [0; 4_096];
        let thread = Background::repeat(move || {
            if let Some((length, from)) = came(socket.recv_from(&mut buffer)) {
                answer(&socket, &buffer[..length], from);
            }
        });
        Self { address, _thread: thread }
    }

    /// `converse` gets each connection.
    pub(super) fn tcp(converse: impl FnMut(TcpStream) + Send + 'static) -> Self {
        Self::tcp_on("127.0.0.1:0", converse)
    }

    pub(super) fn tcp_on(
        address: impl ToSocketAddrs,
        mut converse: impl FnMut(TcpStream) + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let thread = Background::repeat(move || match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
                converse(stream);
            }
            // How soon it sees a connection, or that it is to stop.
            Err(_) => thread::park_timeout(Duration::from_millis(5)),
        });
        Self { address, _thread: thread }
    }
}

/// A response with its code to the query, whose question it repeats; without EDNS.
pub(super) fn response(query: &[u8], rcode: u8) -> Vec<u8> {
    let mut response = query[..end_of_question(query)].to_vec();
    response[2] = 0x84 | query[2] & 1;
    response[3] = 0x80 | rcode;
    response[4..12].copy_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
    response
}

/// One A record of the name that was asked for.
pub(super) fn with_address(query: &[u8], address: [u8; 4]) -> Vec<u8> {
    let mut response = response(query, 0);
    response[7] = 1;
    response.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
    response.extend(address);
    response
}

/// One message behind its length.
pub(super) fn read_framed(stream: &mut impl Read) -> Vec<u8> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut message = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut message).unwrap();
    message
}

pub(super) fn write_framed(stream: &mut impl Write, message: &[u8]) {
    let framed = [&(message.len() as u16).to_be_bytes(), message].concat();
    stream.write_all(&framed).unwrap();
    stream.flush().unwrap();
}

/// A SOA record of the name that was asked for, with that serial.
pub(super) fn soa(serial: u8) -> Vec<u8> {
    let numbers = [0, 0, 0, serial, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1];
    [&[0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 60, 0, 22, 0, 0][..], &numbers].concat()
}

/// An A record of the name that was asked for.
pub(super) fn address(last: u8) -> Vec<u8> {
    vec![0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, last]
}

/// A response with these records as its answer.
pub(super) fn with_records(query: &[u8], records: &[Vec<u8>]) -> Vec<u8> {
    let mut response = response(query, 0);
    response[6..8].copy_from_slice(&(records.len() as u16).to_be_bytes());
    response.extend(records.concat());
    response
}

fn end_of_question(query: &[u8]) -> usize {
    let mut at = 12;
    while query[at] != 0 {
        at += 1 + usize::from(query[at]);
    }
    at + 5
}
