//! The verdict on a listener.

use netdiag_wire::{connect::stream::ConnectionEnd, listen::ListenReport};

use crate::{
    finding::{Code, Finding, Label, Severity},
    render::{Names, number},
};

const NOBODY: Code = Code(623);
const BROKEN: Code = Code(618);

/// `1 connection`, `3 senders`.
pub(crate) fn progress(report: &ListenReport) -> String {
    let count = u32::try_from(report.accepted.len() as u64 + report.more).unwrap_or(u32::MAX);
    match report.udp {
        true => number::counted(count, "sender", "senders"),
        false => number::counted(count, "connection", "connections"),
    }
}

pub(crate) fn findings(report: &ListenReport, names: &Names, took_us: u64) -> Vec<Finding> {
    let took = number::waited(took_us);
    if report.accepted.is_empty() {
        let summary = format!("nobody came in {took}");
        let unless = "nothing was sent to it: what is on its way is dropped before it arrives, \
                      or was never sent"
            .to_owned();
        return vec![Finding::new(Severity::Unknown, NOBODY, summary).with(Label::Unless(unless))];
    }
    let summary = format!("{} in {took}", progress(report));
    let broken = report.accepted.iter().filter(|accepted| {
        let end = accepted.closed.map(|closed| closed.end);
        matches!(end, Some(ConnectionEnd::Reset | ConnectionEnd::Lost))
    });
    let finding = match u32::try_from(broken.count()).unwrap_or(u32::MAX) {
        0 => Finding::ok(summary),
        broken => {
            let seen =
                format!("{} reset by the peer or lost", number::counted(broken, "was", "were"));
            Finding::new(Severity::Warn, BROKEN, summary).with(Label::Seen(seen))
        }
    };
    vec![finding.with(behind_a_node(report, names))]
}

/// A node's address hides who the client was.
fn behind_a_node(report: &ListenReport, names: &Names) -> Option<Label> {
    let addresses = report.accepted.iter().map(|accepted| accepted.from.address);
    let address = addresses.into_iter().find(|address| names.kind(*address) == Some("node"))?;
    let node = names.owner_of(address)?;
    Some(Label::Note(format!(
        "{address} is {node}'s: the node itself, or a client whose source was rewritten there (SNAT)"
    )))
}
