//! The search list as it is walked: every name really asked is a row.

use std::{
    io::{self, Write},
    net::IpAddr,
};

use netdiag_wire::dns::{
    DnsOutcome, DnsQuery, DnsReport, HostsEntry, Libc, RecordType, ResolverSettings,
};

use super::{DnsView, answer, fate, is_wide, shown, time, waited};
use crate::render::{Cell, Column, Screen, Table, number, table as write_table};

/// What resolv.conf says that differs from a bare one.
pub(super) fn rules(settings: &ResolverSettings) -> String {
    let libc = match settings.libc {
        Libc::Glibc => "glibc",
        Libc::Musl => "musl",
    };
    let search = settings.search.iter().map(shown).collect::<Vec<_>>().join(" ");
    let search =
        if search.is_empty() { "no search list".into() } else { format!("search {search}") };
    let absent = if settings.is_absent { "no resolv.conf, so 127.0.0.1; " } else { "" };
    let mut rules = format!("as {libc} asks: {absent}{search}, ndots:{}", settings.ndots);
    // What a libc does without being told is not said: resolv.conf(5).
    if settings.timeout_seconds != 5 {
        rules.push_str(&format!(", timeout:{}", settings.timeout_seconds));
    }
    if settings.attempts != 2 {
        rules.push_str(&format!(", attempts:{}", settings.attempts));
    }
    let flags = [
        (settings.rotate, "rotate"),
        (settings.single_request, "single-request"),
        (settings.single_request_reopen, "single-request-reopen"),
        (settings.use_vc, "use-vc"),
        (settings.edns0, "edns0"),
        (settings.trust_ad, "trust-ad"),
        (settings.no_aaaa, "no-aaaa"),
    ];
    for (_, flag) in flags.iter().filter(|(is_set, _)| *is_set) {
        rules.push_str(&format!(", {flag}"));
    }
    rules
}

pub(super) fn in_hosts(entry: &HostsEntry) -> String {
    let addresses: Vec<String> = entry.addresses.iter().map(IpAddr::to_string).collect();
    let name = shown(&entry.name);
    format!("/etc/hosts, line {}: {name} is {}", entry.line, addresses.join(", "))
}

/// The queries that a row holds: one name, one server, each type once.
struct Row<'a> {
    name: String,
    server: IpAddr,
    queries: Vec<&'a DnsQuery>,
}

pub(super) fn table(
    out: &mut dyn Write,
    screen: &Screen,
    view: &DnsView,
    report: &DnsReport,
) -> io::Result<()> {
    let rows = rows(report);
    if rows.is_empty() {
        return Ok(());
    }
    let several = rows.iter().any(|row| row.server != rows[0].server);
    let mut columns = vec![Column::new("NAME ASKED")];
    let has_server = several || is_wide(screen);
    if has_server {
        columns.push(Column::new("SERVER"));
    }
    for kind in &report.types {
        columns.push(Column::new(&kind.to_string()));
        columns.push(Column { wide: true, ..Column::new("MS") });
    }
    if !is_wide(screen) {
        columns.push(Column::new("MS"));
    }
    let cells = |row: &Row<'_>| cells(row, &report.types, has_server.then_some(view), screen);
    let rows = rows.iter().map(cells).collect();
    write_table(out, screen, &Table { columns, rows })
}

/// In the order in which they were asked; a name that is asked anew has a row anew.
fn rows(report: &DnsReport) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for query in answer::own_queries(report) {
        let name = shown(&query.name);
        let fits = |row: &&mut Row<'_>| {
            row.name == name
                && row.server == query.server
                && row.queries.iter().all(|other| other.kind != query.kind)
        };
        // Of a pair that two servers were asked at once, the row is not always the last one.
        match rows.iter_mut().rev().take(8).find(fits) {
            Some(row) => row.queries.push(query),
            None => rows.push(Row { name, server: query.server, queries: vec![query] }),
        }
    }
    rows
}

fn cells(
    row: &Row<'_>,
    types: &[RecordType],
    server: Option<&DnsView>,
    screen: &Screen,
) -> Vec<Cell> {
    let mut cells = vec![Cell::from(row.name.clone())];
    cells.extend(server.map(|_| Cell::from(row.server.to_string())));
    for kind in types {
        let query = row.queries.iter().find(|query| query.kind == *kind);
        cells.push(query.map_or_else(|| "-".into(), |query| fate(query)));
        cells.push(query.map_or_else(|| "-".into(), |query| time(query)).into());
    }
    if !is_wide(screen) {
        cells.push(longest(&row.queries).into());
    }
    cells
}

/// What a client waits for the row: the longer of a pair.
fn longest(queries: &[&DnsQuery]) -> String {
    let silent = queries.iter().filter(|query| query.outcome == DnsOutcome::Silence);
    let sent: u32 = silent.map(|query| u32::from(query.sent)).sum();
    let took = queries.iter().map(|query| query.took_us).max().unwrap_or_default();
    match sent {
        0 if queries.iter().all(|query| time(query) == "-") => "-".into(),
        0 => number::ms_digits(took),
        sent => waited(sent, took),
    }
}
