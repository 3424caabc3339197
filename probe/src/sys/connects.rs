//! Many connections to find out who takes one; each is reset at once, and its descriptor is used
//! for the next.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    os::fd::{AsRawFd, OwnedFd, RawFd},
    time::Duration,
};

use netdiag_wire::IcmpError;
use nix::sys::socket::{MsgFlags, setsockopt, sockopt as option};
use rustix::{
    event::{Timespec, epoll},
    io::Errno,
};
use socket2::{Domain, Protocol, Socket, Type};

use super::{receive, stream, watched::Watched};

/// Events taken by one call.
const EVENTS: usize = 256;

/// How a connection ended.
#[derive(Debug)]
pub(crate) enum End {
    Taken,
    Refused,
    Rejected {
        by: IpAddr,
        icmp: IcmpError,
    },
    /// This host's kernel did not send.
    NotSent,
}

/// The descriptor that tells which sockets have something.
#[derive(Debug)]
pub(crate) struct Epoll(OwnedFd);

impl AsRawFd for Epoll {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

pub(crate) struct Connects {
    pub(crate) epoll: Watched<Epoll>,
    sockets: Vec<Option<Socket>>,
    /// All connections come from one port, so that those made again are no new ones to routers.
    from: SocketAddr,
}

impl Connects {
    /// Must be called in the runtime that watches.
    pub(crate) fn new(from: SocketAddr, count: usize) -> io::Result<Self> {
        let epoll = Epoll(epoll::create(epoll::CreateFlags::CLOEXEC)?);
        let sockets = (0..count).map(|_| None).collect();
        Ok(Self { epoll: Watched::new(epoll)?, sockets, from })
    }

    /// The end if it is known at once.
    pub(crate) fn connect(&mut self, slot: usize, to: SocketAddr) -> io::Result<Option<End>> {
        if self.sockets[slot].is_none() {
            self.sockets[slot] = Some(self.open(slot)?);
        }
        Ok(self.advance(slot, to))
    }

    fn open(&self, slot: usize) -> io::Result<Socket> {
        let domain = Domain::for_address(self.from);
        let socket = Socket::new(domain, Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
        match self.from {
            SocketAddr::V4(_) => setsockopt(&socket, option::Ipv4RecvErr, &true)?,
            SocketAddr::V6(_) => setsockopt(&socket, option::Ipv6RecvErr, &true)?,
        }
        socket.set_linger(Some(Duration::ZERO))?;
        socket.set_reuse_address(true)?;
        socket.bind(&self.from.into())?;
        let flags = epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::ET;
        let data = epoll::EventData::new_u64(slot as u64);
        epoll::add(&self.epoll.socket().0, &socket, data, flags)?;
        Ok(socket)
    }

    /// Starts a connection, or says what became of it: both are what connecting does.
    pub(crate) fn advance(&mut self, slot: usize, to: SocketAddr) -> Option<End> {
        let socket = self.sockets[slot].as_ref()?;
        let Err(error) = socket.connect(&to.into()) else { return Some(self.taken(slot)) };
        match Errno::from_io_error(&error) {
            Some(Errno::INPROGRESS) => None,
            // An error that came while the SYN was being sent does not end the connection.
            Some(Errno::ALREADY) => rejection(socket).inspect(|_| self.abandon(slot)),
            Some(Errno::ISCONN) => Some(self.taken(slot)),
            // The kernel gave up; whoever wants to know asks again.
            Some(Errno::TIMEDOUT) => {
                self.abandon(slot);
                None
            }
            errno => Some(failed(socket, errno)),
        }
    }

    fn taken(&mut self, slot: usize) -> End {
        self.abandon(slot);
        End::Taken
    }

    /// Nobody waits for its end any more; only one that was taken is told, by a reset.
    pub(crate) fn abandon(&mut self, slot: usize) {
        if let Some(socket) = self.sockets[slot].take() {
            stream::let_go(&socket);
        }
    }

    /// Which ones may have come to an end; never waits.
    pub(crate) fn ready(&self) -> io::Result<Vec<usize>> {
        let mut slots = Vec::new();
        let mut events = Vec::with_capacity(EVENTS);
        loop {
            let now = Timespec { tv_sec: 0, tv_nsec: 0 };
            let spare = rustix::buffer::spare_capacity(&mut events);
            let count = epoll::wait(&self.epoll.socket().0, spare, Some(&now))?;
            slots.extend(events.drain(..).map(|event| event.data.u64() as usize));
            if count < EVENTS {
                return Ok(slots);
            }
        }
    }
}

fn failed(socket: &Socket, errno: Option<Errno>) -> End {
    // An ICMP error and a RST make the same error.
    rejection(socket).unwrap_or(match errno {
        Some(Errno::CONNREFUSED) => End::Refused,
        // tcp_reset() in net/ipv4/tcp_input.c: it was taken, and let go before anyone looked.
        Some(Errno::CONNRESET | Errno::PIPE) => End::Taken,
        _ => End::NotSent,
    })
}

/// What waits in the error queue.
fn rejection(socket: &Socket) -> Option<End> {
    let queued = receive::read(socket, &mut [0; 512], MsgFlags::MSG_ERRQUEUE).ok()?;
    let (by, icmp) = queued.rejection()?;
    Some(End::Rejected { by, icmp })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use socket2::SockRef;

    use super::*;

    #[tokio::test]
    async fn a_port_that_takes_and_resets_at_once_is_not_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        let mut connects = Connects::new("127.0.0.1:0".parse().unwrap(), 1).unwrap();
        assert!(connects.connect(0, to).unwrap().is_none());
        let (taken, _) = listener.accept().unwrap();
        SockRef::from(&taken).set_linger(Some(Duration::ZERO)).unwrap();
        drop(taken);
        assert!(matches!(connects.advance(0, to), Some(End::Taken)));
    }

    #[tokio::test]
    async fn a_descriptor_that_a_child_has_keeps_no_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        let mut connects = Connects::new("127.0.0.1:0".parse().unwrap(), 1).unwrap();
        assert!(connects.connect(0, to).unwrap().is_none());
        let from = connects.sockets[0].as_ref().unwrap().local_addr().unwrap();
        connects.from = from.as_socket().unwrap();
        let _of_a_child = connects.sockets[0].as_ref().unwrap().try_clone().unwrap();
        assert!(matches!(connects.advance(0, to), Some(End::Taken)));
        assert!(connects.connect(0, to).unwrap().is_none());
        assert!(matches!(connects.advance(0, to), Some(End::Taken)));
    }
}
