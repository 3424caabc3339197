//! `trace svc/NAME`: the paths to its endpoints as one tree, and the flows through its own address.

use std::{
    io::{self, Write},
    net::IpAddr,
};

use netdiag_wire::trace::{PathEnd, TraceAnswer, TraceFlow, TraceHop, TraceOutcome, TraceProtocol};

use super::tree::{Leaves, tree};
use crate::{
    finding::Peer,
    render::{Cell, Column, Mood, Names, Screen, Table, header_line, named, number, table, words},
    service::{Path, Paths, Plan, ServicePort},
};

/// Endpoints at one distance that are named one by one.
const MAX_NAMED: usize = 3;
/// The end of a pod's name that tells it from all others; the number of a StatefulSet's is shorter.
const MIN_HASH: usize = 4;

/// What was traced.
pub(crate) struct PathsView<'a> {
    pub(crate) plan: &'a Plan,
    /// Endpoints that there are.
    pub(crate) all: usize,
    pub(crate) paths: &'a Paths,
    pub(crate) from: &'a Peer,
    pub(crate) names: &'a Names,
}

/// `... -> shop/svc/checkout:http (10.96.14.7 TCP 80)`.
pub(crate) fn paths_header(
    out: &mut dyn Write,
    screen: &Screen,
    (from, to): (&Peer, &Peer),
    (protocol, port): (TraceProtocol, Option<&ServicePort>),
) -> io::Result<()> {
    let Some(port) = port else {
        return header_line(out, screen, from, &format!("{}, {}", named(to), word(protocol)));
    };
    let service = Peer { port: None, ..to.clone() }.word();
    let number = port.declared.number;
    let name = match port.name() {
        "" => number.to_string(),
        name => name.to_owned(),
    };
    let transport = word(protocol);
    let brackets = match to.address {
        Some(address) => format!("{address} {transport} {number}"),
        None => format!("headless, {transport} {number}"),
    };
    header_line(out, screen, from, &format!("{service}:{name} ({brackets})"))
}

fn word(protocol: TraceProtocol) -> &'static str {
    match protocol {
        TraceProtocol::Udp => "UDP",
        TraceProtocol::Tcp => "TCP",
        TraceProtocol::Icmp => "ICMP",
    }
}

pub(crate) fn paths(out: &mut dyn Write, screen: &Screen, view: &PathsView<'_>) -> io::Result<()> {
    if !screen.shows_evidence() {
        return Ok(());
    }
    let direct = &view.paths.direct;
    if !direct.is_empty() {
        writeln!(out, "{}:", view.title())?;
        let hops = direct.iter().zip(0_u8..).flat_map(|(path, flow)| {
            path.report.hops.iter().map(move |hop| TraceHop { flow, ..hop.clone() })
        });
        tree(out, screen, view, &hops.collect::<Vec<_>>())?;
    }
    match &view.paths.through {
        Some(through) => view.flows(out, screen, through),
        None => Ok(()),
    }
}

impl PathsView<'_> {
    /// `paths to its 3 endpoints, TCP 8080`.
    fn title(&self) -> String {
        let direct = &self.paths.direct;
        let count = direct.len();
        let whose = match (count, self.all) {
            (1, 1) => "path to its endpoint".to_owned(),
            (count, all) if count == all => format!("paths to its {count} endpoints"),
            (1, all) => format!("path to 1 of its {all} endpoints"),
            (count, all) => format!("paths to {count} of its {all} endpoints"),
        };
        let first = direct.first().and_then(|path| path.request.port);
        let is_one = direct.iter().all(|path| path.request.port == first);
        let transport = word(self.paths.protocol);
        match first.filter(|_| is_one) {
            Some(port) => format!("{whose}, {transport} {port}"),
            None => format!("{whose}, {transport}"),
        }
    }

    fn path(&self, hop: &TraceHop) -> Option<&Path> {
        self.paths.direct.get(usize::from(hop.flow))
    }

    /// `pod/checkout-2xk8p`; with its node where no hop before it says so.
    fn endpoint(&self, path: &Path, hop: &TraceHop) -> String {
        let Some(endpoint) = path.endpoint.and_then(|at| self.plan.endpoints.get(at)) else {
            return "the Service".into();
        };
        let short = endpoint.short();
        let Some(node) = &endpoint.node else { return short };
        let before = path.report.hops.iter().filter(|it| it.ttl < hop.ttl);
        let mut before = before.flat_map(|it| &it.answers);
        let is_known = before.any(|it| self.names.owner_of(it.address).as_ref() == Some(node));
        if is_known { short } else { format!("{short} on {node}") }
    }

    fn flows(&self, out: &mut dyn Write, screen: &Screen, through: &Path) -> io::Result<()> {
        let report = &through.report;
        let Some(address) = report.address.or(self.plan.address) else { return Ok(()) };
        let rewritten = match (self.rewritten_at(report.hops.iter(), address), &self.from.node) {
            (Some(1), Some(node)) => format!(", rewritten by {node} at or before hop 1"),
            (Some(ttl), _) => format!(", rewritten at or before hop {ttl}"),
            (None, _) => String::new(),
        };
        writeln!(out, "flows through {address}{rewritten}:")?;
        let right = |name: &str| Column { right: true, ..Column::new(name) };
        let columns =
            vec![right("   SOURCE PORT"), right("HOPS"), right("MS"), Column::new("WENT TO")];
        let rows = report.flows.iter().map(|flow| self.flow(through, flow)).collect();
        table(out, screen, &Table { columns, rows })
    }

    /// The first hop that answers in the Service's name, which the address itself cannot be.
    fn rewritten_at<'h>(
        &self,
        hops: impl Iterator<Item = &'h TraceHop>,
        address: IpAddr,
    ) -> Option<u8> {
        let is_service = |answer: &TraceAnswer| answer.address == address;
        let answered = hops.filter(|hop| hop.answers.iter().any(is_service));
        answered.map(|hop| hop.ttl).min()
    }

    fn flow(&self, through: &Path, flow: &TraceFlow) -> Vec<Cell> {
        let port = flow.source_port.map_or_else(|| "-".into(), |port| port.to_string());
        let (hops, ms, went) = match &flow.end {
            PathEnd::Reached { hops, rtt_us } => {
                let (hops, went) = self.went_to(through, flow.flow, *hops);
                (hops.to_string(), number::ms_digits(*rtt_us), Cell::from(went))
            }
            PathEnd::Rejected { ttl, by, icmp } => {
                let who = self.names.who(*by).map(|who| format!(" ({who})")).unwrap_or_default();
                let text = format!("nowhere: rejected by {by}{who}, {}", words::icmp(icmp));
                (ttl.to_string(), "-".into(), bad(text))
            }
            PathEnd::Silence { after_ttl: 0 } => ("-".into(), "-".into(), bad("silence".into())),
            PathEnd::Silence { after_ttl } => {
                let text = format!("silence after hop {after_ttl}");
                ("-".into(), "-".into(), bad(text))
            }
            PathEnd::Loop { from_ttl, .. } => {
                let text = format!("nowhere: a loop from hop {from_ttl} on");
                ("-".into(), "-".into(), bad(text))
            }
            PathEnd::NotSent { refusal } => {
                let text = format!("not sent: {}", words::refusal(refusal));
                ("-".into(), "-".into(), bad(text))
            }
            PathEnd::Unfinished { .. } | PathEnd::Unknown => {
                ("-".into(), "-".into(), Cell::doubtful("not known when it ended"))
            }
        };
        vec![port.into(), hops.into(), ms.into(), went]
    }

    /// Who has answered this flow, as far as distance and the TTL of the answer tell; surer is
    /// nothing from outside. Also how far that is.
    fn went_to(&self, through: &Path, flow: u8, hops: u8) -> (u8, String) {
        if self.paths.direct.len() < self.all {
            return (hops, "cannot tell: not all endpoints were traced".into());
        }
        let at_once = through.is_past_rules_at_once(flow, hops);
        let answer = through.arrival(flow).and_then(|answer| answer.ttl);
        let is_there = |path: &&Path| {
            let is_as_far = path.hops().is_some_and(|it| it == hops || (at_once && it < hops));
            let own = path.arrival(0).and_then(|answer| answer.ttl);
            let is_as_old = answer.is_none() || own.is_none() || answer == own;
            path.endpoint.is_some_and(|at| self.plan.endpoints[at].ready) && is_as_far && is_as_old
        };
        let there: Vec<&Path> = self.paths.direct.iter().filter(is_there).collect();
        let names = there.iter().filter_map(|path| Some(&self.plan.endpoints[path.endpoint?]));
        let names: Vec<String> = names.map(crate::service::Endpoint::short).collect();
        let hops = match there.first().and_then(|path| path.hops()) {
            Some(first) if there.iter().all(|path| path.hops() == Some(first)) => first,
            _ => hops,
        };
        let away = if hops == 1 { "1 hop away".into() } else { format!("{hops} hops away") };
        let who = match &names[..] {
            [] => format!("cannot tell: no endpoint is {away}"),
            [one] if self.all == 1 => format!("{one} (the only endpoint)"),
            [one] => format!("{one} (the only endpoint {away})"),
            names if names.len() > MAX_NAMED => {
                format!("one of {} endpoints {away}: cannot tell", names.len())
            }
            names => format!("{}: cannot tell", either(names)),
        };
        (hops, who)
    }
}

impl Path {
    /// How far the target is, where it was met.
    pub(crate) fn hops(&self) -> Option<u8> {
        match self.report.flows.first()?.end {
            PathEnd::Reached { hops, .. } => Some(hops),
            _ => None,
        }
    }

    /// The target's own first answer to a flow.
    fn arrival(&self, flow: u8) -> Option<&TraceAnswer> {
        let target = self.report.address?;
        let hops = self.report.hops.iter().filter(|hop| hop.flow == flow);
        hops.flat_map(|hop| &hop.answers).find(|answer| answer.is_arrival(target))
    }

    /// It arrived with the first TTL that comes past the hop that rewrites. A packet that ends at
    /// that hop leaves nothing in its conntrack table (an entry is confirmed on the way out), so
    /// the next one may get another endpoint, also a nearer one.
    fn is_past_rules_at_once(&self, flow: u8, hops: u8) -> bool {
        let mut of_flow = self.report.hops.iter().filter(|hop| hop.flow == flow);
        let is_expired = |answer: &TraceAnswer| answer.outcome == TraceOutcome::Expired;
        let rewriting = of_flow.find(|hop| {
            hop.answers.iter().any(|it| is_expired(it) && Some(it.address) == self.report.address)
        });
        rewriting.is_some_and(|hop| hop.ttl + 1 == hops)
    }
}

/// `9zq4m or tt6wd` of pods whose names begin alike.
fn either(names: &[String]) -> String {
    let parts = names.iter().map(|name| name.rsplit_once('-'));
    let parts: Option<Vec<(&str, &str)>> = parts.collect();
    let is_hash = |end: &str| end.len() >= MIN_HASH;
    let alike = parts.filter(|all| all.iter().all(|(stem, end)| *stem == all[0].0 && is_hash(end)));
    let short: Vec<&str> = match &alike {
        Some(parts) => parts.iter().map(|(_, end)| *end).collect(),
        None => names.iter().map(String::as_str).collect(),
    };
    match short.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

fn bad(text: String) -> Cell {
    Cell { text, mood: Mood::Bad }
}

impl Leaves for PathsView<'_> {
    fn what(&self, hop: &TraceHop, answer: &TraceAnswer) -> String {
        let path = self.path(hop);
        let arrival =
            path.filter(|path| path.report.address.is_some_and(|target| answer.is_arrival(target)));
        if let Some(path) = arrival {
            let ends = match answer.outcome {
                TraceOutcome::Open => ": open",
                TraceOutcome::Refused => ": refused",
                _ => "",
            };
            return format!("{}{ends}", self.endpoint(path, hop));
        }
        let unknown = if self.names.is_empty() { "-" } else { "(unknown address)" };
        let who = self.names.who(answer.address).unwrap_or_else(|| unknown.into());
        match (&answer.icmp, answer.outcome) {
            (Some(icmp), TraceOutcome::Rejected) => {
                format!("{who}: rejected, {}", words::icmp(icmp))
            }
            _ => who,
        }
    }

    fn lost(&self, flows: &[&[TraceHop]]) -> String {
        let first = flows.iter().filter_map(|hops| hops.first());
        let lost = first.filter_map(|hop| {
            let at = self.path(hop)?.endpoint?;
            Some(self.plan.endpoints[at].short())
        });
        format!("silence: {}", lost.collect::<Vec<_>>().join(", "))
    }

    /// Who is silent where another path is answered goes with it, if both then come to the same.
    fn is_alike(&self, a: &[TraceHop], b: &[TraceHop]) -> bool {
        let both =
            a.iter().zip(b).find_map(|(a, b)| Some((a.answers.first()?, b.answers.first()?)));
        both.is_some_and(|(a, b)| a.address == b.address)
    }
}

#[cfg(test)]
mod screens;
