//! One connection, and the bytes over it.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use netdiag_wire::connect::stream::{ConnectStreamEvent, ConnectStreamRequest, ConnectionEnd};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::{
    ConnectSockets,
    copy::{Passed, both_ways},
    syn::{self, Tried, is_here},
};
use crate::{
    ProbeError,
    names::ResolverFiles,
    stream::{Caller, StreamProbe},
    sys::datagram::Origin,
    tables::Tables,
    target::{self, Wanted},
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
        let address = target::find(&self.host, wanted(self), files, destination, |_| true);
        let remote = SocketAddr::new(address.await?, self.port);
        let from =
            Origin { address: self.source_address, port: self.source_port, ..Origin::default() };
        let wait = Duration::from_micros(self.wait_us.into());
        let Tried { took_us, end, .. } = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            tried = syn::connect(remote, from, wait, &sockets.connect) => tried?,
        };
        let mut socket = match end {
            Ok(socket) => socket,
            Err(outcome) => {
                let event = ConnectStreamEvent::NotConnected { remote, took_us, outcome };
                let _ = caller.say(event).await;
                return Ok(());
            }
        };
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
