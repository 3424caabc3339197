//! `ping svc/NAME`: an echo to a Service's address tells nothing, so its ports are asked instead,
//! through its address and at each endpoint.

use std::net::IpAddr;

use tokio::time::Instant;

use crate::{
    args::Target,
    cluster::{Cluster, names},
    diagnose::{Checks, Endpoints, ServiceCase},
    finding::{Code, Finding, Peer, PeerKind, Severity, worst},
    probe::{Ends, NAMING, interruption},
    render::{self, Document, Names, ServiceView},
    session::{Clock, Session, Stopped},
    stream::{Between, Halt, Road},
};

mod backends;
mod barred;
mod closer;
mod doors;
mod named;
mod nodes;
mod paths;
mod probes;
mod report;
mod sample;
mod trap;
mod wish;

#[cfg(test)]
pub(crate) use backends::PodName;
pub(crate) use backends::{Endpoint, ServiceKind, ServicePort, ServiceSpec, endpoints};
pub(crate) use barred::{Barred, Ruling};
pub(crate) use closer::{Closer, Listening, PodSeen};
pub(crate) use doors::{Door, DoorKind};
pub(crate) use named::Named;
pub(crate) use paths::{Path, Paths};
pub(crate) use probes::{Answers, Measured, Plan, Tally};
use report::ServiceReport;
pub(crate) use trap::Carrier;
use wish::Wish;
pub(crate) use wish::{diagnose, run, trace};

const CLUSTER_IP: Code = Code(901);
pub(crate) const HEADLESS: Code = Code(902);

/// A Service whose endpoints are asked.
struct Asked<'a> {
    wish: &'a Wish<'a>,
    cluster: &'a Cluster,
    spec: ServiceSpec,
    /// All there are; the plan has those that are asked.
    endpoints: Vec<Endpoint>,
    plan: Plan,
    deadline: Option<Instant>,
    clock: Clock,
}

/// Code of the NOTE and its lines, where the question is a trap and the echo is sent all the same.
pub(crate) fn note(target: &Peer) -> Option<(Code, Vec<String>)> {
    if target.kind != PeerKind::Service {
        return None;
    }
    let line = "An echo to a Service's address reaches no pod and tells nothing about the Service.";
    let how = "It is sent because of --icmp; its endpoints answer echoes themselves.";
    Some((CLUSTER_IP, vec![line.into(), how.into()]))
}

/// How many a Service has, which tells more than how it refuses.
pub(crate) async fn how_many(ends: &Ends<'_>) -> Endpoints {
    let peer = &ends.aim.peer;
    let (Some(cluster), PeerKind::Service, Some(namespace)) =
        (ends.cluster, peer.kind, &peer.namespace)
    else {
        return Endpoints::Unknown;
    };
    let asked = endpoints(cluster, namespace, &peer.name);
    match tokio::time::timeout(NAMING, asked).await {
        Ok(Ok(all)) if all.is_empty() => Endpoints::None,
        Ok(Ok(all)) => match all.iter().filter(|endpoint| endpoint.ready).count() {
            0 => Endpoints::NoneReady(all.len()),
            ready => Endpoints::Ready(ready),
        },
        Ok(Err(_)) | Err(_) => Endpoints::Unknown,
    }
}

/// As many as are asked where all would be too many.
pub(crate) fn sample(endpoints: Vec<Endpoint>) -> Vec<Endpoint> {
    sample::of(endpoints, probes::MAX_PROBED)
}

impl<'a> Asked<'a> {
    /// The road from the source, and who it is.
    async fn open(
        &self,
        right: &'static str,
        first: &Target,
        session: &mut Session<'_>,
    ) -> Result<(Road<'a>, Ends<'a>), Stopped> {
        let (origin, source) = (self.wish.origin.as_ref(), self.wish.source);
        let between = Between { target: first, origin, source, deadline: self.deadline };
        between.open(right, Some(self.cluster), session).await
    }
}

impl Asked<'_> {
    /// Whose way decides the source's address.
    fn first(&self) -> Option<IpAddr> {
        self.plan.address.or_else(|| Some(self.plan.endpoints.first()?.address))
    }

    async fn ask(mut self, first: &Target, session: &mut Session<'_>) -> Result<Severity, Stopped> {
        let (mut road, mut ends) = self.open("connect", first, session).await?;
        ends.aim.peer = self.spec.peer.clone();
        // A node's own addresses are guarded, also from the node itself.
        self.plan.doors.retain(|door| !door.is_of(&ends.from));
        let carrier = match self.spec.kind {
            ServiceKind::Addresses(_) => Carrier::find(self.cluster, &road).await,
            ServiceKind::Headless | ServiceKind::ExternalName(_) | ServiceKind::Pods => {
                Carrier::default()
            }
        };
        self.head(&ends, &carrier, session)?;
        let measuring = self.measure(&mut road, &ends, session);
        let measured = tokio::select! {
            biased;
            () = interruption() => None,
            measured = measuring => Some(measured),
        };
        match measured {
            Some(Ok((measured, named))) => {
                self.conclude(&ends, &carrier, (&measured, &named), session).await
            }
            Some(Err(halt)) => road.end(Err(halt), &ends.aim).await,
            None => Err(road.cut("some of its probes", "stopped by Ctrl-C or SIGTERM").into()),
        }
    }

    async fn measure(
        &self,
        road: &mut Road<'_>,
        ends: &Ends<'_>,
        session: &mut Session<'_>,
    ) -> Result<(Measured, Named), Halt> {
        let aim = (&ends.aim, self.deadline);
        let named = match self.wish.is_thorough() {
            true => Named::ask(&self.spec, &ends.from, (&mut *road, aim), session).await?,
            false => Named::default(),
        };
        Ok((self.plan.run(road, aim, session).await?, named))
    }

    fn head(
        &self,
        ends: &Ends<'_>,
        carrier: &Carrier,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        let (out, screen) = (&mut *session.out, &session.screen);
        render::header(out, screen, &ends.from, std::slice::from_ref(&self.spec.peer))?;
        let node = ends.from.node.as_deref().unwrap_or(&ends.from.name);
        if self.wish.is_thorough() {
            return Ok(());
        }
        match carrier.note(&self.spec.kind, node) {
            Some((code, lines)) => Ok(render::note(out, screen, code, &lines)?),
            None => Ok(()),
        }
    }

    /// A name for nobody: there is nothing to send to.
    async fn nobody(self, session: &mut Session<'_>) -> Result<Severity, Stopped> {
        let (out, screen) = (&mut *session.out, &session.screen);
        if screen.shows_evidence() {
            writeln!(out, "{}: nobody to ask", render::named(&self.spec.peer))?;
        }
        render::note(out, screen, HEADLESS, &[trap::A_NAME])?;
        let carrier = Carrier::default();
        let measured = Measured::default();
        let closer = self.closer(None, &measured).await;
        let from = Peer::default();
        let findings = self.case(&from, &carrier, &measured, &closer).findings();
        self.show(None, &findings, (&carrier, &measured, None), session)
    }

    async fn conclude(
        self,
        ends: &Ends<'_>,
        carrier: &Carrier,
        (measured, named): (&Measured, &Named),
        session: &mut Session<'_>,
    ) -> Result<Severity, Stopped> {
        if !self.wish.is_thorough() {
            self.table(measured, session).await?;
        }
        let closer = self.closer(Some(ends), measured).await;
        let case = self.case(&ends.from, carrier, measured, &closer);
        let checks = self.wish.is_thorough().then(|| case.checks(named));
        if let Some(checks) = &checks {
            render::checks(session.out, &session.screen, checks, self.clock.span().took_us)?;
        }
        let mut findings = case.findings();
        if let Some(first) = findings.first_mut().filter(|_| ends.is_default) {
            first.summary = format!("{}, from {}", first.summary, ends.from.word());
        }
        self.show(Some(&ends.from), &findings, (carrier, measured, checks), session)
    }

    async fn table(&self, measured: &Measured, session: &mut Session<'_>) -> Result<(), Stopped> {
        let names = self.who_rejects(measured).await;
        let unspoken = self.spec.ports.iter().filter(|port| !port.is_spoken());
        let view = ServiceView {
            plan: &self.plan,
            all: self.endpoints.len(),
            measured,
            names: &names,
            is_external_local: self.spec.is_external_local,
            unspoken: unspoken.map(ServicePort::word).collect(),
        };
        Ok(render::service(session.out, &session.screen, &view)?)
    }

    async fn who_rejects(&self, measured: &Measured) -> Names {
        let mut known = Names::default();
        if let Some(by) = measured.rejected_by()
            && let Ok(more) = tokio::time::timeout(NAMING, self.cluster.names(by)).await
        {
            names::add(&mut known, more);
        }
        known
    }

    /// What is amiss, looked at from nearby.
    async fn look(&self, measured: &Measured, from: &Peer) -> Closer {
        let look = closer::Look {
            cluster: self.cluster,
            spec: &self.spec,
            plan: &self.plan,
            source: self.wish.source,
            is_thorough: self.wish.is_thorough(),
        };
        look.closer(measured, from).await
    }

    async fn closer(&self, ends: Option<&Ends<'_>>, measured: &Measured) -> Closer {
        let nobody = Peer::default();
        let from = ends.map_or(&nobody, |ends| &ends.from);
        let is_well = ends.is_some() && measured.is_well(&self.plan);
        match is_well && !self.wish.is_thorough() {
            true => Closer::default(),
            false => self.look(measured, from).await,
        }
    }

    fn case<'a>(
        &'a self,
        from: &'a Peer,
        carrier: &'a Carrier,
        measured: &'a Measured,
        closer: &'a Closer,
    ) -> ServiceCase<'a> {
        let Self { spec, endpoints, plan, .. } = self;
        ServiceCase { spec, endpoints, plan, from, carrier, measured, closer }
    }

    fn show(
        &self,
        from: Option<&Peer>,
        findings: &[Finding],
        (carrier, measured, checks): (&Carrier, &Measured, Option<Checks>),
        session: &mut Session<'_>,
    ) -> Result<Severity, Stopped> {
        let (out, screen) = (&mut *session.out, &session.screen);
        render::verdict(out, screen, findings)?;
        let kind = if checks.is_some() { "DiagnoseReport" } else { "PingReport" };
        let mut document =
            Document::new(kind, self.clock.span(), findings).to(self.spec.peer.clone());
        if let Some(from) = from {
            document = document.from(from.clone());
        }
        let part = ServiceReport::of(&self.endpoints, &self.plan, carrier, measured);
        let name = if self.spec.kind == ServiceKind::Pods { "workload" } else { "service" };
        if let Some(checks) = &checks {
            document = document.part("diagnose", checks).map_err(std::io::Error::from)?;
        }
        let document = document.part(name, &part).map_err(std::io::Error::from)?;
        render::document(out, screen, &document)?;
        Ok(worst(findings))
    }
}
