//! What comes to a UDP socket that asks many: datagrams, and ICMP errors about its own.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use netdiag_wire::IcmpError;
use nix::{errno::Errno, sys::socket::MsgFlags};

use super::{
    receive::{self, Beside},
    unprivileged::Unprivileged,
};

#[derive(Debug)]
pub(crate) enum Heard {
    Datagram {
        from: SocketAddr,
        ttl: Option<u8>,
    },
    Error {
        /// Whom the datagram was sent to.
        about: SocketAddr,
        by: IpAddr,
        icmp: IcmpError,
    },
    Other,
    Empty,
}

impl Unprivileged {
    /// Never waits.
    pub(crate) fn hear(&self, buffer: &mut [u8]) -> io::Result<Heard> {
        match receive::read(self, buffer, MsgFlags::empty()) {
            Ok(Beside { from: Some(from), ttl, .. }) => Ok(Heard::Datagram { from, ttl }),
            Ok(_) => Ok(Heard::Other),
            Err(Errno::EAGAIN) => self.hear_error(buffer),
            // A sandbox that forbids receiving; never what an ICMP error is turned into.
            Err(Errno::EPERM) => Err(Errno::EPERM.into()),
            // An ICMP error, told once; its entry is still in the queue.
            Err(_) => Ok(Heard::Other),
        }
    }

    fn hear_error(&self, buffer: &mut [u8]) -> io::Result<Heard> {
        let beside = match receive::read(self, buffer, MsgFlags::MSG_ERRQUEUE) {
            Ok(beside) => beside,
            Err(Errno::EAGAIN) => return Ok(Heard::Empty),
            Err(errno) => return Err(errno.into()),
        };
        let about = beside.from;
        Ok(about.zip(beside.rejection()).map_or(Heard::Other, |(about, (by, icmp))| Heard::Error {
            about,
            by,
            icmp,
        }))
    }
}
