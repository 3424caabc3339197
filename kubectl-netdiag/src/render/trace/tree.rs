//! Several flows as a tree: where they part, and how many go which way.

use std::{
    io::{self, Write},
    net::IpAddr,
};

use netdiag_wire::trace::{TraceAnswer, TraceHop, TraceOutcome};

use super::TraceView;
use crate::render::{Screen, number};

/// What the lines of a tree say.
pub(super) trait Leaves {
    /// Who answered, and what it is.
    fn what(&self, hop: &TraceHop, answer: &TraceAnswer) -> String;

    /// Of a silence at whose end nobody answers.
    fn lost(&self, flows: &[&[TraceHop]]) -> String;

    /// Whether two paths of which only one is answered here are still one.
    fn is_alike(&self, a: &[TraceHop], b: &[TraceHop]) -> bool;
}

/// Flows that have come the same way, and what follows.
struct Branch<'a> {
    /// One of them at each hop from here on; the first is where they are now.
    flows: Vec<&'a [TraceHop]>,
}

/// Every path from the source on, a line each hop.
pub(crate) fn trace_tree(
    out: &mut dyn Write,
    screen: &Screen,
    view: &TraceView<'_>,
) -> io::Result<()> {
    if !screen.shows_evidence() || view.report.hops.is_empty() {
        return Ok(());
    }
    tree(out, screen, view, &view.report.hops)
}

/// The same of any paths: `hops` flow by flow, each from the source on.
pub(super) fn tree(
    out: &mut dyn Write,
    screen: &Screen,
    leaves: &dyn Leaves,
    hops: &[TraceHop],
) -> io::Result<()> {
    let flows: Vec<&[TraceHop]> = hops.chunk_by(|a, b| a.flow == b.flow).collect();
    let answers = hops.iter().flat_map(|hop| &hop.answers);
    let width = answers.map(|answer| answer.address.to_string().len()).max().unwrap_or(1);
    let mut tree = Tree { out, screen, leaves, width };
    tree.branches(&flows, "")
}

struct Tree<'a> {
    out: &'a mut dyn Write,
    screen: &'a Screen,
    leaves: &'a dyn Leaves,
    /// Of the longest address.
    width: usize,
}

impl Tree<'_> {
    fn branches(&mut self, flows: &[&[TraceHop]], indent: &str) -> io::Result<()> {
        let branches = part(flows, self.leaves);
        let last = branches.len().saturating_sub(1);
        for (at, branch) in branches.iter().enumerate() {
            let (knot, rail) = match (self.screen.ascii, at == last) {
                (false, false) => ("\u{251c}\u{2500} ", "\u{2502}  "),
                (false, true) => ("\u{2514}\u{2500} ", "   "),
                (true, false) => ("|- ", "|  "),
                (true, true) => ("`- ", "   "),
            };
            let length = branch.stretch();
            let line = self.line(branch, length);
            let line = self.screen.safe(&line).into_owned();
            writeln!(self.out, "{indent}{knot}{line}")?;
            let rest: Vec<&[TraceHop]> =
                branch.flows.iter().filter_map(|hops| hops.get(length..)).collect();
            let rest: Vec<_> = rest.into_iter().filter(|hops| !hops.is_empty()).collect();
            self.branches(&rest, &format!("{indent}{rail}"))?;
        }
        Ok(())
    }

    fn line(&self, branch: &Branch<'_>, length: usize) -> String {
        let count = branch.flows.len();
        let share = if count > 1 { format!("  x{count}") } else { String::new() };
        let Some(first) = branch.flows.first().and_then(|hops| hops.first()) else {
            return share;
        };
        let Some(answer) = first.answers.first() else {
            let is_end = branch.flows.iter().all(|hops| hops.len() == length);
            let what = match (is_end, length) {
                (true, _) => self.leaves.lost(&branch.flows),
                (false, 1) => "does not answer; later hops do".into(),
                (false, _) => "do not answer; later hops do".into(),
            };
            let ttl = first.ttl;
            let range = match length {
                1 => ttl.to_string(),
                _ => format!("{ttl}-{}", usize::from(ttl) + length - 1),
            };
            return format!("{range}  *  {what}{share}");
        };
        let times =
            branch.flows.iter().filter_map(|hops| hops.first()).flat_map(|hop| &hop.answers);
        let least = times.filter(|a| a.address == answer.address).map(|a| a.rtt_us).min();
        let ms = number::ms(least.unwrap_or(answer.rtt_us));
        let address = answer.address.to_string();
        let what = self.what(first, answer);
        format!("{}  {address:width$}  {ms}  {what}{share}", first.ttl, width = self.width)
    }

    /// Whoever else answers at the same distance of the same flow stands beside the first.
    fn what(&self, hop: &TraceHop, answer: &TraceAnswer) -> String {
        let mut others: Vec<String> = Vec::new();
        for other in hop.answers.iter().filter(|other| other.address != answer.address) {
            let other = other.address.to_string();
            if !others.contains(&other) {
                others.push(other);
            }
        }
        let what = self.leaves.what(hop, answer);
        match others.is_empty() {
            true => what,
            false => format!("{what} (also {})", others.join(", ")),
        }
    }
}

impl Leaves for TraceView<'_> {
    /// In a tree the end of a path says how it ends, as the ends differ.
    fn what(&self, hop: &TraceHop, answer: &TraceAnswer) -> String {
        let what = TraceView::what(self, hop.ttl, answer);
        match answer.outcome {
            TraceOutcome::Open => format!("{what}: open"),
            _ => what,
        }
    }

    fn lost(&self, _: &[&[TraceHop]]) -> String {
        "silence".into()
    }

    /// Both end with an answer at the same distance, and nowhere two different ones answer.
    fn is_alike(&self, a: &[TraceHop], b: &[TraceHop]) -> bool {
        let same = |(a, b): (&TraceHop, &TraceHop)| {
            let (a, b) = (address(a), address(b));
            a.is_none() || b.is_none() || a == b
        };
        let both_end = |hops: &[TraceHop]| hops.last().and_then(address).is_some();
        a.len() == b.len() && both_end(a) && both_end(b) && a.iter().zip(b).all(same)
    }
}

/// Flows parted by who answers first in each, in the order in which they are met. Who is silent
/// where another flow is answered goes with it if all that follows is alike.
fn part<'a>(flows: &[&'a [TraceHop]], leaves: &dyn Leaves) -> Vec<Branch<'a>> {
    let mut branches: Vec<Branch<'a>> = Vec::new();
    for hops in flows {
        match branches.iter_mut().find(|branch| goes_with(&branch.flows, hops, leaves)) {
            Some(branch) => branch.flows.push(hops),
            None => branches.push(Branch { flows: vec![hops] }),
        }
    }
    // Whoever stands for the branch was answered, if any of its flows was.
    for branch in &mut branches {
        branch.flows.sort_by_key(|hops| first(hops).is_none());
    }
    branches
}

fn goes_with(branch: &[&[TraceHop]], hops: &[TraceHop], leaves: &dyn Leaves) -> bool {
    let is_silent = branch.iter().all(|other| first(other).is_none());
    match first(hops) {
        Some(answerer) if !is_silent => branch.iter().any(|other| first(other) == Some(answerer)),
        None if is_silent => true,
        _ => branch.iter().any(|other| leaves.is_alike(other, hops)),
    }
}

fn first(hops: &[TraceHop]) -> Option<IpAddr> {
    hops.first().and_then(address)
}

fn address(hop: &TraceHop) -> Option<IpAddr> {
    hop.answers.first().map(|answer| answer.address)
}

impl Branch<'_> {
    /// How many hops one line stands for: a run in which all flows are silent.
    fn stretch(&self) -> usize {
        let silent =
            |hops: &&[TraceHop]| hops.iter().take_while(|hop| hop.answers.is_empty()).count();
        self.flows.iter().map(silent).min().unwrap_or(1).max(1)
    }
}
