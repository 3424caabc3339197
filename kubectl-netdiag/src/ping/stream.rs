//! The events as they come: each to the screen and into the fold, until the end or Ctrl-C.

use std::time::Duration;

use netdiag_wire::{
    EndReason, ErrorBody, Event, Line,
    ping::{PingEvent, PingFold, PingReport},
};
use tokio::time::{Instant, sleep_until};

use super::{Ping, events::Events};
use crate::{
    agent::Broken,
    cluster::{Cluster, names},
    render::{self, Names},
    session::{Session, Stopped},
};

/// The agent ends a probe at its deadline by itself; this much later it is not waited for.
const GRACE: Duration = Duration::from_secs(3);
/// A line waits for the names of who sent it, but not for long.
const NAMING: Duration = Duration::from_secs(2);

/// How the stream ended.
#[derive(Debug)]
pub(super) enum Ending {
    Ended(EndReason),
    Error(ErrorBody),
    Broken(Broken),
}

/// Everything seen.
pub(super) struct Seen {
    pub(super) reports: Vec<PingReport>,
    pub(super) ending: Ending,
    pub(super) names: Names,
}

impl Ping<'_> {
    /// Shows and folds every event.
    pub(super) async fn watch(
        &mut self,
        mut events: Events,
        session: &mut Session<'_>,
    ) -> Result<Seen, Stopped> {
        let mut watch = Watch {
            fold: PingFold::new(&self.request),
            names: super::names_of(&self.aim),
            named: false,
        };
        let interrupted = interruption();
        tokio::pin!(interrupted);
        let end = self.deadline.map(|deadline| match events {
            Events::Agent(_) => deadline + GRACE,
            Events::Local { .. } => deadline,
        });
        let ending = loop {
            let line = tokio::select! {
                biased;
                () = &mut interrupted => break Ending::Ended(EndReason::Cancelled),
                () = at(end) => break Ending::Ended(EndReason::Deadline),
                line = events.next() => line,
            };
            match line {
                Err(broken) => break Ending::Broken(broken),
                Ok(line) => {
                    if let Some(ending) = watch.take(self, line, session).await? {
                        break ending;
                    }
                }
            }
        };
        let (ended, error) = match &ending {
            Ending::Ended(reason) => (Some(*reason), None),
            Ending::Error(error) => (None, Some(error)),
            Ending::Broken(_) => (None, None),
        };
        Ok(Seen { reports: watch.fold.reports(ended, error), ending, names: watch.names })
    }
}

struct Watch {
    fold: PingFold,
    names: Names,
    /// The cluster was asked who sends errors.
    named: bool,
}

impl Watch {
    async fn take(
        &mut self,
        ping: &mut Ping<'_>,
        line: Line<PingEvent>,
        session: &mut Session<'_>,
    ) -> Result<Option<Ending>, Stopped> {
        match line.event {
            Event::Heartbeat => {}
            Event::Accepted { .. } => {
                ping.accepted(&line, session)?;
                render::stream_line(session.out, &session.screen, &line)?;
            }
            Event::End { reason } => {
                render::stream_line(session.out, &session.screen, &line)?;
                return Ok(Some(Ending::Ended(reason)));
            }
            Event::Error { error } => return Ok(Some(Ending::Error(error))),
            Event::Probe(event) => {
                ping.header(&event, session)?;
                self.name(ping.cluster, &event).await;
                self.fold.push(&event);
                if !ping.is_brief(&session.screen) {
                    let (screen, request) = (&session.screen, &ping.request);
                    render::ping_event(session.out, screen, request, &self.names, &event, line.at)?;
                }
            }
        }
        Ok(None)
    }

    /// Asks the cluster who has the address that rejects, once, when the first one does.
    async fn name(&mut self, cluster: Option<&Cluster>, event: &PingEvent) {
        let (PingEvent::Rejected { by, .. } | PingEvent::Redirected { by, .. }) = event else {
            return;
        };
        let Some(cluster) = cluster.filter(|_| !self.named) else { return };
        self.named = true;
        if let Ok(more) = tokio::time::timeout(NAMING, cluster.names(*by)).await {
            names::add(&mut self.names, more);
        }
    }
}

async fn at(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}

/// Ctrl-C, or the SIGTERM of timeout(1).
async fn interruption() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without a handler Ctrl-C ends the process as it ends any other.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
