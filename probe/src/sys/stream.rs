//! TCP connections, and who it was that refused one.

use std::{io, net::SocketAddr};

use netdiag_wire::{IcmpError, SendRefusal};
use nix::sys::socket::{MsgFlags, setsockopt, sockopt as option};
use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpStream;

use super::{datagram::Origin, receive, refusal};

/// What became of a SYN.
#[derive(Debug)]
pub(crate) enum Connected {
    Stream(TcpStream),
    /// By RST.
    Refused,
    Rejected {
        by: std::net::IpAddr,
        icmp: IcmpError,
    },
    NotSent(SendRefusal),
    /// The kernel gave up.
    Silence,
}

pub(crate) async fn connect(to: SocketAddr, from: Origin) -> io::Result<Connected> {
    let socket = open(to, from)?;
    match socket.connect(&to.into()) {
        Ok(()) => {}
        Err(error) if Errno::from_io_error(&error) == Some(Errno::INPROGRESS) => {}
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            return Ok(Connected::Refused);
        }
        Err(error) => return Ok(Connected::NotSent(refusal::of(&error, to.ip()))),
    }
    let stream = TcpStream::from_std(socket.into())?;
    stream.writable().await?;
    let Some(error) = stream.take_error()? else {
        stream.set_nodelay(true)?;
        return Ok(Connected::Stream(stream));
    };
    Ok(match receive::read(&stream, &mut [0; 512], MsgFlags::MSG_ERRQUEUE) {
        Ok(beside) => match beside.rejection() {
            Some((by, icmp)) => Connected::Rejected { by, icmp },
            None => failed(&error, to),
        },
        Err(_) => failed(&error, to),
    })
}

fn open(to: SocketAddr, from: Origin) -> io::Result<Socket> {
    let socket =
        Socket::new(Domain::for_address(to), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    match to {
        SocketAddr::V4(_) => setsockopt(&socket, option::Ipv4RecvErr, &true)?,
        SocketAddr::V6(_) => setsockopt(&socket, option::Ipv6RecvErr, &true)?,
    }
    if from.address.is_some() || from.port.is_some() {
        socket.set_reuse_address(true)?;
        socket.bind(&from.toward(to).into())?;
    }
    Ok(socket)
}

fn failed(error: &io::Error, to: SocketAddr) -> Connected {
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => Connected::Refused,
        io::ErrorKind::TimedOut => Connected::Silence,
        _ => Connected::NotSent(refusal::of(error, to.ip())),
    }
}
