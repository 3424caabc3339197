//! UDP sockets that hear every answer, also from somebody who was not asked, and ICMP errors.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    os::fd::AsRawFd,
};

use netdiag_wire::IcmpError;
use nix::{
    errno::Errno,
    sys::socket::{MsgFlags, setsockopt, sockopt as option},
};
use tokio::io::Interest;

use super::{receive, route::unspecified};

/// In a row; more are none that each came with a packet.
const MAX_ERRORS: u32 = 64;

/// Where packets come from; the kernel chooses what is absent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Origin {
    pub(crate) address: Option<IpAddr>,
    pub(crate) port: Option<u16>,
    /// TOS or traffic class.
    pub(crate) tos: Option<u8>,
}

impl Origin {
    pub(super) fn mark(self, socket: &socket2::Socket, to: SocketAddr) -> io::Result<()> {
        match (self.tos, to) {
            (None, _) => Ok(()),
            (Some(tos), SocketAddr::V4(_)) => socket.set_tos_v4(tos.into()),
            (Some(tos), SocketAddr::V6(_)) => socket.set_tclass_v6(tos.into()),
        }
    }

    /// In the family of `to`.
    pub(super) fn toward(self, to: SocketAddr) -> SocketAddr {
        let address = self.address.filter(|address| address.is_ipv4() == to.is_ipv4());
        SocketAddr::new(address.unwrap_or(unspecified(to.ip())), self.port.unwrap_or_default())
    }
}

#[derive(Debug)]
pub(crate) struct Datagram(tokio::net::UdpSocket);

#[derive(Debug)]
pub(crate) enum Heard {
    Packet { from: SocketAddr, length: usize },
    Rejection { by: IpAddr, icmp: IcmpError },
}

impl Datagram {
    /// Not connected: a connected socket hides answers that come from elsewhere.
    pub(crate) fn open(to: SocketAddr, from: Origin) -> io::Result<Self> {
        let socket = UdpSocket::bind(from.toward(to))?;
        socket.set_nonblocking(true)?;
        from.mark(&socket2::SockRef::from(&socket), to)?;
        match to {
            SocketAddr::V4(_) => setsockopt(&socket, option::Ipv4RecvErr, &true)?,
            SocketAddr::V6(_) => setsockopt(&socket, option::Ipv6RecvErr, &true)?,
        }
        tokio::net::UdpSocket::from_std(socket).map(Self)
    }

    pub(crate) fn port(&self) -> io::Result<u16> {
        self.0.local_addr().map(|local| local.port())
    }

    /// Never waits. An ICMP error of an earlier packet makes one send fail.
    pub(crate) fn send(&self, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
        let to = to.into();
        let socket = socket2::SockRef::from(&self.0);
        let sent = socket.send_to(bytes, &to).or_else(|_| socket.send_to(bytes, &to));
        sent.map(drop)
    }

    pub(crate) async fn hear(&self, buffer: &mut [u8]) -> io::Result<Heard> {
        // An entry in the error queue shows as an error only.
        let interest = Interest::READABLE | Interest::ERROR;
        self.0.async_io(interest, || self.take(buffer)).await
    }

    fn take(&self, buffer: &mut [u8]) -> io::Result<Heard> {
        let mut errors = 0;
        loop {
            match nix::sys::socket::recvfrom(self.0.as_raw_fd(), buffer) {
                Ok((length, from)) => {
                    if let Some(from) = from.as_ref().and_then(receive::address) {
                        return Ok(Heard::Packet { from, length });
                    }
                }
                Err(Errno::EAGAIN) => match self.take_error(buffer)? {
                    Some((by, icmp)) => return Ok(Heard::Rejection { by, icmp }),
                    None => continue,
                },
                // A sandbox that forbids receiving; never what an ICMP error is turned into.
                Err(Errno::EPERM) => return Err(Errno::EPERM.into()),
                // An ICMP error, told once; its entry is still in the queue.
                Err(_) if errors < MAX_ERRORS => errors += 1,
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// `None` for an entry that is no ICMP error.
    fn take_error(&self, buffer: &mut [u8]) -> io::Result<Option<(IpAddr, IcmpError)>> {
        Ok(receive::read(&self.0, buffer, MsgFlags::MSG_ERRQUEUE)?.rejection())
    }
}
