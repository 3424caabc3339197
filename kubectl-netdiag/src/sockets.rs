//! `sockets`: a namespace's socket table, round by round, and what its addresses and processes are.

use jiff::Timestamp;
use netdiag_wire::{
    EndReason,
    sockets::{SocketsEvent, SocketsFold, SocketsReport, SocketsRequest},
};

mod known;
mod naming;
mod saved;
mod service;

pub(crate) use known::Known;
use naming::Naming;
pub(crate) use saved::Saved;

use crate::{
    args::{Place, SocketsArgs},
    cluster::Cluster,
    diagnose,
    finding::{Failure, Severity},
    probe::{self, Conclusion, Ends, Probe},
    render::{self, Earlier, SocketsShown, SocketsView, number::counted},
    session::{Session, Stopped},
};

/// One look into a namespace, or one after the other.
pub(crate) struct Sockets {
    request: SocketsRequest,
    fold: SocketsFold,
    naming: Naming,
    shown: SocketsShown,
    /// The round that is on the screen.
    earlier: Option<Earlier>,
}

/// Runs the command; the verdict makes the exit code.
pub(crate) async fn run(
    args: &SocketsArgs,
    session: &mut Session<'_>,
) -> Result<Severity, Stopped> {
    match args.whose()? {
        Place::At(_) => probe::run::<Sockets>(args, session).await,
        Place::Service(service) => {
            let cluster = Cluster::open(&args.kube, &session.surroundings)?;
            Err(service::refusal(&cluster, &service).await.into())
        }
    }
}

impl<'a> Probe<'a> for Sockets {
    const NAME: &'static str = "sockets";
    const KIND: &'static str = "SocketsReport";
    type Args = SocketsArgs;
    type Request = SocketsRequest;
    type Event = SocketsEvent;

    async fn begin(args: &'a SocketsArgs, ends: &mut Ends<'_>) -> Result<Self, Failure> {
        ends.aim.peer = ends.from.clone();
        let request = args.request();
        let naming = Naming::start(ends.cluster, &ends.from, !args.no_names);
        let shown = SocketsShown {
            is_default_set: args.is_default_set(),
            is_all: args.all,
            has_stats: args.stats,
            has_names: !args.no_names,
            sort: args.sort,
        };
        Ok(Self { request, fold: SocketsFold::default(), naming, shown, earlier: None })
    }

    fn request(&self) -> &SocketsRequest {
        &self.request
    }

    async fn take(
        &mut self,
        ends: &mut Ends<'_>,
        event: SocketsEvent,
        at: Timestamp,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        self.fold.push(&event);
        // A single round is shown at the end, with the counters that are read after it.
        if self.request.watch.is_some() && matches!(event, SocketsEvent::Round(_)) {
            self.show(ends, at, session).await?;
        }
        Ok(())
    }

    fn progress(&self) -> String {
        progress(&self.fold.report(None, None))
    }

    async fn conclude(
        mut self,
        ends: &Ends<'_>,
        ended: Option<EndReason>,
        session: &mut Session<'_>,
    ) -> Result<Conclusion, Stopped> {
        let report = self.fold.report(ended, None);
        let known = self.naming.know(&report).await;
        let view = view(&self.request, &report, ends, known, self.shown);
        if self.earlier.is_none() {
            render::sockets(session.out, &session.screen, &view, None)?;
        }
        let findings = diagnose::sockets(&view, ends.account.as_ref());
        Ok(Conclusion { findings, parts: parts(&view)? })
    }
}

impl Sockets {
    /// One round of several.
    async fn show(
        &mut self,
        ends: &Ends<'_>,
        at: Timestamp,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        let report = self.fold.report(None, None);
        let known = self.naming.know(&report).await;
        let view = view(&self.request, &report, ends, known, self.shown);
        let earlier = self.earlier.take();
        render::sockets(session.out, &session.screen, &view, earlier.as_ref().map(|e| (e, at)))?;
        self.earlier = Some(Earlier::of(&view));
        Ok(())
    }
}

fn view<'a>(
    request: &'a SocketsRequest,
    report: &'a SocketsReport,
    ends: &'a Ends<'_>,
    known: &'a Known,
    shown: SocketsShown,
) -> SocketsView<'a> {
    SocketsView { request, report, place: &ends.from, known, shown }
}

/// The document's own keys.
fn parts(view: &SocketsView<'_>) -> Result<Vec<(&'static str, serde_json::Value)>, Stopped> {
    Ok(vec![
        probe::part("sockets", view.report)?,
        // What was left out by it cannot be told from the report.
        probe::part("request", view.request)?,
        probe::part("addresses", &view.addresses())?,
        probe::part("containers", &view.known.containers)?,
    ])
}

fn progress(report: &SocketsReport) -> String {
    let sockets = u32::try_from(report.entries.len()).unwrap_or(u32::MAX);
    counted(sockets, "socket", "sockets")
}
