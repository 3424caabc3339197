//! TLS: a connection, a handshake that takes any certificate, and what the server showed in it.

use std::{net::IpAddr, time::Duration};

use netdiag_wire::tls::{
    MAX_CERTIFICATES, MAX_PIECE_BYTES, TlsEvent, TlsHandshake, TlsPurpose, TlsRequest,
};
use tokio::{net::TcpStream, time::Instant};
use tokio_util::sync::CancellationToken;

mod dial;

pub use dial::TlsSockets;

use crate::{Probe, ProbeError, names::ResolverFiles, sys::route};
use dial::Dial;
use netdiag_tls::{BadOffer, Client, Observed, Shown, upgrade};

impl Probe for TlsRequest {
    type Sockets = TlsSockets;
    type Event = TlsEvent;

    fn open(&self) -> Result<TlsSockets, ProbeError> {
        self.check().map_err(ProbeError::Request)?;
        // A name that cannot be offered is told before anything is sent.
        client(self, IpAddr::from([0; 4]))?;
        TlsSockets::open(&self.connection())
    }

    async fn run(
        &self,
        sockets: TlsSockets,
        files: &ResolverFiles,
        destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
        emit: &mut impl FnMut(TlsEvent),
        stop: CancellationToken,
    ) -> Result<(), ProbeError> {
        let probing = async {
            let dial = Dial::new(self.connection(), sockets, files, destination).await?;
            emit(dialing(self, dial.addresses()));
            Shaking { request: self, dial, emit }.all().await
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => Ok(()),
            ended = probing => ended,
        }
    }
}

fn dialing(request: &TlsRequest, addresses: Vec<IpAddr>) -> TlsEvent {
    let source =
        addresses.first().and_then(|first| route::source(*first, request.source_address).ok());
    TlsEvent::Dialing { host: request.host.as_str().into(), port: request.port, addresses, source }
}

fn client(request: &TlsRequest, address: IpAddr) -> Result<Client, ProbeError> {
    Client::new(&request.offer, address, None).map_err(|cause| match cause {
        BadOffer::ServerName => ProbeError::Request(format!("offer.{cause}")),
        BadOffer::Tls(cause) => ProbeError::Request(format!("offer: {cause}")),
    })
}

/// The handshakes with one target, one after the other.
struct Shaking<'a, F> {
    request: &'a TlsRequest,
    dial: Dial,
    emit: &'a mut F,
}

impl<F: FnMut(TlsEvent)> Shaking<'_, F> {
    async fn all(mut self) -> Result<(), ProbeError> {
        let Some(stream) = self.connect(TlsPurpose::Asked).await? else { return Ok(()) };
        let remote = self.dial.remote().ip();
        let asked = client(self.request, remote)?;
        let is_done = self.shake(TlsPurpose::Asked, &asked, stream).await;
        if is_done && self.request.resume {
            self.again(TlsPurpose::Resume, &asked).await?;
        }
        if self.request.without_name && self.request.offer.server_name.is_some() {
            let mut nameless = self.request.clone();
            nameless.offer.server_name = None;
            self.again(TlsPurpose::WithoutName, &client(&nameless, remote)?).await?;
        }
        Ok(())
    }

    async fn again(&mut self, purpose: TlsPurpose, client: &Client) -> Result<(), ProbeError> {
        if let Some(stream) = self.connect(purpose).await? {
            self.shake(purpose, client, stream).await;
        }
        Ok(())
    }

    async fn connect(&mut self, purpose: TlsPurpose) -> Result<Option<TcpStream>, ProbeError> {
        let (attempts, stream) = self.dial.connect().await?;
        for attempt in attempts {
            (self.emit)(TlsEvent::Connection { purpose, attempt });
        }
        Ok(stream)
    }

    /// Whether it was completed.
    async fn shake(&mut self, purpose: TlsPurpose, client: &Client, stream: TcpStream) -> bool {
        let until = Instant::now() + Duration::from_micros(self.request.handshake_us.into());
        let (handshake, shown) = shake(self.request, client, stream, until).await;
        let is_done = handshake.agreed.is_some();
        self.show(purpose, &shown);
        let handshake = TlsHandshake { purpose, ..handshake };
        (self.emit)(TlsEvent::Handshake(Box::new(handshake)));
        is_done
    }

    /// In pieces, each short enough for a line.
    fn show(&mut self, purpose: TlsPurpose, shown: &Shown) {
        for (number, certificate) in shown.chain.iter().take(MAX_CERTIFICATES).enumerate() {
            for piece in certificate.chunks(MAX_PIECE_BYTES) {
                let (number, der) = (number as u16, piece.to_vec().into());
                (self.emit)(TlsEvent::Certificate { purpose, number, der });
            }
        }
        for piece in shown.staple.iter().flat_map(|staple| staple.chunks(MAX_PIECE_BYTES)) {
            (self.emit)(TlsEvent::Staple { purpose, der: piece.to_vec().into() });
        }
    }
}

async fn shake(
    request: &TlsRequest,
    client: &Client,
    mut stream: TcpStream,
    until: Instant,
) -> (TlsHandshake, Shown) {
    let domain = request.offer.server_name.as_deref().unwrap_or(&request.host);
    let upgraded = match request.start_tls {
        None => None,
        Some(protocol) => match upgrade(&mut stream, protocol, domain, until).await {
            Ok(upgraded) => Some(upgraded),
            Err(end) => return (TlsHandshake { end, ..TlsHandshake::default() }, Shown::default()),
        },
    };
    let mut observed = client.handshake(stream, until).await;
    client.listen(&mut observed).await;
    let Observed { handshake, shown, .. } = observed;
    (TlsHandshake { upgrade: upgraded, ..handshake }, shown)
}
