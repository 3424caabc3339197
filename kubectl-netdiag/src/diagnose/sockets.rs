//! The verdict on a socket table: what waits, what is stuck, and what nobody can reach.

use std::collections::BTreeMap;

use netdiag_wire::sockets::SocketEntry;

mod connections;
mod listeners;

use super::ended;
use crate::{
    agent::refusal,
    finding::{Code, Finding, Label, PeerKind, Severity},
    render::{SocketsView, number, sockets::Peers},
};

const LOOPBACK_ONLY: Code = Code(601);
const QUEUE_FULL: Code = Code(603);
const UNACKNOWLEDGED: Code = Code(611);
const SYN_BACKLOG: Code = Code(612);
const TIME_WAIT: Code = Code(613);
const CLOSE_WAIT: Code = Code(614);
const INCOMPLETE: Code = Code(615);
const WINDOW_CLOSED: Code = Code(625);

/// Findings of one screen; `SKIP` is none.
const MAX_FINDINGS: usize = 3;

/// A table with what its rows are named by.
struct Case<'a> {
    view: &'a SocketsView<'a>,
    peers: Peers<'a>,
}

/// Worst first; `account` is whose token the agent got.
pub(super) fn findings(view: &SocketsView<'_>, account: Option<&(String, String)>) -> Vec<Finding> {
    let case = Case { view, peers: Peers::new(view) };
    let mut found: Vec<Finding> = incomplete(view).into_iter().collect();
    found.extend(case.listeners());
    found.extend(case.connections());
    // Stable: of one severity the likelier stands first.
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    found.truncate(MAX_FINDINGS);
    if found.is_empty() {
        found.push(well(view));
    }
    explained(&mut found);
    if let Some(label) = processes_left_out(view)
        && let Some(first) = found.first_mut()
    {
        first.labels.push(label);
    }
    found.extend(skipped(view, account));
    found
}

/// Of several findings the worst is worth reading about.
fn explained(found: &mut [Finding]) {
    let worst = found.first().and_then(|finding| finding.code).filter(|_| found.len() > 1);
    if let (Some(code), Some(last)) = (worst, found.last_mut()) {
        let command = ["kubectl", "netdiag", "explain", &code.to_string()];
        last.labels.push(Label::Next(command.map(str::to_owned).to_vec()));
    }
}

fn well(view: &SocketsView<'_>) -> Finding {
    if view.shown.has_stats {
        let last = view.report.counters.last();
        let read = last.map_or(0, |reading| reading.counters.0.values().map(BTreeMap::len).sum());
        let read = number::count(read as u64);
        return Finding::ok(format!("{read} counters read, no accept queue is full"));
    }
    let all = view.listed().count();
    let listening = view.listed().filter(|entry| entry.is_listening()).count();
    let others = all - listening;
    let counted = |count: usize, word: &str| {
        let noun = if count == 1 { "socket" } else { "sockets" };
        format!("{} {word} {noun}", number::count(count as u64))
    };
    Finding::ok(match (listening, others) {
        (0, 0) => "nothing that was asked for is there".into(),
        (listening, 0) => format!("{}, no accept queue is full", counted(listening, "listening")),
        (0, others) => format!("{}, none is stuck", counted(others, "connected")),
        (listening, others) => format!(
            "{} and {}: no accept queue is full, nothing is stuck",
            counted(listening, "listening"),
            counted(others, "connected")
        ),
    })
}

/// ND0615: sockets may be missing.
fn incomplete(view: &SocketsView<'_>) -> Option<Finding> {
    let report = view.report;
    let why = match (&report.round, ended::why(report.ended, view.place)) {
        (None, Some(why)) => why,
        (None, None) => "the agent told of no complete round".into(),
        (Some(round), _) if round.incomplete > 0 => {
            let lists = number::counted(round.incomplete, "list", "lists");
            format!("{lists} changed each time the kernel wrote them")
        }
        (Some(_), _) if report.entries_left_out > 0 => {
            let left_out = number::count(report.entries_left_out);
            format!("{left_out} sockets are more than a report holds")
        }
        (Some(_), _) => return None,
    };
    let seen = number::count(report.entries.len() as u64);
    let summary = format!("cannot tell: of the table {seen} sockets are known, and {why}");
    Some(Finding::new(Severity::Unknown, INCOMPLETE, summary))
}

/// Why a socket that somebody holds remains nobody's.
fn processes_left_out(view: &SocketsView<'_>) -> Option<Label> {
    let count = view.report.done.as_ref()?.processes?;
    let is_nobodys = |entry: &SocketEntry| entry.inode.is_some() && entry.pids.is_empty();
    if !view.listed().any(is_nobodys) {
        return None;
    }
    let parts = [
        (count.vanished, "ended before they were looked into"),
        (count.refused, "could not be looked into"),
        (count.left_out, "were left out for want of time"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", number::count(count.into())))
        .collect();
    let all = count.read + count.vanished + count.refused + count.left_out;
    let text = format!("of {all} processes {}", parts.join(", "));
    (!parts.is_empty()).then_some(Label::Note(text))
}

/// `SKIP`: what the caller may not see, and who could change that.
fn skipped(view: &SocketsView<'_>, account: Option<&(String, String)>) -> Option<Finding> {
    let missing = view.report.skipped.as_ref()?;
    let (resource, right) = (&missing.resource, &missing.right);
    let namespace = view.place.namespace.as_deref().filter(|_| view.place.kind == PeerKind::Pod);
    let place = namespace.map(|namespace| format!(" in {namespace}")).unwrap_or_default();
    let summary = format!("{right}: {resource}/{right} not granted{place}");
    let command = account.and_then(|account| refusal::binding(missing, namespace, account));
    let labels = command.map(Label::Admin).into_iter().collect();
    Some(Finding { code: None, severity: Severity::Skip, summary, labels })
}

impl Case<'_> {
    fn entries(&self) -> impl Iterator<Item = &SocketEntry> {
        self.view.report.entries.iter()
    }

    /// `app/node (1)`, or what stands for it.
    fn process(&self, entry: &SocketEntry) -> String {
        self.peers.processes.of(entry).unwrap_or_else(|| "its process".into())
    }

    /// The namespace, in a sentence.
    fn place(&self) -> &'static str {
        match self.view.place.kind {
            PeerKind::Pod => "this pod's namespace",
            PeerKind::Node => "this node's namespace",
            _ => "this machine's namespace",
        }
    }
}

fn port(entry: &SocketEntry) -> u16 {
    entry.local.map(|local| local.port).unwrap_or_default()
}
