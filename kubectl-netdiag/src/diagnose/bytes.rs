//! The verdict on a session or a pipe.

use std::net::SocketAddr;

use netdiag_wire::{
    EndReason,
    connect::{ConnectOutcome, stream::ConnectionEnd},
};

use super::{Context, ended};
use crate::{
    finding::{Code, Finding, Label, Severity},
    render::{number, words},
};

const REFUSED: Code = Code(602);
const SILENCE: Code = Code(302);
const INTERCEPTED: Code = Code(609);
const REJECTED: Code = Code(304);
const NOT_SENT: Code = Code(305);
const TOO_LITTLE: Code = Code(309);
const BROKEN: Code = Code(618);
const NO_TLS: Code = Code(624);

/// What became of a byte stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bytes {
    pub connected: Option<SocketAddr>,
    pub intercepted: bool,
    pub not_connected: Option<(SocketAddr, u64, ConnectOutcome)>,
    /// Connected, but TLS could not begin.
    pub tls_refused: Option<String>,
    /// As this end counted.
    pub received: u64,
    /// As the source counted: sent, received.
    pub closed: Option<(u64, u64, ConnectionEnd)>,
    /// Absent where Ctrl-] ended it.
    pub ended: Option<EndReason>,
}

impl Bytes {
    /// How far it came: `18 bytes sent, 21 received`.
    pub(crate) fn progress(&self) -> String {
        let received = number::count(self.received);
        match self.closed {
            Some((sent, ..)) => format!("{} bytes sent, {received} received", number::count(sent)),
            None => format!("{received} bytes received"),
        }
    }
}

/// The findings of a session or a pipe.
pub(super) fn findings(bytes: &Bytes, context: &Context) -> Vec<Finding> {
    let mut finding = match &bytes.not_connected {
        Some((remote, took_us, outcome)) => not_connected(*remote, *took_us, outcome),
        None => passed(bytes, context),
    };
    if context.default_source {
        finding.summary = format!("{}, from {}", finding.summary, context.from.name);
    }
    vec![finding]
}

fn not_connected(remote: SocketAddr, took_us: u64, outcome: &ConnectOutcome) -> Finding {
    let fail = |code, summary| Finding::new(Severity::Fail, code, summary);
    match outcome {
        ConnectOutcome::Refused { .. } => {
            fail(REFUSED, format!("refused by {remote} after {}", number::took(took_us)))
        }
        ConnectOutcome::Rejected { by, icmp } if *by == remote.ip() => {
            fail(REJECTED, format!("rejected by {remote} itself: {}", words::icmp(icmp)))
        }
        ConnectOutcome::Rejected { by, icmp } => fail(
            REJECTED,
            format!("rejected on the way to {remote}: {}, said by {by}", words::icmp(icmp)),
        ),
        ConnectOutcome::Silence { sent, .. } => {
            let waited = number::waited(took_us);
            let syns = number::counted(*sent, "SYN", "SYNs");
            fail(SILENCE, format!("silence from {remote}: {syns} over {waited}"))
        }
        ConnectOutcome::NotSent { refusal: why } => {
            fail(NOT_SENT, format!("not sent to {remote}: {}", words::refusal(why)))
        }
        ConnectOutcome::Reset { .. } => broken(format!("reset by {remote} right after connecting")),
        outcome => {
            let what = format!("not connected to {remote}: {}", outcome.word());
            Finding::new(Severity::Unknown, TOO_LITTLE, what)
        }
    }
}

fn passed(bytes: &Bytes, context: &Context) -> Finding {
    if let Some(why) = &bytes.tls_refused {
        let note = "without --tls the bytes go as they are".to_owned();
        let summary = format!("connected, but TLS could not begin: {why}");
        return Finding::new(Severity::Fail, NO_TLS, summary).with(Label::Note(note));
    }
    let progress = bytes.progress();
    let end = bytes.closed.map(|(.., end)| end);
    match end {
        Some(ConnectionEnd::Reset) => broken(format!("reset by the peer after {progress}")),
        Some(ConnectionEnd::Lost) => {
            broken(format!("the peer acknowledges nothing any more, after {progress}"))
        }
        _ if bytes.intercepted => intercepted(&progress),
        // Ctrl-] is as good an end as any.
        None if bytes.ended.is_none() && bytes.received == 0 => Finding::ok("connected"),
        None if bytes.ended.is_none() => Finding::ok(format!("connected; {progress}")),
        Some(ConnectionEnd::Finished) => Finding::ok(format!("connected; {progress}")),
        Some(ConnectionEnd::CutOff | ConnectionEnd::Unknown) | None => {
            let why = ended::why(bytes.ended, &context.from).map(Label::Note);
            let summary = format!("connected, but ended early: {progress}");
            Finding::new(Severity::Unknown, TOO_LITTLE, summary).with(why)
        }
    }
}

fn broken(summary: String) -> Finding {
    let note = "what was under way then is lost".to_owned();
    Finding::new(Severity::Fail, BROKEN, summary).with(Label::Note(note))
}

fn intercepted(progress: &str) -> Finding {
    let summary =
        format!("taken by a proxy in the source's own pod, not by the target; {progress}");
    let means = "the proxy connects by itself, perhaps later, perhaps to elsewhere".to_owned();
    Finding::new(Severity::Unknown, INTERCEPTED, summary).with(Label::Note(means))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(bytes: &Bytes) -> String {
        let finding = findings(bytes, &Context::default()).remove(0);
        let code = finding.code.map(|code| code.to_string()).unwrap_or_default();
        format!("{:?} {code} {}", finding.severity, finding.summary)
    }

    #[test]
    fn every_end_has_its_sentence() {
        let remote = "10.244.2.7:80".parse().unwrap();
        let closed = |end, ended| Bytes {
            connected: Some(remote),
            received: 4096,
            closed: Some((18, 4096, end)),
            ended,
            ..Bytes::default()
        };
        let not = |outcome| Bytes {
            not_connected: Some((remote, 470, outcome)),
            ended: Some(EndReason::Completed),
            ..Bytes::default()
        };
        let completed = Some(EndReason::Completed);
        for (bytes, want) in [
            (
                closed(ConnectionEnd::Finished, completed),
                "Ok  connected; 18 bytes sent, 4,096 received",
            ),
            (
                closed(ConnectionEnd::Reset, completed),
                "Fail ND0618 reset by the peer after 18 bytes sent, 4,096 received",
            ),
            (
                closed(ConnectionEnd::CutOff, Some(EndReason::Limit)),
                "Unknown ND0309 connected, but ended early: 18 bytes sent, 4,096 received",
            ),
            (
                Bytes { intercepted: true, ..closed(ConnectionEnd::Finished, completed) },
                "Unknown ND0609 taken by a proxy in the source's own pod, not by the target; 18 bytes \
                 sent, 4,096 received",
            ),
            (
                Bytes { connected: Some(remote), received: 7, ..Bytes::default() },
                "Ok  connected; 7 bytes received",
            ),
            (
                not(ConnectOutcome::Refused { ttl: None }),
                "Fail ND0602 refused by 10.244.2.7:80 after 0.470 ms",
            ),
        ] {
            assert_eq!(sentence(&bytes), want);
        }
    }
}
