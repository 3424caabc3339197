//! The verdict on a path: reached, or where, by whom and why not.

use std::net::IpAddr;

use netdiag_wire::{
    EndReason, SendRefusal,
    trace::{PathEnd, TraceFlow, TraceHop, TraceOutcome, TraceProtocol, TraceReport, TraceRequest},
};

mod next;
mod sizes;
mod stopped;
mod words;

use super::{Context, ended, labels};
use crate::{
    finding::{Code, Finding, Label, Peer, PeerKind, Severity},
    render::number,
};

const PATH_ENDS: Code = Code(303);
const TOO_LITTLE: Code = Code(309);
const UNFINISHED: Code = Code(313);
const INTERCEPTED: Code = Code(609);

/// Commands to run next, at most.
const MAX_NEXT: usize = 2;

/// A path and all that is known around it.
pub(super) struct Path<'a> {
    report: &'a TraceReport,
    request: &'a TraceRequest,
    /// Whose target has no port: what else is asked of it may have none.
    context: &'a Context,
}

/// The findings of one trace, worst first.
pub(super) fn findings(
    report: &TraceReport,
    request: &TraceRequest,
    context: &Context,
) -> Vec<Finding> {
    let to = Peer { port: None, ..context.to.clone() };
    let context = &Context { to, ..context.clone() };
    let path = Path { report, request, context };
    let sizes = path.sizes();
    // Where sizes are at fault, that the path is there with small ones is said by the table.
    let reach = if sizes.is_some() && is_reached(report) { None } else { Some(path.reach()) };
    sizes.into_iter().chain(reach).map(|finding| path.framed(finding)).collect()
}

/// Every flow met the target.
pub(crate) fn is_reached(report: &TraceReport) -> bool {
    !report.flows.is_empty() && report.flows.iter().all(arrives)
}

fn arrives(flow: &TraceFlow) -> bool {
    matches!(flow.end, PathEnd::Reached { .. })
}

/// How far it came, for a stream that broke off.
pub(crate) fn progress(report: &TraceReport) -> String {
    let answered = report.hops.iter().filter(|hop| !hop.answers.is_empty()).count();
    let hops = report.hops.len();
    format!("{hops} {} ({answered} answered)", if hops == 1 { "hop" } else { "hops" })
}

impl Path<'_> {
    fn framed(&self, mut finding: Finding) -> Finding {
        let context = self.context;
        labels::of_default_source(&mut finding, context);
        finding.labels.extend(self.service_note());
        let mut next = 0;
        finding.labels.retain(|label| {
            next += usize::from(matches!(label, Label::Next(_)));
            next <= MAX_NEXT || !matches!(label, Label::Next(_))
        });
        finding
    }

    fn service_note(&self) -> Option<Label> {
        let note = "after the Service's rules every hop answers in the Service's name: their number \
            and times are real, who they are is not told";
        (self.context.to.kind == PeerKind::Service).then(|| Label::Note(note.into()))
    }

    fn reach(&self) -> Finding {
        if self.report.intercepted {
            return self.intercepted();
        }
        let reached = self.report.flows.iter().filter(|flow| arrives(flow)).count();
        match self.report.flows.as_slice() {
            [] => self.nothing(),
            flows if reached == flows.len() => self.reached(),
            [flow] => self.end_of(flow),
            flows => self.some(flows, reached),
        }
    }

    /// All flows met the target.
    fn reached(&self) -> Finding {
        let flows = &self.report.flows;
        let ends = flows.iter().filter_map(|flow| match flow.end {
            PathEnd::Reached { hops, rtt_us } => Some((hops, rtt_us)),
            _ => None,
        });
        let ends: Vec<(u8, u64)> = ends.collect();
        let least = ends.iter().map(|(hops, _)| *hops).min().unwrap_or_default();
        let most = ends.iter().map(|(hops, _)| *hops).max().unwrap_or_default();
        let mean = ends.iter().fold(0, |sum: u64, (_, us)| sum.saturating_add(*us))
            / ends.len().max(1) as u64;
        let hops = match (least, most) {
            (1, 1) => "1 hop".into(),
            (least, most) if least == most => format!("{least} hops"),
            (least, most) => format!("{least} to {most} hops"),
        };
        let ms = number::ms(mean);
        let summary = match flows.len() {
            1 => format!("reached in {hops}, {ms}{}", self.passes()),
            count => format!("{count} of {count} flows reached it in {hops}, {ms}{}", self.paths()),
        };
        Finding::ok(summary).with(self.arrival_note())
    }

    /// `, over 2 paths`.
    fn paths(&self) -> String {
        let walked = |flow: &TraceFlow| -> Vec<Option<IpAddr>> {
            self.hops(flow.flow).map(|hop| hop.answers.first().map(|a| a.address)).collect()
        };
        // A hop that was silent for one flow may be the one that answered another.
        let alike = |a: &[Option<IpAddr>], b: &[Option<IpAddr>]| {
            let same =
                |(a, b): (&Option<IpAddr>, &Option<IpAddr>)| a.is_none() || b.is_none() || a == b;
            a.len() == b.len() && a.iter().zip(b).all(same)
        };
        let mut paths: Vec<Vec<Option<IpAddr>>> = Vec::new();
        for flow in &self.report.flows {
            let path = walked(flow);
            if !paths.iter().any(|known| alike(known, &path)) {
                paths.push(path);
            }
        }
        match paths.len() {
            0 | 1 => ", over one path".into(),
            more => format!(", over {more} paths"),
        }
    }

    /// That the path is there does not say that somebody listens at its end.
    fn arrival_note(&self) -> Option<Label> {
        let target = self.report.address?;
        let mut answers = self.report.hops.iter().flat_map(|hop| &hop.answers);
        let end = answers.find(|answer| answer.is_arrival(target))?;
        let port = self.report.port.map(|port| format!(" {port}")).unwrap_or_default();
        let note = match (end.outcome, self.report.protocol) {
            (TraceOutcome::Refused, _) => {
                format!("TCP{port} is refused there: the path is well, but nobody listens")
            }
            (TraceOutcome::Rejected, TraceProtocol::Udp) => return None,
            (TraceOutcome::Rejected, _) => {
                let icmp = end.icmp.as_ref().map(crate::render::words::icmp)?;
                format!("{} rejects it: {icmp}", self.target())
            }
            _ => return None,
        };
        Some(Label::Note(note))
    }

    fn intercepted(&self) -> Finding {
        let summary = "cannot tell: the connection ends at the source's own mesh proxy";
        let seen = "the connection is in the source's own socket table, with a process of the \
            source at its other end";
        Finding::new(Severity::Unknown, INTERCEPTED, summary)
            .with(Label::Seen(seen.into()))
            .with(self.again("-I", &[]))
    }

    /// Not even the target's address came to be known, or no hop did.
    fn nothing(&self) -> Finding {
        let why = ended::why(self.report.ended, &self.context.from);
        let why = why.unwrap_or_else(|| "it ended before the first hop".into());
        Finding::new(Severity::Unknown, TOO_LITTLE, format!("cannot tell: {why}"))
    }

    /// How the one flow ends, or the worst of several.
    fn end_of(&self, flow: &TraceFlow) -> Finding {
        let early = self.report.ended != Some(EndReason::Completed);
        let is_lost = !matches!(flow.end, PathEnd::Reached { .. } | PathEnd::NotSent { .. });
        if let Some(finding) = self.at_service().filter(|_| is_lost && !early) {
            return finding;
        }
        match &flow.end {
            PathEnd::Rejected { ttl, by, icmp } => self.rejected(flow.flow, *ttl, *by, icmp),
            PathEnd::Loop { from_ttl, addresses } => self.circle(*from_ttl, addresses),
            PathEnd::NotSent { refusal } => self.not_sent(refusal),
            PathEnd::Silence { .. } | PathEnd::Unfinished { .. } if early => self.early(flow),
            PathEnd::Silence { after_ttl } => self.silence(flow.flow, *after_ttl),
            PathEnd::Unfinished { ttl } => self.unfinished(*ttl),
            PathEnd::Reached { .. } => self.reached(),
            PathEnd::Unknown => self.early(flow),
        }
    }

    /// A name that stood for a ClusterIP: whatever its Service has no port for is lost, and says
    /// nothing of the path.
    fn at_service(&self) -> Option<Finding> {
        let context = self.context;
        let is_unlooked = matches!(context.to.kind, PeerKind::Host | PeerKind::Address);
        let address = self.report.address.filter(|_| is_unlooked)?;
        let service = labels::service_at(context, address)?;
        let (namespace, name) = (service.namespace.clone(), service.name.clone());
        let service =
            Peer { kind: PeerKind::Service, namespace: Some(namespace), name, ..Peer::default() };
        let (target, word, from) = (self.target(), service.word(), context.from.word());
        let summary = format!("cannot tell: no answer from {target}, but it is a ClusterIP");
        let note =
            format!("{address} is the ClusterIP of {word}, which takes only the Service's ports");
        let next = ["kubectl", "netdiag", "trace", &word, "--from", &from].map(str::to_owned);
        let finding = Finding::new(Severity::Unknown, PATH_ENDS, summary);
        Some(finding.with(Label::Note(note)).with(Label::Next(next.to_vec())))
    }

    /// Stopped before the end was known.
    fn early(&self, flow: &TraceFlow) -> Finding {
        let why = ended::why(self.report.ended, &self.context.from);
        let why = why.unwrap_or_else(|| "it ended early".into());
        let last = self.hops(flow.flow).filter(|hop| !hop.answers.is_empty()).last();
        let so_far = match last.and_then(|hop| Some((hop.ttl, hop.answers.first()?.address))) {
            Some((ttl, address)) => format!("so far it leads to {}", self.place(ttl, address)),
            None => "nobody answered so far".into(),
        };
        let summary = format!("cannot tell: {so_far}, and {why}");
        Finding::new(Severity::Unknown, TOO_LITTLE, summary)
    }

    fn unfinished(&self, ttl: u8) -> Finding {
        let target = self.target();
        let summary = format!(
            "not finished: routers answer up to hop {ttl}, the last that was asked, and none is \
             {target}"
        );
        let more = ttl.saturating_mul(2).max(30).to_string();
        Finding::new(Severity::Unknown, UNFINISHED, summary)
            .with((ttl < u8::MAX).then(|| self.command(&self.context.from, &["-m", &more])))
    }

    /// Some flows arrive and others do not.
    fn some(&self, flows: &[TraceFlow], reached: usize) -> Finding {
        let lost: Vec<&TraceFlow> = flows.iter().filter(|flow| !arrives(flow)).collect();
        let certain = lost.iter().find(|flow| !self.may_be_limited(flow));
        let Some(first) = certain.or(lost.first()) else { return self.reached() };
        let mut finding = self.end_of(first);
        if reached > 0 && certain.is_none() {
            finding.severity = Severity::Unknown;
            let limit = "ICMP is rate-limited and these flows were not asked again one by one";
            finding.labels.insert(0, Label::Unless(limit.into()));
        }
        let (missing, all) = (lost.len(), flows.len());
        if missing < all {
            finding.summary = format!("{missing} of {all} flows: {}", finding.summary);
            finding.labels.insert(0, Label::Seen(format!("the other {reached} arrive")));
            finding.labels.extend(self.parting(flows, first));
        } else {
            finding.summary = format!("all {all} flows: {}", finding.summary);
        }
        finding
    }

    /// Silence beside flows that arrive may be a router's limit of answers, until it is asked again.
    fn may_be_limited(&self, flow: &TraceFlow) -> bool {
        let PathEnd::Silence { after_ttl } = flow.end else { return false };
        self.hops(flow.flow).any(|hop| hop.ttl > after_ttl && !hop.asked_again)
    }

    /// The first hop that those which arrive do not share with the one that does not.
    fn parting(&self, flows: &[TraceFlow], lost: &TraceFlow) -> Option<Label> {
        let first = |flow: u8, ttl: u8| -> Option<IpAddr> {
            let hop = self.hops(flow).find(|hop| hop.ttl == ttl)?;
            hop.answers.first().map(|answer| answer.address)
        };
        let arriving: Vec<u8> = flows.iter().filter(|f| arrives(f)).map(|f| f.flow).collect();
        let (ttl, bad) = self.hops(lost.flow).find_map(|hop| {
            let bad = hop.answers.first()?.address;
            let nobody_else = arriving.iter().all(|flow| first(*flow, hop.ttl) != Some(bad));
            nobody_else.then_some((hop.ttl, bad))
        })?;
        let good = arriving.iter().find_map(|flow| first(*flow, ttl))?;
        let (good, bad) = (self.named(good), self.named(bad));
        Some(Label::Differ(format!("at hop {ttl} those that arrive go by {good}, not by {bad}")))
    }

    fn hops(&self, flow: u8) -> impl Iterator<Item = &TraceHop> + '_ {
        self.report.hops.iter().filter(move |hop| hop.flow == flow)
    }
}

/// Why the kernel did not send, if that is what happened everywhere.
fn has_no_route(refusal: &SendRefusal) -> bool {
    matches!(refusal, SendRefusal::NoRoute)
}
