//! The answer to every probe: events, one JSON object a line (`application/x-ndjson`), the last one
//! an `end` or an `error`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ErrorBody, Untrusted};

/// One line of an event stream.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Line<E> {
    /// The source node's clock.
    pub at: Timestamp,
    #[serde(flatten)]
    pub event: Event<E>,
}

/// What happens in every stream, and between it the probe's own events.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Event<E> {
    /// Always first: the request was allowed and a worker is in the namespace.
    Accepted {
        /// Joins this stream with the two audit lines.
        probe_id: Untrusted,
        agent: Untrusted,
        node: Untrusted,
        version: Untrusted,
    },
    /// The stream lives, the probe waits.
    Heartbeat,
    /// Last line of a probe that ran.
    End { reason: EndReason },
    /// Last line of one that could not go on.
    Error { error: ErrorBody },
    #[serde(untagged)]
    Probe(E),
}

/// Why a probe ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum EndReason {
    /// It did what was asked.
    Completed,
    /// `deadlineMs` of the request.
    Deadline,
    /// The caller hung up.
    Cancelled,
    /// The pod that it ran in ended.
    SourceGone,
    /// The agent's `limits.duration`.
    Limit,
    /// The agent is being stopped.
    Draining,
    #[serde(other)]
    Unknown,
}
