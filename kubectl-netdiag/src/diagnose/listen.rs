//! The verdict on a listener.

use netdiag_wire::{connect::stream::ConnectionEnd, listen::ListenReport};

use crate::{
    finding::{Code, Finding, Label, Severity},
    render::number,
};

const NOBODY: Code = Code(623);
const BROKEN: Code = Code(618);

/// `1 connection`, `3 senders`.
pub(crate) fn progress(report: &ListenReport, udp: bool) -> String {
    let count = u32::try_from(report.accepted.len() as u64 + report.more).unwrap_or(u32::MAX);
    match udp {
        true => number::counted(count, "sender", "senders"),
        false => number::counted(count, "connection", "connections"),
    }
}

pub(crate) fn findings(report: &ListenReport, udp: bool, took_us: u64) -> Vec<Finding> {
    let took = number::waited(took_us);
    if report.accepted.is_empty() {
        let summary = format!("nobody came in {took}");
        let unless = "nothing was sent to it: what is on its way is dropped before it arrives, \
                      or was never sent"
            .to_owned();
        return vec![Finding::new(Severity::Unknown, NOBODY, summary).with(Label::Unless(unless))];
    }
    let summary = format!("{} in {took}", progress(report, udp));
    let broken = report.accepted.iter().filter(|accepted| {
        let end = accepted.closed.map(|closed| closed.end);
        matches!(end, Some(ConnectionEnd::Reset | ConnectionEnd::Lost))
    });
    match u32::try_from(broken.count()).unwrap_or(u32::MAX) {
        0 => vec![Finding::ok(summary)],
        broken => {
            let seen =
                format!("{} reset by the peer or lost", number::counted(broken, "was", "were"));
            vec![Finding::new(Severity::Warn, BROKEN, summary).with(Label::Seen(seen))]
        }
    }
}
