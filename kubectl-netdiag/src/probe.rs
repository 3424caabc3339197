//! What every probe shares: from the plan over the agent's events to the verdict.
//!
//! Knows no probe; each says by [`Probe`] what is asked, shown and concluded.

use jiff::Timestamp;
use netdiag_wire::{EndReason, ErrorCode, Event, Line};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::{sync::mpsc::UnboundedReceiver, time::Instant};
use tokio_util::sync::CancellationToken;

mod ends;
mod events;
mod watch;
pub(crate) mod way;

pub(crate) use ends::{Ends, NAMING};
pub(crate) use events::Events;
use watch::Ending;
pub(crate) use watch::{GRACE, at, interruption};
use way::Route;

use crate::{
    agent::{nonsense, refusal},
    args::{Origin, ProbeArgs, Target},
    cluster::{Cluster, agents::Agent},
    code,
    diagnose::cut_off,
    finding::{Failure, Finding, Peer, Severity, worst},
    local,
    plan::target,
    render::{self, Document, Span},
    session::{Clock, Session, Stopped},
};

/// Events of a probe that this process runs itself.
pub(crate) type Here<E> = UnboundedReceiver<Line<E>>;

/// One run of a probe.
pub(crate) trait Probe<'a>: Sized {
    /// The subcommand, the last segment of the URL and the probe's key in the document.
    const NAME: &'static str;
    /// `kind` of the document.
    const KIND: &'static str;
    /// A right over the target counts as well: it is shown by a token of its own.
    const SHOWS_RIGHT: bool = false;
    type Args: ProbeArgs;
    type Request: Clone + Serialize + local::Engine<Self::Event>;
    type Event: DeserializeOwned + Serialize + Send + 'static;

    /// Both ends are found: settles what is asked.
    async fn begin(args: &'a Self::Args, ends: &mut Ends<'_>) -> Result<Self, Failure>;

    fn request(&self) -> &Self::Request;

    /// One event: to the screen, and kept for the report.
    async fn take(
        &mut self,
        ends: &mut Ends<'_>,
        event: Self::Event,
        at: Timestamp,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped>;

    /// When something is to be shown even if no event comes.
    fn due(&self) -> Option<Instant> {
        None
    }

    /// It is due, or nothing more will come.
    async fn tick(&mut self, _: &mut Ends<'_>, _: &mut Session<'_>) -> Result<(), Stopped> {
        Ok(())
    }

    /// How far it came, for `cut off after ...`: `41 of 100 echoes (41 replied)`.
    fn progress(&self) -> String;

    /// What only this probe knows of a refusal.
    async fn explain(&self, _: &Ends<'_>, failure: Failure) -> Failure {
        failure
    }

    /// The last evidence, and what all of it means.
    async fn conclude(
        self,
        ends: &Ends<'_>,
        ended: Option<EndReason>,
        session: &mut Session<'_>,
    ) -> Result<Conclusion, Stopped>;
}

/// What a probe comes to.
pub(crate) struct Conclusion {
    pub(crate) findings: Vec<Finding>,
    /// The probe's own keys of the document.
    pub(crate) parts: Vec<(&'static str, Value)>,
}

/// A probe on its way.
struct Run<'a, P> {
    probe: P,
    ends: Ends<'a>,
    /// Absent for `--from local`.
    agent: Option<Agent>,
    deadline: Option<Instant>,
}

/// Runs the command; the verdict makes the exit code.
pub(crate) async fn run<'a, P: Probe<'a>>(
    args: &'a P::Args,
    session: &mut Session<'_>,
) -> Result<Severity, Stopped> {
    let clock = Clock::now();
    let (target, source) = (args.target()?, args.source());
    let place = args.place()?;
    let origin = match &place {
        Some(place) => Some(place.clone()),
        None => session.origin(source.from.as_ref())?,
    };
    if origin == Some(Origin::Local) {
        return from_here::<P>(args, &target, session, clock).await;
    }
    let cluster = Cluster::open(args.kube(), &session.surroundings)?;
    let deadline = args.deadline().map(|deadline| clock.deadline(deadline));
    let route = match (place.is_some(), origin.as_ref().and_then(Origin::object)) {
        (true, Some(place)) => Route::Within(place),
        (_, origin) => Route::Between(&target, origin),
    };
    let opened = within(deadline, way::open(P::NAME, &cluster, route, source));
    let (aim, mut way) = session.waiting("asking the API server", opened).await?;
    let (from, is_default) = (way.start.peer.clone(), way.start.is_default);
    let account = Some(way.account());
    let mut ends = Ends { from, aim, is_default, cluster: Some(&cluster), account };
    if P::SHOWS_RIGHT {
        way.show_right(&ends.aim, source.service_account.as_ref()).await;
    }
    let probe = within(deadline, P::begin(args, &mut ends)).await?;
    let agent = Some(way.start.agent.clone());
    let mut run = Run { probe, ends, agent, deadline };
    let lines = run.ask(&mut way, session).await?;
    match run.watch(Events::Agent(lines), session).await? {
        Ending::Error(error) if !is_cut_off(error.code) => {
            let failure = way.refused(&error, &run.ends.aim).await;
            Err(run.probe.explain(&run.ends, failure).await.into())
        }
        ending => run.conclude(ending, session, clock).await,
    }
}

/// The agent that answers must be the one that was asked.
pub(crate) fn accepted<E>(
    agent: &Agent,
    line: &Line<E>,
    session: &mut Session<'_>,
) -> Result<(), Stopped> {
    of_agent(agent, line)?;
    let Event::Accepted { node, version, .. } = &line.event else { return Ok(()) };
    if let Some(skew) = crate::version::skew(&version.to_string()) {
        writeln!(session.err, "agent {version} on {node} is {skew}")?;
    }
    Ok(())
}

/// The first line names the node.
pub(crate) fn of_agent<E>(agent: &Agent, line: &Line<E>) -> Result<(), Failure> {
    match &line.event {
        Event::Accepted { node, .. } if node.as_bytes() != agent.node.as_bytes() => {
            Err(nonsense(agent, &format!("an answer of node {node}")))
        }
        _ => Ok(()),
    }
}

/// What ends a probe that ran, other than what keeps it from running.
pub(crate) fn is_cut_off(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::WorkerDied | ErrorCode::Internal | ErrorCode::Unavailable)
}

/// `--from local`: the cluster is asked only for what an object's name stands for.
async fn from_here<'a, P: Probe<'a>>(
    args: &'a P::Args,
    to: &Target,
    session: &mut Session<'_>,
    clock: Clock,
) -> Result<Severity, Stopped> {
    let source = args.source();
    let cluster = match to {
        Target::Object(_) => Some(Cluster::open(args.kube(), &session.surroundings)?),
        Target::Address(_) | Target::Host(_) => None,
    };
    let deadline = args.deadline().map(|deadline| clock.deadline(deadline));
    let aim = match &cluster {
        Some(cluster) => within(deadline, target::find(cluster, to, source.family())).await?,
        None => target::unlooked(to),
    };
    let from = local::peer();
    let cluster = cluster.as_ref();
    let mut ends = Ends { from, aim, is_default: false, cluster, account: None };
    let probe = within(deadline, P::begin(args, &mut ends)).await?;
    let stop = CancellationToken::new();
    let lines = local::start(probe.request().clone(), stop.clone(), None)?;
    let events = Events::Here { lines, _stop: stop.drop_guard() };
    let mut run = Run { probe, ends, agent: None, deadline };
    match run.watch(events, session).await? {
        Ending::Error(error) => {
            Err(Failure::new(refusal::code_of(error.code), error.message.to_string()).into())
        }
        ending => run.conclude(ending, session, clock).await,
    }
}

impl<'a, P: Probe<'a>> Run<'_, P> {
    fn accepted(&self, line: &Line<P::Event>, session: &mut Session<'_>) -> Result<(), Stopped> {
        self.agent.as_ref().map_or(Ok(()), |agent| accepted(agent, line, session))
    }

    /// The verdict, or the error where the stream did not end as it must.
    async fn conclude(
        mut self,
        ending: Ending,
        session: &mut Session<'_>,
        clock: Clock,
    ) -> Result<Severity, Stopped> {
        let cause = match (&ending, &self.agent) {
            (Ending::Ended(_), _) => None,
            (Ending::Error(error), _) => Some(error.message.to_string()),
            (Ending::Broken(broken), Some(agent)) => Some(way::cut_off_cause(broken, agent)?),
            (Ending::Broken(broken), None) => Some(broken.to_string()),
        };
        if let Some(cause) = cause {
            self.probe.tick(&mut self.ends, session).await?;
            return Err(cut_off(&self.probe.progress(), &self.ends.from, &cause).into());
        }
        let conclusion = self.probe.conclude(&self.ends, ending.reason(), session).await?;
        let peers = (self.ends.from, Some(self.ends.aim.peer));
        conclusion.show(P::KIND, clock.span(), peers, session)
    }
}

impl Conclusion {
    /// The verdict, and the document around the probe's own parts.
    pub(crate) fn show(
        self,
        kind: &str,
        span: Span,
        (from, to): (Peer, Option<Peer>),
        session: &mut Session<'_>,
    ) -> Result<Severity, Stopped> {
        let (out, screen) = (&mut *session.out, &session.screen);
        render::verdict(out, screen, &self.findings)?;
        let mut document = Document::new(kind, span, &self.findings).from(from);
        if let Some(to) = to {
            document = document.to(to);
        }
        for (name, part) in self.parts {
            document = document.part(name, &part).map_err(std::io::Error::from)?;
        }
        render::document(out, screen, &document)?;
        Ok(worst(&self.findings))
    }
}

/// A report as a part of the document.
pub(crate) fn part(
    name: &'static str,
    report: &impl Serialize,
) -> Result<(&'static str, Value), Stopped> {
    Ok((name, serde_json::to_value(report).map_err(std::io::Error::from)?))
}

/// `--deadline` bounds the looking-up as well.
pub(crate) async fn within<T>(
    deadline: Option<Instant>,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    match deadline {
        None => work.await,
        Some(deadline) => tokio::time::timeout_at(deadline, work).await.unwrap_or_else(|_| {
            let message = "the deadline passed before anything was sent: the API server is slow";
            Err(Failure::new(code::API_SERVER, message))
        }),
    }
}
