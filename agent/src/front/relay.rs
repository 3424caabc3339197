//! A worker's lines on their way to the caller: read as events, written anew, ended in time.

use std::{convert::Infallible, sync::atomic::AtomicU64, time::Duration};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, header::CONTENT_TYPE};
use jiff::Timestamp;
use netdiag_wire::{
    EndReason, ErrorBody, ErrorCode, Event, HEARTBEAT, Line, MissingRight, Untrusted,
};
use tokio::{
    io::AsyncWriteExt,
    net::{UnixStream, unix::OwnedReadHalf},
    sync::mpsc,
    time::{Instant, sleep, sleep_until, timeout_at},
};
use tokio_util::{codec::FramedRead, sync::CancellationToken};

use super::{
    audit::{Outcome, Started},
    body::Upload,
    broker::{BrokerError, Lifeline, Worker},
    form::{Form, Piece},
    limits::Permit,
    probe::{Deadline, Probe},
};
use crate::{
    frames::Garbled,
    ipc::{OPEN_SECONDS, WorkerOrder},
};

mod upload;

/// What a worker has to end itself after its deadline before it is killed.
const GRACE: Duration = Duration::from_millis(400);
/// Well inside what [`HEARTBEAT`] promises.
const QUIET: Duration = HEARTBEAT.saturating_sub(Duration::from_secs(1));

/// All that lives as long as the stream does.
pub(super) struct Relay {
    pub(super) accepted: Accepted,
    pub(super) user: Untrusted,
    pub(super) deadline: Deadline,
    pub(super) draining: CancellationToken,
    pub(super) permit: Permit,
    pub(super) upload: Option<Upload>,
    /// What the probe goes on without.
    pub(super) skipped: Option<MissingRight>,
    pub(super) started: Started,
}

/// Fields of a stream's first line.
pub(super) struct Accepted {
    pub(super) probe_id: Untrusted,
    pub(super) agent: Untrusted,
    pub(super) node: Untrusted,
    pub(super) version: Untrusted,
}

/// Why a stream writes no further line of its worker.
enum Stop {
    HungUp,
    /// By the worker itself.
    Ended(EndReason),
    /// By front.
    End(EndReason),
    Error(ErrorBody),
}

pub(super) async fn send_order(worker: &mut Worker, order: &WorkerOrder) -> Result<(), ErrorBody> {
    let mut line = serde_json::to_vec(order)
        .map_err(|error| ErrorBody::new(ErrorCode::Internal, error.to_string()))?;
    line.push(b'\n');
    Ok(worker.stream.write_all(&line).await.map_err(BrokerError::Exchange)?)
}

/// The stream as a response; dropping its body kills the worker.
pub(super) fn response<P: Probe, F: Form>(relay: Relay, worker: Worker) -> Response {
    let (lines, body) = mpsc::channel(F::QUEUE);
    tokio::spawn(relay.run::<P, F>(worker.stream, worker.lifeline, lines));
    let body = stream::unfold(body, |mut body| async {
        body.recv().await.map(|line| (Ok::<Bytes, Infallible>(line), body))
    });
    let mut response = Response::new(Body::from_stream(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(F::CONTENT_TYPE));
    response
}

impl Relay {
    async fn run<P: Probe, F: Form>(
        self,
        stream: UnixStream,
        lifeline: Lifeline,
        lines: mpsc::Sender<Bytes>,
    ) {
        let Self { accepted, user, deadline, draining, permit, upload, skipped, mut started } =
            self;
        let heard = CancellationToken::new();
        let (uploaded, until) = (AtomicU64::new(0), Instant::now() + deadline.after + GRACE);
        let mut out = Out {
            lines,
            started: &mut started,
            waits_since: Some(Instant::now()),
            heard: heard.clone(),
        };
        let (from_worker, to_worker) = stream.into_split();
        let mut pieces = FramedRead::new(from_worker, F::Decoder::default());
        let stop = {
            let pump = out.pump::<P, F>(accepted, skipped, &mut pieces, &user);
            let upload = upload::pass_on(upload, to_worker, &heard, &uploaded);
            tokio::select! {
                Err(stop) = pump => stop,
                Err(stop) = upload => stop,
                () = sleep_until(until) => Stop::End(deadline.reason),
                () = draining.cancelled() => Stop::End(EndReason::Draining),
            }
        };
        // First the worker, so that nothing runs on while a slow caller reads the last line.
        drop((lifeline, pieces));
        let is_patient = F::IS_PATIENT && matches!(stop, Stop::Ended(_));
        let patience = if is_patient { until } else { Instant::now() + GRACE };
        out.finish::<P, F>(stop, patience).await;
        started.bytes_from_caller = uploaded.into_inner();
        drop((permit, started));
    }
}

struct Out<'a> {
    lines: mpsc::Sender<Bytes>,
    started: &'a mut Started,
    /// Until the worker's first line.
    waits_since: Option<Instant>,
    /// Cancelled with the worker's first line: from then on it takes bytes.
    heard: CancellationToken,
}

impl Out<'_> {
    async fn pump<P: Probe, F: Form>(
        &mut self,
        accepted: Accepted,
        skipped: Option<MissingRight>,
        pieces: &mut FramedRead<OwnedReadHalf, F::Decoder>,
        user: &Untrusted,
    ) -> Result<Infallible, Stop> {
        let Accepted { probe_id, agent, node, version } = accepted;
        self.write::<P, F>(Event::Accepted { probe_id, agent, node, version }).await?;
        if let Some(event) = skipped.and_then(P::skipped) {
            self.write::<P, F>(Event::Probe(event)).await?;
        }
        loop {
            self.pass_on::<P, F>(pieces, user).await?;
        }
    }

    /// The worker's next line, or a heartbeat when it has nothing to say.
    async fn pass_on<P: Probe, F: Form>(
        &mut self,
        pieces: &mut FramedRead<OwnedReadHalf, F::Decoder>,
        user: &Untrusted,
    ) -> Result<(), Stop> {
        let piece = tokio::select! {
            piece = pieces.next() => piece,
            () = sleep(QUIET) => {
                return self.write::<P, F>(Event::Heartbeat).await;
            }
            () = self.lines.closed() => return Err(Stop::HungUp),
        };
        let waited = self.waits_since.take().map(|since| since.elapsed());
        self.heard.cancel();
        let line = match whole(piece, waited)? {
            Piece::Event(line) => line,
            Piece::Frame(frame) => return self.put(frame).await,
        };
        match read::<P>(&line)? {
            Line { at, event: Event::Probe(event) } if P::is_known(&event) => {
                self.send::<F>(&Line { at, event: Event::<P::Event>::Probe(event) }).await
            }
            Line { event: Event::End { reason }, .. } => Err(Stop::Ended(reason)),
            Line { event: Event::Error { mut error }, .. } => {
                if let Some(missing) = &mut error.missing {
                    missing.user = user.clone();
                }
                Err(Stop::Error(error))
            }
            // Only front accepts and keeps alive; a worker that says so is not believed.
            Line { event: Event::Probe(_) | Event::Accepted { .. } | Event::Heartbeat, .. } => {
                Ok(())
            }
        }
    }

    async fn write<P: Probe, F: Form>(&mut self, event: Event<P::Event>) -> Result<(), Stop> {
        self.send::<F>(&Line { at: Timestamp::now(), event }).await
    }

    async fn send<F: Form>(&mut self, line: &impl serde::Serialize) -> Result<(), Stop> {
        let json = serde_json::to_vec(line)
            .map_err(|error| Stop::Error(ErrorBody::new(ErrorCode::Internal, error.to_string())))?;
        self.put(F::event(json)).await
    }

    async fn put(&mut self, bytes: Bytes) -> Result<(), Stop> {
        let length = bytes.len() as u64;
        self.lines.send(bytes).await.map_err(|_| Stop::HungUp)?;
        self.started.bytes += length;
        Ok(())
    }

    async fn finish<P: Probe, F: Form>(mut self, stop: Stop, patience: Instant) {
        let last: Event<P::Event> = match stop {
            Stop::HungUp => {
                self.started.outcome = Outcome::Ended(EndReason::Cancelled);
                return;
            }
            Stop::Ended(reason) | Stop::End(reason) => {
                self.started.outcome = Outcome::Ended(reason);
                Event::End { reason }
            }
            Stop::Error(error) => {
                self.started.outcome = Outcome::Failed(error.code);
                Event::Error { error }
            }
        };
        // A caller that reads nothing does not keep the permit; its connection keeps what it has.
        let _ = timeout_at(patience, self.write::<P, F>(last)).await;
    }
}

/// What the worker wrote; `waited` for, if it is its first word.
fn whole(piece: Option<Result<Piece, Garbled>>, waited: Option<Duration>) -> Result<Piece, Stop> {
    match piece {
        Some(Ok(piece)) => Ok(piece),
        Some(Err(Garbled::TooLong)) => Err(internal("the worker wrote a line beyond all bounds")),
        Some(Err(Garbled::Frame(error))) => Err(internal(&format!("the worker wrote {error}"))),
        Some(Err(Garbled::Io(_))) | None => {
            Err(Stop::Error(ErrorBody::new(ErrorCode::WorkerDied, died(waited))))
        }
    }
}

fn read<P: Probe>(line: &[u8]) -> Result<Line<P::Event>, Stop> {
    serde_json::from_slice(line).map_err(|error| {
        tracing::error!(%error, "a worker's line");
        internal("the worker wrote what is no event")
    })
}

fn internal(message: &str) -> Stop {
    Stop::Error(ErrorBody::new(ErrorCode::Internal, message))
}

/// A worker that hangs in a file system cannot say so: nothing but its end gets it out of there.
fn died(waited: Option<Duration>) -> String {
    let hung = Duration::from_secs(OPEN_SECONDS.into()).saturating_sub(GRACE);
    match waited {
        Some(waited) if waited >= hung => format!(
            "the worker could not open what it needs within {OPEN_SECONDS} s; a file system of the \
             source may not answer"
        ),
        Some(_) | None => "the worker ended without saying why".into(),
    }
}

#[cfg(test)]
mod tests;
