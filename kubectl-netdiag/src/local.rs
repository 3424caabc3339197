//! `--from local`: the probe engine in this process, from this machine.

use netdiag_wire::{
    Line,
    ping::{PingEvent, PingRequest},
};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use crate::finding::{Failure, Peer, PeerKind};

/// This machine, as the header names it.
pub(crate) fn peer() -> Peer {
    Peer { kind: PeerKind::Local, name: "local".into(), ..Peer::default() }
}

/// Starts the probe; `stop` ends it with what was seen.
#[cfg(target_os = "linux")]
pub(crate) fn ping(
    request: &PingRequest,
    stop: CancellationToken,
) -> Result<UnboundedReceiver<Line<PingEvent>>, Failure> {
    linux::ping(request, stop)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn ping(
    _: &PingRequest,
    _: CancellationToken,
) -> Result<UnboundedReceiver<Line<PingEvent>>, Failure> {
    let message = "--from local: needs Linux; on this system name a pod or a node";
    Err(Failure::new(crate::code::BAD_VALUE, message))
}

#[cfg(target_os = "linux")]
mod linux {
    use std::error::Error;

    use jiff::Timestamp;
    use netdiag_probe::{
        ProbeError,
        names::ResolverFiles,
        ping::{self, PingSockets},
    };
    use netdiag_wire::{
        EndReason, ErrorBody, ErrorCode, Event, Line,
        ping::{PingEvent, PingRequest},
    };
    use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
    use tokio_util::sync::CancellationToken;

    use crate::{code, finding::Failure};

    pub(super) fn ping(
        request: &PingRequest,
        stop: CancellationToken,
    ) -> Result<UnboundedReceiver<Line<PingEvent>>, Failure> {
        let sockets = ping::open(request).map_err(|error| failure(&error))?;
        let (sender, receiver) = unbounded_channel();
        let request = request.clone();
        // A thread of its own: a slow terminal must not delay what is measured.
        std::thread::spawn(move || run(&request, sockets, &sender, stop));
        Ok(receiver)
    }

    fn run(
        request: &PingRequest,
        sockets: PingSockets,
        sender: &UnboundedSender<Line<PingEvent>>,
        stop: CancellationToken,
    ) {
        let say = |event| {
            // Nobody listens any more once the screen is gone.
            let _ = sender.send(Line { at: Timestamp::now(), event });
        };
        let ended = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime.block_on(ping::run(
                request,
                sockets,
                &ResolverFiles::of_this_machine(),
                &|_| Ok(()),
                &mut |event| say(Event::Probe(event)),
                stop,
            )),
            Err(error) => Err(ProbeError::Socket("start a runtime", error)),
        };
        say(match ended {
            Ok(()) => Event::End { reason: EndReason::Completed },
            Err(error) => Event::Error { error: ErrorBody::new(error.code(), chain(&error)) },
        });
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
