//! One path, a row each hop: printed as the hops come, in columns whose widths are settled when the
//! first rows are.

use std::{
    io::{self, Write},
    net::IpAddr,
};

use netdiag_wire::{
    IcmpMeaning,
    trace::{TraceAnswer, TraceHop, TraceOutcome, TraceProtocol},
};

use super::TraceView;
use crate::render::{Screen, number, paint::Role, words};

/// So many times stand side by side; more are summed up.
const MAX_TIMES: usize = 5;
/// Width of one time: `0.412`.
const TIME: usize = 5;
const GAP: &str = "  ";

/// The hops that came, and how far they are printed.
#[derive(Default)]
pub(crate) struct Hops {
    held: Vec<TraceHop>,
    widths: Option<[usize; 3]>,
}

/// A line of the table.
struct Row {
    /// HOP, ADDRESS, MS.
    cells: [String; 3],
    what: String,
    role: Role,
}

impl Hops {
    pub(crate) fn push(&mut self, hop: TraceHop) {
        self.held.push(hop);
    }

    /// Whether the widths are settled.
    pub(crate) fn has_begun(&self) -> bool {
        self.widths.is_some()
    }

    /// Prints what is certain: silence is a middle hop's or the path's end, which what follows
    /// tells.
    pub(crate) fn show(
        &mut self,
        out: &mut dyn Write,
        screen: &Screen,
        view: &TraceView<'_>,
        is_end: bool,
    ) -> io::Result<()> {
        let is_known = |hop: &TraceHop| !hop.answers.is_empty();
        let known = match is_end {
            true => self.held.len(),
            false => self.held.iter().rposition(is_known).map_or(0, |at| at + 1),
        };
        let hops: Vec<TraceHop> = self.held.drain(..known).collect();
        if hops.is_empty() || !screen.shows_evidence() {
            return Ok(());
        }
        let rows = rows(&hops, view);
        let is_first = self.widths.is_none();
        let widths = *self.widths.get_or_insert_with(|| widths(&rows, &hops, view, is_end));
        if is_first && !screen.no_headers {
            let names = ["HOP", "ADDRESS", "MS"].map(str::to_owned);
            Row { cells: names, what: "WHAT".into(), role: Role::Faint }
                .write(out, screen, widths)?;
        }
        rows.iter().try_for_each(|row| row.write(out, screen, widths))
    }
}

/// As wide as the rows need; what may still come is allowed for: the target, a silent end.
fn widths(rows: &[Row], hops: &[TraceHop], view: &TraceView<'_>, is_end: bool) -> [usize; 3] {
    let mut widths = ["HOP".len(), "ADDRESS".len(), "MS".len()];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(&row.cells) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let last = hops.last().map_or(0, |hop| hop.ttl);
    if !is_end && last < view.request.max_ttl {
        let tail = format!("{}-{}", u16::from(last) + 1, view.request.max_ttl);
        let target = view.report.address.map(|address| address.to_string()).unwrap_or_default();
        widths[0] = widths[0].max(tail.len());
        widths[1] = widths[1].max(target.len());
    }
    let times = usize::from(view.request.queries).min(MAX_TIMES);
    widths[2] = widths[2].max(times * TIME + (times - 1) * GAP.len());
    widths
}

/// A row each answerer; hops that are silent in a row are one.
fn rows(hops: &[TraceHop], view: &TraceView<'_>) -> Vec<Row> {
    let is_last_answer = |ttl: u8| !hops.iter().any(|hop| hop.ttl > ttl && !hop.answers.is_empty());
    let alike = |a: &TraceHop, b: &TraceHop| {
        a.answers.is_empty() && b.answers.is_empty() && a.not_sent == b.not_sent
    };
    let runs = hops.chunk_by(alike).flat_map(|run| match run {
        [hop] if !hop.answers.is_empty() => answered(hop, view),
        run => vec![silent(run, run.last().is_none_or(|hop| is_last_answer(hop.ttl)))],
    });
    runs.collect()
}

/// Hops from which nothing came, one after the other.
fn silent(run: &[TraceHop], is_end: bool) -> Row {
    let hop = match run {
        [first, .., last] => format!("{}-{}", first.ttl, last.ttl),
        _ => run.iter().map(|hop| hop.ttl.to_string()).collect(),
    };
    let refusal = run.first().and_then(|hop| hop.not_sent.as_ref());
    let (what, role) = match (refusal, is_end, run.len()) {
        (Some(refusal), _, _) => (format!("not sent: {}", words::refusal(refusal)), Role::Bad),
        (None, true, _) => ("silence".into(), Role::Bad),
        (None, false, 1) => ("does not answer; later hops do".into(), Role::Faint),
        (None, false, _) => ("do not answer; later hops do".into(), Role::Faint),
    };
    Row { cells: [hop, "*".into(), String::new()], what, role }
}

fn answered(hop: &TraceHop, view: &TraceView<'_>) -> Vec<Row> {
    let mut groups: Vec<(IpAddr, String, Vec<u64>)> = Vec::new();
    for answer in &hop.answers {
        let what = view.what(hop.ttl, answer);
        match groups.iter_mut().find(|group| (group.0, &group.1) == (answer.address, &what)) {
            Some(group) => group.2.push(answer.rtt_us),
            None => groups.push((answer.address, what, vec![answer.rtt_us])),
        }
    }
    let last = groups.len() - 1;
    let row = |(at, (address, what, times)): (usize, (IpAddr, String, Vec<u64>))| {
        let ttl = if at == 0 { hop.ttl.to_string() } else { String::new() };
        let silent = if at == last { hop.silent } else { 0 };
        let bad = view.is_rejection(hop, address);
        Row {
            cells: [ttl, address.to_string(), shown_times(&times, silent)],
            what,
            role: if bad { Role::Bad } else { Role::Plain },
        }
    };
    groups.into_iter().enumerate().map(row).collect()
}

/// `0.041  0.038      *`, or the least, the mean and the most of many.
fn shown_times(times: &[u64], silent: u16) -> String {
    if times.len() + usize::from(silent) <= MAX_TIMES {
        let shown = times.iter().map(|us| format!("{:>TIME$}", number::ms_digits(*us)));
        let silent = (0..silent).map(|_| format!("{:>TIME$}", "*"));
        return shown.chain(silent).collect::<Vec<_>>().join(GAP);
    }
    let mean =
        times.iter().fold(0, |sum: u64, us| sum.saturating_add(*us)) / times.len().max(1) as u64;
    let least = times.iter().copied().min().unwrap_or_default();
    let most = times.iter().copied().max().unwrap_or_default();
    let three = [least, mean, most].map(number::ms_digits).join("/");
    match silent {
        0 => three,
        silent => format!("{three}  {silent} silent"),
    }
}

impl TraceView<'_> {
    /// Who answered, and what else the answer tells.
    pub(super) fn what(&self, ttl: u8, answer: &TraceAnswer) -> String {
        let address = answer.address;
        let is_arrival = self.report.address.is_some_and(|target| answer.is_arrival(target));
        if self.is_in_services_name(address, answer.outcome) {
            return "somebody who answers in the Service's name".into();
        }
        let mut what = match (self.who(address), self.fate(answer)) {
            // Of whom nothing is known, what was said stands alone.
            (who, Some(fate)) if who == "-" => fate,
            (who, Some(fate)) => format!("{who}: {fate}"),
            (who, None) => who,
        };
        if is_arrival && self.is_same_bridge(ttl) {
            what.push_str(" (same bridge: no node in between)");
        }
        if let Some(to) = answer.rewritten_to {
            what = format!("{what}; by then the packet was going to {}", self.with_name(to));
        }
        if !answer.labels.is_empty() {
            let label = |label: &netdiag_wire::trace::MplsLabel| {
                format!("{} (class {}, TTL {})", label.label, label.traffic_class, label.ttl)
            };
            let labels: Vec<_> = answer.labels.iter().map(label).collect();
            what = format!("{what}; MPLS {}", labels.join(", "));
        }
        what
    }

    /// The word for what came back, where it is not what a path's hop or end is expected to say.
    fn fate(&self, answer: &TraceAnswer) -> Option<String> {
        let icmp = answer.icmp.as_ref();
        match answer.outcome {
            TraceOutcome::Expired | TraceOutcome::Open | TraceOutcome::Replied => None,
            TraceOutcome::Refused => Some("refused".into()),
            TraceOutcome::Rejected => {
                let is_port = icmp.is_some_and(|icmp| icmp.meaning == IcmpMeaning::PortUnreachable);
                let is_usual = is_port
                    && self.is_target(answer.address)
                    && self.report.protocol == TraceProtocol::Udp;
                let said = icmp.map_or_else(|| "unreachable".into(), words::icmp);
                (!is_usual).then(|| format!("rejected, {said}"))
            }
            TraceOutcome::Unknown => Some("something newer, which this plugin cannot name".into()),
        }
    }

    fn is_rejection(&self, hop: &TraceHop, address: IpAddr) -> bool {
        let rejects = |answer: &&TraceAnswer| {
            answer.address == address && answer.outcome == TraceOutcome::Rejected
        };
        !self.is_target(address) && hop.answers.iter().any(|answer| rejects(&answer))
    }

    fn with_name(&self, address: IpAddr) -> String {
        match self.names.who(address) {
            Some(who) => format!("{address} ({who})"),
            None => address.to_string(),
        }
    }
}

impl Row {
    fn write(&self, out: &mut dyn Write, screen: &Screen, widths: [usize; 3]) -> io::Result<()> {
        let [hop, address, ms] = &self.cells;
        // Times of a healthy row are not what the eye looks for.
        let faint = if self.role == Role::Plain { Role::Faint } else { self.role };
        let pad = |cell: &str, width: usize| " ".repeat(width.saturating_sub(cell.chars().count()));
        write!(out, "{}{}{GAP}", pad(hop, widths[0]), screen.paint(self.role, hop))?;
        write!(out, "{}{}{GAP}", screen.paint(self.role, address), pad(address, widths[1]))?;
        write!(out, "{}{}{GAP}", screen.paint(faint, ms), pad(ms, widths[2]))?;
        let what = screen.safe(&self.what);
        writeln!(out, "{}", screen.paint(self.role, what.as_ref()))
    }
}
