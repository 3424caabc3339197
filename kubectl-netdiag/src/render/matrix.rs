//! Echoes between many sources and many targets: each pair a cell, or of many targets a row's sum.

use std::io::{self, Write};

use netdiag_wire::ping::PingReport;

use super::{Cell, Column, Mood, Screen, Table, header_line, named, number, table};
use crate::{
    finding::{Peer, PeerKind},
    matrix::{Matrix, Row},
};

/// More targets than this have no column each.
const MAX_COLUMNS: usize = 8;
/// Targets of a row that are named.
const MAX_NAMED: usize = 3;

pub(crate) struct MatrixView<'a> {
    pub(crate) matrix: &'a Matrix,
    /// Nodes that there are.
    pub(crate) all: usize,
}

pub(crate) fn matrix(
    out: &mut dyn Write,
    screen: &Screen,
    view: &MatrixView<'_>,
) -> io::Result<()> {
    if !screen.shows_evidence() {
        return Ok(());
    }
    let Matrix { targets, rows } = view.matrix;
    let to = match &targets[..] {
        [one] if one.kind != PeerKind::Node || rows.len() > 1 => named(one),
        _ if view.is_square() => "each other".into(),
        targets => view.nodes(targets.len()),
    };
    match &rows[..] {
        [one] if !view.is_square() => header_line(out, screen, &one.from, &to)?,
        rows => {
            let from = view.nodes(rows.len());
            writeln!(out, "{from} (each from its own namespace) -> {}", screen.safe(&to))?;
        }
    }
    let is_wide = targets.len() > MAX_COLUMNS;
    table(out, screen, &if is_wide { view.sums() } else { view.pairs() })
}

impl MatrixView<'_> {
    fn is_square(&self) -> bool {
        let Matrix { targets, rows } = self.matrix;
        let is_node = |peer: &Peer| peer.kind == PeerKind::Node;
        targets.len() > 1 && rows.len() > 1 && targets.iter().all(is_node)
    }

    /// `3 nodes`; `50 of 480 nodes, a sample`.
    fn nodes(&self, count: usize) -> String {
        let noun = if self.all == 1 { "node" } else { "nodes" };
        match count == self.all {
            true => format!("{count} {noun}"),
            false => format!("{count} of {} {noun}, a sample", number::count(self.all as u64)),
        }
    }

    fn pairs(&self) -> Table {
        let targets = self.matrix.targets.iter();
        let columns = targets.map(|target| Column::new(&target.name));
        let columns = std::iter::once(Column::new("FROM")).chain(columns);
        let rows = self.matrix.rows.iter().map(|row| {
            let answers = row.answers.iter().map(|answer| answer.as_ref().map_or("-".into(), cell));
            std::iter::once(from(row)).chain(answers).collect()
        });
        Table { columns: columns.collect(), rows: rows.collect() }
    }

    fn sums(&self) -> Table {
        let right = |name: &str| Column { right: true, ..Column::new(name) };
        let columns = vec![
            Column { nodes: true, ..Column::new("FROM") },
            right("ANSWER"),
            right("MS MIN"),
            right("MAX"),
            Column::new("NOT, OR NOT ALWAYS"),
        ];
        let rows = self.matrix.rows.iter().map(|row| self.sum(row));
        Table { columns, rows: rows.collect() }
    }

    fn sum(&self, row: &Row) -> Vec<Cell> {
        let pairs: Vec<_> = row.pairs(&self.matrix.targets).collect();
        let well = pairs.iter().filter(|(_, ping)| ping.replied >= ping.tried()).count();
        let times = || pairs.iter().filter_map(|(_, ping)| ping.rtt_us);
        let shown = |us: Option<u64>| us.map_or_else(|| "-".into(), number::ms_digits);
        let ill: Vec<&str> = pairs
            .iter()
            .filter(|(_, ping)| ping.replied < ping.tried())
            .map(|(target, _)| target.name.as_str())
            .collect();
        let more = ill.len().saturating_sub(MAX_NAMED);
        let named = ill.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
        let ill = match (ill.is_empty(), more) {
            (true, _) => "-".into(),
            (false, 0) => bad(named),
            (false, more) => bad(format!("{named} and {more} more")),
        };
        vec![
            from(row),
            format!("{well}/{}", pairs.len()).into(),
            shown(times().map(|rtt| rtt.min).min()).into(),
            shown(times().map(|rtt| rtt.max).max()).into(),
            ill,
        ]
    }
}

fn from(row: &Row) -> Cell {
    match row.from.kind {
        PeerKind::Node => row.from.name.clone().into(),
        _ => row.from.word().into(),
    }
}

/// `0.110 ms`; `2/3 0.110 ms`; `silence`.
fn cell(report: &PingReport) -> Cell {
    let tried = report.tried();
    match report.rtt_us {
        Some(rtt) if report.replied >= tried => number::ms(rtt.avg).into(),
        Some(rtt) => Cell::doubtful(format!("{}/{tried} {}", report.replied, number::ms(rtt.avg))),
        None if report.rejected > 0 => bad("rejected".into()),
        None if report.not_sent > 0 => bad("not sent".into()),
        None => bad("silence".into()),
    }
}

fn bad(text: String) -> Cell {
    Cell { text, mood: Mood::Bad }
}

#[cfg(test)]
mod screens;
