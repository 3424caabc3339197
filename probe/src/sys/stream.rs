//! TCP connections, and who it was that refused one.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use netdiag_wire::{IcmpError, SendRefusal};
use nix::sys::socket::{MsgFlags, setsockopt, sockopt as option};
use rustix::{io::Errno, net::connect_unspec};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpStream;

use super::{datagram::Origin, raw, receive, refusal};

/// linux/tcp.h.
const TCPI_OPT_TIMESTAMPS: u8 = 1;
/// Bytes of the option, aligned: TCPOLEN_TSTAMP_ALIGNED of net/tcp.h.
const TIMESTAMPS: u32 = 12;

/// What became of a SYN.
#[derive(Debug)]
pub(crate) enum Connected {
    Stream(TcpStream),
    /// RST to the SYN.
    Refused,
    /// It was taken, and reset before anyone looked.
    Reset,
    Rejected {
        by: IpAddr,
        icmp: IcmpError,
    },
    NotSent(SendRefusal),
    /// The kernel gave up.
    Silence,
}

/// A SYN was sent.
#[derive(Debug)]
pub(crate) struct Connecting {
    stream: TcpStream,
    to: SocketAddr,
    /// The kernel forgets it when the connection fails.
    pub(crate) local: SocketAddr,
}

pub(crate) async fn connect(to: SocketAddr, from: Origin) -> io::Result<Connected> {
    match Connecting::start(to, from)? {
        Ok(connecting) => connecting.end().await,
        Err(ended) => Ok(ended),
    }
}

impl Connecting {
    /// Never waits; some failures are known at once.
    pub(crate) fn start(to: SocketAddr, from: Origin) -> io::Result<Result<Self, Connected>> {
        let socket = open(to, from)?;
        match socket.connect(&to.into()) {
            Ok(()) => {}
            Err(error) if Errno::from_io_error(&error) == Some(Errno::INPROGRESS) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                return Ok(Err(Connected::Refused));
            }
            Err(error) => return Ok(Err(Connected::NotSent(refusal::of(&error, to.ip())))),
        }
        let stream = TcpStream::from_std(socket.into())?;
        let local = stream.local_addr()?;
        Ok(Ok(Self { stream, to, local }))
    }

    /// As far as the kernel tells.
    pub(crate) fn syns(&self) -> u32 {
        let again = raw::tcp_info(&self.stream).map(|info| info.tcpi_total_retrans);
        again.unwrap_or_default().saturating_add(1)
    }

    /// From the only SYN to its answer, by the kernel's clock in µs (tcpi_rtt, tcp(7)); absent
    /// before there is a connection.
    pub(crate) fn handshake_us(&self) -> Option<u64> {
        let info = raw::tcp_info(&self.stream).ok()?;
        Some(u64::from(info.tcpi_rtt)).filter(|us| *us > 0 && info.tcpi_total_retrans == 0)
    }

    /// That the SYN offers, in bytes.
    pub(crate) fn mss(&self) -> Option<u16> {
        let info = raw::tcp_info(&self.stream).ok()?;
        // Once both ends have agreed on timestamps the kernel takes their room off.
        let has_timestamps = info.tcpi_options & TCPI_OPT_TIMESTAMPS != 0;
        let mss = info.tcpi_advmss + if has_timestamps { TIMESTAMPS } else { 0 };
        mss.try_into().ok().filter(|mss| *mss > 0)
    }

    /// Waits as long as the kernel sends SYNs.
    pub(crate) async fn wait(&self) -> io::Result<()> {
        self.stream.writable().await
    }

    /// What it came to.
    pub(crate) async fn end(self) -> io::Result<Connected> {
        self.wait().await?;
        let Some(error) = self.stream.take_error()? else {
            self.stream.set_nodelay(true)?;
            return Ok(Connected::Stream(self.stream));
        };
        let queued = receive::read(&self.stream, &mut [0; 512], MsgFlags::MSG_ERRQUEUE);
        // An ICMP error and a RST make the same error.
        let rejection = queued.ok().and_then(|beside| beside.rejection());
        Ok(match rejection {
            Some((by, icmp)) => Connected::Rejected { by, icmp },
            None => failed(&error, self.to),
        })
    }
}

fn open(to: SocketAddr, from: Origin) -> io::Result<Socket> {
    let socket =
        Socket::new(Domain::for_address(to), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    match to {
        SocketAddr::V4(_) => setsockopt(&socket, option::Ipv4RecvErr, &true)?,
        SocketAddr::V6(_) => setsockopt(&socket, option::Ipv6RecvErr, &true)?,
    }
    from.mark(&socket, to)?;
    if from.address.is_some() || from.port.is_some() {
        socket.set_reuse_address(true)?;
        socket.bind(&from.toward(to).into())?;
    }
    Ok(socket)
}

/// Ends a connection at once, by a reset if it came about, so that the same two ends may have another.
///
/// Closing does that only once nobody else has the descriptor, and a child has it until it execs.
pub(crate) fn let_go(socket: &Socket) {
    // It may have ended by itself.
    let _ = connect_unspec(socket);
}

fn failed(error: &io::Error, to: SocketAddr) -> Connected {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Connected::Refused,
        // tcp_reset() in net/ipv4/tcp_input.c: of a connection that was there, by what came before.
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Connected::Reset,
        io::ErrorKind::TimedOut => Connected::Silence,
        _ => Connected::NotSent(refusal::of(error, to.ip())),
    }
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, time::Duration};

    use socket2::SockRef;

    use super::*;

    #[tokio::test]
    async fn a_connection_that_was_reset_before_we_looked_was_not_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        let connecting = Connecting::start(to, Origin::default()).unwrap().unwrap();
        let (taken, _) = listener.accept().unwrap();
        SockRef::from(&taken).set_linger(Some(Duration::ZERO)).unwrap();
        drop(taken);
        assert!(matches!(connecting.end().await.unwrap(), Connected::Reset));
        drop(listener);
        let ended = match Connecting::start(to, Origin::default()).unwrap() {
            Ok(connecting) => connecting.end().await.unwrap(),
            Err(ended) => ended,
        };
        assert!(matches!(ended, Connected::Refused));
    }
}
