//! A socket that asks the kernel for its sockets (sock_diag(7)); opened before the sandbox, asked
//! within it.

use std::{
    io::{self, Read},
    os::fd::{AsFd, BorrowedFd},
    sync::atomic::{AtomicU32, Ordering},
};

use nix::libc;
use socket2::{Domain, Protocol, Socket, Type};

use crate::packet::netlink;

/// The kernel hands out no more at once.
pub(crate) const BUFFER: usize = 32 * 1024;

/// `SOCK_DIAG_BY_FAMILY` of linux/sock_diag.h.
pub(crate) const BY_FAMILY: u16 = 20;

/// Whoever answers such questions, so that tests can stand in.
pub(crate) trait Diag {
    /// Sends the question and tells the number that its answers bear.
    fn ask(&self, flags: i32, body: &[u8]) -> io::Result<u32>;
    /// The next messages. The kernel writes them within the call, so this never waits.
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize>;
}

#[derive(Debug)]
pub(crate) struct DiagSocket {
    socket: Socket,
    asked: AtomicU32,
}

impl DiagSocket {
    pub(crate) fn open() -> io::Result<Self> {
        let socket = Socket::new(
            Domain::from(libc::AF_NETLINK),
            Type::RAW.nonblocking(),
            Some(Protocol::from(libc::NETLINK_SOCK_DIAG)),
        )?;
        Ok(Self { socket, asked: AtomicU32::new(0) })
    }
}

impl Diag for DiagSocket {
    fn ask(&self, flags: i32, body: &[u8]) -> io::Result<u32> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let flags = libc::NLM_F_REQUEST | flags;
        self.socket.send(&netlink::request(BY_FAMILY, flags, number, body))?;
        Ok(number)
    }

    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.socket).read(buffer)
    }
}

impl AsFd for DiagSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
