//! Paths that end before the target: in silence, by somebody's word, in a circle, at the source.

use std::net::IpAddr;

use netdiag_wire::{IcmpError, IcmpMeaning, SendRefusal, trace::TraceHop};

use super::{PATH_ENDS, Path, has_no_route};
use crate::{
    diagnose::labels,
    finding::{Code, Finding, Label, PeerKind, Severity},
    render::{number, words},
};

const REJECTED: Code = Code(304);
const NOT_SENT: Code = Code(305);
const LOOP: Code = Code(312);

impl Path<'_> {
    pub(super) fn silence(&self, flow: u8, after: u8) -> Finding {
        let target = self.target();
        let last = self.hops(flow).find(|hop| hop.ttl == after);
        let last = last.and_then(|hop| hop.answers.last()).map(|answer| answer.address);
        let summary = match last {
            Some(address) => {
                let place = self.place(after, address);
                format!("the path ends after {place}; no answer from {target}")
            }
            None => format!("nobody answers, neither a hop on the way nor {target}"),
        };
        let mut finding = Finding::new(Severity::Fail, PATH_ENDS, summary);
        finding.labels.extend(self.asked(flow, after));
        finding.labels.extend(labels::node_not_ready(self.context));
        finding.labels.push(Label::Unless(self.unless(last)));
        finding.labels.extend(self.unless_limited(flow, after, last));
        finding.labels.extend(self.silence_next());
        finding
    }

    /// `3 SYNs to each of 28 further hops, waited 0.80 s, asked again once`.
    fn asked(&self, flow: u8, after: u8) -> Option<Label> {
        let silent: Vec<&TraceHop> = self.hops(flow).filter(|hop| hop.ttl > after).collect();
        let most = silent.iter().map(|hop| hop.silent).max().filter(|most| *most > 0)?;
        let further = if after == 0 { "" } else { "further " };
        let hops = match silent.len() {
            1 => format!("1 {further}hop"),
            count => format!("each of {count} {further}hops"),
        };
        let packets = match (most, self.packets()) {
            (1, "echoes") => "echo",
            (1, packets) => packets.trim_end_matches('s'),
            (_, packets) => packets,
        };
        let waited = silent.iter().filter_map(|hop| hop.waited_us).max();
        let waited = waited.map(|us| format!(", waited {}", number::waited(us)));
        let again = silent.iter().any(|hop| hop.asked_again);
        let again = if again { ", asked again once (ICMP is rate-limited)" } else { "" };
        let waited = waited.unwrap_or_default();
        Some(Label::Seen(format!("{most} {packets} to {hops}{waited}{again}")))
    }

    fn unless(&self, last: Option<IpAddr>) -> String {
        let packets = self.packets();
        match (self.context.to.kind, last) {
            (PeerKind::Pod, Some(address)) if self.is_targets_node(address) => format!(
                "the pod drops {packets} itself: by this alone a policy and a dead pod look alike"
            ),
            (PeerKind::Pod, None) if labels::same_node(self.context) => format!(
                "the pod drops {packets} itself: by this alone a policy and a dead pod look alike"
            ),
            (_, Some(_)) => format!(
                "what follows never answers and only {packets} are dropped: another protocol may \
                 pass"
            ),
            (_, None) => {
                format!("only {packets} are dropped: another protocol may pass or be answered")
            }
        }
    }

    /// Linux tells one asker of six packets, then of one a second: who was traced just before may
    /// have used that up.
    fn unless_limited(&self, flow: u8, after: u8, last: Option<IpAddr>) -> Option<Label> {
        let was_asked_again = self.hops(flow).any(|hop| hop.ttl > after && hop.asked_again);
        let is_last = last.is_some_and(|address| self.is_targets_node(address));
        (!was_asked_again && !is_last).then(|| {
            let text = "the routers were traced just before and have said enough for now (ICMP is \
                        rate-limited)";
            Label::Unless(text.into())
        })
    }

    pub(super) fn rejected(&self, flow: u8, ttl: u8, by: IpAddr, icmp: &IcmpError) -> Finding {
        let answers = self.hops(flow).filter(|hop| hop.ttl == ttl).flat_map(|hop| &hop.answers);
        let after_us = answers.filter(|a| a.address == by).map(|a| a.rtt_us).min();
        let target = self.report.address.unwrap_or(by);
        let claim = match icmp.meaning {
            IcmpMeaning::PortUnreachable => "a rule there rejects it (port unreachable)".into(),
            IcmpMeaning::ProtocolUnreachable => {
                "it does not take this protocol (protocol unreachable)".into()
            }
            _ => words::claim(icmp, target, after_us.unwrap_or_default()),
        };
        let who = self.named(by);
        let summary = format!("rejected by {who} at hop {ttl}: {claim}");
        let mut finding = Finding::new(Severity::Fail, REJECTED, summary);
        let before = self.hops(flow).filter(|hop| hop.ttl < ttl);
        let before = before.filter_map(|hop| Some((hop.ttl, hop.answers.first()?.address))).last();
        finding.labels.extend(before.map(|(ttl, address)| {
            Label::Seen(format!("the path is there up to {}", self.place(ttl, address)))
        }));
        finding.labels.extend(labels::node_not_ready(self.context));
        match icmp.meaning {
            IcmpMeaning::AdminProhibited | IcmpMeaning::PortUnreachable => {
                finding.labels.extend(labels::policies(self.context));
            }
            _ => finding.labels.extend(labels::between_nodes(self.context)),
        }
        finding
    }

    pub(super) fn circle(&self, from_ttl: u8, addresses: &[IpAddr]) -> Finding {
        let mut names: Vec<String> = Vec::new();
        for address in addresses {
            let name = self.named(*address);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let between = match names.as_slice() {
            [one] => format!("within {one}"),
            [most @ .., last] => format!("between {} and {last}", most.join(", ")),
            [] => "on the way".into(),
        };
        let target = self.target();
        let summary = format!(
            "loop {between}: from hop {from_ttl} on the packets go round and never reach {target}"
        );
        let mut finding = Finding::new(Severity::Fail, LOOP, summary);
        let round: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
        let seen = format!("{} again and again until the TTL ends", round.join(", "));
        finding.labels.push(Label::Seen(seen));
        finding.labels.extend(labels::node_not_ready(self.context));
        let means = "clients get silence, or \"time to live exceeded\" as no route to host";
        finding.labels.push(Label::Means(means.into()));
        finding.labels.extend(self.own_node());
        finding
    }

    /// The source's kernel refused each packet.
    pub(super) fn not_sent(&self, refusal: &SendRefusal) -> Finding {
        let (from, to) = (self.context.from.word(), self.target());
        let why = words::refusal(refusal);
        let summary = match has_no_route(refusal) {
            true => {
                format!("no route: the kernel of {from} knows no way to {to}, nothing was sent")
            }
            false => format!("nothing was sent from {from} to {to}: {why}"),
        };
        let mut finding = Finding::new(Severity::Fail, NOT_SENT, summary);
        if has_no_route(refusal) {
            let clients = r#"clients get "Network is unreachable" or "No route to host" at once"#;
            finding.labels.push(Label::Means(clients.into()));
        }
        finding.labels.extend(self.own_node());
        finding
    }
}
