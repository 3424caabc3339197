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
    event::{EventfdFlags, Timespec, epoll, eventfd},
    io::Errno,
};
use socket2::{Domain, Protocol, Socket, Type};

use super::{receive, stream};

/// Events taken by one call.
const EVENTS: usize = 256;
const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
/// What a waker's event says in place of a slot.
const WOKEN: u64 = u64::MAX;

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
    NotSent(Option<Errno>),
}

/// The descriptor that tells which sockets have something.
#[derive(Debug)]
pub(crate) struct Epoll(OwnedFd);

impl AsRawFd for Epoll {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Ends a wait in another thread, also one that only begins.
#[derive(Debug)]
pub(crate) struct Waker(OwnedFd);

impl Waker {
    pub(crate) fn wake(&self) {
        // Full is what nobody can make it: it counts to 2^64 (eventfd(2)).
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }
}

pub(crate) struct Connects {
    epoll: Epoll,
    sockets: Vec<Option<Socket>>,
    /// All connections come from one port, so that those made again are no new ones to routers.
    from: SocketAddr,
}

impl Connects {
    pub(crate) fn new(from: SocketAddr, count: usize) -> io::Result<Self> {
        let epoll = Epoll(epoll::create(epoll::CreateFlags::CLOEXEC)?);
        Ok(Self { epoll, sockets: (0..count).map(|_| None).collect(), from })
    }

    /// Readable when there is something.
    pub(crate) fn epoll(&self) -> io::Result<Epoll> {
        Ok(Epoll(self.epoll.0.try_clone()?))
    }

    pub(crate) fn waker(&self) -> io::Result<Waker> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let waker = eventfd(0, flags)?;
        // By edges: every writing is one, and nobody need read it.
        let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&self.epoll.0, &waker, epoll::EventData::new_u64(WOKEN), flags)?;
        Ok(Waker(waker))
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
        epoll::add(&self.epoll.0, &socket, data, flags)?;
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
        while self.events(&mut slots, Some(&NOW))? == EVENTS {}
        Ok(slots)
    }

    /// Likewise; waits until there is one, or somebody wakes it.
    pub(crate) fn wait(&self) -> io::Result<Vec<usize>> {
        let mut slots = Vec::new();
        match self.events(&mut slots, None) {
            Err(Errno::INTR) => Ok(slots),
            count => Ok(count.map(|_| slots)?),
        }
    }

    fn events(&self, slots: &mut Vec<usize>, wait: Option<&Timespec>) -> Result<usize, Errno> {
        let mut events = Vec::with_capacity(EVENTS);
        let spare = rustix::buffer::spare_capacity(&mut events);
        let count = epoll::wait(&self.epoll.0, spare, wait)?;
        let told = events.iter().map(|event| event.data.u64());
        slots.extend(told.filter(|told| *told != WOKEN).map(|slot| slot as usize));
        Ok(count)
    }
}

fn failed(socket: &Socket, errno: Option<Errno>) -> End {
    // An ICMP error and a RST make the same error.
    rejection(socket).unwrap_or(match errno {
        Some(Errno::CONNREFUSED) => End::Refused,
        // tcp_reset() in net/ipv4/tcp_input.c: it was taken, and let go before anyone looked.
        Some(Errno::CONNRESET | Errno::PIPE) => End::Taken,
        _ => End::NotSent(errno),
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
