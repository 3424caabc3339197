//! The connection below TLS, to the same address again and again.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use netdiag_wire::connect::{ConnectAttempt, ConnectOutcome, ConnectRequest};
use tokio::net::TcpStream;

use crate::{
    ProbeError,
    connect::{
        ConnectSockets, addresses,
        round::Round,
        syn::{self, is_here},
    },
    names::ResolverFiles,
    sys::datagram::Origin,
    tables::Tables,
};

/// Opened while there is privilege.
#[derive(Debug)]
pub struct DialSockets {
    connect: ConnectSockets,
    tables: Tables,
}

impl DialSockets {
    pub(crate) fn open(request: &ConnectRequest) -> Result<Self, ProbeError> {
        request.check().map_err(ProbeError::Request)?;
        crate::connect::wanted(request).check_source()?;
        let ports: Vec<u16> = request.targets.iter().map(|target| target.port).collect();
        Ok(Self { connect: ConnectSockets::without_tables(&ports)?, tables: Tables::open() })
    }
}

/// Where to, as allowed.
pub(crate) struct Dial {
    request: ConnectRequest,
    sockets: DialSockets,
    /// In the order in which they are tried; the one that answered alone, once it did.
    to: Vec<SocketAddr>,
    round: u32,
}

impl Dial {
    /// Of the request's one target, each address allowed by `destination`.
    pub(crate) async fn new(
        request: ConnectRequest,
        sockets: DialSockets,
        files: &ResolverFiles,
        destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
    ) -> Result<Self, ProbeError> {
        let port = request.targets[0].port;
        let addresses = addresses::of_all(&request, files, destination).await?;
        let to = addresses.concat().into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
        Ok(Self { request, sockets, to, round: 0 })
    }

    pub(crate) fn addresses(&self) -> Vec<IpAddr> {
        self.to.iter().map(SocketAddr::ip).collect()
    }

    /// Whom the last connection was with.
    pub(crate) fn remote(&self) -> SocketAddr {
        self.to[0]
    }

    /// The attempts, the one that decides last. With a proxy of the source's own it is
    /// [`ConnectOutcome::Intercepted`], and a stream all the same.
    pub(crate) async fn connect(
        &mut self,
    ) -> Result<(Vec<ConnectAttempt>, Option<TcpStream>), ProbeError> {
        self.round += 1;
        let from = Origin { address: self.request.source_address, ..Origin::default() };
        let (request, sockets, to) = (&self.request, &self.sockets.connect, self.to.clone());
        let round = Round { request, sockets, target: 0, to, from };
        let (mut attempts, stream) = round.connect(self.round).await?;
        if let (Some(decisive), Some(_)) = (attempts.last_mut(), &stream) {
            let is_taken = |local| !is_here(decisive.remote) && self.sockets.tables.has_peer(local);
            if decisive.local.is_some_and(is_taken) {
                decisive.outcome = ConnectOutcome::Intercepted;
            }
            self.to = vec![decisive.remote];
        }
        Ok((attempts, stream))
    }

    /// Of the address that answered, without a word of how.
    pub(crate) async fn once(&self) -> Option<TcpStream> {
        let from = Origin { address: self.request.source_address, ..Origin::default() };
        let wait = Duration::from_micros(self.request.wait().into());
        let tried = syn::connect(self.remote(), from, wait, &self.sockets.connect).await;
        tried.ok()?.end.ok()
    }
}
