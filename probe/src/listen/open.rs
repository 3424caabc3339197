//! The listening socket, opened and bound while there is privilege; and who has the port if it
//! cannot be.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket},
    num::NonZeroU16,
};

use netdiag_wire::{
    listen::ListenRequest,
    sockets::{SocketEntry, SocketProtocol, SocketsEvent, SocketsRequest, Which},
};
use nix::sys::socket::{setsockopt, sockopt as option};
use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};
use tokio_util::sync::CancellationToken;

use crate::{
    Probe, ProbeError,
    names::ResolverFiles,
    sockets::OpenSockets,
    sys::{addresses, raw},
};

/// Connections that wait while one is served.
const BACKLOG: i32 = 16;
const FIRST_UNPRIVILEGED: &str = "/proc/sys/net/ipv4/ip_unprivileged_port_start";

/// Bound to its port; or what tells who has it.
#[derive(Debug)]
pub struct Listener(pub(super) Opened);

#[derive(Debug)]
pub(super) enum Opened {
    Tcp(TcpListener),
    Udp(UdpSocket),
    /// The kernel is asked for who has the port later, without privilege.
    Taken(Box<OpenSockets>),
}

pub(super) fn open(request: &ListenRequest) -> Result<Listener, ProbeError> {
    request.check().map_err(ProbeError::Request)?;
    addresses::check_source(request.address)?;
    let opened = match bind(request) {
        Ok(socket) if request.udp => Opened::Udp(socket.into()),
        Ok(socket) => Opened::Tcp(socket.into()),
        Err(cause) => match Errno::from_io_error(&cause) {
            Some(Errno::ADDRINUSE) => Opened::Taken(Box::new(holders(request).open()?)),
            Some(Errno::ACCESS) => {
                return Err(ProbeError::PrivilegedPort { port: request.port, first: first_free() });
            }
            _ => return Err(ProbeError::Socket("listen", cause)),
        },
    };
    Ok(Listener(opened))
}

fn bind(request: &ListenRequest) -> io::Result<Socket> {
    match request.address {
        Some(address) => bind_to(request, address),
        None => match bind_to(request, Ipv6Addr::UNSPECIFIED.into()) {
            // A kernel without IPv6, or an interface that has it switched off.
            Err(cause)
                if matches!(
                    Errno::from_io_error(&cause),
                    Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL)
                ) =>
            {
                bind_to(request, Ipv4Addr::UNSPECIFIED.into())
            }
            bound => bound,
        },
    }
}

fn bind_to(request: &ListenRequest, address: IpAddr) -> io::Result<Socket> {
    let to = SocketAddr::new(address, request.port);
    let (kind, protocol) = match request.udp {
        true => (Type::DGRAM, Protocol::UDP),
        false => (Type::STREAM, Protocol::TCP),
    };
    let socket = Socket::new(Domain::for_address(to), kind.nonblocking(), Some(protocol))?;
    if to.is_ipv6() {
        socket.set_only_v6(request.address.is_some())?;
    }
    if request.udp {
        // Also of IPv4 that comes to a socket of IPv6.
        setsockopt(&socket, option::Ipv4RecvTtl, &true)?;
        if to.is_ipv6() {
            setsockopt(&socket, option::Ipv6RecvHopLimit, &true)?;
        }
    } else {
        // What is left of an earlier listener's connections must not be in the way. Not for UDP,
        // where it would share the port with a server.
        socket.set_reuse_address(true)?;
        raw::save_syn(&socket)?;
    }
    socket.bind(&to.into())?;
    if !request.udp {
        socket.listen(BACKLOG)?;
    }
    Ok(socket)
}

/// The first port that needs no privilege.
fn first_free() -> u16 {
    const LINUX: u16 = 1024;
    let read = fs::read_to_string(FIRST_UNPRIVILEGED);
    read.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(LINUX)
}

/// Who may have the port.
fn holders(request: &ListenRequest) -> SocketsRequest {
    let protocol = if request.udp { SocketProtocol::Udp } else { SocketProtocol::Tcp };
    SocketsRequest {
        protocols: vec![protocol],
        which: Which::Listening,
        local_port: NonZeroU16::new(request.port),
        ..SocketsRequest::default()
    }
}

/// The port is in use, and by whom.
pub(super) async fn taken(request: &ListenRequest, sockets: Box<OpenSockets>) -> ProbeError {
    let mut found: Option<SocketEntry> = None;
    let mut emit = |event| {
        if let SocketsEvent::Sockets { entries, .. } = event {
            found = found.take().or(entries.into_iter().next());
        }
    };
    let (files, stop) = (ResolverFiles::default(), CancellationToken::new());
    // Without an answer it is still in use.
    let _ = holders(request).run(*sockets, &files, &|_| Ok(()), &mut emit, stop).await;
    let by = found.map(|entry| {
        let local = entry.local.map(|local| SocketAddr::new(local.address, local.port));
        (local.unwrap_or(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), request.port)), entry.uid)
    });
    ProbeError::PortTaken { port: request.port, by }
}
