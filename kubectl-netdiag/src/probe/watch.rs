//! The events as they come: each to the probe, until the end or Ctrl-C.

use std::time::Duration;

use netdiag_wire::{EndReason, ErrorBody, Event, Line};
use tokio::time::{Instant, sleep_until};

use super::{Probe, Run, events::Events};
use crate::{
    agent::Broken,
    render,
    session::{Session, Stopped},
};

/// The agent ends a probe at its deadline by itself; this much later it is not waited for.
pub(crate) const GRACE: Duration = Duration::from_secs(3);

/// How the stream ended.
#[derive(Debug)]
pub(super) enum Ending {
    Ended(EndReason),
    Error(ErrorBody),
    Broken(Broken),
}

impl Ending {
    pub(super) fn reason(&self) -> Option<EndReason> {
        match self {
            Self::Ended(reason) => Some(*reason),
            Self::Error(_) | Self::Broken(_) => None,
        }
    }
}

impl<'a, P: Probe<'a>> Run<'_, P> {
    /// Hands every event to the probe.
    pub(super) async fn watch(
        &mut self,
        mut events: Events<P::Event>,
        session: &mut Session<'_>,
    ) -> Result<Ending, Stopped> {
        let interrupted = interruption();
        tokio::pin!(interrupted);
        let end = self.deadline.map(|deadline| match events {
            Events::Agent(_) => deadline + GRACE,
            Events::Here { .. } => deadline,
        });
        loop {
            let line = tokio::select! {
                biased;
                () = &mut interrupted => return Ok(Ending::Ended(EndReason::Cancelled)),
                () = at(end) => return Ok(Ending::Ended(EndReason::Deadline)),
                () = at(self.probe.due()) => {
                    self.probe.tick(&mut self.ends, session).await?;
                    continue;
                }
                line = events.next() => line,
            };
            match line {
                Err(broken) => return Ok(Ending::Broken(broken)),
                Ok(line) => {
                    if let Some(ending) = self.take(line, session).await? {
                        return Ok(ending);
                    }
                }
            }
        }
    }

    async fn take(
        &mut self,
        line: Line<P::Event>,
        session: &mut Session<'_>,
    ) -> Result<Option<Ending>, Stopped> {
        if !matches!(line.event, Event::Heartbeat | Event::Error { .. }) {
            render::stream_line(session.out, &session.screen, &line)?;
        }
        match line.event {
            Event::Heartbeat => {}
            Event::Accepted { .. } => self.accepted(&line, session)?,
            Event::End { reason } => return Ok(Some(Ending::Ended(reason))),
            Event::Error { error } => return Ok(Some(Ending::Error(error))),
            Event::Probe(event) => {
                self.probe.take(&mut self.ends, event, line.at, session).await?;
            }
        }
        Ok(None)
    }
}

/// Never, where there is no end.
pub(crate) async fn at(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}

/// Ctrl-C, or the SIGTERM of timeout(1).
pub(crate) async fn interruption() {
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
