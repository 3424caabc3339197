//! Where a probe's events come from: an agent, or this process.

use netdiag_wire::Line;
use serde::de::DeserializeOwned;
use tokio_util::sync::DropGuard;

use super::Here;
use crate::agent::{Broken, Lines};

pub(crate) enum Events<E> {
    Agent(Lines),
    Here {
        lines: Here<E>,
        /// Dropped, it ends the probe.
        _stop: DropGuard,
    },
}

impl<E: DeserializeOwned> Events<E> {
    /// The next event; the stream must end with one that says so.
    pub(crate) async fn next(&mut self) -> Result<Line<E>, Broken> {
        let line = match self {
            Self::Agent(lines) => lines.next().await?,
            Self::Here { lines, .. } => lines.recv().await,
        };
        line.ok_or(Broken::Closed(None))
    }
}
