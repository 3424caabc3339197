//! `trace svc/NAME`: the paths to its endpoints, and flows through its own address, which cross the
//! rules that its clients cross.

use std::{net::IpAddr, time::Duration};

use netdiag_wire::trace::{
    PathEnd, TraceEvent, TraceFold, TraceProtocol, TraceReport, TraceRequest,
};
use serde::Serialize;

use super::{Asked, Carrier, Endpoint, Measured, ServicePort, probes::hear};
use crate::{
    args::{Target, TraceArgs},
    diagnose::{self, PathsCase},
    finding::{Finding, Severity, worst},
    plan::{Aim, PortProtocol, service_port},
    probe::{Ends, interruption},
    render::{self, Document, Names, PathsView},
    session::{Session, Stopped},
    stream::{Halt, Road},
    trace::Naming,
};

/// Endpoints of a trace without `--all`: routers answer only so many probes at once.
pub(super) const MAX_TRACED: usize = 6;
/// With it.
pub(super) const MAX_ALL: usize = 100;
/// Traces that run at once; an agent runs eight of one user's probes.
const AT_ONCE: usize = 4;
/// Flows through the Service's address where nothing is said.
const FLOWS: u8 = 3;
/// Until a router that has told enough tells once more (Linux: icmp_ratelimit).
const REFILLED: Duration = Duration::from_millis(1_100);

/// What came of it.
pub(crate) struct Paths {
    pub(crate) protocol: TraceProtocol,
    /// Each endpoint that was traced.
    pub(crate) direct: Vec<Path>,
    /// Through the Service's address.
    pub(crate) through: Option<Path>,
}

/// One trace.
pub(crate) struct Path {
    /// In the plan; absent for the Service's own address.
    pub(crate) endpoint: Option<usize>,
    pub(crate) request: TraceRequest,
    pub(crate) report: TraceReport,
}

/// What is asked: by which protocol, at which of the Service's ports.
struct Way {
    protocol: TraceProtocol,
    port: Option<ServicePort>,
}

/// The part of `-o json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PathsReport<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    endpoints: Vec<PathReport<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    through: Option<&'a TraceReport>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PathReport<'a> {
    #[serde(flatten)]
    endpoint: &'a Endpoint,
    trace: &'a TraceReport,
}

impl Asked<'_> {
    pub(super) async fn trace(
        mut self,
        args: &TraceArgs,
        first: &Target,
        session: &mut Session<'_>,
    ) -> Result<Severity, Stopped> {
        let way = self.way(args)?;
        let (mut road, mut ends) = self.open("trace", first, session).await?;
        self.spec.peer.port = way.port.as_ref().map(|port| port.declared.number);
        ends.aim.peer = self.spec.peer.clone();
        render::paths_header(
            &mut *session.out,
            &session.screen,
            (&ends.from, &self.spec.peer),
            (way.protocol, way.port.as_ref()),
        )?;
        let mut naming = Naming::start(Some(self.cluster), &ends.aim);
        let tracing = self.walk(args, way, &mut road, &ends, session);
        let walked = tokio::select! {
            biased;
            () = interruption() => None,
            walked = tracing => Some(walked),
        };
        let paths = match walked {
            Some(Ok(paths)) => paths,
            Some(Err(halt)) => return road.end(Err(halt), &ends.aim).await,
            None => {
                return Err(road.cut("some of its traces", "stopped by Ctrl-C or SIGTERM").into());
            }
        };
        for path in paths.direct.iter().chain(&paths.through) {
            naming.know(&path.report).await;
        }
        self.conclude_paths(&ends, &paths, naming.names(), session).await
    }

    /// The port that was asked for, else the first of TCP, else the first.
    fn way(&self, args: &TraceArgs) -> Result<Way, Stopped> {
        let wanted = match args.protocol() {
            Some(TraceProtocol::Udp) => Some(PortProtocol::Udp),
            Some(TraceProtocol::Tcp) => Some(PortProtocol::Tcp),
            Some(TraceProtocol::Icmp) | None => None,
        };
        if args.protocol() == Some(TraceProtocol::Icmp) {
            return Ok(Way { protocol: TraceProtocol::Icmp, port: None });
        }
        let ports = &self.plan.ports;
        let fits = |port: &&ServicePort| wanted.is_none_or(|it| it == port.declared.protocol);
        let port = match args.port()? {
            Some(asked) => {
                let aim = Aim {
                    ports: ports.iter().map(|port| port.declared.clone()).collect(),
                    ..Aim::at_place(&self.spec.peer)
                };
                let declared = service_port(&asked, wanted, &aim)?;
                ports.iter().find(|port| port.declared == declared).cloned()
            }
            None => {
                let first = ports.iter().filter(fits).find(|port| port.is_tcp());
                first.or_else(|| ports.iter().find(fits)).cloned()
            }
        };
        let protocol = match (&port, args.protocol()) {
            (Some(port), _) if port.is_tcp() => TraceProtocol::Tcp,
            (None, Some(protocol)) => protocol,
            (Some(_) | None, _) => TraceProtocol::Udp,
        };
        Ok(Way { protocol, port })
    }

    async fn walk(
        &self,
        args: &TraceArgs,
        way: Way,
        road: &mut Road<'_>,
        ends: &Ends<'_>,
        session: &mut Session<'_>,
    ) -> Result<Paths, Halt> {
        let mut requests: Vec<(Option<usize>, TraceRequest)> = Vec::new();
        for (at, endpoint) in self.plan.endpoints.iter().enumerate() {
            let port = way.port.as_ref().and_then(|port| endpoint.port(port));
            if way.port.is_some() && port.is_none() {
                continue;
            }
            let host = endpoint.address.to_string();
            let request = args.request(host, way.protocol, port);
            requests.push((Some(at), TraceRequest { flows: 1, queries: 1, ..request }));
        }
        if let (Some(address), Some(port)) = (self.plan.address, &way.port) {
            let number = Some(port.declared.number);
            let request = args.request(address.to_string(), way.protocol, number);
            let flows = args.flows().unwrap_or(FLOWS);
            requests.push((None, TraceRequest { flows, queries: 1, no_names: true, ..request }));
        }
        let mut walked = Vec::new();
        for requests in requests.chunks(AT_ONCE) {
            walked.extend(self.at_once(requests, road, ends, session).await?);
        }
        let dead = walked.iter().position(|path| path.endpoint.is_some() && path.is_silent());
        if let Some(at) = dead {
            self.walk_again(&mut walked[at], road, ends, session).await?;
        }
        let (direct, mut through): (Vec<Path>, Vec<Path>) =
            walked.into_iter().partition(|path| path.endpoint.is_some());
        Ok(Paths { protocol: way.protocol, direct, through: through.pop() })
    }

    /// The other paths may have used up the answers of a router on this one, which gives one more
    /// every second: once more, so that it is not told to end before it does.
    async fn walk_again(
        &self,
        path: &mut Path,
        road: &mut Road<'_>,
        ends: &Ends<'_>,
        session: &mut Session<'_>,
    ) -> Result<(), Halt> {
        tokio::time::sleep(REFILLED).await;
        let request = (path.endpoint, path.request.clone());
        let again = self.at_once(&[request], road, ends, session).await?.pop();
        if let Some(again) = again.filter(|again| again.farthest() > path.farthest()) {
            *path = again;
        }
        Ok(())
    }

    async fn at_once(
        &self,
        requests: &[(Option<usize>, TraceRequest)],
        road: &mut Road<'_>,
        ends: &Ends<'_>,
        session: &mut Session<'_>,
    ) -> Result<Vec<Path>, Halt> {
        let mut running = Vec::new();
        for (_, request) in requests {
            let asked = (&ends.aim, self.deadline);
            running.push(road.ask("trace", request.clone(), asked, session).await?);
        }
        let mut walked = Vec::new();
        for ((endpoint, request), events) in requests.iter().zip(running) {
            let mut fold = TraceFold::new(request);
            let take = |event: TraceEvent| fold.push(&event);
            let ended = hear(road, events, "some of its traces", session, take).await?;
            let report = fold.report(Some(ended), None);
            walked.push(Path { endpoint: *endpoint, request: request.clone(), report });
        }
        Ok(walked)
    }

    async fn conclude_paths(
        &self,
        ends: &Ends<'_>,
        paths: &Paths,
        names: &Names,
        session: &mut Session<'_>,
    ) -> Result<Severity, Stopped> {
        let (out, screen) = (&mut *session.out, &session.screen);
        let (plan, from) = (&self.plan, &ends.from);
        let view = PathsView { plan, all: self.endpoints.len(), paths, from, names };
        render::paths(out, screen, &view)?;
        let mut findings = match plan.endpoints.is_empty() {
            true => self.nowhere(ends).await,
            false => {
                let context = ends.context(names.clone());
                let (all, service) = (self.endpoints.len(), &self.spec.peer);
                diagnose::paths(&PathsCase { plan, all, paths, service, context })
            }
        };
        if let Some(first) = findings.first_mut().filter(|_| ends.is_default) {
            first.summary = format!("{}, from {}", first.summary, from.word());
        }
        render::verdict(out, screen, &findings)?;
        let direct = paths.direct.iter().filter_map(|path| {
            Some(PathReport { endpoint: &plan.endpoints[path.endpoint?], trace: &path.report })
        });
        let report = PathsReport {
            address: plan.address,
            endpoints: direct.collect(),
            through: paths.through.as_ref().map(|path| &path.report),
        };
        let document = Document::new("ServiceTraceReport", self.clock.span(), &findings);
        let document = document.from(from.clone()).to(self.spec.peer.clone());
        let document = document.part("service", &report).map_err(std::io::Error::from)?;
        render::document(out, screen, &document)?;
        Ok(worst(&findings))
    }

    /// Why there is no endpoint.
    async fn nowhere(&self, ends: &Ends<'_>) -> Vec<Finding> {
        let measured = Measured::new(&self.plan);
        let closer = self.closer(Some(ends), &measured).await;
        self.case(&ends.from, &Carrier::default(), &measured, &closer).findings()
    }
}

impl Path {
    fn is_silent(&self) -> bool {
        self.report.flows.iter().any(|flow| matches!(flow.end, PathEnd::Silence { .. }))
    }

    /// The last TTL at which somebody answered.
    fn farthest(&self) -> Option<u8> {
        let answered = self.report.hops.iter().filter(|hop| !hop.answers.is_empty());
        answered.map(|hop| hop.ttl).max()
    }
}
