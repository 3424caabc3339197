//! `--from local`: the probe engine in this process, from this machine.

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{Engine, StreamEngine, start, start_stream};
#[cfg(target_os = "linux")]
pub(crate) use linux::{Engine, StreamEngine, start, start_stream};

use crate::finding::{Peer, PeerKind};

/// This machine, as the header names it.
pub(crate) fn peer() -> Peer {
    Peer { kind: PeerKind::Local, name: "local".into(), ..Peer::default() }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use tokio::time::Instant;
    use tokio_util::sync::CancellationToken;

    use crate::{agent::Upload, code, finding::Failure, probe::Here, stream::Pieces};

    /// No request can be carried out here.
    pub(crate) trait Engine<E> {}

    impl<R, E> Engine<E> for R {}

    /// Nor over a byte stream.
    pub(crate) trait StreamEngine<E> {}

    impl<R, E> StreamEngine<E> for R {}

    pub(crate) fn start<E>(
        _: impl Engine<E>,
        _: CancellationToken,
        _: Option<Instant>,
    ) -> Result<Here<E>, Failure> {
        Err(unable())
    }

    pub(crate) fn start_stream<E>(
        _: impl StreamEngine<E>,
        _: CancellationToken,
        _: Option<Instant>,
    ) -> Result<(Pieces<E>, Upload), Failure> {
        Err(unable())
    }

    fn unable() -> Failure {
        let message = "--from local: needs Linux; on this system name a pod or a node";
        Failure::new(code::BAD_VALUE, message)
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{error::Error, pin::pin};

    use jiff::Timestamp;
    use netdiag_probe::{
        Probe, ProbeError, StreamProbe,
        names::ResolverFiles,
        stream::{Caller, Outgoing, QUEUE},
    };
    use netdiag_wire::{EndReason, ErrorBody, ErrorCode, Event, Line};
    use tokio::{
        runtime::{Builder, Runtime},
        sync::mpsc::{Receiver, Sender, channel, unbounded_channel},
        time::Instant,
    };
    use tokio_util::sync::CancellationToken;

    use crate::{
        agent::{Piece, Upload},
        code,
        finding::Failure,
        probe::{Here, at},
        stream::Pieces,
    };

    /// A request that this machine can carry out by itself.
    pub(crate) trait Engine<E>: Probe<Event = E> + Send + 'static {}

    impl<E, R: Probe<Event = E> + Send + 'static> Engine<E> for R {}

    /// The same, over a byte stream.
    pub(crate) trait StreamEngine<E>: StreamProbe<Event = E> + Send + 'static {}

    impl<E, R: StreamProbe<Event = E> + Send + 'static> StreamEngine<E> for R {}

    /// Starts the probe in a thread of its own: a slow terminal must not delay what is measured.
    /// `stop` ends it with what was seen, and so does `deadline`, as an agent's would.
    pub(crate) fn start<E: Send + 'static>(
        request: impl Engine<E>,
        stop: CancellationToken,
        deadline: Option<Instant>,
    ) -> Result<Here<E>, Failure> {
        let sockets = request.open().map_err(|error| failure(&error))?;
        let (sender, receiver) = unbounded_channel();
        std::thread::spawn(move || {
            let say = |event| {
                // Nobody listens any more once the screen is gone.
                let _ = sender.send(Line { at: Timestamp::now(), event });
            };
            let emit = &mut |event| say(Event::Probe(event));
            let files = ResolverFiles::of_this_machine();
            let ended = runtime().and_then(|runtime| {
                let running = request.run(sockets, &files, &|_| Ok(()), emit, stop.clone());
                runtime.block_on(until(deadline, &stop, running))
            });
            say(end(ended));
        });
        Ok(receiver)
    }

    /// To the probe's end, which its time being over brings about.
    async fn until(
        deadline: Option<Instant>,
        stop: &CancellationToken,
        running: impl Future<Output = Result<(), ProbeError>>,
    ) -> Result<EndReason, ProbeError> {
        let mut running = pin!(running);
        tokio::select! {
            biased;
            ended = &mut running => return ended.map(|()| EndReason::Completed),
            () = at(deadline) => stop.cancel(),
        }
        running.await.map(|()| EndReason::Deadline)
    }

    fn end<E>(ended: Result<EndReason, ProbeError>) -> Event<E> {
        match ended {
            Ok(reason) => Event::End { reason },
            Err(error) => Event::Error { error: ErrorBody::new(error.code(), chain(&error)) },
        }
    }

    /// The same, of a byte stream.
    pub(crate) fn start_stream<E: Send + 'static>(
        request: impl StreamEngine<E>,
        stop: CancellationToken,
        deadline: Option<Instant>,
    ) -> Result<(Pieces<E>, Upload), Failure> {
        let sockets = request.open().map_err(|error| failure(&error))?;
        let (pieces, received) = channel(QUEUE);
        let ((to_probe, from), (to, outgoing)) = (channel(QUEUE), channel(QUEUE));
        let upload = Upload::here(to_probe, stop.clone());
        std::thread::spawn(move || {
            let ended = runtime().and_then(|runtime| {
                let files = ResolverFiles::of_this_machine();
                let caller = Caller { from, to };
                let running = request.run(sockets, &files, &|_| Ok(()), caller, stop.clone());
                let running = until(deadline, &stop, running);
                let passing = pass_on(outgoing, &pieces);
                runtime.block_on(async { tokio::join!(running, passing).0 })
            });
            let line = Line { at: Timestamp::now(), event: end(ended) };
            // Nobody listens any more once the command has ended.
            let _ = pieces.blocking_send(Piece::Event(line));
        });
        Ok((Pieces::Here(received), upload))
    }

    async fn pass_on<E>(mut outgoing: Receiver<Outgoing<E>>, pieces: &Sender<Piece<E>>) {
        while let Some(outgoing) = outgoing.recv().await {
            let piece = match outgoing {
                Outgoing::Event(event) => {
                    Piece::Event(Line { at: Timestamp::now(), event: Event::Probe(event) })
                }
                Outgoing::Data(bytes) => Piece::Data(bytes),
                Outgoing::End => Piece::End,
            };
            if pieces.send(piece).await.is_err() {
                return;
            }
        }
    }

    fn runtime() -> Result<Runtime, ProbeError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        runtime.map_err(|cause| ProbeError::Socket("start a runtime", cause))
    }

    fn failure(error: &ProbeError) -> Failure {
        let code = match error.code() {
            ErrorCode::BadRequest | ErrorCode::SourceAddress => code::BAD_VALUE,
            ErrorCode::NameResolution => code::NO_OBJECT,
            ErrorCode::PortUnavailable => code::PORT_UNAVAILABLE,
            _ => code::AGENT_IMPAIRED,
        };
        Failure::new(code, chain(error))
    }

    /// The error and its causes, which their own texts leave out.
    fn chain(error: &dyn Error) -> String {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }
}
