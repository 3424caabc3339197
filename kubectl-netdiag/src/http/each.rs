//! `--each`: the same request to every endpoint of a Service, beside the one through its address.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{
    Ask, Exchanged, Run, Trail, Whom, entry::document, exchange::unwritten, report, sink::Sink,
};
use crate::{
    code,
    diagnose::{self, Context, Endpoints, HttpCase},
    finding::{Failure, Finding, Severity},
    plan::PortProtocol,
    render::{self, EachView, Names},
    service::{self, Endpoint},
    session::Session,
    stream::Halt,
};

/// An endpoint, and where it takes what comes for the Service's port.
pub(super) struct Seat {
    endpoint: Endpoint,
    to: SocketAddr,
}

/// What one endpoint answered.
pub(crate) struct Answered {
    pub(crate) endpoint: Endpoint,
    pub(crate) trail: Trail,
}

impl Run<'_> {
    pub(super) async fn each(
        &mut self,
        ask: Ask,
        session: &mut Session<'_>,
    ) -> Result<Severity, Halt> {
        let (seats, all) = self.seats(ask.place.port).await?;
        let mut sink = self.sink(session)?;
        let trail = self.follow(ask.clone(), &mut sink, session).await?;
        sink.finish().await.map_err(unwritten)?;
        let mut answered = Vec::new();
        for Seat { endpoint, to } in seats {
            let asked = self.directly(ask.clone(), to, session).await?;
            let trail = Trail { hops: vec![asked], stuck: None, health: None };
            answered.push(Answered { endpoint, trail });
        }
        let (out, screen) = report(self.args, session);
        render::http_each(
            out,
            screen,
            &EachView { through: trail.last(), answered: &answered, all },
        )?;
        let context = self.ends.context(Names::default());
        let case = HttpCase {
            trail: &trail,
            args: self.args,
            context: &context,
            endpoints: Endpoints::Unknown,
        };
        // The Service sends to no other.
        let ready = answered.iter().filter(|one| one.endpoint.ready);
        let own = ready.map(|one| (one.endpoint.short(), self.of(one, &context)));
        let findings = diagnose::http_of_each(case.findings(), &own.collect::<Vec<_>>(), all);
        let mut part = document(&[&trail], self.args);
        part["endpoints"] = answered.iter().map(|one| self.entry(one)).collect();
        Ok(self.show_part(&findings, &part, session)?)
    }

    /// Those that have the port, and how many endpoints there are.
    async fn seats(&self, port: u16) -> Result<(Vec<Seat>, usize), Failure> {
        let peer = &self.ends.aim.peer;
        let (Some(cluster), Some(namespace)) = (self.ends.cluster, &peer.namespace) else {
            return Ok((Vec::new(), 0));
        };
        let declared = self.ends.aim.ports.iter();
        let mut declared = declared.filter(|it| it.protocol == PortProtocol::Tcp);
        let name = declared.find(|it| it.number == port).map(|it| it.name.clone());
        let Some(name) = name else {
            let message = format!("--each: {} has no port {port}", peer.word());
            return Err(Failure::new(code::BAD_VALUE, message));
        };
        let name = name.unwrap_or_default();
        let family = peer.address.map(|address| address.is_ipv4());
        let endpoints = service::endpoints(cluster, namespace, &peer.name).await?;
        let of_family = endpoints
            .into_iter()
            .filter(|it| family.is_none_or(|is_v4| is_v4 == it.address.is_ipv4()));
        let of_family: Vec<Endpoint> = of_family.collect();
        let all = of_family.len();
        let seat = |endpoint: Endpoint| {
            let to = SocketAddr::new(endpoint.address, *endpoint.ports.get(&name)?);
            Some(Seat { endpoint, to })
        };
        Ok((service::sample(of_family).into_iter().filter_map(seat).collect(), all))
    }

    /// To that address under the Service's name, without a word on the screen.
    async fn directly(
        &mut self,
        ask: Ask,
        to: SocketAddr,
        session: &mut Session<'_>,
    ) -> Result<Exchanged, Halt> {
        let quiet = std::mem::replace(&mut session.screen.quiet, true);
        let whom = Whom::Endpoint(to);
        let exchanged = self.exchange(ask, whom, &mut Sink::Nowhere, session).await;
        session.screen.quiet = quiet;
        exchanged
    }

    fn of(&self, answered: &Answered, context: &Context) -> Finding {
        let to = answered.endpoint.peer();
        let context = Context { to, default_source: false, ..context.clone() };
        let (trail, args, endpoints) = (&answered.trail, self.args, Endpoints::Unknown);
        let case = HttpCase { trail, args, context: &context, endpoints };
        case.findings().into_iter().next().unwrap_or_default()
    }

    fn entry(&self, answered: &Answered) -> Value {
        let mut entry = document(&[&answered.trail], self.args);
        entry["endpoint"] = json!(answered.endpoint);
        entry
    }
}
