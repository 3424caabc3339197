//! What is sent for a Service: connections through its address and to each endpoint, and echoes to
//! the endpoints; all from one source.

use std::net::IpAddr;

use netdiag_wire::{
    EndReason, Event,
    connect::{
        self, ConnectAttempt, ConnectEvent, ConnectOutcome, ConnectProtocol, ConnectRequest,
        ConnectTarget,
    },
    ping::{MIN_INTERVAL_US, PingEvent, PingFold, PingReport, PingRequest, PingTarget},
};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::{
    backends::{Endpoint, ServicePort},
    doors::Door,
};
use crate::{
    plan::{Aim, PortProtocol},
    probe::Events,
    session::{Session, Stopped},
    stream::{Ended, Halt, Road},
};

/// More endpoints than this are not all probed.
pub(crate) const MAX_PROBED: usize = 20;
/// Connections to each endpoint, and echoes.
const ROUNDS: u8 = 3;
/// Connections through the Service's address at once, a third of them all.
const MAX_THROUGH: usize = 10;

/// Whom to ask.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Absent: the Service has none.
    pub(crate) address: Option<IpAddr>,
    pub(crate) doors: Vec<Door>,
    pub(crate) endpoints: Vec<Endpoint>,
    /// Those that can be asked: TCP and UDP.
    pub(crate) ports: Vec<ServicePort>,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    /// In the plan's order of endpoints; empty where none were sent.
    pub(crate) echoes: Vec<PingReport>,
    /// How many routers the first echo of each crossed on its way back.
    pub(crate) routers: Vec<Option<u8>>,
    /// In the plan's order of ports.
    pub(crate) ports: Vec<Answers>,
    /// Why no echo was sent.
    pub(crate) no_echo: Option<String>,
}

/// Of one port.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    /// Through the Service's address.
    pub(crate) through: Tally,
    /// In the plan's order of doors.
    pub(crate) doors: Vec<Tally>,
    /// In the plan's order of endpoints; without attempts where it has no such port.
    pub(crate) endpoints: Vec<Tally>,
}

/// The same question several times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(pub(crate) Vec<ConnectAttempt>);

/// Whom a target of the request stands for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    port: usize,
    whom: Whom,
}

#[derive(Clone, Copy, Debug)]
enum Whom {
    /// The Service's address.
    Address,
    Door(usize),
    Endpoint(usize),
}

impl Plan {
    /// Sends it all; what one probe is refused for leaves the others as they are.
    pub(crate) async fn run(
        &self,
        road: &mut Road<'_>,
        (aim, deadline): (&Aim, Option<Instant>),
        session: &mut Session<'_>,
    ) -> Result<Measured, Halt> {
        let mut measured = Measured::new(self);
        let echoes = match self.pings() {
            None => None,
            Some(request) => {
                match road.ask("ping", request.clone(), (aim, deadline), session).await {
                    Ok(events) => Some((request, events)),
                    Err(Stopped::Failure(failure)) => {
                        measured.no_echo = Some(failure.message);
                        None
                    }
                    Err(stopped) => return Err(stopped.into()),
                }
            }
        };
        for (protocol, word) in [(ConnectProtocol::Tcp, "TCP"), (ConnectProtocol::Udp, "UDP")] {
            let progress = format!("some of its {word} probes");
            for (request, asked) in self.requests(protocol) {
                let events = road.ask("connect", request, (aim, deadline), session).await?;
                let take = |event| measured.attempt(&asked, event);
                hear(road, events, &progress, session, take).await?;
            }
        }
        if let Some((request, events)) = echoes {
            let mut fold = PingFold::new(&request);
            let routers = &mut measured.routers;
            let ended = hear(road, events, "some of its echoes", session, |event| {
                note_routers(routers, &event);
                fold.push(&event);
            });
            match ended.await {
                Ok(_) => measured.echoes = fold.reports(None, None),
                Err(Halt::Refused(error)) => measured.no_echo = Some(error.message.to_string()),
                Err(halt) => return Err(halt),
            }
        }
        Ok(measured)
    }

    /// Each with whom its targets stand for. All rounds at once: those that are silent are waited
    /// for together.
    pub(super) fn requests(&self, protocol: ConnectProtocol) -> Vec<(ConnectRequest, Vec<Asked>)> {
        let all = self.connects(protocol).repeat(usize::from(ROUNDS));
        let chunks = all.chunks(connect::MAX_TARGETS);
        chunks.map(|asked| (self.connect(protocol, asked), asked.to_vec())).collect()
    }

    fn pings(&self) -> Option<PingRequest> {
        let host = |endpoint: &Endpoint| PingTarget { host: endpoint.address.to_string() };
        let first = self.endpoints.first()?;
        Some(PingRequest {
            targets: self.endpoints.iter().map(host).collect(),
            count: Some(std::num::NonZeroU8::new(ROUNDS)?.into()),
            interval_us: MIN_INTERVAL_US,
            ..PingRequest::to(first.address.to_string())
        })
    }

    fn connects(&self, protocol: ConnectProtocol) -> Vec<Asked> {
        let wanted = match protocol {
            ConnectProtocol::Tcp => PortProtocol::Tcp,
            ConnectProtocol::Udp => PortProtocol::Udp,
        };
        let times = self.address.map_or(0, |_| self.endpoints.len().clamp(1, MAX_THROUGH));
        let ports = self.ports.iter().enumerate();
        ports
            .filter(|(_, port)| port.declared.protocol == wanted)
            .flat_map(|(at, port)| {
                let has_it =
                    move |(_, endpoint): &(usize, &Endpoint)| endpoint.port(port).is_some();
                let endpoints = self.endpoints.iter().enumerate().filter(has_it);
                let asked = move |whom| Asked { port: at, whom };
                let through = std::iter::repeat_n(Whom::Address, times);
                let has_door = move |(_, door): &(usize, &Door)| door.port(port).is_some();
                let doors = self.doors.iter().enumerate().filter(has_door);
                let doors = doors.map(|(door, _)| Whom::Door(door));
                let endpoints = endpoints.map(|(endpoint, _)| Whom::Endpoint(endpoint));
                through.chain(doors).chain(endpoints).map(asked)
            })
            .collect()
    }

    fn connect(&self, protocol: ConnectProtocol, asked: &[Asked]) -> ConnectRequest {
        let target = |asked: &Asked| {
            let port = &self.ports[asked.port];
            let (address, number) = match asked.whom {
                Whom::Address => (self.address, Some(port.declared.number)),
                Whom::Door(at) => (Some(self.doors[at].address), self.doors[at].port(port)),
                Whom::Endpoint(at) => {
                    (Some(self.endpoints[at].address), self.endpoints[at].port(port))
                }
            };
            Some(ConnectTarget { host: address?.to_string(), port: number? })
        };
        ConnectRequest {
            targets: asked.iter().filter_map(target).collect(),
            protocol,
            banner_us: 0,
            concurrency: connect::MAX_CONCURRENCY,
            ..ConnectRequest::to("", 0)
        }
    }
}

/// Each event to `take`, until the probe's own end.
pub(super) async fn hear<E: DeserializeOwned>(
    road: &Road<'_>,
    mut events: Events<E>,
    progress: &str,
    session: &mut Session<'_>,
    mut take: impl FnMut(E),
) -> Result<EndReason, Halt> {
    loop {
        let line = events.next().await.map_err(|broken| road.broken(progress, &broken))?;
        road.heard(&line, session)?;
        // No line of -o ndjson: events of two probes in one stream could not be told apart.
        match line.event {
            Event::Probe(event) => take(event),
            event => {
                if let Some(ended) = Ended::of(event) {
                    return road.reason(ended, progress);
                }
            }
        }
    }
}

fn note_routers(routers: &mut [Option<u8>], event: &PingEvent) {
    if let PingEvent::Replied { target, ttl: Some(ttl), .. } = event
        && let Some(known) = routers.get_mut(usize::from(*target))
    {
        *known = connect::routers(*ttl);
    }
}

impl Measured {
    pub(super) fn new(plan: &Plan) -> Self {
        let endpoints = plan.endpoints.len();
        let answers = Answers {
            through: Tally::default(),
            doors: vec![Tally::default(); plan.doors.len()],
            endpoints: vec![Tally::default(); endpoints],
        };
        Self {
            ports: vec![answers; plan.ports.len()],
            routers: vec![None; endpoints],
            ..Self::default()
        }
    }

    /// Everybody who was asked answered, at every port that an endpoint has.
    pub(crate) fn is_well(&self, plan: &Plan) -> bool {
        let is_all_ready = plan.endpoints.iter().all(|endpoint| endpoint.ready);
        let is_well = |answers: &Answers| {
            (plan.address.is_none() || answers.through.is_well())
                && answers.endpoints.iter().all(Tally::is_well)
        };
        !plan.endpoints.is_empty() && is_all_ready && self.ports.iter().all(is_well)
    }

    /// Who says most often that it goes no further.
    pub(crate) fn rejected_by(&self) -> Option<IpAddr> {
        let tallies =
            self.ports.iter().flat_map(|port| port.endpoints.iter().chain([&port.through]));
        tallies.flat_map(|tally| &tally.0).find_map(|attempt| match attempt.outcome {
            ConnectOutcome::Rejected { by, .. } => Some(by),
            _ => None,
        })
    }

    pub(super) fn attempt(&mut self, asked: &[Asked], event: ConnectEvent) {
        let ConnectEvent::Attempt(attempt) = event else { return };
        let Some(asked) = asked.get(usize::from(attempt.target)) else { return };
        let answers = &mut self.ports[asked.port];
        match asked.whom {
            Whom::Address => answers.through.0.push(attempt),
            Whom::Door(at) => answers.doors[at].0.push(attempt),
            Whom::Endpoint(at) => answers.endpoints[at].0.push(attempt),
        }
    }
}

impl Tally {
    pub(crate) fn tries(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn well(&self) -> usize {
        self.count(ConnectOutcome::is_well)
    }

    pub(crate) fn count(&self, is: impl Fn(&ConnectOutcome) -> bool) -> usize {
        self.0.iter().filter(|attempt| is(&attempt.outcome)).count()
    }

    /// Every one was answered, and there were any.
    pub(crate) fn is_well(&self) -> bool {
        self.tries() > 0 && self.well() == self.tries()
    }

    /// Nothing ever came back, and there were any.
    pub(crate) fn is_silent(&self) -> bool {
        let is_silence =
            |outcome: &ConnectOutcome| matches!(outcome, ConnectOutcome::Silence { .. });
        self.tries() > 0 && self.count(is_silence) == self.tries()
    }

    /// How many were refused.
    pub(crate) fn refused(&self) -> usize {
        self.count(|outcome| matches!(outcome, ConnectOutcome::Refused { .. }))
    }

    /// None was, and there were any.
    pub(crate) fn is_dead(&self) -> bool {
        self.tries() > 0 && self.well() == 0
    }

    /// Of those that were answered, in microseconds.
    pub(crate) fn median_us(&self) -> Option<u64> {
        let well = self.0.iter().filter(|attempt| attempt.outcome.is_well());
        let mut times: Vec<u64> = well.map(|attempt| attempt.took_us).collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied()
    }

    /// The outcomes that are not well, each kind with its count and one of its attempts.
    pub(crate) fn ill(&self) -> Vec<(usize, &ConnectAttempt)> {
        let mut kinds: Vec<(usize, &ConnectAttempt)> = Vec::new();
        for attempt in self.0.iter().filter(|attempt| !attempt.outcome.is_well()) {
            let word = attempt.outcome.word();
            match kinds.iter_mut().find(|(_, known)| known.outcome.word() == word) {
                Some((count, _)) => *count += 1,
                None => kinds.push((1, attempt)),
            }
        }
        kinds
    }
}
