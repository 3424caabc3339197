//! One connection to one address: a SYN, and what came of it.

use std::{io, net::SocketAddr, time::Duration};

use netdiag_wire::connect::ConnectOutcome;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

use super::ConnectSockets;
use crate::{
    ProbeError, clock,
    sys::{
        datagram::Origin,
        route,
        stream::{Connected, Connecting},
    },
};

/// As far as the SYN tells.
#[derive(Debug)]
pub(crate) struct Tried {
    pub(crate) remote: SocketAddr,
    pub(crate) local: Option<SocketAddr>,
    pub(crate) took_us: u64,
    /// That the SYN offered.
    pub(crate) mss: Option<u16>,
    pub(crate) end: Result<TcpStream, ConnectOutcome>,
}

/// Waits no longer than `wait`. A connection with a proxy of the source's own is none.
pub(crate) async fn connect(
    remote: SocketAddr,
    from: Origin,
    wait: Duration,
    sockets: &ConnectSockets,
) -> Result<Tried, ProbeError> {
    let error = |cause: io::Error| match (cause.kind(), from.port) {
        (io::ErrorKind::AddrInUse, Some(port)) => ProbeError::PortTaken { port, by: None },
        _ => ProbeError::Socket("open a TCP socket", cause),
    };
    let start = Instant::now();
    let connecting = match Connecting::start(remote, from).map_err(error)? {
        Ok(connecting) => connecting,
        Err(ended) => {
            let (local, took_us) = (None, clock::micros(start.elapsed()));
            let end = outcome(ended, remote, None, sockets);
            return Ok(Tried { remote, local, took_us, mss: None, end });
        }
    };
    let local = Some(connecting.local);
    let waited = timeout(wait, connecting.wait()).await;
    let (elapsed, mss) = (clock::micros(start.elapsed()), connecting.mss());
    // What this thread did meanwhile for other connections is no time of the network's.
    let took_us = connecting.handshake_us().map_or(elapsed, |us| us.min(elapsed));
    let end = match waited {
        Err(_) => Err(ConnectOutcome::Silence { sent: connecting.syns(), bytes: None }),
        Ok(waited) => {
            waited.map_err(error)?;
            let syns = connecting.syns();
            match connecting.end().await.map_err(error)? {
                Connected::Silence => Err(ConnectOutcome::Silence { sent: syns, bytes: None }),
                ended => outcome(ended, remote, local, sockets),
            }
        }
    };
    Ok(Tried { remote, local, took_us, mss, end })
}

fn outcome(
    ended: Connected,
    remote: SocketAddr,
    local: Option<SocketAddr>,
    sockets: &ConnectSockets,
) -> Result<TcpStream, ConnectOutcome> {
    match ended {
        Connected::Stream(stream) => {
            let is_taken = |local| !is_here(remote) && sockets.tables.has_peer(local);
            if local.is_some_and(is_taken) { Err(ConnectOutcome::Intercepted) } else { Ok(stream) }
        }
        Connected::Refused => {
            let ttl = local.and_then(|local| sockets.resets.ttl(remote, local.port()));
            Err(ConnectOutcome::Refused { ttl })
        }
        Connected::Reset => Err(ConnectOutcome::Reset { banner: None }),
        Connected::Rejected { by, icmp } => Err(ConnectOutcome::Rejected { by, icmp }),
        Connected::NotSent(refusal) => Err(ConnectOutcome::NotSent { refusal }),
        Connected::Silence => Err(ConnectOutcome::Silence { sent: 1, bytes: None }),
    }
}

/// An address of this namespace: the other end is here, and is no proxy for that.
pub(crate) fn is_here(remote: SocketAddr) -> bool {
    let address = remote.ip();
    address.is_loopback() || route::source(address, None).is_ok_and(|source| source == address)
}
