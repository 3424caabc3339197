//! What is asked of a Service, a workload or a pod, by which command; looked up, and answered.

use std::time::Duration;

use netdiag_wire::Family;

use super::{
    Asked, Endpoint, Plan, ServiceKind, ServiceSpec, backends, doors, endpoints,
    paths::{MAX_ALL, MAX_TRACED},
    probes::MAX_PROBED,
    sample,
};
use crate::{
    args::{
        DiagnoseArgs, Kind, KubeFlags, Object, Origin, PingArgs, ProbeArgs, SourceFlags, Target,
        TraceArgs,
    },
    cluster::{Cluster, facts::of_family, workload::Crew},
    code,
    finding::{Code, Failure, Label, Severity},
    plan::target::without_address,
    probe::within,
    render,
    session::{Clock, Session, Stopped},
};

const EXTERNAL_NAME: Code = Code(903);

/// Which command asks, and how.
pub(super) struct Wish<'a> {
    pub(super) source: &'a SourceFlags,
    kube: &'a KubeFlags,
    pub(super) origin: Option<Origin>,
    deadline: Option<Duration>,
    question: Question<'a>,
}

/// What is wanted to be known.
#[derive(Clone, Copy)]
enum Question<'a> {
    /// `ping`: whether its ports are answered.
    Ports,
    /// `diagnose`: all is looked at, well or not, and told as a list of checks.
    Everything,
    /// `trace`: the ways to it.
    Paths(&'a TraceArgs),
}

/// What came of a wish.
enum Told {
    Verdict(Severity),
    /// The Service is a name of this host.
    Elsewhere(String),
}

/// `ping`; the verdict makes the exit code.
pub(crate) async fn run(
    args: &PingArgs,
    object: &Object,
    session: &mut Session<'_>,
) -> Result<Severity, Stopped> {
    let (source, kube) = (&args.source, &args.kube);
    let origin = session.any_origin(source.from.as_ref())?;
    let wish = Wish { source, kube, origin, deadline: args.deadline(), question: Question::Ports };
    match wish.fulfil(object, session).await? {
        Told::Verdict(verdict) => Ok(verdict),
        Told::Elsewhere(host) => {
            let (out, screen) = (&mut *session.out, &session.screen);
            render::note(out, screen, EXTERNAL_NAME, &of_external_name(&host))?;
            Box::pin(crate::ping::run(&args.towards(&host), session)).await
        }
    }
}

/// `diagnose`, likewise.
pub(crate) async fn diagnose(
    args: &DiagnoseArgs,
    session: &mut Session<'_>,
) -> Result<Severity, Stopped> {
    let (source, kube) = (&args.source, &args.kube);
    let origin = session.origin(args.origin()?.as_ref())?;
    let wish = Wish {
        source,
        kube,
        origin,
        deadline: Some(args.deadline),
        question: Question::Everything,
    };
    let object = args.target()?;
    match wish.fulfil(&object, session).await? {
        Told::Verdict(verdict) => Ok(verdict),
        Told::Elsewhere(host) => {
            let who = object.to_string();
            let message = format!("{who} is a name of {host}, which is none of the cluster's");
            let ping = ["kubectl", "netdiag", "ping", &host].map(str::to_owned).to_vec();
            Err(Failure::new(code::BAD_VALUE, message).with(Label::Next(ping)).into())
        }
    }
}

/// `trace`, likewise.
pub(crate) async fn trace(
    args: &TraceArgs,
    object: &Object,
    session: &mut Session<'_>,
) -> Result<Severity, Stopped> {
    let (source, kube) = (&args.source, &args.kube);
    let origin = session.origin(source.from.as_ref())?;
    let question = Question::Paths(args);
    let wish = Wish { source, kube, origin, deadline: args.deadline(), question };
    match wish.fulfil(object, session).await? {
        Told::Verdict(verdict) => Ok(verdict),
        Told::Elsewhere(host) => {
            let (out, screen) = (&mut *session.out, &session.screen);
            render::note(out, screen, EXTERNAL_NAME, &of_external_name(&host))?;
            Box::pin(crate::trace::run(&args.towards(&host), session)).await
        }
    }
}

impl Wish<'_> {
    pub(super) fn is_thorough(&self) -> bool {
        matches!(self.question, Question::Everything)
    }

    /// Most endpoints that are asked.
    fn most(&self) -> usize {
        match self.question {
            Question::Ports | Question::Everything => MAX_PROBED,
            Question::Paths(args) if args.all => MAX_ALL,
            Question::Paths(_) => MAX_TRACED,
        }
    }

    async fn fulfil(&self, object: &Object, session: &mut Session<'_>) -> Result<Told, Stopped> {
        let clock = Clock::now();
        let cluster = Cluster::open(self.kube, &session.surroundings)?;
        let deadline = self.deadline.map(|deadline| clock.deadline(deadline));
        let namespace = object.namespace.as_deref().unwrap_or(&cluster.namespace);
        let looking = look_up(&cluster, namespace, object);
        let (spec, endpoints) =
            session.waiting("asking the API server", within(deadline, looking)).await?;
        if let ServiceKind::ExternalName(host) = spec.kind {
            return Ok(Told::Elsewhere(host));
        }
        let plan = plan(&spec, &endpoints, self.source.family(), self.most());
        if let (ServiceKind::Addresses(addresses), None) = (&spec.kind, plan.address) {
            let who = spec.peer.word();
            return Err(without_address(addresses, self.source.family(), &who).into());
        }
        let asked = Asked { wish: self, cluster: &cluster, spec, endpoints, plan, deadline, clock };
        let verdict = match (asked.first(), self.question) {
            _ if self.origin == Some(Origin::Nodes) => asked.ask_nodes(session).await,
            (Some(first), Question::Paths(args)) => {
                asked.trace(args, &Target::Address(first), session).await
            }
            (Some(first), _) => asked.ask(&Target::Address(first), session).await,
            (None, _) => asked.nobody(session).await,
        };
        verdict.map(Told::Verdict)
    }
}

/// A Service and its endpoints, or a workload and its pods.
async fn look_up(
    cluster: &Cluster,
    namespace: &str,
    object: &Object,
) -> Result<(ServiceSpec, Vec<Endpoint>), Failure> {
    if object.kind == Kind::Pod {
        let pod = cluster.pod(namespace, &object.name).await?;
        let crew = Crew::of_pod(pod)?;
        return Ok((ServiceSpec::of_pods(&crew), backends::of_pods(&crew)));
    }
    let Kind::Workload(workload) = object.kind else {
        let (service, endpoints) = tokio::try_join!(
            cluster.service(namespace, &object.name),
            endpoints(cluster, namespace, &object.name),
        )?;
        let doors = doors::of(cluster, &service, &endpoints).await;
        return Ok((ServiceSpec { doors, ..ServiceSpec::of(&service) }, endpoints));
    };
    let crew = cluster.crew(namespace, workload, &object.name).await?;
    let pods = backends::of_pods(&crew);
    match pods.is_empty() {
        true => Err(crew.nobody()),
        false => Ok((ServiceSpec::of_pods(&crew), pods)),
    }
}

/// As many endpoints of the wanted family as may be asked, and the ports that can be.
fn plan(spec: &ServiceSpec, endpoints: &[Endpoint], family: Family, most: usize) -> Plan {
    let address = match &spec.kind {
        ServiceKind::Addresses(addresses) => of_family(addresses, family),
        ServiceKind::Headless | ServiceKind::ExternalName(_) | ServiceKind::Pods => None,
    };
    let fits = |endpoint: &&Endpoint| match address {
        Some(address) => endpoint.address.is_ipv4() == address.is_ipv4(),
        None => family.has(endpoint.address),
    };
    let endpoints = sample::of(endpoints.iter().filter(fits).cloned().collect(), most);
    let ports = spec.ports.iter().filter(|port| port.is_spoken()).cloned().collect();
    Plan { address, doors: doors::planned(&spec.doors, address), endpoints, ports }
}

fn of_external_name(host: &str) -> [String; 1] {
    [format!(
        "An ExternalName Service is a CNAME to {host}: an echo goes to that host, outside the cluster."
    )]
}
