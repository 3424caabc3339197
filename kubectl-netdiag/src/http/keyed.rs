//! `http --cert --key`: connection and bytes are the source's, handshake and exchange this process's,
//! so that the key stays here.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use netdiag_http::{Heard, HungUp, Wanted};
use netdiag_wire::{
    EndReason, Event, Line,
    connect::stream::ConnectStreamEvent,
    http::{HttpEvent, HttpRequest},
};
use rustls::sign::CertifiedKey;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_util::sync::CancellationToken;

use crate::{
    agent::{Broken, Piece, Upload},
    code,
    finding::Failure,
    stream::{Opened, Pieces, bytes},
    tls::attempt,
};

const QUEUE: usize = 4;

type To = Sender<Result<Piece<HttpEvent>, Broken>>;

/// The same events as an agent's that made it, over a byte stream.
pub(super) fn start(
    request: &HttpRequest,
    own: Arc<CertifiedKey>,
    below: Opened<ConnectStreamEvent>,
) -> Result<Opened<HttpEvent>, Failure> {
    let Opened { pieces, upload, stop: below } = below;
    let wanted = Wanted::new(request, Some(own))
        .map_err(|cause| Failure::new(code::BAD_VALUE, cause.to_string()))?;
    let (to, events) = channel(QUEUE);
    let (to_exchange, from) = channel(QUEUE);
    let stop = CancellationToken::new();
    let body = Upload::here(to_exchange, stop.clone());
    let request = request.clone();
    tokio::spawn(async move {
        let running = run(request, wanted, (pieces, upload), from, &to);
        let ended = tokio::select! {
            biased;
            ended = running => ended,
            () = stop.cancelled() => Ok(()),
        };
        let last = ended.map(|()| line(Event::End { reason: EndReason::Completed }));
        // Nobody listens any more where it was broken off.
        let _ = to.send(last).await;
    });
    Ok(Opened { pieces: Pieces::Through(events), upload: body, stop: below })
}

async fn run(
    request: HttpRequest,
    wanted: Wanted,
    (mut pieces, upload): (Pieces<ConnectStreamEvent>, Upload),
    from: Receiver<Bytes>,
    to: &To,
) -> Result<(), Broken> {
    let attempt = loop {
        let Piece::Event(Line { at, event }) = pieces.next().await? else {
            return Err(Broken::Protocol("bytes before a connection".into()));
        };
        match event {
            Event::Probe(event) => match attempt(event) {
                Some(attempt) => break attempt,
                None => continue,
            },
            // What every stream has is passed on as it is.
            Event::Accepted { probe_id, agent, node, version } => {
                let event = Event::Accepted { probe_id, agent, node, version };
                let _ = to.send(Ok(Piece::Event(Line { at, event }))).await;
            }
            Event::Error { error } => {
                let event = Event::Error { error };
                let _ = to.send(Ok(Piece::Event(Line { at, event }))).await;
                return Ok(());
            }
            Event::End { .. } => return Ok(()),
            Event::Heartbeat => {}
        }
    };
    let (remote, is_well) = (attempt.remote, crate::tls::is_connected(&attempt));
    let source = attempt.local.map(|local| local.ip());
    let (host, port) = (request.host.as_str().into(), request.port);
    let (addresses, name_us) = (vec![remote.ip()], None);
    for event in [
        HttpEvent::Reaching { host, port, addresses, source, name_us },
        HttpEvent::Connection(attempt),
    ] {
        let _ = to.send(Ok(line(Event::Probe(event)))).await;
    }
    if !is_well {
        return Ok(());
    }
    let (stream, _told) = bytes(pieces, upload);
    let (told, heard) = channel(QUEUE);
    let running = async move { wanted.run(stream, remote.ip(), from, &told).await };
    // Whoever hung up is told nothing.
    let _ = tokio::join!(running, pass_on(heard, to));
    Ok(())
}

async fn pass_on(mut heard: Receiver<Heard>, to: &To) -> Result<(), HungUp> {
    while let Some(heard) = heard.recv().await {
        let piece = match heard {
            Heard::Event(event) => line(Event::Probe(event)),
            Heard::Data(bytes) => Piece::Data(bytes),
            Heard::End => Piece::End,
        };
        to.send(Ok(piece)).await.map_err(|_| HungUp)?;
    }
    Ok(())
}

fn line(event: Event<HttpEvent>) -> Piece<HttpEvent> {
    Piece::Event(Line { at: Timestamp::now(), event })
}
