//! HTTP: a connection, TLS where asked for, and one exchange.

use std::{net::IpAddr, time::Duration};

use netdiag_http::{BadRequest, Exchange, Heard, HungUp, tunnel};
use netdiag_tls::{BadOffer, Client};
use netdiag_wire::{
    frame::MAX_DATA_BYTES,
    http::{HttpEvent, HttpRequest},
    tls::TlsOffer,
};
use tokio::{io::AsyncWriteExt, net::TcpStream, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    ProbeError, clock,
    dial::{Dial, DialSockets},
    names::ResolverFiles,
    stream::{Caller, Outgoing, StreamProbe},
    sys::route,
};

impl StreamProbe for HttpRequest {
    type Sockets = DialSockets;
    type Event = HttpEvent;

    fn open(&self) -> Result<DialSockets, ProbeError> {
        self.check().map_err(ProbeError::Request)?;
        // What cannot be sent is told before anything is.
        exchange(self)?;
        if let Some(offer) = &self.tls {
            client(offer, IpAddr::from([0; 4]))?;
        }
        DialSockets::open(&self.connection())
    }

    async fn run(
        &self,
        sockets: DialSockets,
        files: &ResolverFiles,
        destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
        caller: Caller<HttpEvent>,
        stop: CancellationToken,
    ) -> Result<(), ProbeError> {
        let start = Instant::now();
        let dialing = async {
            let dial = Dial::new(self.connection(), sockets, files, destination).await?;
            ask(self, dial, clock::micros(start.elapsed()), caller).await
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => Ok(()),
            ended = dialing => match ended {
                Ok(()) | Err(Ended::HungUp) => Ok(()),
                Err(Ended::Broken(cause)) => Err(cause),
            },
        }
    }
}

enum Ended {
    Broken(ProbeError),
    HungUp,
}

impl From<ProbeError> for Ended {
    fn from(cause: ProbeError) -> Self {
        Self::Broken(cause)
    }
}

impl From<HungUp> for Ended {
    fn from(_: HungUp) -> Self {
        Self::HungUp
    }
}

impl From<crate::stream::HungUp> for Ended {
    fn from(_: crate::stream::HungUp) -> Self {
        Self::HungUp
    }
}

async fn ask(
    request: &HttpRequest,
    mut dial: Dial,
    name_us: u64,
    caller: Caller<HttpEvent>,
) -> Result<(), Ended> {
    caller.say(dialing(request, dial.addresses(), name_us)).await?;
    let (attempts, stream) = dial.connect().await?;
    for attempt in attempts {
        caller.say(HttpEvent::Connection(attempt)).await?;
    }
    let Some(mut stream) = stream else { return Ok(()) };
    let set = stream.set_nodelay(true);
    set.map_err(|cause| ProbeError::Socket("send at once", cause))?;
    if request.proxy_protocol && stream.write_all(&proxy_line(&stream)).await.is_err() {
        // The exchange sees the same end.
    }
    let until = Instant::now() + Duration::from_micros(request.handshake_us.into());
    if let Some(wish) = &request.tunnel {
        let tunnelled = tunnel(&mut stream, wish, until).await;
        let is_open = tunnelled.status.is_some_and(|status| status / 100 == 2);
        caller.say(HttpEvent::Tunnelled(tunnelled)).await?;
        if !is_open {
            return Ok(());
        }
    }
    let Some(offer) = &request.tls else {
        return exchange_over(request, stream, None, caller).await;
    };
    let client = client(offer, dial.remote().ip())?;
    let until = Instant::now() + Duration::from_micros(request.handshake_us.into());
    let observed = client.handshake(stream, until).await;
    for (number, der) in observed.shown.certificates() {
        caller.say(HttpEvent::Certificate { number, der }).await?;
    }
    caller.say(HttpEvent::Handshake(Box::new(observed.handshake))).await?;
    let Some(stream) = observed.stream else { return Ok(()) };
    let alpn = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
    exchange_over(request, stream, alpn.as_deref(), caller).await
}

async fn exchange_over<S>(
    request: &HttpRequest,
    stream: S,
    alpn: Option<&[u8]>,
    caller: Caller<HttpEvent>,
) -> Result<(), Ended>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + std::fmt::Debug + 'static,
{
    let Caller { from, to } = caller;
    let with_body = request.with_body;
    let hear = async |heard| match heard {
        Heard::Event(event @ HttpEvent::Over(_)) if with_body => {
            to.send(Outgoing::End).await.map_err(|_| HungUp)?;
            to.send(Outgoing::Event(event)).await.map_err(|_| HungUp)
        }
        Heard::Event(event) => to.send(Outgoing::Event(event)).await.map_err(|_| HungUp),
        Heard::Data(_) if !with_body => Ok(()),
        Heard::Data(mut data) => {
            while !data.is_empty() {
                let piece = data.split_to(data.len().min(MAX_DATA_BYTES));
                to.send(Outgoing::Data(piece)).await.map_err(|_| HungUp)?;
            }
            Ok(())
        }
    };
    Ok(exchange(request)?.run(stream, alpn, from, hear).await?)
}

fn exchange(request: &HttpRequest) -> Result<Exchange, ProbeError> {
    Exchange::new(request).map_err(|cause: BadRequest| ProbeError::Request(cause.to_string()))
}

fn client(offer: &TlsOffer, address: IpAddr) -> Result<Client, ProbeError> {
    Client::new(offer, address, None).map_err(|cause| match cause {
        BadOffer::ServerName => ProbeError::Request(format!("tls.{cause}")),
        BadOffer::Tls(cause) => ProbeError::Request(format!("tls: {cause}")),
    })
}

fn dialing(request: &HttpRequest, addresses: Vec<IpAddr>, name_us: u64) -> HttpEvent {
    let source =
        addresses.first().and_then(|first| route::source(*first, request.source_address).ok());
    let name_us = request.host.parse::<IpAddr>().is_err().then_some(name_us);
    let (host, port) = (request.host.as_str().into(), request.port);
    HttpEvent::Reaching { host, port, addresses, source, name_us }
}

/// Who connects to whom (HAProxy's proxy-protocol.txt, section 2.1).
fn proxy_line(stream: &TcpStream) -> Vec<u8> {
    let (Ok(local), Ok(remote)) = (stream.local_addr(), stream.peer_addr()) else {
        return b"PROXY UNKNOWN\r\n".to_vec();
    };
    let family = if local.is_ipv4() { "TCP4" } else { "TCP6" };
    let (from, to) = (local.ip(), remote.ip());
    format!("PROXY {family} {from} {to} {} {}\r\n", local.port(), remote.port()).into_bytes()
}
