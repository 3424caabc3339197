//! A scan as people read it: who scans whom and how fast, the ports as a table, what is left out.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    net::IpAddr,
};

use netdiag_wire::{
    IcmpError,
    scan::{
        Confidence, Identity, OsGuess, PortState, Ports, ScanEvent, ScanHost, ScanLane, ScanMethod,
        ScanPort, ScanProtocol, ScanReport, ScanRequest, ScanRest, ScanWhy,
    },
};

mod head;
#[cfg(test)]
mod hostile;
mod ports;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod screens;

pub(crate) use head::scan_header;

use super::{Cell, Column, Mood, Names, Screen, Table, number, table, words};
use crate::{
    finding::{Peer, PeerKind},
    scan::Known,
};

/// A scan and all that is known around it.
#[derive(Clone, Copy)]
pub(crate) struct ScanView<'a> {
    pub(crate) request: &'a ScanRequest,
    pub(crate) report: &'a ScanReport,
    pub(crate) to: &'a Peer,
    pub(crate) known: &'a Known,
    pub(crate) names: &'a Names,
    /// `-q`: open ports only; twice: no table.
    pub(crate) brief: u8,
}

/// The evidence, once it is complete.
pub(crate) fn scan_body(
    out: &mut dyn Write,
    screen: &Screen,
    view: &ScanView<'_>,
) -> io::Result<()> {
    if !screen.shows_evidence() || view.brief > 1 {
        return Ok(());
    }
    if view.is_discovery() {
        hosts(out, screen, view)?;
    } else {
        let shown = ports::shown(view);
        if !shown.rows.is_empty() {
            table(out, screen, &ports::table_of(view, &shown.rows))?;
        }
        left_out(out, screen, view, &shown.left)?;
    }
    for guess in &view.report.os {
        writeln!(out, "{}", screen.safe(&operating_system(guess, view)))?;
    }
    if view.brief == 0 && view.to.kind == PeerKind::Pod {
        loopback(out, screen, view)?;
    }
    Ok(())
}

impl ScanView<'_> {
    /// No port is asked.
    fn is_discovery(&self) -> bool {
        self.request.tcp.is_empty() && self.request.udp.is_empty()
    }

    /// Whether there may be more than one address.
    fn is_many(&self) -> bool {
        self.request.targets.iter().any(|target| target.contains('/'))
            || self.request.targets.len() > 1
    }

    /// Of a pod or node more is known than what is seen from afar.
    fn is_object(&self) -> bool {
        matches!(self.to.kind, PeerKind::Pod | PeerKind::Node)
    }

    fn who(&self, address: IpAddr) -> String {
        self.names.who(address).unwrap_or_else(|| "-".into())
    }
}

/// What discovery found.
fn hosts(out: &mut dyn Write, screen: &Screen, view: &ScanView<'_>) -> io::Result<()> {
    let up: Vec<&ScanHost> = view.report.hosts.iter().filter(|host| host.is_up).collect();
    let row = |host: &&ScanHost| {
        let ms = host.rtt_us.map_or_else(|| "-".into(), number::ms_digits);
        let why = host.why.map_or("-", why_word);
        let who = view.who(host.address);
        [host.address.to_string(), why.into(), ms, who].map(Cell::from).to_vec()
    };
    let ms = Column { right: true, ..Column::new("MS") };
    let columns = vec![Column::new("ADDRESS"), Column::new("WHY"), ms, Column::new("WHAT")];
    if !up.is_empty() {
        table(out, screen, &Table { columns, rows: up.iter().map(row).collect() })?;
    }
    let is_unsent = |host: &&ScanHost| host.why == Some(ScanWhy::NotSent);
    let unsent = view.report.hosts.iter().filter(is_unsent).count();
    let down = view.report.hosts.len() - up.len() - unsent;
    let left = [(down, "down (silence)"), (unsent, "not asked (not sent)")];
    let left = left.into_iter().filter(|(count, _)| *count > 0);
    let left = left.map(|(count, how)| format!("{} {how}", number::count(count as u64)));
    sentence(out, screen, &took_line(&left.collect::<Vec<_>>(), view.report))
}

/// What the table leaves out, and how long all of it took.
fn left_out(
    out: &mut dyn Write,
    screen: &Screen,
    view: &ScanView<'_>,
    left: &BTreeMap<String, Left>,
) -> io::Result<()> {
    let counts = left.iter().map(|(what, left)| format!("{} {what}", number::count(left.count)));
    sentence(out, screen, &took_line(&Vec::from_iter(counts), view.report))?;
    if screen.detail > 0 {
        for (what, left) in left {
            let ports: Vec<String> = left.ports.iter().map(ToString::to_string).collect();
            writeln!(out, "  {}", screen.safe(&format!("{what}: {}", ports.join(" "))))?;
        }
    }
    Ok(())
}

/// A line of its own, unless there is nothing to say.
fn sentence(out: &mut dyn Write, screen: &Screen, line: &str) -> io::Result<()> {
    match line.is_empty() {
        true => Ok(()),
        false => writeln!(out, "{}", screen.safe(line)),
    }
}

/// Ports of one fate that have no row.
#[derive(Default)]
struct Left {
    count: u64,
    /// One list an address and protocol.
    ports: Vec<Ports>,
}

/// `not shown: 65,531 closed (rst). Took 0.410 s; 12 ports asked again.`
fn took_line(left: &[String], report: &ScanReport) -> String {
    let mut sentences = Vec::new();
    if !left.is_empty() {
        sentences.push(format!("not shown: {}.", left.join(", ")));
    }
    if let Some(took) = report.took_us {
        let again = match report.asked_again {
            0 => String::new(),
            again => format!("; {} asked again", number::counted(again, "port", "ports")),
        };
        sentences.push(format!("Took {}{again}.", number::waited(took)));
    }
    sentences.join(" ")
}

/// What listens where nobody else comes.
fn loopback(out: &mut dyn Write, screen: &Screen, view: &ScanView<'_>) -> io::Result<()> {
    const MOST: usize = 8;
    let Some(address) = view.to.address else { return Ok(()) };
    let all: Vec<String> = view
        .known
        .on_loopback(address)
        .map(|one| {
            let process = one.process.as_ref().map(|p| format!(" {p}")).unwrap_or_default();
            let udp = if one.protocol == ScanProtocol::Udp { "/udp" } else { "" };
            format!("{}{udp}{process}", std::net::SocketAddr::new(one.address, one.port))
        })
        .collect();
    if all.is_empty() {
        return Ok(());
    }
    let shown = &all[..all.len().min(MOST)];
    let more = match all.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let line = format!("loopback only, not reachable by anyone else: {}{more}", shown.join(", "));
    writeln!(out, "{}", screen.safe(&line))
}

fn operating_system(guess: &OsGuess, view: &ScanView<'_>) -> String {
    let of = if view.is_many() { format!("{}: ", guess.address) } else { String::new() };
    let confidence = match guess.confidence {
        Confidence::High => "high",
        Confidence::Medium => "medium",
        Confidence::Low => "low",
        Confidence::Unknown => "unknown",
    };
    let OsGuess { name, ttl, window, options, .. } = guess;
    format!(
        "{of}operating system {name}, by its SYN-ACK: {confidence} confidence (TTL {ttl}, window {window}, options {options})"
    )
}

pub(crate) fn state_word(state: PortState, why: ScanWhy) -> &'static str {
    match state {
        _ if why == ScanWhy::NotSent => "not asked",
        PortState::Open => "open",
        PortState::Closed => "closed",
        PortState::Filtered => "filtered",
        PortState::OpenOrFiltered => "open|filtered",
        PortState::Unknown => "?",
    }
}

fn why_word(why: ScanWhy) -> &'static str {
    match why {
        ScanWhy::SynAck => "syn-ack",
        ScanWhy::Rst => "rst",
        ScanWhy::Reply => "reply",
        ScanWhy::EchoReply => "echo-reply",
        ScanWhy::Neighbour => "neighbour",
        ScanWhy::Silence => "silence",
        ScanWhy::Rejected => "rejected",
        ScanWhy::NotSent => "not sent",
        ScanWhy::Unknown => "?",
    }
}

/// The evidence, with who rejected and as what: `rejected by node-2: port unreachable`.
pub(crate) fn why(
    why: ScanWhy,
    by: Option<IpAddr>,
    icmp: Option<&IcmpError>,
    names: &Names,
) -> String {
    let word = why_word(why);
    let by = by.map(|by| {
        let who = names.owner_of(by).unwrap_or_else(|| by.to_string());
        format!(" by {who}")
    });
    let icmp = icmp.map(|icmp| format!(": {}", words::icmp(icmp)));
    [Some(word.to_owned()), by, icmp].into_iter().flatten().collect()
}
