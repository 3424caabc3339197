//! A socket table as people read it: whose, then a line a socket, or the counters.

use std::{
    io::{self, Write},
    net::IpAddr,
};

use jiff::{Timestamp, tz::TimeZone};
use netdiag_wire::sockets::{
    SocketAddress, SocketEntry, SocketProtocol, SocketState, SocketsReport, SocketsRequest, Which,
};
use serde_json::Value;

mod connected;
mod earlier;
mod listening;
mod peers;
mod processes;
mod stats;
pub(crate) mod words;

pub(crate) use earlier::Earlier;
pub(crate) use listening::is_loopback_only;
pub(crate) use peers::Peers;
use processes::Processes;

use super::{Cell, Column, Format, Screen, Table, named, number};
use crate::{args::SortBy, finding::Peer, sockets::Known};

/// Rows that a terminal shows before the healthy ones are only counted.
const MAX_ROWS: usize = 20;

/// A table, and all that its addresses and processes are named by.
#[derive(Clone, Copy)]
pub(crate) struct SocketsView<'a> {
    pub(crate) request: &'a SocketsRequest,
    pub(crate) report: &'a SocketsReport,
    pub(crate) place: &'a Peer,
    pub(crate) known: &'a Known,
    pub(crate) shown: SocketsShown,
}

/// What of it is wanted on the screen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SocketsShown {
    /// Neither all nor particular ones were asked for.
    pub(crate) is_default_set: bool,
    /// `-a`: nothing is folded.
    pub(crate) is_all: bool,
    /// The counters in place of the sockets.
    pub(crate) has_stats: bool,
    pub(crate) has_names: bool,
    pub(crate) sort: SortBy,
}

/// One look; of several, what the one before it had, and when this one was.
pub(crate) fn sockets(
    out: &mut dyn Write,
    screen: &Screen,
    view: &SocketsView<'_>,
    again: Option<(&Earlier, Timestamp)>,
) -> io::Result<()> {
    if !screen.shows_evidence() {
        return Ok(());
    }
    let earlier = again.map(|(earlier, _)| earlier);
    let head = match again {
        None => named(view.place),
        Some((_, at)) => at.to_zoned(TimeZone::UTC).strftime("\n%H:%M:%S UTC").to_string(),
    };
    if view.shown.has_stats {
        return stats::show(out, screen, view, &head, earlier);
    }
    let listed: Vec<&SocketEntry> = view.listed().collect();
    let changes = earlier.map(|earlier| earlier.changes(&listed)).unwrap_or_default();
    write_head(out, screen, &head, &format!("{}{changes}", view.count(listed.len())))?;
    let peers = Peers::new(view);
    let (listening, connected): (Vec<_>, Vec<_>) =
        listed.into_iter().partition(|entry| entry.is_listening());
    let has_both = !listening.is_empty() && !connected.is_empty();
    rows(out, screen, view, listening::table(view, &peers, listening, earlier))?;
    if has_both {
        writeln!(out)?;
    }
    rows(out, screen, view, connected::table(view, &peers, connected, earlier))?;
    not_shown(out, view)
}

/// The first line keeps what hostile names may hold; only our own line feed begins a round.
fn write_head(out: &mut dyn Write, screen: &Screen, head: &str, what: &str) -> io::Result<()> {
    let (gap, head) = match head.strip_prefix('\n') {
        Some(head) => ("\n", head),
        None => ("", head),
    };
    writeln!(out, "{gap}{}: {what}", screen.safe(head))
}

/// A row and whether there is something about it.
struct Row {
    cells: Vec<Cell>,
    is_ill: bool,
}

/// Its columns, and its rows in their order.
struct Rows {
    columns: Vec<Column>,
    rows: Vec<Row>,
}

/// All of them, but on a terminal no more than a screen of what is well.
fn rows(out: &mut dyn Write, screen: &Screen, view: &SocketsView<'_>, all: Rows) -> io::Result<()> {
    let Rows { columns, rows } = all;
    if rows.is_empty() {
        return Ok(());
    }
    let folds = screen.width.is_some()
        && screen.format == Format::Text
        && screen.detail == 0
        && !view.shown.is_all
        && rows.len() > MAX_ROWS;
    let mut well = 0;
    let mut folded = 0;
    let keep = |row: &Row| {
        well += usize::from(!row.is_ill);
        let keep = row.is_ill || !folds || well <= MAX_ROWS;
        folded += usize::from(!keep);
        keep
    };
    let rows = rows.into_iter().filter(keep).map(|row| row.cells).collect();
    super::table(out, screen, &Table { columns, rows })?;
    if folded > 0 {
        let folded = number::count(folded as u64);
        writeln!(out, "{folded} more, with nothing in their queues (-a or a pipe shows all)")?;
    }
    Ok(())
}

/// What was asked for by default and passes by itself is counted.
fn not_shown(out: &mut dyn Write, view: &SocketsView<'_>) -> io::Result<()> {
    let entries = view.report.entries.iter();
    let hidden: Vec<SocketState> =
        entries.filter(|entry| view.is_hidden(entry)).map(|entry| entry.state).collect();
    let states = [SocketState::TimeWait, SocketState::SynReceived, SocketState::Closed];
    let counts = states.map(|state| (hidden.iter().filter(|one| **one == state).count(), state));
    let counts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, state)| format!("{} {}", number::count(*count as u64), words::state(*state)))
        .collect();
    if !counts.is_empty() {
        writeln!(out, "not shown: {} (-a)", counts.join(", "))?;
    }
    let left_out = view.report.entries_left_out;
    if left_out > 0 {
        writeln!(out, "not shown: {} beyond what a report holds", number::count(left_out))?;
    }
    Ok(())
}

impl<'a> SocketsView<'a> {
    /// What is on the screen, in its order.
    pub(crate) fn listed(&self) -> impl Iterator<Item = &'a SocketEntry> {
        let view = *self;
        self.report.entries.iter().filter(move |entry| !view.is_hidden(entry))
    }

    /// As ss has it: what passes by itself is not what people ask for.
    fn is_hidden(&self, entry: &SocketEntry) -> bool {
        let passes = matches!(
            entry.state,
            SocketState::TimeWait | SocketState::SynReceived | SocketState::Closed
        );
        self.shown.is_default_set && passes && entry.protocol != SocketProtocol::Unix
    }

    /// `3 connected TCP sockets in its network namespace`.
    fn count(&self, listed: usize) -> String {
        let kind = match (self.request.which, self.shown.is_default_set) {
            (Which::Listening, _) => "listening ",
            (Which::Connected, true) => "connected ",
            (Which::All | Which::Connected, _) => "",
        };
        let protocols = match self.request.protocols.as_slice() {
            [one] => format!("{} ", words::protocol_name(*one)),
            _ => String::new(),
        };
        let count = match listed {
            0 => "no".into(),
            listed => number::count(listed as u64),
        };
        let noun = if listed == 1 { "socket" } else { "sockets" };
        format!("{count} {kind}{protocols}{noun} in its network namespace")
    }

    /// A column is left out where every row would say the same.
    fn has_protocol(&self) -> bool {
        self.request.protocols.len() != 1
    }

    /// What each address of the table is in the cluster, for `-o json`.
    pub(crate) fn addresses(&self) -> Vec<Value> {
        Peers::new(self).known()
    }

    /// Both ends are here.
    fn is_within(&self, local: SocketAddress, peer: SocketAddress) -> bool {
        local.address == peer.address || self.is_own(peer.address)
    }

    /// The place itself, however it is addressed.
    pub(crate) fn is_own(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.known.own.contains(&address)
    }
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
pub(crate) mod scene;
#[cfg(test)]
mod screens;
