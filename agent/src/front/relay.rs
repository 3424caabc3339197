//! A worker's lines on their way to the caller: read as events, written anew, ended in time.

use std::{convert::Infallible, time::Duration};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, header::CONTENT_TYPE};
use jiff::Timestamp;
use netdiag_wire::{
    EndReason, ErrorBody, ErrorCode, Event, HEARTBEAT, Line, MAX_LINE_BYTES, Untrusted,
};
use tokio::{
    io::AsyncWriteExt,
    net::UnixStream,
    sync::mpsc,
    time::{Instant, sleep, timeout},
};
use tokio_util::{
    codec::{FramedRead, LinesCodec, LinesCodecError},
    sync::CancellationToken,
};

use super::{
    audit::{Outcome, Started},
    broker::{BrokerError, Lifeline, Worker},
    limits::Permit,
    probe::{Deadline, Probe},
};
use crate::ipc::{OPEN_SECONDS, WorkerOrder};

/// Lines that wait for a slow caller; then the worker waits too.
const QUEUE: usize = 64;
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
pub(super) fn response<P: Probe>(relay: Relay, worker: Worker) -> Response {
    let (lines, body) = mpsc::channel(QUEUE);
    tokio::spawn(relay.run::<P>(worker.stream, worker.lifeline, lines));
    let body = stream::unfold(body, |mut body| async {
        body.recv().await.map(|line| (Ok::<Bytes, Infallible>(line), body))
    });
    let mut response = Response::new(Body::from_stream(body));
    let ndjson = HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(CONTENT_TYPE, ndjson);
    response
}

impl Relay {
    async fn run<P: Probe>(
        self,
        stream: UnixStream,
        lifeline: Lifeline,
        lines: mpsc::Sender<Bytes>,
    ) {
        let Self { accepted, user, deadline, draining, permit, mut started } = self;
        let Accepted { probe_id, agent, node, version } = accepted;
        let mut out = Out { lines, started: &mut started, waits_since: Some(Instant::now()) };
        let mut events = FramedRead::new(stream, LinesCodec::new_with_max_length(MAX_LINE_BYTES));
        let stop = {
            let pump = async {
                out.write::<P>(Event::Accepted { probe_id, agent, node, version }).await?;
                loop {
                    out.pass_on::<P>(&mut events, &user).await?;
                }
            };
            tokio::select! {
                stop = pump => { let Err::<Infallible, _>(stop) = stop; stop }
                () = sleep(deadline.after + GRACE) => Stop::End(deadline.reason),
                () = draining.cancelled() => Stop::End(EndReason::Draining),
            }
        };
        // First the worker, so that nothing runs on while a slow caller reads the last line.
        drop((lifeline, events));
        out.finish::<P>(stop).await;
        drop((permit, started));
    }
}

struct Out<'a> {
    lines: mpsc::Sender<Bytes>,
    started: &'a mut Started,
    /// Until the worker's first line.
    waits_since: Option<Instant>,
}

impl Out<'_> {
    /// The worker's next line, or a heartbeat when it has nothing to say.
    async fn pass_on<P: Probe>(
        &mut self,
        events: &mut FramedRead<UnixStream, LinesCodec>,
        user: &Untrusted,
    ) -> Result<(), Stop> {
        let line = tokio::select! {
            line = events.next() => line,
            () = sleep(QUIET) => {
                return self.write::<P>(Event::Heartbeat).await;
            }
            () = self.lines.closed() => return Err(Stop::HungUp),
        };
        let waited = self.waits_since.take().map(|since| since.elapsed());
        match read::<P>(line, waited)? {
            Line { at, event: Event::Probe(event) } if P::is_known(&event) => {
                self.send(&Line { at, event: Event::<P::Event>::Probe(event) }).await
            }
            Line { event: Event::End { reason }, .. } => Err(Stop::End(reason)),
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

    async fn write<P: Probe>(&mut self, event: Event<P::Event>) -> Result<(), Stop> {
        self.send(&Line { at: Timestamp::now(), event }).await
    }

    async fn send<E: serde::Serialize>(&mut self, line: &Line<E>) -> Result<(), Stop> {
        let mut bytes = serde_json::to_vec(line)
            .map_err(|error| Stop::Error(ErrorBody::new(ErrorCode::Internal, error.to_string())))?;
        bytes.push(b'\n');
        let length = bytes.len() as u64;
        self.lines.send(bytes.into()).await.map_err(|_| Stop::HungUp)?;
        self.started.bytes += length;
        Ok(())
    }

    async fn finish<P: Probe>(mut self, stop: Stop) {
        let last: Event<P::Event> = match stop {
            Stop::HungUp => {
                self.started.outcome = Outcome::Ended(EndReason::Cancelled);
                return;
            }
            Stop::End(reason) => {
                self.started.outcome = Outcome::Ended(reason);
                Event::End { reason }
            }
            Stop::Error(error) => {
                self.started.outcome = Outcome::Failed(error.code);
                Event::Error { error }
            }
        };
        // A caller that reads nothing does not keep the permit; its connection keeps what it has.
        let _ = timeout(GRACE, self.write::<P>(last)).await;
    }
}

/// The line as an event; `waited` for, if it is the worker's first.
fn read<P: Probe>(
    line: Option<Result<String, LinesCodecError>>,
    waited: Option<Duration>,
) -> Result<Line<P::Event>, Stop> {
    let stop = |code, message: &str| Stop::Error(ErrorBody::new(code, message));
    let line = match line {
        Some(Ok(line)) => line,
        Some(Err(LinesCodecError::MaxLineLengthExceeded)) => {
            return Err(stop(ErrorCode::Internal, "the worker wrote a line beyond all bounds"));
        }
        Some(Err(LinesCodecError::Io(_))) | None => {
            return Err(Stop::Error(ErrorBody::new(ErrorCode::WorkerDied, died(waited))));
        }
    };
    serde_json::from_str(&line).map_err(|error| {
        tracing::error!(%error, "a worker's line");
        stop(ErrorCode::Internal, "the worker wrote what is no event")
    })
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
