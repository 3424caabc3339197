//! How a byte stream ends without a verdict, or with one.

use std::io;

use netdiag_wire::{EndReason, ErrorBody, Event};

use crate::{code, finding::Failure, session::Stopped};

/// A stream's last event.
#[derive(Debug)]
pub(crate) enum Ended {
    Reason(EndReason),
    Error(ErrorBody),
}

impl Ended {
    /// Whether this event is it.
    pub(crate) fn of<E>(event: Event<E>) -> Option<Self> {
        match event {
            Event::End { reason } => Some(Self::Reason(reason)),
            Event::Error { error } => Some(Self::Error(error)),
            Event::Accepted { .. } | Event::Heartbeat | Event::Probe(_) => None,
        }
    }
}

/// Why there is no verdict.
pub(crate) enum Halt {
    /// By the agent, or by the probe in this process.
    Refused(Box<ErrorBody>),
    Stopped(Stopped),
}

impl<S: Into<Stopped>> From<S> for Halt {
    fn from(stopped: S) -> Self {
        Self::Stopped(stopped.into())
    }
}

/// stdout is a terminal.
pub(crate) fn binary() -> Failure {
    let message = "the peer sends binary data: not written to a terminal; send stdout to a file \
                   or a pipe";
    Failure::new(code::BAD_VALUE, message)
}

pub(crate) fn unread(cause: &io::Error) -> Failure {
    Failure { code: None, message: format!("read stdin: {cause}"), labels: Vec::new() }
}
