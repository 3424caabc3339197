//! The probe itself: front's order in, event lines out, until it is done or somebody ends it.

use std::{
    error::Error,
    future::pending,
    io::{self, BufRead, BufReader, Read},
    net::IpAddr,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    pin::pin,
    time::Duration,
};

use netdiag_probe::{ProbeError, names::ResolverFiles};
use netdiag_wire::{EndReason, ErrorBody, Event, MissingRight};
use tokio::{
    runtime::{Builder, Runtime},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Assignment,
    destination::Policy,
    drop,
    lines::{Lines, readable},
    open::{self, Opened},
    probe::{Means, Probe},
    sandbox, stream,
};
use crate::ipc::{MAX_ORDER_BYTES, OPEN_SECONDS, ProbeOrder, WorkerOrder};

/// For a probe that was told to stop to say what it has.
pub(super) const LAST_WORDS: Duration = Duration::from_millis(250);

/// Does what front orders. Nothing, when front thought otherwise.
pub(super) fn probe(assignment: Assignment) -> io::Result<()> {
    let Some(order) = read_order(&assignment.stream)? else { return Ok(()) };
    match &order.probe {
        ProbeOrder::Ping(request) => to_the_end(assignment, &order, request),
        ProbeOrder::Trace(request) => to_the_end(assignment, &order, request),
        ProbeOrder::Dns(request) => to_the_end(assignment, &order, request.as_ref()),
        ProbeOrder::Scan(scan) => to_the_end(assignment, &order, scan.as_ref()),
        ProbeOrder::Sockets(request) => to_the_end(assignment, &order, request.as_ref()),
        ProbeOrder::Facts(request) => to_the_end(assignment, &order, request),
        ProbeOrder::Tls(request) => to_the_end(assignment, &order, request.as_ref()),
        ProbeOrder::Connect(request) => to_the_end(assignment, &order, request.as_ref()),
        ProbeOrder::ConnectStream(request) => stream::to_the_end(assignment, &order, request),
        ProbeOrder::Http(request) => stream::to_the_end(assignment, &order, request.as_ref()),
        ProbeOrder::Listen(request) => stream::to_the_end(assignment, &order, request),
    }
}

fn to_the_end<P: Probe>(
    assignment: Assignment,
    order: &WorkerOrder,
    request: &P,
) -> io::Result<()> {
    let means = Means { descriptors: request.descriptors(), threads: request.threads() };
    let prepared = Prepared::new(assignment, order, means, |dir| {
        open::open(order, request.reads_files(), dir, || request.open())
    })?;
    let Prepared { runtime, stop, stream, opened } = prepared;
    let lines = Lines::new(stream);
    let end = match opened {
        Ok(Opened { sockets, files, guarded }) => {
            let policy = Policy::new(order.may_metadata, guarded, request.traffic(&files));
            runtime.block_on(run(request, sockets, &files, &policy, &stop, &lines))?
        }
        Err(cause) => error(&cause, None),
    };
    match lines.write(end) {
        // front has hung up: nobody is left to tell.
        Err(cause) if cause.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// A worker without any privilege, and what it opened before.
pub(super) struct Prepared<S> {
    pub(super) runtime: Runtime,
    pub(super) stop: Stop,
    pub(super) stream: UnixStream,
    pub(super) opened: Result<Opened<S>, ProbeError>,
}

impl<S> Prepared<S> {
    /// `open` gets `/proc/PID` of the source.
    pub(super) fn new(
        assignment: Assignment,
        order: &WorkerOrder,
        means: Means,
        open: impl FnOnce(&OwnedFd) -> Result<Opened<S>, ProbeError>,
    ) -> io::Result<Self> {
        let Assignment { stream, dir, source, parent, .. } = assignment;
        nix::unistd::alarm::set(OPEN_SECONDS);
        let until = order.deadline_ms.map(|ms| Instant::now() + Duration::from_millis(ms));
        let opened = open(&dir);
        drop(dir);
        drop::everything(parent, means)?;
        // Before the filter: the runtime makes a Unix socket pair for itself.
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let stop = Stop { source, until, is_limit: order.deadline_is_limit };
        // Before the filter, which would leave the alarm to end the probe.
        nix::unistd::alarm::cancel();
        sandbox::close(means.threads);
        Ok(Self { runtime, stop, stream, opened })
    }
}

/// One line, and no byte after it: front waits for the answer. None when front thought otherwise.
fn read_order(stream: &UnixStream) -> io::Result<Option<WorkerOrder>> {
    let mut line = Vec::new();
    BufReader::new(stream.take(MAX_ORDER_BYTES as u64)).read_until(b'\n', &mut line)?;
    if line.is_empty() { Ok(None) } else { Ok(Some(serde_json::from_slice(&line)?)) }
}

async fn run<P: Probe>(
    request: &P,
    sockets: P::Sockets,
    files: &ResolverFiles,
    policy: &Policy,
    stop: &Stop,
    lines: &Lines,
) -> io::Result<Event<P::Event>> {
    let token = CancellationToken::new();
    let destination =
        |address: IpAddr| policy.check(address).map_err(|off_limits| off_limits.to(address));
    // A stream that cannot be written to is closed, and that ends the probe.
    let mut emit = |event| {
        let _ = lines.write(Event::Probe(event));
    };
    let probing = request.run(sockets, files, &destination, &mut emit, token.clone());
    let mut probing = pin!(probing);
    let (ended, reason) = tokio::select! {
        biased;
        ended = &mut probing => (ended, EndReason::Completed),
        reason = stop.reason(lines.closed()) => {
            token.cancel();
            (timeout(LAST_WORDS, probing).await.unwrap_or(Ok(())), reason?)
        }
    };
    Ok(match ended {
        Ok(()) => Event::End { reason },
        Err(cause) => error(&cause, policy.missing()),
    })
}

/// What ends a probe from outside.
pub(super) struct Stop {
    /// Readable when the source has ended.
    source: Option<OwnedFd>,
    until: Option<Instant>,
    is_limit: bool,
}

impl Stop {
    /// `closed` ends when front has hung up.
    pub(super) async fn reason(
        &self,
        closed: impl Future<Output = io::Result<()>>,
    ) -> io::Result<EndReason> {
        let deadline = async {
            match self.until {
                Some(until) => sleep_until(until).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = deadline => Ok(if self.is_limit { EndReason::Limit } else { EndReason::Deadline }),
            gone = self.source_gone() => gone.map(|()| EndReason::SourceGone),
            closed = closed => closed.map(|()| EndReason::Cancelled),
        }
    }

    async fn source_gone(&self) -> io::Result<()> {
        match &self.source {
            Some(pidfd) => readable(pidfd.as_fd()).await,
            None => pending().await,
        }
    }
}

/// With every cause; `user` of a missing right is front's to say.
pub(super) fn error<E>(cause: &ProbeError, missing: Option<&'static str>) -> Event<E> {
    let mut message = cause.to_string();
    let mut source = cause.source();
    while let Some(deeper) = source {
        message = format!("{message}: {deeper}");
        source = deeper.source();
    }
    let mut body = ErrorBody::new(cause.code(), message);
    body.missing = missing.map(|right| MissingRight {
        resource: "destinations".into(),
        right: right.into(),
        namespace: None,
        user: "".into(),
    });
    Event::Error { error: body }
}
