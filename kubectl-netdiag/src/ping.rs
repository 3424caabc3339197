//! `ping`: from the plan over the events to the verdict.

use std::time::Duration;

use jiff::Timestamp;
use netdiag_wire::{
    ErrorCode, Event, Line,
    ping::{PingEvent, PingReport, PingRequest},
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

mod ask;
mod events;
mod stream;

use events::Events;
use stream::{Ending, Seen};

use crate::{
    agent::{nonsense, refusal},
    args::{Origin, PingArgs, Target},
    cluster::{Cluster, agents::Agent, facts, names},
    code,
    diagnose::{self, PingContext},
    finding::{Failure, Finding, Peer, Severity, worst},
    local,
    plan::{Aim, target},
    render::{self, Document, Format, Names, Screen},
    service,
    session::{Clock, Session, Stopped},
};

/// One ping on its way.
struct Ping<'a> {
    args: &'a PingArgs,
    request: PingRequest,
    from: Peer,
    aim: Aim,
    is_default: bool,
    /// Absent where no object was named and this machine sends.
    cluster: Option<&'a Cluster>,
    /// Absent for `--from local`.
    agent: Option<Agent>,
    deadline: Option<Instant>,
    has_header: bool,
}

/// Runs the command; the verdict makes the exit code.
pub(crate) async fn run(args: &PingArgs, session: &mut Session<'_>) -> Result<Severity, Stopped> {
    let clock = Clock::now();
    let target = args.target()?;
    let origin = session.origin(args.from.as_ref())?;
    if origin == Some(Origin::Local) {
        return from_here(args, &target, session, clock).await;
    }
    let cluster = Cluster::open(&args.kube, &session.surroundings)?;
    if let (Some(object), false) = (target.service(), args.icmp) {
        let from = origin.as_ref().and_then(Origin::object);
        let from = from.map(|from| from.word(&cluster.namespace));
        return service::run(&cluster, object, from.as_deref(), session, clock).await;
    }
    let origin = origin.as_ref().and_then(Origin::object);
    let deadline = args.deadline.map(|deadline| clock.deadline(deadline));
    let opened = within(deadline, ask::way(&cluster, &target, origin, args));
    let (aim, mut way) = session.waiting("asking the API server", opened).await?;
    let mut ping = Ping {
        args,
        request: args.request([aim.host.clone()]),
        from: way.start.peer.clone(),
        is_default: way.start.is_default,
        cluster: Some(&cluster),
        agent: Some(way.agent().clone()),
        aim,
        deadline,
        has_header: false,
    };
    let lines = ping.ask_agent(&mut way, session).await?;
    let seen = ping.watch(Events::Agent(lines), session).await?;
    match &seen.ending {
        Ending::Error(error) if !is_cut_off(error.code) => {
            Err(way.refused(error, &ping.aim).await.into())
        }
        Ending::Ended(_) | Ending::Error(_) | Ending::Broken(_) => {
            ping.conclude(seen, session, clock).await
        }
    }
}

/// What ends a probe that ran, other than what keeps it from running.
fn is_cut_off(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::WorkerDied | ErrorCode::Internal | ErrorCode::Unavailable)
}

/// `--from local`: the cluster is asked only for what an object's name stands for.
async fn from_here(
    args: &PingArgs,
    target: &Target,
    session: &mut Session<'_>,
    clock: Clock,
) -> Result<Severity, Stopped> {
    let cluster = match target {
        Target::Object(_) => Some(Cluster::open(&args.kube, &session.surroundings)?),
        Target::Address(_) | Target::Host(_) => None,
    };
    if let (Some(cluster), Some(object), false) = (&cluster, target.service(), args.icmp) {
        return service::run(cluster, object, Some("local"), session, clock).await;
    }
    let deadline = args.deadline.map(|deadline| clock.deadline(deadline));
    let aim = match &cluster {
        Some(cluster) => within(deadline, target::find(cluster, target, args.family())).await?,
        None => target::unlooked(target),
    };
    let mut ping = Ping {
        args,
        request: args.request([aim.host.clone()]),
        from: local::peer(),
        is_default: false,
        cluster: cluster.as_ref(),
        agent: None,
        aim,
        deadline,
        has_header: false,
    };
    let stop = CancellationToken::new();
    let events = Events::Local {
        lines: local::ping(&ping.request, stop.clone())?,
        _stop: stop.drop_guard(),
    };
    let seen = ping.watch(events, session).await?;
    if let Ending::Error(error) = &seen.ending {
        return Err(Failure::new(refusal::code_of(error.code), error.message.to_string()).into());
    }
    ping.conclude(seen, session, clock).await
}

impl Ping<'_> {
    fn is_brief(&self, screen: &Screen) -> bool {
        self.args.brief && screen.format != Format::Ndjson
    }

    /// The agent that answers must be the one that was asked.
    fn accepted(&self, line: &Line<PingEvent>, session: &mut Session<'_>) -> Result<(), Stopped> {
        let (Some(agent), Event::Accepted { node, version, .. }) = (&self.agent, &line.event)
        else {
            return Ok(());
        };
        if node.as_bytes() != agent.node.as_bytes() {
            return Err(nonsense(agent, &format!("an answer of node {node}")).into());
        }
        if let Some(skew) = crate::version::skew(&version.to_string()) {
            writeln!(session.err, "agent {version} on {node} is {skew}")?;
        }
        Ok(())
    }

    /// Who pings whom, once both addresses are known and before anything came back.
    fn header(&mut self, event: &PingEvent, session: &mut Session<'_>) -> Result<(), Stopped> {
        if let PingEvent::Started { address, source, .. } = event {
            self.aim.peer.address.get_or_insert(*address);
            self.from.address.get_or_insert(*source);
        }
        if !std::mem::replace(&mut self.has_header, true) {
            self.trap(session)?;
        }
        Ok(())
    }

    fn trap(&self, session: &mut Session<'_>) -> Result<(), Stopped> {
        let (out, screen) = (&mut *session.out, &session.screen);
        render::header(out, screen, &self.from, std::slice::from_ref(&self.aim.peer))?;
        if let Some((code, lines)) = service::note(&self.aim.peer, true) {
            render::note(out, screen, code, &lines)?;
        }
        Ok(())
    }

    /// The verdict, or the error where the stream did not end as it must.
    async fn conclude(
        self,
        seen: Seen,
        session: &mut Session<'_>,
        clock: Clock,
    ) -> Result<Severity, Stopped> {
        let cause = match &seen.ending {
            Ending::Ended(_) => None,
            Ending::Error(error) => Some(error.message.to_string()),
            Ending::Broken(broken) => match &self.agent {
                Some(agent) => Some(ask::cut_off_cause(broken, agent)?),
                None => Some(broken.to_string()),
            },
        };
        if let Some(cause) = cause {
            return Err(diagnose::cut_off(&seen.reports, &self.request, &self.from, &cause).into());
        }
        let mut context = self.context(seen.names);
        if seen.reports.iter().any(|report| report.lost() > 0) {
            self.look_closer(&mut context).await;
        }
        let judge = |report| diagnose::ping(report, &self.request, &context);
        let findings: Vec<Finding> = seen.reports.iter().flat_map(judge).collect();
        let (out, screen) = (&mut *session.out, &session.screen);
        render::verdict(out, screen, &findings)?;
        let empty = PingReport::default();
        let report = seen.reports.first().unwrap_or(&empty);
        let document = Document::new("PingReport", clock.span(), &findings)
            .from(self.from)
            .to(self.aim.peer)
            .part("ping", report)
            .map_err(std::io::Error::from)?;
        render::document(out, screen, &document)?;
        Ok(worst(&findings))
    }

    fn context(&self, names: Names) -> PingContext {
        PingContext {
            from: self.from.clone(),
            to: self.aim.peer.clone(),
            default_source: self.is_default,
            names,
            target_pod: self.aim.pod.clone(),
            target_node: self.aim.node.clone(),
            now_at: Timestamp::now(),
        }
    }

    /// What only matters when there is something to explain: the target's node as it is now, and
    /// who has an address that was given as such.
    async fn look_closer(&self, context: &mut PingContext) {
        const PATIENCE: Duration = Duration::from_secs(2);
        let Some(cluster) = self.cluster else { return };
        let look = async {
            if let Some(name) = &self.aim.peer.node {
                let node = cluster.ask(cluster.nodes().get(name)).await;
                context.target_node = node.ok().map(|node| facts::of_node(&node));
            } else if let Some(address) = self.aim.peer.address {
                names::add(&mut context.names, cluster.names(address).await);
            }
        };
        // What is not known by then is not said.
        let _ = tokio::time::timeout(PATIENCE, look).await;
    }
}

fn names_of(aim: &Aim) -> Names {
    Names {
        nodes: aim.node.iter().cloned().collect(),
        pods: aim.pod.iter().cloned().collect(),
        services: Vec::new(),
    }
}

/// `--deadline` bounds the looking-up as well.
async fn within<T>(
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
