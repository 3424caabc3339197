//! Where ping's events come from: an agent, or this process.

use netdiag_wire::{Line, ping::PingEvent};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::DropGuard;

use crate::agent::{Broken, Lines};

pub(super) enum Events {
    Agent(Lines),
    Local {
        lines: UnboundedReceiver<Line<PingEvent>>,
        /// Dropped, it ends the probe.
        _stop: DropGuard,
    },
}

impl Events {
    /// The next event; the stream must end with one that says so.
    pub(super) async fn next(&mut self) -> Result<Line<PingEvent>, Broken> {
        let line = match self {
            Self::Agent(lines) => lines.next().await?,
            Self::Local { lines, .. } => lines.recv().await,
        };
        line.ok_or(Broken::Closed(None))
    }
}
