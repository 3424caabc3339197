//! `DnsReport` as people read it: libc's walk, servers side by side, or dig's own layout.

use std::{
    io::{self, Write},
    net::IpAddr,
};

use jiff::Timestamp;
use netdiag_wire::dns::{DnsMode, DnsOutcome, DnsQuery, DnsReport, DnsRequest, RecordType};

mod chain;
mod dig;
mod every_server;
#[cfg(test)]
mod hostile;
#[cfg(test)]
pub(crate) mod scene;
#[cfg(test)]
mod tests;
mod walk;

use super::{Cell, Format, Mood, Names, Screen, header, number, words};
use crate::{
    args::Shown,
    dns::answer::{self, shown},
    finding::{Peer, PeerKind},
};

/// What is shown besides the report.
#[derive(Clone, Debug)]
pub(crate) struct DnsView {
    pub(crate) from: Peer,
    pub(crate) request: DnsRequest,
    /// Of dig's layout, which parts.
    pub(crate) shown: Shown,
    pub(crate) is_dig: bool,
    /// The name as people write it, where that is not how it is asked.
    pub(crate) unicode: Option<String>,
    /// Who the servers are.
    pub(crate) names: Names,
    pub(crate) started_at: Timestamp,
}

/// Who asks whom, and by whose rules: as soon as that is known.
pub(crate) fn dns_head(
    out: &mut dyn Write,
    screen: &Screen,
    view: &DnsView,
    report: &DnsReport,
) -> io::Result<()> {
    if !screen.shows_evidence() || view.shown.short {
        return Ok(());
    }
    header(out, screen, &view.from, &targets(view, report))?;
    if let Some(unicode) = &view.unicode {
        let unicode = screen.safe(unicode);
        writeln!(out, "{unicode} is {} in DNS", screen.safe(&shown(&report.name)))?;
    }
    match (&report.resolver, view.request.mode) {
        (Some(settings), DnsMode::Walk) => {
            writeln!(out, "{}", screen.safe(&walk::rules(settings)))
        }
        _ => Ok(()),
    }
}

/// What came back.
pub(crate) fn dns_body(
    out: &mut dyn Write,
    screen: &Screen,
    view: &DnsView,
    report: &DnsReport,
) -> io::Result<()> {
    if !screen.shows_evidence() {
        return Ok(());
    }
    if view.shown.short {
        return dig::short(out, screen, view, report);
    }
    if let Some(entry) = &report.in_hosts {
        writeln!(out, "{}", screen.safe(&walk::in_hosts(entry)))?;
    }
    match view.request.mode {
        DnsMode::EveryServer => every_server::table(out, screen, view, report)?,
        DnsMode::Ask | DnsMode::Iterate if view.is_dig => dig::body(out, screen, view, report)?,
        DnsMode::Walk | DnsMode::Ask | DnsMode::Iterate => walk::table(out, screen, view, report)?,
    }
    chain::table(out, screen, report)
}

impl DnsView {
    /// `kube-system/svc/kube-dns`, `kube-system/pod/coredns-a on node-1`.
    fn server(&self, address: IpAddr) -> Option<String> {
        let pod = self.names.pods.iter().find(|pod| pod.addresses.contains(&address));
        let pod = pod.filter(|pod| !pod.host_network);
        match pod {
            Some(pod) => {
                let node = pod.node.as_ref().map(|node| format!(" on {node}")).unwrap_or_default();
                Some(format!("{}/pod/{}{node}", pod.namespace, pod.name))
            }
            None => self.names.owner_of(address),
        }
    }

    fn server_peer(&self, address: IpAddr) -> Peer {
        let words = self.server(address).into_iter().collect();
        let name = address.to_string();
        Peer { kind: PeerKind::Address, name, address: Some(address), words, ..Peer::default() }
    }
}

/// The servers that are asked; of many their number.
fn targets(view: &DnsView, report: &DnsReport) -> Vec<Peer> {
    let text = |name: String| vec![Peer { kind: PeerKind::Host, name, ..Peer::default() }];
    let types = report.types.iter().map(RecordType::to_string).collect::<Vec<_>>().join(" ");
    match view.request.mode {
        DnsMode::EveryServer => {
            let name = report.names.last().map_or_else(|| shown(&report.name), |n| shown(&n.name));
            let servers = number::counted(every_server::servers(report), "server", "servers");
            text(format!("{name} {types}, {servers}"))
        }
        DnsMode::Iterate => {
            text(format!("{} {types}, from the root servers down", shown(&report.name)))
        }
        DnsMode::Walk | DnsMode::Ask => servers(view, report),
    }
}

fn servers(view: &DnsView, report: &DnsReport) -> Vec<Peer> {
    let mut peers: Vec<Peer> = Vec::new();
    for query in answer::own_queries(report) {
        let mut peer = view.server_peer(query.server);
        if let Some(name) = &query.server_name {
            peer = Peer { kind: PeerKind::Host, name: shown(name), ..peer };
        }
        if !peers.contains(&peer) {
            peers.push(peer);
        }
    }
    if peers.is_empty() {
        let known = report.resolver.iter().flat_map(|settings| &settings.nameservers);
        peers.extend(known.map(|address| view.server_peer(*address)));
    }
    if peers.is_empty() {
        let named = view.request.servers.iter().map(|server| server.host.clone());
        peers.extend(named.map(|name| Peer { kind: PeerKind::Host, name, ..Peer::default() }));
    }
    if peers.is_empty() {
        let name = "its nameservers".to_owned();
        peers.push(Peer { kind: PeerKind::Host, name, ..Peer::default() });
    }
    peers
}

/// What became of one query, as a cell of a table.
fn fate(query: &DnsQuery) -> Cell {
    let (text, mood) = match query.outcome {
        DnsOutcome::Answered => (answered(query), Mood::Good),
        DnsOutcome::NoData => (via("no data", query), Mood::Good),
        DnsOutcome::NxDomain => (via("NXDOMAIN", query), Mood::Good),
        DnsOutcome::Referral => ("referral".into(), Mood::Doubtful),
        DnsOutcome::ServFail => ("SERVFAIL".into(), Mood::Bad),
        DnsOutcome::RefusedQuery => ("REFUSED".into(), Mood::Bad),
        DnsOutcome::OtherCode => (code(query), Mood::Bad),
        DnsOutcome::Malformed => ("malformed".into(), Mood::Bad),
        DnsOutcome::Silence => ("silence".into(), Mood::Bad),
        DnsOutcome::Rejected => (rejected(query), Mood::Bad),
        DnsOutcome::Refused => ("refused".into(), Mood::Bad),
        DnsOutcome::Reset => ("reset".into(), Mood::Bad),
        DnsOutcome::TlsFailed => ("TLS failed".into(), Mood::Bad),
        DnsOutcome::HttpFailed => ("HTTP failed".into(), Mood::Bad),
        DnsOutcome::NotSent => (not_sent(query), Mood::Bad),
        DnsOutcome::Overtaken => ("not waited for".into(), Mood::Faint),
        DnsOutcome::Unknown => ("?".into(), Mood::Doubtful),
    };
    Cell { text, mood }
}

fn answered(query: &DnsQuery) -> String {
    let values = answer::of(query).values();
    // A server that says NOERROR with records of another name has answered nothing.
    if values.is_empty() { via("no data", query) } else { via(&values.join(", "), query) }
}

/// With the CNAME that led there.
fn via(text: &str, query: &DnsQuery) -> String {
    match answer::of(query).via.last() {
        Some(target) => format!("{text} (CNAME {})", shown(target)),
        None => text.to_owned(),
    }
}

fn code(query: &DnsQuery) -> String {
    let code = query.message.as_ref().map(|message| message.rcode.to_string());
    code.unwrap_or_else(|| "?".into())
}

fn rejected(query: &DnsQuery) -> String {
    let by = query.by.map(|by| format!(" by {by}")).unwrap_or_default();
    match &query.icmp {
        Some(icmp) => format!("rejected{by}, {}", words::icmp(icmp)),
        None => format!("rejected{by}"),
    }
}

fn not_sent(query: &DnsQuery) -> String {
    match &query.refusal {
        Some(refusal) => format!("not sent: {}", words::refusal(refusal)),
        None => match &query.problem {
            Some(problem) => format!("not sent: {}", shown(problem)),
            None => "not sent".into(),
        },
    }
}

/// A time in ms, or how long was waited in vain.
fn time(query: &DnsQuery) -> String {
    match query.outcome {
        DnsOutcome::Silence => waited(u32::from(query.sent), query.took_us),
        DnsOutcome::NotSent | DnsOutcome::Overtaken => "-".into(),
        _ => number::ms_digits(query.took_us),
    }
}

fn waited(sent: u32, took_us: u64) -> String {
    format!("{} over {}", number::counted(sent, "query", "queries"), number::waited(took_us))
}

/// `-o wide`.
fn is_wide(screen: &Screen) -> bool {
    screen.format == Format::Wide
}
