//! Why a probe ended before it did what was asked.

use netdiag_wire::{
    EndReason,
    ping::{PingReport, PingRequest},
};

use crate::finding::{Code, Failure, Label, Peer, PeerKind};

const CUT_OFF: Code = Code(6);

/// The reason in words; absent when the probe did what was asked.
pub(super) fn why(ended: Option<EndReason>, from: &Peer) -> Option<String> {
    Some(match ended {
        Some(EndReason::Completed) => return None,
        Some(EndReason::Deadline) => "its deadline passed".into(),
        Some(EndReason::Cancelled) => "it was stopped by Ctrl-C or SIGTERM".into(),
        Some(EndReason::SourceGone) => format!("{} ended and its network with it", from.word()),
        Some(EndReason::Limit) => "the agent's limit for one probe's duration was reached".into(),
        Some(EndReason::Draining) => format!("the agent{} was being stopped", on_node(from)),
        Some(EndReason::Unknown) => "for a reason that only a newer plugin knows".into(),
        None => "the stream from the agent broke off".into(),
    })
}

pub(super) fn note(report: &PingReport, request: &PingRequest, from: &Peer) -> Option<Label> {
    // Without a count the end was the caller's to choose.
    let chosen = matches!(report.ended, Some(EndReason::Cancelled | EndReason::Deadline));
    let why = why(report.ended, from).filter(|_| !chosen || request.count.is_some())?;
    let asked = request.count.map(|count| format!(" of {count}")).unwrap_or_default();
    let tried = report.tried();
    Some(Label::Note(format!("ended after {tried}{asked}: {why}")))
}

/// Of a ping that was well until it was stopped: `, stopped after 41 of 100`.
pub(super) fn short_of(report: &PingReport, request: &PingRequest) -> String {
    match request.count {
        Some(count) if report.ended == Some(EndReason::Cancelled) && is_short(report, request) => {
            format!(", stopped after {} of {count}", report.tried())
        }
        _ => String::new(),
    }
}

/// Fewer were tried than the caller asked for.
pub(super) fn is_short(report: &PingReport, request: &PingRequest) -> bool {
    request.count.is_some_and(|count| count.get() > report.tried())
}

/// How far the pings came: `41 of 100 echoes (41 replied)`.
pub(crate) fn ping_progress(reports: &[PingReport], request: &PingRequest) -> String {
    let tried: u32 = reports.iter().map(PingReport::tried).sum();
    let replied: u32 = reports.iter().map(|report| report.replied).sum();
    let asked = request.count.map(|count| u64::from(count.get()) * reports.len() as u64);
    let asked = asked.map(|asked| format!(" of {asked}")).unwrap_or_default();
    format!("{tried}{asked} echoes ({replied} replied)")
}

/// A stream that broke off in the middle: what was seen is kept, and the command could not go on.
pub(crate) fn cut_off(progress: &str, from: &Peer, cause: &str) -> Failure {
    let doctor = node_name(from).map(|node| {
        let argv = ["kubectl", "netdiag", "doctor", &format!("node/{node}")];
        Label::Next(argv.map(String::from).into())
    });
    Failure::new(CUT_OFF, format!("cut off after {progress}: {cause}")).with(doctor)
}

fn on_node(from: &Peer) -> String {
    node_name(from).map(|node| format!(" on {node}")).unwrap_or_default()
}

fn node_name(from: &Peer) -> Option<&str> {
    match from.kind {
        PeerKind::Node => Some(&from.name),
        _ => from.node.as_deref(),
    }
}
