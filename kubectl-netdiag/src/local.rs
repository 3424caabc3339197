//! `--from local`: the probe engine in this process, from this machine.

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{Engine, start};
#[cfg(target_os = "linux")]
pub(crate) use linux::{Engine, start};

use crate::finding::{Peer, PeerKind};

/// This machine, as the header names it.
pub(crate) fn peer() -> Peer {
    Peer { kind: PeerKind::Local, name: "local".into(), ..Peer::default() }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use tokio_util::sync::CancellationToken;

    use crate::{code, finding::Failure, probe::Here};

    /// No request can be carried out here.
    pub(crate) trait Engine<E> {}

    impl<R, E> Engine<E> for R {}

    pub(crate) fn start<E>(_: impl Engine<E>, _: CancellationToken) -> Result<Here<E>, Failure> {
        let message = "--from local: needs Linux; on this system name a pod or a node";
        Err(Failure::new(code::BAD_VALUE, message))
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::error::Error;

    use jiff::Timestamp;
    use netdiag_probe::{Probe, ProbeError, names::ResolverFiles};
    use netdiag_wire::{EndReason, ErrorBody, ErrorCode, Event, Line};
    use tokio::{runtime::Builder, sync::mpsc::unbounded_channel};
    use tokio_util::sync::CancellationToken;

    use crate::{code, finding::Failure, probe::Here};

    /// A request that this machine can carry out by itself.
    pub(crate) trait Engine<E>: Probe<Event = E> + Send + 'static {}

    impl<E, R: Probe<Event = E> + Send + 'static> Engine<E> for R {}

    /// Starts the probe in a thread of its own: a slow terminal must not delay what is measured.
    /// `stop` ends it with what was seen.
    pub(crate) fn start<E: Send + 'static>(
        request: impl Engine<E>,
        stop: CancellationToken,
    ) -> Result<Here<E>, Failure> {
        let sockets = request.open().map_err(|error| failure(&error))?;
        let (sender, receiver) = unbounded_channel();
        std::thread::spawn(move || {
            let say = |event| {
                // Nobody listens any more once the screen is gone.
                let _ = sender.send(Line { at: Timestamp::now(), event });
            };
            let ended = run(&request, sockets, &mut |event| say(Event::Probe(event)), stop);
            say(match ended {
                Ok(()) => Event::End { reason: EndReason::Completed },
                Err(error) => Event::Error { error: ErrorBody::new(error.code(), chain(&error)) },
            });
        });
        Ok(receiver)
    }

    fn run<P: Probe>(
        request: &P,
        sockets: P::Sockets,
        emit: &mut impl FnMut(P::Event),
        stop: CancellationToken,
    ) -> Result<(), ProbeError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|cause| ProbeError::Socket("start a runtime", cause))?;
        let files = ResolverFiles::of_this_machine();
        runtime.block_on(request.run(sockets, &files, &|_| Ok(()), emit, stop))
    }

    fn failure(error: &ProbeError) -> Failure {
        let code = match error.code() {
            ErrorCode::BadRequest | ErrorCode::SourceAddress => code::BAD_VALUE,
            ErrorCode::NameResolution => code::NO_OBJECT,
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
