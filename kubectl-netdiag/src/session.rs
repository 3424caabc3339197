//! What a command gets from `main`: where to write, how it is to look, and the environment as values.

use std::{
    io::{self, Write},
    time::Duration,
};

use jiff::Timestamp;
use tokio::time::Instant;

use crate::{
    args::Origin,
    cluster::Surroundings,
    code,
    finding::{Failure, Label},
    render::{Screen, Span},
};

/// This process's own ends, for commands that carry bytes.
pub(crate) struct Streams {
    pub(crate) stdin_is_terminal: bool,
    pub(crate) stdout_is_terminal: bool,
    /// stdout once more, to be written by another thread.
    pub(crate) stdout: fn() -> io::Result<std::fs::File>,
}

pub(crate) struct Session<'a> {
    pub(crate) out: &'a mut dyn Write,
    pub(crate) err: &'a mut dyn Write,
    pub(crate) screen: Screen,
    /// Somebody looks at stderr.
    pub(crate) shows_progress: bool,
    pub(crate) streams: Streams,
    pub(crate) surroundings: Surroundings,
    /// `$NETDIAG_FROM`.
    pub(crate) from: Option<String>,
}

/// When the command began, by the wall and by the clock that never jumps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    at: Timestamp,
    start: Instant,
}

impl Clock {
    pub(crate) fn now() -> Self {
        Self { at: Timestamp::now(), start: Instant::now() }
    }

    pub(crate) fn deadline(self, after: Duration) -> Instant {
        self.start + after
    }

    pub(crate) fn span(self) -> Span {
        let took_us = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        Span { started_at: self.at, took_us }
    }
}

/// Why a command ended without a verdict.
#[derive(Debug)]
pub(crate) enum Stopped {
    Failure(Box<Failure>),
    /// Nobody reads any more, or the disk is full.
    Write(io::Error),
}

impl Session<'_> {
    /// Awaits work; where it takes long, one line says what is waited for, and goes again.
    pub(crate) async fn waiting<T>(&mut self, what: &str, work: impl Future<Output = T>) -> T {
        const UNNOTICED: Duration = Duration::from_millis(300);
        tokio::pin!(work);
        if !self.shows_progress {
            return work.await;
        }
        if let Ok(done) = tokio::time::timeout(UNNOTICED, &mut work).await {
            return done;
        }
        // A terminal that is gone loses a line that nobody reads.
        let _ = write!(self.err, "{what} ...").and_then(|()| self.err.flush());
        let done = work.await;
        let _ = write!(self.err, "\r{:width$}\r", "", width = what.len() + 4);
        done
    }

    /// `--from`, else `$NETDIAG_FROM`; one place.
    pub(crate) fn origin(&self, flag: Option<&Origin>) -> Result<Option<Origin>, Failure> {
        match self.any_origin(flag)? {
            Some(Origin::Nodes) => {
                let message = "--from nodes: only ping asks from every node; node/NAME is one";
                Err(Failure::new(code::BAD_VALUE, message))
            }
            origin => Ok(origin),
        }
    }

    /// The same, or every node.
    pub(crate) fn any_origin(&self, flag: Option<&Origin>) -> Result<Option<Origin>, Failure> {
        let variable = self.from.as_deref().filter(|from| !from.is_empty());
        match (flag, variable) {
            (Some(origin), _) => Ok(Some(origin.clone())),
            (None, None) => Ok(None),
            (None, Some(word)) => Origin::parse(word).map(Some).map_err(|why| {
                let note = "--from takes the place of the variable".to_owned();
                Failure::new(code::BAD_VALUE, format!("$NETDIAG_FROM {word}: {why}"))
                    .with(Label::Note(note))
            }),
        }
    }
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failure(Box::new(failure))
    }
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}
