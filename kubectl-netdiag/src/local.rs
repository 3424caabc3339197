//! `--from local`: the probe engine in this process, from this machine.

use netdiag_wire::{
    dns::{DnsEvent, DnsRequest},
    ping::{PingEvent, PingRequest},
    trace::{TraceEvent, TraceRequest},
};
use tokio_util::sync::CancellationToken;

use crate::{
    finding::{Failure, Peer, PeerKind},
    probe::Here,
};

/// This machine, as the header names it.
pub(crate) fn peer() -> Peer {
    Peer { kind: PeerKind::Local, name: "local".into(), ..Peer::default() }
}

/// Starts the probe; `stop` ends it with what was seen.
#[cfg(target_os = "linux")]
pub(crate) fn ping(
    request: &PingRequest,
    stop: CancellationToken,
) -> Result<Here<PingEvent>, Failure> {
    use netdiag_probe::ping;
    let (request, sockets) = (request.clone(), ping::open(request));
    linux::start(sockets, move |runtime, sockets, files, emit| {
        let emit = &mut |event| emit(event);
        runtime.block_on(ping::run(&request, sockets, files, &|_| Ok(()), emit, stop))
    })
}

/// Likewise.
#[cfg(target_os = "linux")]
pub(crate) fn trace(
    request: &TraceRequest,
    stop: CancellationToken,
) -> Result<Here<TraceEvent>, Failure> {
    use netdiag_probe::trace;
    let (request, sockets) = (request.clone(), trace::open(request));
    linux::start(sockets, move |runtime, sockets, files, emit| {
        let emit = &mut |event| emit(event);
        runtime.block_on(trace::run(&request, sockets, files, &|_| Ok(()), emit, stop))
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn trace(_: &TraceRequest, _: CancellationToken) -> Result<Here<TraceEvent>, Failure> {
    Err(elsewhere())
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn ping(_: &PingRequest, _: CancellationToken) -> Result<Here<PingEvent>, Failure> {
    Err(elsewhere())
}

/// Likewise.
#[cfg(target_os = "linux")]
pub(crate) fn dns(
    request: &DnsRequest,
    stop: CancellationToken,
) -> Result<Here<DnsEvent>, Failure> {
    use netdiag_probe::dns;
    let (request, sockets) = (request.clone(), dns::open(request));
    linux::start(sockets, move |runtime, sockets, files, emit| {
        let emit = &mut |event| emit(event);
        runtime.block_on(dns::run(&request, sockets, files, &|_| Ok(()), emit, stop))
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn dns(_: &DnsRequest, _: CancellationToken) -> Result<Here<DnsEvent>, Failure> {
    Err(elsewhere())
}

#[cfg(not(target_os = "linux"))]
fn elsewhere() -> Failure {
    let message = "--from local: needs Linux; on this system name a pod or a node";
    Failure::new(crate::code::BAD_VALUE, message)
}

#[cfg(target_os = "linux")]
mod linux {
    use std::error::Error;

    use jiff::Timestamp;
    use netdiag_probe::{ProbeError, names::ResolverFiles};
    use netdiag_wire::{EndReason, ErrorBody, ErrorCode, Event, Line};
    use tokio::{
        runtime::{Builder, Runtime},
        sync::mpsc::{UnboundedSender, unbounded_channel},
    };

    use crate::{code, finding::Failure, probe::Here};

    /// A thread of its own for a probe whose sockets are open: a slow terminal must not delay what
    /// is measured.
    pub(super) fn start<S: Send + 'static, E: Send + 'static>(
        sockets: Result<S, ProbeError>,
        probe: impl FnOnce(&Runtime, S, &ResolverFiles, &mut dyn FnMut(E)) -> Result<(), ProbeError>
        + Send
        + 'static,
    ) -> Result<Here<E>, Failure> {
        let sockets = sockets.map_err(|error| failure(&error))?;
        let (sender, receiver) = unbounded_channel();
        std::thread::spawn(move || run(sockets, probe, &sender));
        Ok(receiver)
    }

    fn run<S, E>(
        sockets: S,
        probe: impl FnOnce(&Runtime, S, &ResolverFiles, &mut dyn FnMut(E)) -> Result<(), ProbeError>,
        sender: &UnboundedSender<Line<E>>,
    ) {
        let say = |event| {
            // Nobody listens any more once the screen is gone.
            let _ = sender.send(Line { at: Timestamp::now(), event });
        };
        let ended = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => {
                let files = ResolverFiles::of_this_machine();
                probe(&runtime, sockets, &files, &mut |event| say(Event::Probe(event)))
            }
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
