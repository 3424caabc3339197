//! One connection, and the bytes over it.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use netdiag_wire::connect::stream::{ConnectStreamEvent, ConnectStreamRequest, ConnectionEnd};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::{
    ConnectSockets, addresses,
    copy::{Passed, both_ways},
    syn::{self, Tried, is_here},
};
use crate::{
    ProbeError,
    names::ResolverFiles,
    stream::{Caller, StreamProbe},
    sys::datagram::Origin,
    tables::Tables,
    target::Wanted,
};

/// Opened while there is privilege.
#[derive(Debug)]
pub struct StreamSockets {
    /// Without tables: what a proxy took is none of the target's, and is a stream all the same.
    connect: ConnectSockets,
    tables: Tables,
}

impl StreamProbe for ConnectStreamRequest {
    type Sockets = StreamSockets;
    type Event = ConnectStreamEvent;

    fn open(&self) -> Result<StreamSockets, ProbeError> {
        self.check().map_err(ProbeError::Request)?;
        wanted(self).check_source()?;
        let connect = ConnectSockets::without_tables(&[self.port])?;
        Ok(StreamSockets { connect, tables: Tables::open() })
    }

    async fn run(
        &self,
        sockets: StreamSockets,
        files: &ResolverFiles,
        destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
        mut caller: Caller<ConnectStreamEvent>,
        stop: CancellationToken,
    ) -> Result<(), ProbeError> {
        let addresses = addresses::of_host(&self.host, wanted(self), files, destination).await?;
        let dialled = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            dialled = dial(self, &addresses, &sockets.connect, &mut caller) => dialled?,
        };
        let Some((mut socket, remote, took_us)) = dialled else { return Ok(()) };
        socket.set_nodelay(true).map_err(|cause| ProbeError::Socket("send at once", cause))?;
        let connected = connected_event(&socket, remote, took_us, &sockets.tables)?;
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

/// The first address that takes the connection, in the order of a check; those before it are told.
async fn dial(
    request: &ConnectStreamRequest,
    addresses: &[IpAddr],
    sockets: &ConnectSockets,
    caller: &mut Caller<ConnectStreamEvent>,
) -> Result<Option<(TcpStream, SocketAddr, u64)>, ProbeError> {
    let (address, port) = (request.source_address, request.source_port);
    let wait = Duration::from_micros(request.wait_us.into());
    for (at, to) in addresses.iter().enumerate() {
        let remote = SocketAddr::new(*to, request.port);
        let from = Origin { address, port, ..Origin::default() };
        let Tried { took_us, end, .. } = syn::connect(remote, from, wait, sockets).await?;
        let outcome = match end {
            Ok(socket) => return Ok(Some((socket, remote, took_us))),
            Err(outcome) => outcome,
        };
        let more = at + 1 < addresses.len();
        let event = ConnectStreamEvent::NotConnected { remote, took_us, more, outcome };
        if caller.say(event).await.is_err() {
            break;
        }
    }
    Ok(None)
}

fn wanted(request: &ConnectStreamRequest) -> Wanted {
    Wanted { family: request.family, source: request.source_address }
}

fn connected_event(
    socket: &TcpStream,
    remote: SocketAddr,
    took_us: u64,
    tables: &Tables,
) -> Result<ConnectStreamEvent, ProbeError> {
    let local = socket.local_addr();
    let local = local.map_err(|cause| ProbeError::Socket("read the socket's address", cause))?;
    let intercepted = !is_here(remote) && tables.has_peer(local);
    Ok(ConnectStreamEvent::Connected { local, remote, took_us, intercepted })
}
