//! `tls --cert --key`: the handshake is made in this process, over a byte stream from the source, so
//! that the key stays here.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use netdiag_tls::{BadOffer, Client, shake};
use netdiag_wire::{
    EndReason, Event, Line,
    connect::{
        ConnectAttempt, ConnectOutcome,
        stream::{ConnectStreamEvent, ConnectStreamRequest, ConnectionEnd},
    },
    tls::{TlsEnd, TlsEvent, TlsHandshake, TlsPurpose, TlsReport},
};
use rustls::sign::CertifiedKey;
use tokio::{sync::oneshot, time::Instant};

use super::Tls;
use crate::{
    agent::{Broken, Piece},
    args::{ProbeArgs, TlsArgs},
    cert, code,
    finding::{Failure, Finding, Label, Severity},
    probe::{self, Ends, Probe, at, interruption, is_cut_off, within},
    render,
    session::{Clock, Session, Stopped},
    stream::{Between, Halt, Opened, Pieces, Road, bytes},
};

/// How the connection ended is told right behind its last byte.
const TOLD: Duration = Duration::from_secs(2);

/// One handshake on its way.
struct Keyed<'a> {
    tls: Tls<'a>,
    ends: Ends<'a>,
    road: &'a Road<'a>,
    own: Arc<CertifiedKey>,
    clock: Clock,
    deadline: Option<Instant>,
}

/// Runs the command, in whichever way; the verdict makes the exit code.
pub(crate) async fn run(args: &TlsArgs, session: &mut Session<'_>) -> Result<Severity, Stopped> {
    let Some((certificate, key)) = args.client() else {
        return probe::run::<Tls<'_>>(args, session).await;
    };
    let own = cert::client(certificate, key).await?;
    let clock = Clock::now();
    let deadline = args.deadline().map(|deadline| clock.deadline(deadline));
    let (target, source) = (&args.target()?, args.source());
    let origin = session.origin(source.from.as_ref())?;
    let between = Between { target, origin: origin.as_ref(), source, deadline };
    let cluster = between.cluster(args.kube(), session)?;
    let (mut road, mut ends) = between.open("connect", cluster.as_ref(), session).await?;
    let tls = within(deadline, Tls::begin(args, &mut ends)).await?;
    let below = ConnectStreamRequest::of(&tls.request.connection());
    let opened = road.send("connect/stream", below, (&ends.aim, deadline), session).await?;
    let aim = ends.aim.clone();
    let keyed = Keyed { tls, ends, road: &road, own, clock, deadline };
    road.end(keyed.run(opened, session).await, &aim).await
}

impl Keyed<'_> {
    async fn run(
        mut self,
        opened: Opened<ConnectStreamEvent>,
        session: &mut Session<'_>,
    ) -> Result<Severity, Halt> {
        let deadline = self.deadline;
        let reason = tokio::select! {
            biased;
            () = interruption() => EndReason::Cancelled,
            () = at(deadline) => EndReason::Deadline,
            ended = self.shake(opened, session) => ended?,
        };
        let conclusion = self.tls.conclude(&self.ends, Some(reason), session).await?;
        let peers = (self.ends.from, Some(self.ends.aim.peer));
        Ok(conclusion.show(Tls::KIND, self.clock.span(), peers, session)?)
    }

    /// Connection, handshake, and what was shown in it: as events of an agent's that made it.
    async fn shake(
        &mut self,
        opened: Opened<ConnectStreamEvent>,
        session: &mut Session<'_>,
    ) -> Result<EndReason, Halt> {
        let purpose = TlsPurpose::Asked;
        let Opened { mut pieces, upload, stop: _stop } = opened;
        let attempt = match self.connected(&mut pieces, session).await? {
            Ok(attempt) => attempt,
            Err(reason) => return Ok(reason),
        };
        self.dialing(&attempt, session).await?;
        let (remote, is_well) = (attempt.remote, super::is_connected(&attempt));
        self.say(TlsEvent::Connection { purpose, attempt }, session).await?;
        if !is_well {
            return Ok(EndReason::Completed);
        }
        let request = &self.tls.request;
        let client = Client::new(&request.offer, remote.ip(), Some(Arc::clone(&self.own)));
        let client = client.map_err(|cause| bad_offer(&cause))?;
        let (stream, told) = bytes(pieces, upload);
        let told = last(told);
        let until = Instant::now() + Duration::from_micros(request.handshake_us.into());
        let (handshake, shown) = shake(request, &client, stream, until).await;
        let end = self.end(handshake.end, told).await?;
        for event in shown.events(purpose) {
            self.say(event, session).await?;
        }
        let handshake = TlsHandshake { purpose, end, ..handshake };
        self.say(TlsEvent::Handshake(Box::new(handshake)), session).await?;
        Ok(EndReason::Completed)
    }

    /// To the connection, whatever became of it.
    async fn connected(
        &self,
        pieces: &mut Pieces<ConnectStreamEvent>,
        session: &mut Session<'_>,
    ) -> Result<Result<ConnectAttempt, EndReason>, Halt> {
        loop {
            let line = match pieces.next().await {
                Ok(Piece::Event(line)) => line,
                Ok(Piece::Data(_) | Piece::End) => {
                    return Err(self.road.nonsense("bytes before a connection").into());
                }
                Err(broken) => return Err(self.broken(&broken).into()),
            };
            self.road.heard(&line, session)?;
            match line.event {
                Event::Probe(event) => {
                    if let Some(attempt) = attempt(event) {
                        return Ok(Ok(attempt));
                    }
                }
                Event::End { reason } => return Ok(Err(reason)),
                Event::Error { error } if is_cut_off(error.code) => {
                    return Err(self.cut(&error.message.to_string()).into());
                }
                Event::Error { error } => return Err(Halt::Refused(Box::new(error))),
                Event::Accepted { .. } | Event::Heartbeat => {}
            }
        }
    }

    async fn dialing(
        &mut self,
        attempt: &ConnectAttempt,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        let request = &self.tls.request;
        let (host, port) = (request.host.as_str().into(), request.port);
        let addresses = vec![attempt.remote.ip()];
        let source = attempt.local.map(|local| local.ip());
        self.say(TlsEvent::Dialing { host, port, addresses, source }, session).await
    }

    async fn say(&mut self, event: TlsEvent, session: &mut Session<'_>) -> Result<(), Stopped> {
        let at = Timestamp::now();
        let line = Line { at, event: Event::Probe(event.clone()) };
        render::stream_line(session.out, &session.screen, &line)?;
        self.tls.take(&mut self.ends, event, at, session).await
    }

    /// A stream that ended may have been reset, or cut off on this side of the source.
    async fn end(
        &self,
        end: TlsEnd,
        told: oneshot::Receiver<Result<Line<ConnectStreamEvent>, Broken>>,
    ) -> Result<TlsEnd, Failure> {
        if end != TlsEnd::Closed {
            return Ok(end);
        }
        let Ok(Ok(told)) = tokio::time::timeout(TOLD, told).await else { return Ok(end) };
        match told.map_err(|broken| self.broken(&broken))?.event {
            Event::Probe(ConnectStreamEvent::Closed { end: ConnectionEnd::Reset, .. }) => {
                Ok(TlsEnd::Reset)
            }
            Event::Error { error } => Err(self.cut(&error.message.to_string())),
            _ => Ok(end),
        }
    }

    fn broken(&self, broken: &Broken) -> Failure {
        self.road.broken(&self.tls.progress(), broken)
    }

    fn cut(&self, cause: &str) -> Failure {
        self.road.cut(&self.tls.progress(), cause)
    }
}

/// What became of the client's certificate, and where its key was.
pub(super) fn note(findings: &mut [Finding], report: &TlsReport) {
    let Some(first) = findings.first_mut() else { return };
    let handshake = report.asked.as_ref().and_then(|asked| asked.handshake.as_ref());
    let Some(handshake) = handshake else { return };
    let sent = match &handshake.asked {
        Some(asked) if asked.sent => None,
        Some(_) => Some("the key signs in no way that the server takes: no certificate was sent"),
        None if handshake.agreed.is_some() => Some(
            "no client certificate was asked for, so none was sent: it is not known whether this one is good",
        ),
        None => None,
    };
    first.labels.extend(sent.map(|sent| Label::Note(sent.into())));
    let here = "the handshake was made on this machine, over a byte stream from the source: the \
                key stays here, and the times are those of both ways";
    first.labels.push(Label::Note(here.into()));
}

/// A connection as connect has it.
pub(crate) fn attempt(event: ConnectStreamEvent) -> Option<ConnectAttempt> {
    let (remote, local, took_us, outcome) = match event {
        ConnectStreamEvent::Connected { remote, local, took_us, intercepted: false } => {
            let outcome = ConnectOutcome::Connected { banner: None, closed: false };
            (remote, Some(local), took_us, outcome)
        }
        ConnectStreamEvent::Connected { remote, local, took_us, intercepted: true } => {
            (remote, Some(local), took_us, ConnectOutcome::Intercepted)
        }
        ConnectStreamEvent::NotConnected { remote, took_us, more: false, outcome } => {
            (remote, None, took_us, outcome)
        }
        // The next one is what counts.
        ConnectStreamEvent::NotConnected { more: true, .. } => return None,
        ConnectStreamEvent::Closed { .. } | ConnectStreamEvent::Unknown => return None,
    };
    let (target, round, beside, mss) = (0, 1, false, None);
    Some(ConnectAttempt { target, round, remote, local, took_us, mss, beside, outcome })
}

/// Of what is told besides the bytes: the first that is no sign of life.
fn last(
    mut told: Pieces<ConnectStreamEvent>,
) -> oneshot::Receiver<Result<Line<ConnectStreamEvent>, Broken>> {
    let (tell, heard) = oneshot::channel();
    tokio::spawn(async move {
        loop {
            match told.next().await {
                Ok(Piece::Event(Line { event: Event::Heartbeat, .. })) => {}
                Ok(Piece::Data(_) | Piece::End) => {}
                Ok(Piece::Event(line)) => return drop(tell.send(Ok(line))),
                Err(broken) => return drop(tell.send(Err(broken))),
            }
        }
    });
    heard
}

fn bad_offer(cause: &BadOffer) -> Failure {
    Failure::new(code::BAD_VALUE, format!("--servername: {cause}"))
}
