//! One connection, and the bytes over it.

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use netdiag_wire::connect::stream::{
    ConnectStreamEvent, ConnectStreamRequest, ConnectionEnd, NotConnected,
};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::copy::{Passed, both_ways};
use crate::{
    ProbeError, clock,
    names::ResolverFiles,
    stream::{Caller, StreamProbe},
    sys::{refusal, route},
    tables::Tables,
    target::{self, Wanted},
};

impl StreamProbe for ConnectStreamRequest {
    type Sockets = Tables;
    type Event = ConnectStreamEvent;

    fn open(&self) -> Result<Tables, ProbeError> {
        self.check().map_err(ProbeError::Request)?;
        wanted(self).check_source()?;
        Ok(Tables::open())
    }

    async fn run(
        &self,
        tables: Tables,
        files: &ResolverFiles,
        destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
        mut caller: Caller<ConnectStreamEvent>,
        stop: CancellationToken,
    ) -> Result<(), ProbeError> {
        let address = target::find(&self.host, wanted(self), files, destination, |_| true);
        let remote = SocketAddr::new(address.await?, self.port);
        let start = Instant::now();
        let connected = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            connected = connect(self, remote) => connected?,
        };
        let took_us = clock::micros(start.elapsed());
        let mut socket = match connected {
            Ok(socket) => socket,
            Err(outcome) => {
                let event = ConnectStreamEvent::NotConnected { remote, took_us, outcome };
                let _ = caller.say(event).await;
                return Ok(());
            }
        };
        let connected = connected_event(&socket, remote, took_us, &tables)?;
        if caller.say(connected).await.is_err() {
            return Ok(());
        }
        let passed = Passed::default();
        let end = tokio::select! {
            biased;
            // First: who hangs up ends no direction.
            () = stop.cancelled() => ConnectionEnd::CutOff,
            end = both_ways(&mut socket, &mut caller, &passed) => end,
        };
        let (sent, received) = (passed.sent.get(), passed.received.get());
        let _ = caller.say(ConnectStreamEvent::Closed { sent, received, end }).await;
        Ok(())
    }
}

fn wanted(request: &ConnectStreamRequest) -> Wanted {
    Wanted { family: request.family, source: request.source_address }
}

async fn connect(
    request: &ConnectStreamRequest,
    remote: SocketAddr,
) -> Result<Result<TcpStream, NotConnected>, ProbeError> {
    let socket =
        socket(request, remote).map_err(|cause| ProbeError::Socket("open a TCP socket", cause))?;
    let wait = Duration::from_micros(request.wait_us.into());
    Ok(match timeout(wait, socket.connect(remote)).await {
        Err(_) => Err(NotConnected::Silence),
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(cause)) => Err(match cause.kind() {
            ErrorKind::ConnectionRefused => NotConnected::Refused,
            ErrorKind::TimedOut => NotConnected::Silence,
            _ => NotConnected::NotSent { refusal: refusal::of(&cause, remote.ip()) },
        }),
    })
}

fn socket(request: &ConnectStreamRequest, remote: SocketAddr) -> io::Result<TcpSocket> {
    let (socket, any) = match remote {
        SocketAddr::V4(_) => (TcpSocket::new_v4()?, IpAddr::from([0; 4])),
        SocketAddr::V6(_) => (TcpSocket::new_v6()?, IpAddr::from([0; 16])),
    };
    socket.set_nodelay(true)?;
    if request.source_address.is_some() || request.source_port.is_some() {
        socket.set_reuseaddr(true)?;
        let address = request.source_address.unwrap_or(any);
        socket.bind(SocketAddr::new(address, request.source_port.unwrap_or(0)))?;
    }
    Ok(socket)
}

fn connected_event(
    socket: &TcpStream,
    remote: SocketAddr,
    took_us: u64,
    tables: &Tables,
) -> Result<ConnectStreamEvent, ProbeError> {
    let local = socket.local_addr();
    let local = local.map_err(|cause| ProbeError::Socket("read the socket's address", cause))?;
    let intercepted = !is_here(remote.ip()) && tables.has_peer(local);
    Ok(ConnectStreamEvent::Connected { local, remote, took_us, intercepted })
}

/// An address of this namespace: the other end is here, and is no proxy for that.
fn is_here(address: IpAddr) -> bool {
    address.is_loopback() || route::source(address, None).is_ok_and(|source| source == address)
}
