//! `trace`: its events, what their addresses are in the cluster, and what is concluded.

use std::time::Duration;

use jiff::Timestamp;
use netdiag_wire::{
    EndReason,
    trace::{TraceEvent, TraceFold, TraceMethod, TraceReport, TraceRequest},
};
use serde_json::Value;
use tokio::time::{Instant, timeout};

mod naming;
mod saved;
mod settle;

pub(crate) use naming::Naming;
pub(crate) use saved::Saved;

use crate::{
    args::TraceArgs,
    diagnose,
    finding::{Failure, Finding, PeerKind, Severity},
    plan::Aim,
    probe::{self, Conclusion, Ends, NAMING, Probe},
    render::{self, Format, Hops, Names, TraceView},
    service,
    session::{Session, Stopped},
};

/// A path that is known sooner is printed as one table, whose columns fit.
const HELD: Duration = Duration::from_millis(300);

/// One trace on its way.
pub(crate) struct Trace {
    request: TraceRequest,
    fold: TraceFold,
    naming: Naming,
    hops: Hops,
    /// When what is held back is printed.
    due: Option<Instant>,
    has_header: bool,
}

/// Runs the command; the verdict makes the exit code.
pub(crate) async fn run(args: &TraceArgs, session: &mut Session<'_>) -> Result<Severity, Stopped> {
    let is_graph = session.screen.format == Format::Dot;
    match args.service(is_graph) {
        Some(service) => service::trace(args, &service, session).await,
        None => probe::run::<Trace>(args, session).await,
    }
}

impl<'a> Probe<'a> for Trace {
    const NAME: &'static str = "trace";
    const KIND: &'static str = "TraceReport";
    type Args = TraceArgs;
    type Request = TraceRequest;
    type Event = TraceEvent;

    async fn begin(args: &'a TraceArgs, ends: &mut Ends<'_>) -> Result<Self, Failure> {
        look_up(ends).await;
        let request = settle::request(args, &mut ends.aim)?;
        let naming = Naming::start(ends.cluster, &ends.aim);
        let fold = TraceFold::new(&request);
        let hops = Hops::default();
        Ok(Self { request, fold, naming, hops, due: None, has_header: false })
    }

    fn request(&self) -> &TraceRequest {
        &self.request
    }

    fn due(&self) -> Option<Instant> {
        self.due
    }

    async fn tick(
        &mut self,
        ends: &mut Ends<'_>,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        self.due = None;
        self.show(ends, false, session).await
    }

    async fn take(
        &mut self,
        ends: &mut Ends<'_>,
        event: TraceEvent,
        _: Timestamp,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        self.fold.push(&event);
        match &event {
            TraceEvent::Started { address, source, method, port, .. } => {
                ends.meet(*source, *address);
                self.header(ends, *method, *port, session)?;
            }
            TraceEvent::Hop(hop) if self.is_table() => {
                self.hops.push(hop.clone());
                // Once the table has begun its rows are printed as they come.
                let held = if self.hops.has_begun() { Duration::ZERO } else { HELD };
                self.due = self.due.or(Some(Instant::now() + held));
            }
            _ => {}
        }
        Ok(())
    }

    fn progress(&self) -> String {
        diagnose::trace_progress(&self.fold.report(None, None))
    }

    async fn conclude(
        mut self,
        ends: &Ends<'_>,
        ended: Option<EndReason>,
        session: &mut Session<'_>,
    ) -> Result<Conclusion, Stopped> {
        let report = self.fold.report(ended, None);
        if self.is_table() {
            self.show(ends, true, session).await?;
        }
        self.naming.know(&report).await;
        let mut context = ends.context(self.naming.names().clone());
        if !diagnose::is_reached(&report) {
            ends.look_closer(&mut context).await;
        }
        let findings = diagnose::trace(&report, &self.request, &context);
        let view = view(&self.request, &report, ends, &context.names);
        concluded(&report, &view, findings, session)
    }
}

/// A ClusterIP that was typed takes its Service's ports and nothing else: it is traced as that.
async fn look_up(ends: &mut Ends<'_>) {
    let Some(cluster) = ends.cluster.filter(|_| ends.aim.peer.kind == PeerKind::Address) else {
        return;
    };
    let Some(address) = ends.aim.peer.address else { return };
    if let Ok(Some(service)) = timeout(NAMING, cluster.service_at(address)).await {
        ends.aim = Aim::at_service(&service, address);
    }
}

impl Trace {
    /// One path is a table, row by row; several are a tree, sizes a table of their own.
    fn is_table(&self) -> bool {
        self.request.flows == 1 && !self.request.mtu
    }

    /// Who traces whom and by what, before anything came back.
    fn header(
        &mut self,
        ends: &mut Ends<'_>,
        method: TraceMethod,
        port: Option<u16>,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        if std::mem::replace(&mut self.has_header, true) {
            return Ok(());
        }
        ends.aim.peer.port = settle::shown_port(&self.request, port);
        let (out, screen) = (&mut *session.out, &session.screen);
        let peer = &ends.aim.peer;
        Ok(render::trace_header(out, screen, &self.request, method, (&ends.from, peer))?)
    }

    /// The rows that are known by now.
    async fn show(
        &mut self,
        ends: &Ends<'_>,
        is_end: bool,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        if !session.screen.shows_evidence() {
            return Ok(());
        }
        let report = self.fold.report(None, None);
        self.naming.know(&report).await;
        let view = view(&self.request, &report, ends, self.naming.names());
        Ok(self.hops.show(session.out, &session.screen, &view, is_end)?)
    }
}

fn view<'a>(
    request: &'a TraceRequest,
    report: &'a TraceReport,
    ends: &'a Ends<'_>,
    names: &'a Names,
) -> TraceView<'a> {
    TraceView { request, report, from: &ends.from, to: &ends.aim.peer, names }
}

/// What stands below the rows, and the document.
fn concluded(
    report: &TraceReport,
    view: &TraceView<'_>,
    findings: Vec<Finding>,
    session: &mut Session<'_>,
) -> Result<Conclusion, Stopped> {
    let (out, screen) = (&mut *session.out, &session.screen);
    if view.request.mtu {
        render::trace_sizes(out, screen, view)?;
    } else if view.request.flows > 1 {
        render::trace_tree(out, screen, view)?;
    }
    render::trace_dot(out, screen, view, &findings)?;
    let addresses = Value::Array(view.addresses());
    Ok(Conclusion {
        findings,
        parts: vec![probe::part("trace", report)?, ("addresses", addresses)],
    })
}
