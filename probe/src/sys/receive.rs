//! Taking one packet, or one entry of the error queue, from an ICMP socket.

use std::{
    io::{self, IoSliceMut},
    net::{IpAddr, SocketAddr},
    os::fd::AsRawFd,
    time::Duration,
};

use netdiag_wire::{IcmpError, ping::SocketKind};
use nix::{
    cmsg_space,
    errno::Errno,
    libc::{self, sock_extended_err},
    sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg},
};

use super::icmp::IcmpSocket;
use crate::packet::{
    Version,
    answer::{Answer, Quote},
    icmp4, icmp6, meaning,
};

/// An answer with what the kernel tells of it.
#[derive(Debug)]
pub(crate) struct Received<'a> {
    pub(crate) from: IpAddr,
    pub(crate) ttl: Option<u8>,
    /// Since the epoch, by the kernel's clock of real time.
    pub(crate) at: Option<Duration>,
    pub(crate) answer: Answer<'a>,
}

#[derive(Debug)]
pub(crate) enum Taken<'a> {
    Answer(Received<'a>),
    /// A packet that says nothing about an echo request.
    Other,
    Empty,
}

/// What comes beside the bytes.
#[derive(Default)]
pub(crate) struct Beside {
    pub(crate) length: usize,
    /// Beside an error: the packet's target.
    pub(crate) from: Option<SocketAddr>,
    pub(crate) ttl: Option<u8>,
    pub(super) at: Option<Duration>,
    pub(super) error: Option<(sock_extended_err, Option<IpAddr>)>,
}

impl IcmpSocket {
    /// Never waits.
    pub(crate) fn take<'a>(&self, buffer: &'a mut [u8]) -> io::Result<Taken<'a>> {
        match read(self, buffer, MsgFlags::empty()) {
            Ok(beside) => {
                let bytes = buffer.get(..beside.length).unwrap_or_default();
                Ok(self.packet(&beside, bytes).map_or(Taken::Other, Taken::Answer))
            }
            Err(Errno::EAGAIN) => self.take_error(buffer),
            // A sandbox that forbids receiving; never what an ICMP error is turned into.
            Err(Errno::EPERM) => Err(Errno::EPERM.into()),
            // An ICMP error, told once; packets may wait behind it.
            Err(_) => Ok(Taken::Other),
        }
    }

    fn take_error<'a>(&self, buffer: &'a mut [u8]) -> io::Result<Taken<'a>> {
        match read(self, buffer, MsgFlags::MSG_ERRQUEUE) {
            // A raw socket has the same error as a packet.
            Ok(_) if self.kind == SocketKind::Raw => Ok(Taken::Other),
            Ok(beside) => {
                let bytes = buffer.get(..beside.length).unwrap_or_default();
                Ok(self.queued(&beside, bytes).map_or(Taken::Other, Taken::Answer))
            }
            Err(Errno::EAGAIN) => Ok(Taken::Empty),
            Err(Errno::EINTR) => Ok(Taken::Other),
            Err(errno) => Err(errno.into()),
        }
    }

    fn packet<'a>(&self, beside: &Beside, bytes: &'a [u8]) -> Option<Received<'a>> {
        let Beside { from, ttl, at, .. } = *beside;
        match (self.version, self.kind == SocketKind::Raw) {
            (Version::V4, true) => {
                let ip = icmp4::Datagram::parse(bytes)?;
                let answer = icmp4::answer(ip.icmp)?;
                Some(Received { from: ip.from.into(), ttl: Some(ip.ttl), at, answer })
            }
            (Version::V4, false) => {
                Some(Received { from: from?.ip(), ttl, at, answer: icmp4::answer(bytes)? })
            }
            (Version::V6, _) => {
                Some(Received { from: from?.ip(), ttl, at, answer: icmp6::answer(bytes)? })
            }
        }
    }

    /// An entry of the error queue: the error in the control message, the quoted request as bytes.
    fn queued<'a>(&self, beside: &Beside, bytes: &'a [u8]) -> Option<Received<'a>> {
        let (by, icmp) = beside.rejection()?;
        let quote: Quote<'a> = match beside.from?.ip() {
            IpAddr::V4(to) => icmp4::echo_quote(to, bytes)?,
            IpAddr::V6(to) => icmp6::echo_quote(to, bytes)?,
        };
        let answer = Answer::Rejection { quote, icmp };
        Some(Received { from: by, ttl: None, at: beside.at, answer })
    }
}

/// One packet, or with `MSG_ERRQUEUE` one entry of the error queue.
pub(crate) fn read(
    socket: &impl AsRawFd,
    buffer: &mut [u8],
    flags: MsgFlags,
) -> Result<Beside, Errno> {
    let mut space = cmsg_space!(libc::timespec, libc::c_int, [u8; 64]);
    let mut parts = [IoSliceMut::new(buffer)];
    let message =
        recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags)?;
    let mut beside = Beside {
        length: message.bytes,
        from: message.address.as_ref().and_then(address),
        ..Beside::default()
    };
    message.cmsgs()?.for_each(|control| beside.note(&control));
    Ok(beside)
}

impl Beside {
    /// Of an entry of the error queue: an ICMP error and who sent it.
    pub(super) fn rejection(&self) -> Option<(IpAddr, IcmpError)> {
        let (error, by) = self.error.as_ref()?;
        let icmp = match error.ee_origin {
            libc::SO_EE_ORIGIN_ICMP => meaning::of_v4(error.ee_type, error.ee_code, error.ee_info),
            libc::SO_EE_ORIGIN_ICMP6 => meaning::of_v6(error.ee_type, error.ee_code, error.ee_info),
            _ => None,
        }?;
        Some(((*by)?, icmp))
    }

    fn note(&mut self, control: &ControlMessageOwned) {
        match *control {
            ControlMessageOwned::ScmTimestampns(at) => self.at = Some(at.into()),
            ControlMessageOwned::Ipv4Ttl(ttl) | ControlMessageOwned::Ipv6HopLimit(ttl) => {
                self.ttl = u8::try_from(ttl).ok();
            }
            ControlMessageOwned::Ipv4RecvErr(error, by) => {
                let by = by.map(|by| u32::from_be(by.sin_addr.s_addr).to_be_bytes().into());
                self.error = Some((error, by));
            }
            ControlMessageOwned::Ipv6RecvErr(error, by) => {
                self.error = Some((error, by.map(|by| by.sin6_addr.s6_addr.into())));
            }
            _ => {}
        }
    }
}

pub(super) fn address(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|a| SocketAddr::new(a.ip().into(), a.port()));
    v4.or_else(|| address.as_sockaddr_in6().map(|a| SocketAddr::new(a.ip().into(), a.port())))
}
