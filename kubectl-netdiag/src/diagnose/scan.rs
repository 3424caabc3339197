//! The verdict on a scan: how many ports are open, and where that and the cluster disagree.

use std::collections::BTreeSet;

use netdiag_wire::scan::{PortState, ScanPort, ScanReport, ScanRequest, ScanWhy};

use super::{Context, ended, labels};
use crate::{
    finding::{Code, Finding, Label, PeerKind, Severity},
    render::{number, scan, words},
    scan::Known,
};

mod ports;

const NOT_SENT: Code = Code(305);
const UNFINISHED: Code = Code(619);
const NO_ANSWER: Code = Code(616);
const NONE_OPEN: Code = Code(617);
const INTERCEPTED: Code = Code(609);

/// A scan, and what is known of its target's ports.
pub(crate) struct ScanFacts<'a> {
    pub(crate) request: &'a ScanRequest,
    pub(crate) report: &'a ScanReport,
    pub(crate) known: &'a Known,
    /// How many of how many were asked, where it was told.
    pub(crate) asked: (u64, u64),
}

/// A scan and all that is known around it.
struct Case<'a> {
    facts: &'a ScanFacts<'a>,
    context: &'a Context,
}

/// The findings of one scan, worst first.
pub(crate) fn scan(facts: &ScanFacts<'_>, context: &Context) -> Vec<Finding> {
    let case = Case { facts, context };
    let mut findings = case.findings();
    if let Some(first) = findings.first_mut() {
        labels::of_default_source(first, context);
    }
    findings.extend(case.skipped());
    findings
}

impl Case<'_> {
    fn findings(&self) -> Vec<Finding> {
        let report = self.facts.report;
        if report.intercepted {
            return vec![self.intercepted()];
        }
        if let Some(why) = ended::why(report.ended, &self.context.from) {
            return vec![self.unfinished(&why)];
        }
        if self.facts.request.tcp.is_empty() && self.facts.request.udp.is_empty() {
            return vec![self.discovered()];
        }
        let found = self.ports();
        let mut found = if found.is_empty() { vec![self.plain()] } else { found };
        match (self.not_sent(), found.first_mut()) {
            (0, _) | (_, None) => found,
            (unsent, Some(_)) if unsent == self.all() => vec![self.nothing_sent()],
            (unsent, Some(first)) => {
                let ports = number::counted(unsent as u32, "port was", "ports were");
                let note = format!("{ports} not asked: {}", self.refusals());
                first.labels.push(Label::Note(note));
                // Of these nothing is known, so all cannot be well.
                first.severity = first.severity.max(Severity::Warn);
                first.code = first.code.or(Some(NOT_SENT));
                found
            }
        }
    }

    /// Ports of which nothing is known, as nothing left the source.
    fn not_sent(&self) -> u64 {
        let report = self.facts.report;
        let rest = report.rest.iter().filter(|rest| rest.why == ScanWhy::NotSent);
        let ports = report.ports.iter().filter(|port| port.why == ScanWhy::NotSent);
        rest.map(|rest| rest.ports.len() as u64).sum::<u64>() + ports.count() as u64
    }

    /// The kernel's reasons not to send.
    fn refusals(&self) -> String {
        let rest = self.facts.report.rest.iter();
        let refusals = rest.filter_map(|rest| rest.refusal.as_ref()).map(words::refusal);
        let refusals: BTreeSet<_> = refusals.collect();
        match refusals.is_empty() {
            true => "the source's own kernel refuses".into(),
            false => Vec::from_iter(refusals).join("; "),
        }
    }

    /// Ports of which something was told.
    fn all(&self) -> u64 {
        let report = self.facts.report;
        let rest = report.rest.iter().map(|rest| rest.ports.len() as u64);
        rest.sum::<u64>() + report.ports.len() as u64
    }

    fn nothing_sent(&self) -> Finding {
        let summary = format!("nothing was sent: {}", self.refusals());
        let to = self.context.to.word();
        let port = self.facts.request.tcp.iter().next();
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let (to, from) = (format!("{to}{port}"), self.context.from.word());
        let next = ["kubectl", "netdiag", "connect", &to, "--from", &from].map(str::to_owned);
        Finding::new(Severity::Fail, NOT_SENT, summary)
            .with((!port.is_empty()).then(|| Label::Next(next.to_vec())))
    }

    fn intercepted(&self) -> Finding {
        let summary = "nothing can be told: a proxy in the source's own pod takes its connections";
        let node = self.context.from.node.as_ref();
        let next = node.map(|node| self.command(&format!("node/{node}")));
        Finding::new(Severity::Unknown, INTERCEPTED, summary).with(next)
    }

    fn unfinished(&self, why: &str) -> Finding {
        let (done, total) = self.facts.asked;
        let open = self.open().len();
        let of = match total {
            0 => String::new(),
            total => format!(" after {} of {}", number::count(done), number::count(total)),
        };
        let is_hosts = self.facts.request.tcp.is_empty() && self.facts.request.udp.is_empty();
        let what = match (is_hosts, total) {
            (_, 0) => "",
            (true, _) => " addresses",
            (false, _) => " ports",
        };
        let found = if is_hosts {
            format!("{} up so far", number::count(self.up() as u64))
        } else {
            format!("{} open so far", number::count(open as u64))
        };
        let summary = format!("not finished{of}{what}, {found}");
        Finding::new(Severity::Unknown, UNFINISHED, summary)
            .with(Label::Note(format!("ended: {why}")))
    }

    fn discovered(&self) -> Finding {
        let (up, all) = (self.up(), self.facts.report.hosts.len());
        let what =
            format!("{} of {} addresses", number::count(up as u64), number::count(all as u64));
        let hosts = &self.facts.report.hosts;
        match up {
            0 if !hosts.is_empty()
                && hosts.iter().all(|host| host.why == Some(ScanWhy::NotSent)) =>
            {
                self.nothing_sent()
            }
            0 => Finding::new(
                Severity::Unknown,
                NO_ANSWER,
                format!("no answer: {what} are up, or a filter hides them"),
            ),
            _ => Finding::ok(format!("{what} {}", if up == 1 { "is up" } else { "are up" })),
        }
    }

    /// Where there is nothing to compare with, or nothing that disagrees.
    fn plain(&self) -> Finding {
        let (open, asked) = (self.open().len() as u64, self.asked());
        let (closed, maybe) =
            (self.count(PortState::Closed), self.count(PortState::OpenOrFiltered));
        if open > 0 {
            return Finding::ok(match self.only_port() {
                Some(port) => format!("{port} is open"),
                None => format!("{} of {asked} open", number::count(open)),
            });
        }
        if closed > 0 {
            let summary = match self.only_port() {
                Some(port) => format!("{port} is closed: it refused, so somebody is there"),
                None => format!(
                    "none of {asked} is open; {} refused, so somebody is there",
                    number::count(closed)
                ),
            };
            return Finding::new(Severity::Warn, NONE_OPEN, summary).with(self.listening());
        }
        let from = self.only_port().unwrap_or_else(|| format!("any of {asked}"));
        let summary = match (self.rejection(), maybe) {
            (Some(by), _) => format!("nothing open: {from} {by}"),
            (None, 0) => format!("no answer from {from}: filtered, or nobody is there"),
            (None, _) => format!("no answer from {from}: UDP that is silent is open or filtered"),
        };
        Finding::new(Severity::Unknown, NO_ANSWER, summary).with(self.listening())
    }

    /// Who rejected, where not all was silence.
    fn rejection(&self) -> Option<String> {
        let mut rest = self.facts.report.rest.iter();
        let rest = rest.find(|rest| rest.why == ScanWhy::Rejected)?;
        let names = &self.context.names;
        Some(format!("was {}", scan::why(rest.why, rest.by, rest.icmp.as_ref(), names)))
    }

    /// `80` or `53/udp`, where nothing else was asked of one host.
    fn only_port(&self) -> Option<String> {
        let request = self.facts.request;
        let tcp = request.tcp.iter().map(|port| port.to_string());
        let mut all = tcp.chain(request.udp.iter().map(|port| format!("{port}/udp")));
        let only = all.next()?;
        (all.next().is_none() && self.up() < 2).then_some(only)
    }

    /// `65,535 ports`, of how many hosts if more than one.
    fn asked(&self) -> String {
        let request = self.facts.request;
        let ports = request.tcp.len() + request.udp.len();
        let up = self.up() as u64;
        let ports = number::counted(ports as u32, "port", "ports");
        match up {
            0 | 1 => ports,
            up => format!("{ports} on each of {} hosts", number::count(up)),
        }
    }

    fn open(&self) -> Vec<&ScanPort> {
        let is_open = |port: &&ScanPort| port.state == PortState::Open;
        self.facts.report.ports.iter().filter(is_open).collect()
    }

    fn up(&self) -> usize {
        self.facts.report.hosts.iter().filter(|host| host.is_up).count()
    }

    fn count(&self, state: PortState) -> u64 {
        let rest = self.facts.report.rest.iter().filter(|rest| rest.state == state);
        let ports = self.facts.report.ports.iter().filter(|port| port.state == state);
        rest.map(|rest| rest.ports.len() as u64).sum::<u64>() + ports.count() as u64
    }

    /// Why whose ports they are is not told.
    fn skipped(&self) -> Option<Finding> {
        let summary = self.facts.known.skipped.clone()?;
        Some(Finding { code: None, severity: Severity::Skip, summary, labels: Vec::new() })
    }

    /// What listens there, by the socket table.
    fn listening(&self) -> Option<Label> {
        let to = &self.context.to;
        if !matches!(to.kind, PeerKind::Pod | PeerKind::Node) {
            return None;
        }
        let words = ["kubectl", "netdiag", "sockets", &to.word(), "-l", "-p"];
        Some(Label::Next(words.map(str::to_owned).to_vec()))
    }

    fn command(&self, from: &str) -> Label {
        let words = ["kubectl", "netdiag", "scan", &self.context.to.word(), "--from", from];
        Label::Next(words.map(str::to_owned).to_vec())
    }
}
