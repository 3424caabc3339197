//! `ping`: its events and what is looked up to judge them.

use jiff::Timestamp;
use netdiag_wire::{
    EndReason,
    ping::{PingEvent, PingFold, PingReport, PingRequest},
};

mod saved;

pub(crate) use saved::Saved;

use crate::{
    args::{Kind, PingArgs, ProbeArgs},
    cluster::{Cluster, names},
    diagnose,
    finding::{Failure, Finding, Severity},
    matrix, probe,
    probe::{Conclusion, Ends, Probe},
    render::{self, Names},
    service,
    session::{Session, Stopped},
};

/// One ping on its way.
pub(crate) struct Ping<'a> {
    args: &'a PingArgs,
    request: PingRequest,
    fold: PingFold,
    names: Names,
    /// The cluster was asked who sends errors.
    named: bool,
    has_header: bool,
}

/// Runs the command; the verdict makes the exit code.
pub(crate) async fn run(args: &PingArgs, session: &mut Session<'_>) -> Result<Severity, Stopped> {
    let origin = session.any_origin(args.source.from.as_ref())?;
    let target = args.target()?;
    if target.group().is_none() && matrix::is_wanted(args, origin.as_ref()) {
        return matrix::run(args, origin.as_ref(), session).await;
    }
    let Some(object) = target.group().filter(|object| !args.icmp || object.kind != Kind::Service)
    else {
        return probe::run::<Ping<'_>>(args, session).await;
    };
    service::run(args, object, session).await
}

impl<'a> Probe<'a> for Ping<'a> {
    const NAME: &'static str = "ping";
    const KIND: &'static str = "PingReport";
    type Args = PingArgs;
    type Request = PingRequest;
    type Event = PingEvent;

    async fn begin(args: &'a PingArgs, ends: &mut Ends<'_>) -> Result<Self, Failure> {
        let request = args.request([ends.aim.host.clone()]);
        let fold = PingFold::new(&request);
        let names = ends.aim.names();
        Ok(Self { args, request, fold, names, named: false, has_header: false })
    }

    fn request(&self) -> &PingRequest {
        &self.request
    }

    async fn take(
        &mut self,
        ends: &mut Ends<'_>,
        event: PingEvent,
        at: Timestamp,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        self.header(ends, &event, session)?;
        self.name(ends.cluster, &event).await;
        self.fold.push(&event);
        if !self.args.brief {
            let (out, screen) = (&mut *session.out, &session.screen);
            render::ping_event(out, screen, &self.request, &self.names, &event, at)?;
        }
        Ok(())
    }

    fn progress(&self) -> String {
        diagnose::ping_progress(&self.fold.reports(None, None), &self.request)
    }

    async fn conclude(
        self,
        ends: &Ends<'_>,
        ended: Option<EndReason>,
        _: &mut Session<'_>,
    ) -> Result<Conclusion, Stopped> {
        let reports = self.fold.reports(ended, None);
        let mut context = ends.context(self.names);
        if reports.iter().any(|report| report.lost() > 0) {
            ends.look_closer(&mut context).await;
        }
        let judge = |report| diagnose::ping(report, &self.request, &context);
        let findings: Vec<Finding> = reports.iter().flat_map(judge).collect();
        let empty = PingReport::default();
        let report = reports.first().unwrap_or(&empty);
        Ok(Conclusion { findings, parts: vec![probe::part("ping", report)?] })
    }
}

impl Ping<'_> {
    /// Who pings whom, once both addresses are known and before anything came back.
    fn header(
        &mut self,
        ends: &mut Ends<'_>,
        event: &PingEvent,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        if let PingEvent::Started { address, source, .. } = event {
            ends.meet(*source, *address);
        }
        if std::mem::replace(&mut self.has_header, true) {
            return Ok(());
        }
        let (out, screen) = (&mut *session.out, &session.screen);
        render::header(out, screen, &ends.from, std::slice::from_ref(&ends.aim.peer))?;
        if let Some((code, lines)) = service::note(&ends.aim.peer) {
            render::note(out, screen, code, &lines)?;
        }
        Ok(())
    }

    /// Asks the cluster who has the address that rejects, once, when the first one does.
    async fn name(&mut self, cluster: Option<&Cluster>, event: &PingEvent) {
        let (PingEvent::Rejected { by, .. } | PingEvent::Redirected { by, .. }) = event else {
            return;
        };
        let Some(cluster) = cluster.filter(|_| !self.named) else { return };
        self.named = true;
        if let Ok(more) = tokio::time::timeout(probe::NAMING, cluster.names(*by)).await {
            names::add(&mut self.names, more);
        }
    }
}
