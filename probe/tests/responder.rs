//! A host that answers echo requests as a test wants, in place of the kernel.

use std::{
    io::{self, Read},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use socket2::{Domain, Protocol, Socket, Type};

use crate::lab::Netns;

/// Runs until it is dropped.
pub(crate) struct Responder {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
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
        // How soon it sees that it is to stop.
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let is_stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            while !is_stopped.load(Ordering::Relaxed) {
                serve(&socket, &answers);
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn serve(socket: &Socket, answers: &impl Fn(&[u8]) -> Vec<Vec<u8>>) {
    let mut buffer = [0; 2048];
    let mut reader = socket;
    let packet = match reader.read(&mut buffer) {
        Ok(length) => &buffer[..length],
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
        Err(error) => panic!("{error}"),
    };
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
