//! `listen`: who connects to a port of a pod or node, and with `-i` or a pipe the bytes both ways.

use std::io;

use jiff::Timestamp;
use netdiag_wire::{
    EndReason, Event, Line,
    listen::{ListenEvent, ListenFold, ListenRequest},
};
use tokio::time::timeout;

use crate::{
    agent::{Broken, Piece},
    args::ListenArgs,
    cluster::{Cluster, names},
    code, diagnose,
    finding::{Failure, Peer, Severity},
    probe::{self, Conclusion, NAMING, at, interruption},
    render::{self, Names},
    session::{Clock, Session, Stopped},
    stream::{
        Ended, Halt, Input, LineEnd, Local, Looks, Opened, Output, Relayed, Road, Wish, binary,
        relay, unread, wish,
    },
};

mod saved;

pub(crate) use saved::Saved;

/// A listener on its way.
struct Listen<'a> {
    request: ListenRequest,
    place: Peer,
    cluster: Option<&'a Cluster>,
    road: &'a Road<'a>,
    fold: ListenFold,
    names: Names,
    clock: Clock,
    /// Bytes go over stdout, so that the rest goes to stderr.
    is_bytes: bool,
}

/// What is done where stdin has nothing.
const INSTEAD: &str = "it only tells who connects";

/// Runs the command; the verdict makes the exit code.
pub(crate) async fn run(args: &ListenArgs, session: &mut Session<'_>) -> Result<Severity, Stopped> {
    let (clock, request) = (Clock::now(), args.request()?);
    let is_check = args.output.format.is_some() || request.answer.is_some();
    let wish = wish(&args.bytes, (args.bytes.wants_bytes(), is_check), INSTEAD, session).await?;
    let is_bytes = matches!(wish, Wish::Bytes(_));
    let Some(origin) = session.origin(args.source.from.as_ref())? else {
        return Err(nowhere(&request).into());
    };
    let cluster = match origin.object() {
        Some(_) => Some(Cluster::open(&args.kube, &session.surroundings)?),
        None => None,
    };
    let place = cluster.as_ref().zip(origin.object());
    let (mut road, aim) = Road::within("listen", place, &args.source, session).await?;
    let opened = road.send("listen", request.clone(), (&aim, None), session).await?;
    let listen = Listen {
        request,
        place: road.start(),
        cluster: cluster.as_ref(),
        road: &road,
        fold: ListenFold::default(),
        names: Names::default(),
        clock,
        is_bytes,
    };
    road.end(listen.carry_out(args, opened, wish, session).await, &aim).await
}

/// Nobody listens in a place that was not named.
fn nowhere(request: &ListenRequest) -> Failure {
    let message = format!("listen {}: where? Name a pod or a node: --from pod/NAME", request.port);
    Failure::new(code::BAD_VALUE, message)
}

impl Listen<'_> {
    async fn carry_out(
        mut self,
        args: &ListenArgs,
        mut source: Opened<ListenEvent>,
        wish: Wish,
        session: &mut Session<'_>,
    ) -> Result<Severity, Halt> {
        let until = args.deadline.map(|deadline| self.clock.deadline(deadline));
        let ended = tokio::select! {
            biased;
            () = interruption() => Ok(Ended::Reason(EndReason::Cancelled)),
            () = at(until) => Ok(Ended::Reason(EndReason::Deadline)),
            ended = self.attend(args, &mut source, wish, session) => ended,
        };
        let reason = self.road.reason(ended?, &self.progress())?;
        Ok(self.conclude(reason, session)?)
    }

    async fn attend(
        &mut self,
        args: &ListenArgs,
        source: &mut Opened<ListenEvent>,
        wish: Wish,
        session: &mut Session<'_>,
    ) -> Result<Ended, Stopped> {
        match wish {
            Wish::Check => self.watch(source, session).await,
            Wish::Bytes(input) => self.relay(args, source, input, session).await,
        }
    }

    /// Tells who connects; the bytes are thrown away.
    async fn watch(
        &mut self,
        source: &mut Opened<ListenEvent>,
        session: &mut Session<'_>,
    ) -> Result<Ended, Stopped> {
        loop {
            let line = match source.pieces.next().await {
                Ok(Piece::Event(line)) => line,
                Ok(Piece::Data(_) | Piece::End) => continue,
                Err(broken) => return Err(self.broken(&broken).into()),
            };
            self.road.heard(&line, session)?;
            if !matches!(line.event, Event::Heartbeat | Event::Error { .. }) {
                render::stream_line(session.out, &session.screen, &line)?;
            }
            if let Event::Probe(ListenEvent::Accepted { from, .. }) = &line.event {
                self.name(from.ip()).await;
            }
            if let Some(ended) = self.take(line, session)? {
                return Ok(ended);
            }
        }
    }

    /// Asks the cluster who connects, where it is not known yet.
    async fn name(&mut self, address: std::net::IpAddr) {
        let Some(cluster) = self.cluster.filter(|_| self.names.who(address).is_none()) else {
            return;
        };
        if let Ok(more) = timeout(NAMING, cluster.names(address)).await {
            names::add(&mut self.names, more);
        }
    }

    async fn relay(
        &mut self,
        args: &ListenArgs,
        source: &mut Opened<ListenEvent>,
        input: Input,
        session: &mut Session<'_>,
    ) -> Result<Ended, Stopped> {
        let (streams, flags) = (&session.streams, &args.bytes);
        let is_typed = flags.interactive && streams.stdin_is_terminal;
        let looks = match (streams.stdout_is_terminal, flags.interactive && !flags.raw) {
            (true, true) => Looks::Escaped,
            (true, false) => Looks::Text,
            (false, _) => Looks::AsTheyAre,
        };
        let line_end = if flags.is_crlf(is_typed) { LineEnd::CrLf } else { LineEnd::AsItIs };
        let output = Output::new((streams.stdout)()?, looks);
        let local = Local { input, line_end, is_typed, is_telnet: false, output };
        #[cfg(unix)]
        let _keys = is_typed.then(|| crate::stream::Keys::take(io::stdin())).transpose()?;
        let mut received = 0;
        let upload = source.upload.clone();
        let take = |line: Line<ListenEvent>| match self.take(line, session) {
            Ok(ended) => ended.map(Ok),
            Err(stopped) => Some(Err(stopped)),
        };
        match relay(&mut source.pieces, upload, local, &mut received, take).await {
            Relayed::Ended(ended) => ended,
            Relayed::Quit => Ok(Ended::Reason(EndReason::Cancelled)),
            Relayed::Broken(broken) => Err(self.broken(&broken).into()),
            Relayed::Output(cause) if cause.kind() == io::ErrorKind::InvalidData => {
                Err(binary().into())
            }
            Relayed::Output(cause) => Err(Stopped::Write(cause)),
            Relayed::Input(cause) => Err(unread(&cause).into()),
        }
    }

    fn take(
        &mut self,
        line: Line<ListenEvent>,
        session: &mut Session<'_>,
    ) -> Result<Option<Ended>, Stopped> {
        let Line { at, event } = line;
        let Event::Probe(event) = event else { return Ok(Ended::of(event)) };
        self.fold.push(&event, at);
        self.show(&event, at, session)?;
        Ok(None)
    }

    fn show(
        &self,
        event: &ListenEvent,
        at: Timestamp,
        session: &mut Session<'_>,
    ) -> io::Result<()> {
        let out = if self.is_bytes { &mut *session.err } else { &mut *session.out };
        match event {
            ListenEvent::Listening { .. } => {
                render::listening(out, &session.screen, &self.request, &self.place)
            }
            ListenEvent::Accepted { from, arrival, .. } => {
                render::accepted(out, &session.screen, (*from, at), arrival, &self.names)
            }
            ListenEvent::Closed { .. } | ListenEvent::Unknown => Ok(()),
        }
    }

    fn conclude(self, reason: EndReason, session: &mut Session<'_>) -> Result<Severity, Stopped> {
        let report = self.fold.report(Some(reason), None);
        let span = self.clock.span();
        let findings = diagnose::listen(&report, &self.names, span.took_us);
        if self.is_bytes {
            render::verdict(session.err, &session.screen, &findings)?;
            return Ok(crate::finding::worst(&findings));
        }
        let parts = vec![probe::part("listen", &report)?];
        Conclusion { findings, parts }.show("ListenReport", span, (self.place, None), session)
    }

    fn broken(&self, broken: &Broken) -> Failure {
        self.road.broken(&self.progress(), broken)
    }

    fn progress(&self) -> String {
        diagnose::listen_progress(&self.fold.report(None, None))
    }
}
