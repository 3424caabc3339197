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
use tokio_util::sync::CancellationToken;

use super::Tls;
use crate::{
    agent::{Broken, Piece, Upload},
    args::{Origin, ProbeArgs, Target, TlsArgs},
    cert,
    cluster::{Cluster, agents::Agent},
    code,
    diagnose::cut_off,
    finding::{Failure, Finding, Label, Severity},
    local,
    plan::target,
    probe::{
        self, Ends, Probe, interruption, is_cut_off,
        way::{self, Route},
        within,
    },
    render,
    session::{Clock, Session, Stopped},
    stream::{Halt, Pieces, bytes, here},
};

/// How the connection ended is told right behind its last byte.
const TOLD: Duration = Duration::from_secs(2);

/// One handshake on its way.
struct Keyed<'a> {
    tls: Tls<'a>,
    ends: Ends<'a>,
    /// Absent for `--from local`.
    agent: Option<Agent>,
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
    let (target, source) = (args.target()?, args.source());
    let origin = session.origin(source.from.as_ref())?;
    if origin == Some(Origin::Local) {
        return from_here(args, (own, clock, deadline), session).await;
    }
    let cluster = Cluster::open(args.kube(), &session.surroundings)?;
    let route = Route::Between(&target, origin.as_ref().and_then(Origin::object));
    let opened = within(deadline, way::open("connect", &cluster, route, source));
    let (aim, mut way) = session.waiting("asking the API server", opened).await?;
    let (from, is_default) = (way.start.peer.clone(), way.start.is_default);
    let account = Some(way.account());
    let mut ends = Ends { from, aim, is_default, cluster: Some(&cluster), account };
    let tls = within(deadline, Tls::begin(args, &mut ends)).await?;
    let request = ConnectStreamRequest::of(&tls.request.connection());
    let asked =
        way.ask(&ends.aim, (&request, deadline), session, async |connection, token, request| {
            connection.bytes("connect/stream", token, request).await
        });
    let (frames, upload) = asked.await?;
    let (agent, aim) = (Some(way.start.agent.clone()), ends.aim.clone());
    let keyed = Keyed { tls, ends, agent, own, clock, deadline };
    match keyed.run(Pieces::Agent(frames), upload, session).await {
        Err(Halt::Refused(error)) => Err(way.refused(&error, &aim).await.into()),
        Err(Halt::Stopped(stopped)) => Err(stopped),
        Ok(severity) => Ok(severity),
    }
}

async fn from_here(
    args: &TlsArgs,
    (own, clock, deadline): (Arc<CertifiedKey>, Clock, Option<Instant>),
    session: &mut Session<'_>,
) -> Result<Severity, Stopped> {
    let target = args.target()?;
    let cluster = match &target {
        Target::Object(_) => Some(Cluster::open(args.kube(), &session.surroundings)?),
        Target::Address(_) | Target::Host(_) => None,
    };
    let aim = match &cluster {
        Some(cluster) => {
            within(deadline, target::find(cluster, &target, args.source().family())).await?
        }
        None => target::unlooked(&target),
    };
    let (from, cluster) = (local::peer(), cluster.as_ref());
    let mut ends = Ends { from, aim, is_default: false, cluster, account: None };
    let tls = within(deadline, Tls::begin(args, &mut ends)).await?;
    let stop = CancellationToken::new();
    let (pieces, upload) =
        local::start_stream(ConnectStreamRequest::of(&tls.request.connection()), stop.clone())?;
    let _stop = stop.drop_guard();
    let keyed = Keyed { tls, ends, agent: None, own, clock, deadline };
    here(keyed.run(pieces, upload, session).await)
}

impl Keyed<'_> {
    async fn run(
        mut self,
        pieces: Pieces<ConnectStreamEvent>,
        upload: Upload,
        session: &mut Session<'_>,
    ) -> Result<Severity, Halt> {
        let deadline = self.deadline;
        let reason = tokio::select! {
            biased;
            () = interruption() => EndReason::Cancelled,
            () = passed(deadline) => EndReason::Deadline,
            ended = self.shake(pieces, upload, session) => ended?,
        };
        let conclusion = self.tls.conclude(&self.ends, Some(reason), session).await?;
        let peers = (self.ends.from, Some(self.ends.aim.peer));
        Ok(conclusion.show(Tls::KIND, self.clock.span(), peers, session)?)
    }

    /// Connection, handshake, and what was shown in it: as events of an agent's that made it.
    async fn shake(
        &mut self,
        mut pieces: Pieces<ConnectStreamEvent>,
        upload: Upload,
        session: &mut Session<'_>,
    ) -> Result<EndReason, Halt> {
        let purpose = TlsPurpose::Asked;
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
                    let message = "bytes before a connection";
                    return Err(Failure::new(code::PROTOCOL, message).into());
                }
                Err(broken) => return Err(self.broken(&broken).into()),
            };
            if let Some(agent) = &self.agent {
                probe::accepted(agent, &line, session)?;
            }
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
        match &self.agent {
            None => self.cut(&broken.to_string()),
            Some(agent) => match way::cut_off_cause(broken, agent) {
                Ok(cause) => self.cut(&cause),
                Err(failure) => failure,
            },
        }
    }

    fn cut(&self, cause: &str) -> Failure {
        cut_off(&self.tls.progress(), &self.ends.from, cause)
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
        ConnectStreamEvent::NotConnected { remote, took_us, outcome } => {
            (remote, None, took_us, outcome)
        }
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

async fn passed(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
