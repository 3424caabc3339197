//! HTTP: a connection, TLS where asked for, and one exchange.

use std::net::IpAddr;

use netdiag_http::{BadRequest, Heard, HungUp, Wanted};
use netdiag_wire::{
    frame::MAX_DATA_BYTES,
    http::{HttpEvent, HttpRequest},
};
use tokio::{io::AsyncWriteExt, sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    ProbeError, clock,
    dial::{Dial, DialSockets},
    names::ResolverFiles,
    stream::{Caller, Outgoing, StreamProbe},
    sys::route,
};

mod proxy;

use proxy::proxy_header;

impl StreamProbe for HttpRequest {
    type Sockets = DialSockets;
    type Event = HttpEvent;

    fn open(&self) -> Result<DialSockets, ProbeError> {
        self.check().map_err(ProbeError::Request)?;
        // What cannot be sent is told before anything is.
        wanted(self)?;
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
    if let Some(version) = request.proxy_protocol {
        let ends = stream.local_addr().ok().zip(stream.peer_addr().ok());
        // Where it cannot be sent, the exchange sees the same end.
        let _ = stream.write_all(&proxy_header(version, ends)).await;
    }
    let Caller { from, to } = caller;
    let (told, heard) = mpsc::channel(1);
    let wanted = wanted(request)?;
    let running = async move { wanted.run(stream, dial.remote().ip(), from, &told).await };
    let (ran, passed) = tokio::join!(running, pass_on(heard, &to));
    Ok(passed.and(ran)?)
}

async fn pass_on(
    mut heard: mpsc::Receiver<Heard>,
    to: &mpsc::Sender<Outgoing<HttpEvent>>,
) -> Result<(), HungUp> {
    let send = async |outgoing| to.send(outgoing).await.map_err(|_| HungUp);
    while let Some(heard) = heard.recv().await {
        match heard {
            Heard::Event(event) => send(Outgoing::Event(event)).await?,
            Heard::End => send(Outgoing::End).await?,
            Heard::Data(mut data) => {
                while !data.is_empty() {
                    let piece = data.split_to(data.len().min(MAX_DATA_BYTES));
                    send(Outgoing::Data(piece)).await?;
                }
            }
        }
    }
    Ok(())
}

fn wanted(request: &HttpRequest) -> Result<Wanted, ProbeError> {
    Wanted::new(request, None).map_err(|cause: BadRequest| ProbeError::Request(cause.to_string()))
}

fn dialing(request: &HttpRequest, addresses: Vec<IpAddr>, name_us: u64) -> HttpEvent {
    let source =
        addresses.first().and_then(|first| route::source(*first, request.source_address).ok());
    let name_us = request.host.parse::<IpAddr>().is_err().then_some(name_us);
    let (host, port) = (request.host.as_str().into(), request.port);
    HttpEvent::Reaching { host, port, addresses, source, name_us }
}
