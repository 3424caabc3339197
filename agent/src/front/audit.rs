//! Two JSON lines a probe on stdout, one before its worker is ordered to start and one after it
//! ended; a refusal has one. No line, no probe.

use std::time::Duration;

use jiff::Timestamp;
use netdiag_wire::{EndReason, ErrorBody, ErrorCode, Untrusted, scan::ScanLane};
use serde::Serialize;
use tokio::sync::mpsc::{OwnedPermit, Sender};

mod writer;

pub(crate) use writer::writer;

use super::identity::Identity;

/// Lines that wait for a slow stdout; when they are all taken nothing starts.
const QUEUE: usize = 1_000;

/// Where audit lines go in.
#[derive(Clone)]
pub(crate) struct Audit(Sender<Line>);

/// One line, but for its sequence number.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line {
    time: Timestamp,
    #[serde(flatten)]
    request: RequestFacts,
    #[serde(flatten)]
    what: What,
}

/// What both lines of a request share. Every text is escaped, so one object stays one line.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestFacts {
    pub(crate) probe_id: String,
    pub(crate) agent: String,
    pub(crate) node: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) probe: Option<Untrusted>,
    /// As TokenReview said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<Untrusted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) credential_id: Option<Untrusted>,
    /// As the caller says of itself; nobody checked it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) claimed_user_unverified: Option<Untrusted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<SourceFacts>,
    pub(crate) targets: Vec<Untrusted>,
    /// How fast and how much, of a scan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scan: Option<ScanFacts>,
}

/// What a scan was allowed; the count is addresses times ports.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScanFacts {
    #[serde(flatten)]
    pub(crate) lane: ScanLane,
    pub(crate) addresses: usize,
    pub(crate) ports: usize,
}

/// The namespace that the probe runs in.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SourceFacts {
    pub(crate) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<Untrusted>,
    pub(crate) name: Untrusted,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uid: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "audit", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum What {
    Start { verdict: Verdict, granted: Vec<&'static str>, deadline_ms: u64 },
    Refused { verdict: Verdict, code: ErrorCode, message: Untrusted },
    End { outcome: Outcome, netns: u64, bytes: u64, bytes_from_caller: u64, took_ms: u64 },
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Verdict {
    Allowed,
    Refused,
}

/// How a probe that was started ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Outcome {
    Ended(EndReason),
    Failed(ErrorCode),
}

/// A started probe; says how it ended when dropped, whoever drops it.
pub(crate) struct Started {
    request: RequestFacts,
    end: Option<OwnedPermit<Line>>,
    at: std::time::Instant,
    pub(crate) outcome: Outcome,
    pub(crate) netns: u64,
    /// To the caller.
    pub(crate) bytes: u64,
    /// Of a byte stream, behind its request.
    pub(crate) bytes_from_caller: u64,
}

impl Audit {
    /// The start line; keeps a place for the end line, so that this one can't be without the other.
    pub(crate) fn start(
        &self,
        request: RequestFacts,
        granted: Vec<&'static str>,
        deadline: Duration,
    ) -> Result<Started, ErrorBody> {
        let reserve = || self.0.clone().try_reserve_owned().map_err(|_| unavailable());
        let (start, end) = (reserve()?, reserve()?);
        let deadline_ms = deadline.as_millis() as u64;
        let what = What::Start { verdict: Verdict::Allowed, granted, deadline_ms };
        start.send(Line { time: Timestamp::now(), request: request.clone(), what });
        Ok(Started {
            request,
            end: Some(end),
            at: std::time::Instant::now(),
            outcome: Outcome::Ended(EndReason::Cancelled),
            netns: 0,
            bytes: 0,
            bytes_from_caller: 0,
        })
    }

    /// The one line of a request that starts nothing; a full queue loses it, and starts nothing too.
    pub(crate) fn refused(&self, request: RequestFacts, refusal: &ErrorBody) {
        let what = What::Refused {
            verdict: Verdict::Refused,
            code: refusal.code,
            message: refusal.message.clone(),
        };
        if self.0.try_send(Line { time: Timestamp::now(), request, what }).is_err() {
            tracing::error!("audit queue is full; a refusal went unrecorded");
        }
    }
}

impl RequestFacts {
    pub(crate) fn name_user(&mut self, who: &Identity) {
        self.user = Some(who.username.as_str().into());
        self.credential_id = who.credential_id().map(Into::into);
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let what = What::End {
            outcome: self.outcome,
            netns: self.netns,
            bytes: self.bytes,
            bytes_from_caller: self.bytes_from_caller,
            took_ms: self.at.elapsed().as_millis() as u64,
        };
        let request = std::mem::take(&mut self.request);
        if let Some(end) = self.end.take() {
            end.send(Line { time: Timestamp::now(), request, what });
        }
    }
}

fn unavailable() -> ErrorBody {
    let message = "the agent's audit log does not take lines; without one nothing is started";
    ErrorBody::new(ErrorCode::Unavailable, message)
}

#[cfg(test)]
mod documented;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> RequestFacts {
        RequestFacts {
            probe_id: "p-1".into(),
            targets: vec!["evil\n{\"audit\":\"start\"}\u{202e}".into()],
            ..RequestFacts::default()
        }
    }

    #[tokio::test]
    async fn a_probe_has_two_lines_and_a_full_queue_starts_none() {
        let (sender, mut lines) = tokio::sync::mpsc::channel(3);
        let audit = Audit(sender);
        let one = audit.start(facts(), vec![], Duration::from_secs(1)).unwrap();
        let refused = audit.start(facts(), vec![], Duration::from_secs(1)).err().unwrap();
        assert_eq!(refused.code, ErrorCode::Unavailable);
        drop(one);
        let [start, end] = [lines.recv().await.unwrap(), lines.recv().await.unwrap()];
        assert!(matches!(start.what, What::Start { .. }));
        let cancelled = Outcome::Ended(EndReason::Cancelled);
        assert!(matches!(end.what, What::End { outcome, .. } if outcome == cancelled));
        assert_eq!(lines.try_recv().ok().map(|_| ()), None);
    }

    #[test]
    fn a_hostile_name_stays_inside_its_line() {
        let what = What::Start { verdict: Verdict::Allowed, granted: vec![], deadline_ms: 1 };
        let line = Line { time: Timestamp::UNIX_EPOCH, request: facts(), what };
        let text = writer::to_json(7, &line);
        assert_eq!(text.matches('\n').count(), 1);
        assert!(text.ends_with("}\n") && !text.contains('\u{202e}'), "{text}");
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&read["seq"], &read["audit"]), (&7.into(), &"start".into()));
    }
}
