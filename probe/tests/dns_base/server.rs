//! A server that answers as a test wants.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// Runs until it is dropped, in the namespace of the thread that starts it.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// `answer` gets the socket, the query and who asked.
    pub(super) fn udp(
        mut answer: impl FnMut(&UdpSocket, &[u8], SocketAddr) + Send + 'static,
    ) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        // How soon it sees that it is to stop.
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let mut buffer = [0; 4_096];
        Self::run(address, move || match socket.recv_from(&mut buffer) {
            Ok((length, from)) => answer(&socket, &buffer[..length], from),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => panic!("{error}"),
        })
    }

    pub(super) fn run(address: SocketAddr, mut step: impl FnMut() + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let is_stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            while !is_stopped.load(Ordering::Relaxed) {
                step();
            }
        });
        Self { address, stop, thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
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

fn end_of_question(query: &[u8]) -> usize {
    let mut at = 12;
    while query[at] != 0 {
        at += 1 + usize::from(query[at]);
    }
    at + 5
}
