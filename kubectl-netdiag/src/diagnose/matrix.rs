//! What echoes between many sources and many targets mean: who is alone in being ill.

use netdiag_wire::ping::PingReport;

use crate::{
    finding::{Code, Finding, Label, Peer, PeerKind, Severity},
    matrix::Matrix,
    render::number,
};

const LOSS: Code = Code(301);
const SILENCE: Code = Code(302);
const REJECTED: Code = Code(304);
const NOT_SENT: Code = Code(305);
/// Pairs that are named.
const MAX_NAMED: usize = 3;

/// One source and one target, and what came back.
type Pair<'a> = (&'a Peer, &'a Peer, &'a PingReport);

/// Worst first, at least one.
pub(crate) fn findings(matrix: &Matrix) -> Vec<Finding> {
    let pairs: Vec<Pair<'_>> = matrix
        .rows
        .iter()
        .flat_map(|row| row.pairs(&matrix.targets).map(|(to, ping)| (&row.from, to, ping)))
        .collect();
    let of = |is: fn(&PingReport) -> bool| -> Vec<Pair<'_>> {
        pairs.iter().filter(|(.., ping)| is(ping)).copied().collect()
    };
    let dead = of(|ping| ping.replied == 0);
    let lossy = of(|ping| ping.replied > 0 && ping.replied < ping.tried());
    let mut findings = Vec::new();
    if !dead.is_empty() {
        findings.push(dead_pairs(matrix, &dead, pairs.len()));
    }
    if !lossy.is_empty() {
        findings.push(lost(&lossy, pairs.len()));
    }
    if findings.is_empty() {
        findings.push(well(&pairs));
    }
    findings
}

fn well(pairs: &[Pair<'_>]) -> Finding {
    let slowest = pairs.iter().filter_map(|pair| Some((pair.2.rtt_us?.max, pair)));
    let Some((us, (from, to, _))) = slowest.max_by_key(|(us, _)| *us) else {
        return Finding::ok("one node alone: there is nobody else to ask");
    };
    let who = match pairs {
        [_] => "the echoes are answered".to_owned(),
        pairs => format!("all {} pairs answer each echo", pairs.len()),
    };
    let (ms, from, to) = (number::ms(us), word(from), word(to));
    Finding::ok(format!("{who}; slowest {ms}, {from} -> {to}"))
}

fn dead_pairs(matrix: &Matrix, dead: &[Pair<'_>], all: usize) -> Finding {
    let (from, to, first) = dead[0];
    let nodes: Vec<&Peer> = dead.iter().flat_map(|(from, to, _)| [*from, *to]).collect();
    let culprit =
        nodes.iter().find(|it| dead.iter().all(|pair| is_same(pair.0, it) || is_same(pair.1, it)));
    let (count, how) = (dead.len(), outcome(first));
    let summary = match culprit {
        // Of two nodes either may be it.
        Some(culprit) if count > 1 && matrix.rows.len().max(matrix.targets.len()) > 2 => {
            alone(matrix, culprit, dead, how)
        }
        _ if all == 1 => format!("no echo is answered: {how}"),
        _ => format!("{count} of {all} pairs: {how}: {}", named(dead)),
    };
    let trace = ["kubectl", "netdiag", "trace", &to.word(), "--from", &from.word()];
    let trace = Label::Next(trace.map(str::to_owned).to_vec());
    let finding = |code| Finding::new(Severity::Fail, code, summary);
    match first {
        PingReport { not_sent: 1.., .. } => finding(NOT_SENT).with(trace),
        PingReport { rejected: 1.., .. } => finding(REJECTED).with(trace),
        _ => finding(SILENCE)
            .with(one_way(matrix, dead))
            .with(Label::Unless("echoes alone are dropped: connect and trace go by TCP too".into()))
            .with(trace),
    }
}

/// One end is in every pair that is ill.
fn alone(matrix: &Matrix, culprit: &Peer, dead: &[Pair<'_>], how: &str) -> String {
    let who = word(culprit);
    let others =
        |is: fn(&Pair<'_>, &Peer) -> bool| dead.iter().filter(|it| is(it, culprit)).count();
    let (to_it, from_it) =
        (others(|it, peer| is_same(it.1, peer)), others(|it, peer| is_same(it.0, peer)));
    let sources = matrix.rows.iter().filter(|row| !is_same(&row.from, culprit)).count();
    let targets = matrix.targets.iter().filter(|peer| !is_same(peer, culprit)).count();
    match (to_it == sources && to_it > 0, from_it == targets && from_it > 0) {
        (true, true) => {
            format!("{who} is cut off: {how} to it and from it, with all {sources} others")
        }
        (true, false) if from_it == 0 => {
            format!("{who} answers nobody: {how} for all {sources} sources")
        }
        (false, true) if to_it == 0 => {
            format!("{who} reaches nobody: {how} from all {targets} others")
        }
        _ => format!("{who} is in all {} pairs that fail: {how}: {}", dead.len(), named(dead)),
    }
}

/// An echo needs both ways, so who is answered is also reached.
fn one_way(matrix: &Matrix, dead: &[Pair<'_>]) -> Option<Label> {
    let (from, to, _) = dead.iter().find(|(from, to, _)| {
        let back = matrix.rows.iter().find(|row| is_same(&row.from, to));
        let back =
            back.and_then(|row| row.pairs(&matrix.targets).find(|(peer, _)| is_same(peer, from)));
        back.is_some_and(|(_, ping)| ping.replied > 0)
    })?;
    let (from, to) = (word(from), word(to));
    Some(Label::Seen(format!(
        "{to} -> {from} is answered: packets pass both ways, and only these echoes are dropped"
    )))
}

fn lost(lossy: &[Pair<'_>], all: usize) -> Finding {
    let (count, names) = (lossy.len(), named(lossy));
    let echoes: u32 = lossy.iter().map(|(.., ping)| ping.tried()).sum();
    let gone: u32 = lossy.iter().map(|(.., ping)| ping.tried() - ping.replied).sum();
    let (from, to, _) = lossy[0];
    let more = ["kubectl", "netdiag", "ping", &to.word(), "--from", &from.word(), "-c", "100"];
    let summary = format!("{count} of {all} pairs lost echoes, {gone} of {echoes}: {names}");
    Finding::new(Severity::Warn, LOSS, summary).with(Label::Next(more.map(str::to_owned).to_vec()))
}

fn named(pairs: &[Pair<'_>]) -> String {
    let shown = pairs.iter().take(MAX_NAMED);
    let shown: Vec<_> =
        shown.map(|(from, to, _)| format!("{} -> {}", word(from), word(to))).collect();
    match pairs.len().saturating_sub(MAX_NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn outcome(report: &PingReport) -> &'static str {
    match report {
        PingReport { rejected: 1.., .. } => "rejected",
        PingReport { not_sent: 1.., .. } => "not sent",
        _ => "silence",
    }
}

/// Source and target are not known by the same words.
fn is_same(a: &Peer, b: &Peer) -> bool {
    a.word() == b.word()
}

fn word(peer: &Peer) -> String {
    match peer.kind {
        PeerKind::Node => peer.name.clone(),
        _ => peer.word(),
    }
}
