//! `connect` where the port is only checked: its events and what is looked up to judge them.

use jiff::Timestamp;
use netdiag_wire::{
    EndReason,
    connect::{
        ConnectEvent, ConnectFold, ConnectOutcome, ConnectProtocol, ConnectReport, ConnectRequest,
    },
    listen::ListenReport,
};

mod far_end;
mod saved;

#[cfg(test)]
pub(crate) use far_end::ANSWER;
use far_end::FarEnd;
pub(crate) use far_end::{arrival, is_answered};
pub(crate) use saved::Saved;

use crate::{
    args::{ConnectArgs, ProbeArgs},
    cluster::names,
    diagnose::{self, Context, Endpoints, FarSight},
    finding::Failure,
    plan::{PortProtocol, named_port},
    probe::{self, Conclusion, Ends, Probe},
    render::{self, Attempts, Names},
    service,
    session::{Session, Stopped},
};

/// One check on its way.
pub(crate) struct Connect<'a> {
    args: &'a ConnectArgs,
    request: ConnectRequest,
    fold: ConnectFold,
    names: Names,
    /// The cluster was asked who rejects.
    named: bool,
    attempts: Attempts,
    /// As the header has it: by its name, where it was typed so.
    port: String,
    /// A listener of ours at the target's end.
    far: Option<FarEnd>,
}

impl<'a> Probe<'a> for Connect<'a> {
    const NAME: &'static str = "connect";
    const KIND: &'static str = "ConnectReport";
    type Args = ConnectArgs;
    type Request = ConnectRequest;
    type Event = ConnectEvent;

    async fn begin(args: &'a ConnectArgs, ends: &mut Ends<'_>) -> Result<Self, Failure> {
        let asked = args.port()?;
        let wanted = match args.protocol() {
            ConnectProtocol::Tcp => PortProtocol::Tcp,
            ConnectProtocol::Udp => PortProtocol::Udp,
        };
        let port = named_port(asked.as_ref(), wanted, &ends.aim)?.number;
        ends.aim.peer.port = Some(port);
        let request = args.request(ends.aim.host.clone(), port);
        let names = ends.aim.names();
        let (fold, attempts) = (ConnectFold::default(), Attempts::default());
        let far = match ends.cluster.filter(|_| args.listen) {
            Some(cluster) => {
                let udp = args.protocol() == ConnectProtocol::Udp;
                let opened = FarEnd::open(cluster, &ends.aim.peer, (port, udp), args.source());
                Some(opened.await?)
            }
            None => None,
        };
        let port = asked.map(|port| port.to_string()).unwrap_or_default();
        Ok(Self { args, request, fold, names, named: false, attempts, port, far })
    }

    fn request(&self) -> &ConnectRequest {
        &self.request
    }

    async fn take(
        &mut self,
        ends: &mut Ends<'_>,
        event: ConnectEvent,
        at: Timestamp,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        self.fold.push(&event, at);
        if let ConnectEvent::Started { addresses, source, .. } = &event {
            if let (Some(source), Some(address)) = (source, addresses.first()) {
                ends.meet(*source, *address);
            }
            let (out, screen) = (&mut *session.out, &session.screen);
            let peers = (&ends.from, &ends.aim.peer);
            render::connect_header(out, screen, self.request.protocol, peers, &self.port)?;
        }
        self.name(ends, &event).await;
        let is_well = matches!(&event, ConnectEvent::Attempt(attempt) if attempt.outcome.is_well());
        if self.far.is_some() && is_well {
            // Shown when it is known how it arrived.
            return Ok(());
        }
        Ok(self.attempts.show(session.out, &session.screen, &self.names, &event)?)
    }

    fn progress(&self) -> String {
        diagnose::connect_progress(&self.fold.report(None))
    }

    async fn conclude(
        mut self,
        ends: &Ends<'_>,
        ended: Option<EndReason>,
        session: &mut Session<'_>,
    ) -> Result<Conclusion, Stopped> {
        self.attempts.end(session.out, &session.screen)?;
        let report = self.fold.report(ended);
        if let Some(mut far) = self.far.take() {
            let came = far.hear(report.decisive().last()).await?;
            far.end().await;
            return self.two_ended(ends, (&report, &came), session).await;
        }
        let mut context = ends.context(self.names);
        let is_well = report.rounds() > 0 && report.well() == report.rounds();
        let endpoints = if is_well { Endpoints::Unknown } else { service::how_many(ends).await };
        if !is_well {
            ends.look_closer(&mut context).await;
        }
        let findings = diagnose::connect(&report, &self.request, &context, endpoints);
        Ok(Conclusion { findings, parts: vec![probe::part("connect", &report)?] })
    }
}

impl Connect<'_> {
    /// What was sent beside what arrived.
    async fn two_ended(
        mut self,
        ends: &Ends<'_>,
        (report, came): (&ConnectReport, &ListenReport),
        session: &mut Session<'_>,
    ) -> Result<Conclusion, Stopped> {
        let attempt = report.decisive().last();
        let arrived = attempt.and_then(|attempt| arrival(came, attempt));
        if let (Some(arrived), Some(cluster)) = (arrived, ends.cluster) {
            let asked = cluster.names(arrived.from.address);
            if let Ok(more) = tokio::time::timeout(probe::NAMING, asked).await {
                names::add(&mut self.names, more);
            }
        }
        let context = ends.context(self.names);
        show_both(report, came, (&self.request, &context), session)
    }

    /// Asks the cluster who has the address that rejects, once, when the first one does.
    async fn name(&mut self, ends: &Ends<'_>, event: &ConnectEvent) {
        let ConnectEvent::Attempt(attempt) = event else { return };
        let ConnectOutcome::Rejected { by, .. } = attempt.outcome else { return };
        let Some(cluster) = ends.cluster.filter(|_| !self.named && !self.args.no_names) else {
            return;
        };
        self.named = true;
        if let Ok(more) = tokio::time::timeout(probe::NAMING, cluster.names(by)).await {
            names::add(&mut self.names, more);
        }
    }
}

/// The lines of both ends, and what they mean together.
fn show_both(
    report: &ConnectReport,
    came: &ListenReport,
    (request, context): (&ConnectRequest, &Context),
    session: &mut Session<'_>,
) -> Result<Conclusion, Stopped> {
    let attempt = report.decisive().last();
    let arrived = attempt.and_then(|attempt| arrival(came, attempt));
    if let Some(attempt) = attempt {
        let (out, screen) = (&mut *session.out, &session.screen);
        render::both_ends(out, screen, request.protocol, (attempt, arrived), came.accepted.len())?;
    }
    let far = FarSight { came, arrived, is_answered: attempt.is_some_and(is_answered) };
    let findings = diagnose::connect_with_far_end(report, request, context, &far);
    let parts = vec![probe::part("connect", report)?, probe::part("listen", came)?];
    Ok(Conclusion { findings, parts })
}
