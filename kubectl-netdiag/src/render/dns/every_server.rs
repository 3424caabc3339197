//! One name, every server: who answers otherwise stands out.

use std::io::{self, Write};

use netdiag_wire::dns::{DnsOutcome, DnsQuery, DnsReport};

use super::{DnsView, answer, fate, time};
use crate::{
    dns::servers::{Said, compared},
    render::{Cell, Column, Mood, Screen, Table, table as write_table},
};

pub(super) fn servers(report: &DnsReport) -> u32 {
    compared(report).len() as u32
}

pub(super) fn table(
    out: &mut dyn Write,
    screen: &Screen,
    view: &DnsView,
    report: &DnsReport,
) -> io::Result<()> {
    let said = compared(report);
    if said.is_empty() {
        return super::walk::table(out, screen, view, report);
    }
    let usual = Said::usual(&said);
    let mut columns = vec![Column::new("SERVER"), Column { drop: Some(1), ..Column::new("WHAT") }];
    let several = report.types.len() > 1;
    for kind in &report.types {
        let name = if several { kind.to_string() } else { "ANSWER".into() };
        columns.push(Column::new(&name));
    }
    columns.push(Column::new("MS"));
    let rows = said.iter().map(|said| {
        let mut cells = vec![Cell::from(address(said.queries[0]))];
        cells.push(view.server(said.server).unwrap_or_else(|| "-".into()).into());
        for kind in &report.types {
            let query = said.queries.iter().find(|query| query.kind == *kind);
            let mut cell = query.map_or_else(|| Cell::from("-"), |query| fate(query));
            if cell.mood == Mood::Good && usual.is_some_and(|usual| !said.agrees(usual)) {
                cell.mood = Mood::Doubtful;
            }
            cells.push(cell);
        }
        cells.push(longest(&said.queries).into());
        cells
    });
    write_table(out, screen, &Table { columns, rows: rows.collect() })
}

/// With its port where that is not the usual one.
fn address(query: &DnsQuery) -> String {
    match query.port {
        53 => query.server.to_string(),
        port => format!("{}#{port}", query.server),
    }
}

fn longest(queries: &[&DnsQuery]) -> String {
    let is_answered = |query: &&&DnsQuery| !answer::is_unanswered(query.outcome);
    let slowest = queries.iter().filter(is_answered).max_by_key(|query| query.took_us);
    let silent = queries.iter().find(|query| query.outcome == DnsOutcome::Silence);
    silent.or(slowest).map_or_else(|| "-".into(), |query| time(query))
}
