//! Attempts on a port as they come, one line each: the word of its fate, and who said so.

use std::{
    io::{self, Write},
    net::IpAddr,
};

use netdiag_wire::{
    Untrusted,
    connect::{ConnectAttempt, ConnectEvent, ConnectOutcome, ConnectProtocol},
};

use super::{Names, Screen, named, number, paint::Role, words};
use crate::finding::{Peer, PeerKind};

/// Healthy lines that are printed one by one; more are counted.
const MAX_HEALTHY: usize = 20;
/// Bytes of a banner or a reply that are shown.
const MAX_SHOWN: usize = 100;

/// Who to whom; a port by the name that was typed.
pub(crate) fn connect_header(
    out: &mut dyn Write,
    screen: &Screen,
    protocol: ConnectProtocol,
    (from, to): (&Peer, &Peer),
    port: &str,
) -> io::Result<()> {
    let protocol = match protocol {
        ConnectProtocol::Tcp => "TCP",
        ConnectProtocol::Udp => "UDP",
    };
    let to = match (to.kind, to.address, to.port) {
        (PeerKind::Service, Some(address), Some(number)) => {
            let bare = Peer { port: None, ..to.clone() }.word();
            format!("{bare}:{port} ({address} {protocol} {number})")
        }
        _ if protocol == "UDP" => format!("{}, UDP", named(to)),
        _ => named(to),
    };
    super::header_line(out, screen, from, &to)
}

/// The lines so far; healthy ones are folded where they become many.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    /// Addresses of the target.
    addresses: usize,
    healthy: usize,
    folded: Option<Folded>,
}

#[derive(Clone, Copy, Debug)]
struct Folded {
    count: u32,
    least_us: u64,
    most_us: u64,
    word: &'static str,
}

impl Attempts {
    pub(crate) fn show(
        &mut self,
        out: &mut dyn Write,
        screen: &Screen,
        names: &Names,
        event: &ConnectEvent,
    ) -> io::Result<()> {
        let attempt = match event {
            ConnectEvent::Started { addresses, .. } => {
                self.addresses = self.addresses.max(addresses.len());
                return Ok(());
            }
            ConnectEvent::Attempt(attempt) => attempt,
            ConnectEvent::Unknown => return Ok(()),
        };
        if !screen.shows_evidence() || self.is_folded(attempt) {
            return Ok(());
        }
        let line = Line { screen, names, attempt, is_one_of_several: self.addresses > 1 };
        writeln!(out, "{}", line.text())?;
        line.said().map_or(Ok(()), |said| writeln!(out, "{said}"))
    }

    fn is_folded(&mut self, attempt: &ConnectAttempt) -> bool {
        if !attempt.outcome.is_well() {
            return false;
        }
        self.healthy += 1;
        if self.healthy <= MAX_HEALTHY {
            return false;
        }
        let (us, word) = (attempt.took_us, attempt.outcome.word());
        let folded =
            self.folded.get_or_insert(Folded { count: 0, least_us: us, most_us: us, word });
        folded.count += 1;
        folded.least_us = folded.least_us.min(us);
        folded.most_us = folded.most_us.max(us);
        true
    }

    /// `17 more connected, 0.412-0.618 ms`.
    pub(crate) fn end(&self, out: &mut dyn Write, screen: &Screen) -> io::Result<()> {
        let Some(folded) = self.folded.filter(|_| screen.shows_evidence()) else { return Ok(()) };
        let Folded { count, least_us, most_us, word } = folded;
        let least = number::ms_digits(least_us);
        let count = number::count(count.into());
        writeln!(out, "{count} more {word}, {least}-{}", number::ms(most_us))
    }
}

struct Line<'a> {
    screen: &'a Screen,
    names: &'a Names,
    attempt: &'a ConnectAttempt,
    is_one_of_several: bool,
}

impl Line<'_> {
    fn text(&self) -> String {
        let attempt = self.attempt;
        let (remote, took) = (attempt.remote, number::took(attempt.took_us));
        let ends = match attempt.local {
            Some(local) => format!("{local} -> {remote}"),
            None => remote.to_string(),
        };
        match &attempt.outcome {
            ConnectOutcome::Connected { closed, .. } => {
                let closed = if *closed { ", closed by the other end at once" } else { "" };
                format!("connected in {took}: {ends}{closed}")
            }
            ConnectOutcome::Reset { .. } => {
                format!("{}, connected in {took}: {ends}", self.bad("reset"))
            }
            ConnectOutcome::Intercepted => format!(
                "{} in {took} by a socket of the source's own namespace: {ends}",
                self.doubtful("taken")
            ),
            ConnectOutcome::Refused { .. } => {
                let over = self.routers().map(|over| format!(", {over}")).unwrap_or_default();
                format!("{} after {took}: RST from {}{over}", self.bad("refused"), remote.ip())
            }
            ConnectOutcome::Rejected { by, icmp } => format!(
                "{} after {took}: {}, said by {}{}",
                self.bad("rejected"),
                words::icmp(icmp),
                self.who(*by),
                self.whose()
            ),
            ConnectOutcome::Silence { sent, bytes } => self.silence(*sent, *bytes),
            ConnectOutcome::NotSent { refusal } => {
                let refusal = words::refusal(refusal);
                let refusal = self.screen.safe(&refusal).into_owned();
                format!("{} {refusal}: nothing was sent to {remote}", self.bad("not sent:"))
            }
            ConnectOutcome::Replied { from, bytes, .. } => {
                let elsewhere = from.map(|from| format!(" (from {from}, which was not asked)"));
                let elsewhere = elsewhere.map(|text| self.doubtful(&text)).unwrap_or_default();
                let bytes = number::counted(*bytes, "byte", "bytes");
                format!("replied in {took}: {bytes}, {ends}{elsewhere}")
            }
            ConnectOutcome::Abandoned => {
                format!("abandoned after {took}: {remote}, another address was faster")
            }
            ConnectOutcome::Unknown => "something newer: this plugin cannot name it".into(),
        }
    }

    fn silence(&self, sent: u32, bytes: Option<u32>) -> String {
        let (waited, whose) = (number::waited(self.attempt.took_us), self.whose());
        let word = self.bad("silence:");
        match bytes {
            Some(bytes) => {
                let datagrams = number::counted(sent, "datagram", "datagrams");
                let bytes = number::counted(bytes, "byte", "bytes");
                format!("{word} {datagrams} of {bytes}, waited {waited}; not rejected{whose}")
            }
            None => {
                let syns = number::counted(sent, "SYN", "SYNs");
                format!("{word} {syns} over {waited}, no SYN-ACK, no RST, no ICMP{whose}")
            }
        }
    }

    /// Which address it was, where that is not plain.
    fn whose(&self) -> String {
        match self.is_one_of_several {
            true => format!(" ({})", self.attempt.remote),
            false => String::new(),
        }
    }

    fn routers(&self) -> Option<String> {
        Some(match self.attempt.outcome.routers()? {
            0 => "over no router".into(),
            1 => "over 1 router".into(),
            more => format!("over {more} routers"),
        })
    }

    /// What the other end said, in quotes.
    fn said(&self) -> Option<String> {
        let (label, said) = match &self.attempt.outcome {
            ConnectOutcome::Connected { banner, .. } | ConnectOutcome::Reset { banner } => {
                ("banner", banner.as_ref()?)
            }
            ConnectOutcome::Replied { data, .. } => ("reply", data),
            _ => return None,
        };
        Some(format!("{label} {}", quoted(self.screen, said)))
            .filter(|_| !said.as_bytes().is_empty())
    }

    fn who(&self, by: IpAddr) -> String {
        if by == self.attempt.remote.ip() {
            return format!("{by} (the target's own address)");
        }
        match self.names.who(by) {
            Some(who) => format!("{by} ({})", self.screen.safe(&who)),
            None if self.names.is_empty() => by.to_string(),
            None => format!("{by} (unknown address)"),
        }
    }

    fn bad(&self, word: &str) -> String {
        self.screen.paint(Role::Bad, word).to_string()
    }

    fn doubtful(&self, word: &str) -> String {
        self.screen.paint(Role::Doubtful, word).to_string()
    }
}

/// The first line, without its end; how much more there is.
fn quoted(screen: &Screen, said: &Untrusted) -> String {
    let bytes = said.as_bytes();
    let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(bytes.len());
    let line = &bytes[..end.min(MAX_SHOWN)];
    let rest = bytes[line.len()..].trim_ascii_end().len();
    let more = match rest {
        0 => String::new(),
        more => format!(" and {} more", number::counted(more as u32, "byte", "bytes")),
    };
    let line = Untrusted::from(line.to_vec()).to_string();
    format!("\"{}\"{more}", screen.safe(&line))
}

mod both_ends;
pub(crate) use both_ends::both_ends;

#[cfg(test)]
mod hostile;
#[cfg(test)]
pub(crate) mod scene;
#[cfg(test)]
mod screens;
