//! What a server takes, one row a suite.

use std::io::{self, Write};

use netdiag_tls::names;
use netdiag_wire::tls::{TlsEnd, TlsReport, TlsTaken};

use super::super::{Cell, Column, Mood, Screen, Table, table};
use crate::diagnose::{Grade, group_rule, rules_of};

/// Columns.
const VERSION: usize = 0;
const SUITE: usize = 1;
const GRADE: usize = 2;
const RULES: usize = 3;
/// Rows of a table that is folded.
const LONG: usize = 24;
/// Suites that are listed of those that are alike.
const SHOWN: usize = 3;

pub(crate) fn tls_takes(
    out: &mut dyn Write,
    screen: &Screen,
    report: &TlsReport,
) -> io::Result<()> {
    if !screen.shows_evidence() {
        return Ok(());
    }
    let mut rows: Vec<Vec<Cell>> = report.versions.iter().flat_map(rows).collect();
    if rows.len() > LONG && screen.detail == 0 {
        rows = folded(&rows);
    }
    if !rows.is_empty() {
        let columns = ["VERSION", "CIPHER SUITE", "GRADE", "RULES"];
        let columns = columns.map(Column::new).into();
        table(out, screen, &Table { columns, rows })?;
    }
    for taken in &report.versions {
        writeln!(out, "{}", screen.safe(&below(taken)))?;
    }
    Ok(())
}

/// Suites of one version under the same rules, beyond the first few, are counted.
fn folded(rows: &[Vec<Cell>]) -> Vec<Vec<Cell>> {
    let alike = |one: &Vec<Cell>, other: &Vec<Cell>| {
        [VERSION, GRADE, RULES].iter().all(|column| one[*column].text == other[*column].text)
    };
    let mut short: Vec<Vec<Cell>> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let before = rows[..at].iter().filter(|other| alike(other, row)).count();
        let after = rows[at..].iter().filter(|other| alike(other, row)).count();
        match before {
            0..SHOWN => short.push(row.clone()),
            SHOWN if after == 1 => short.push(row.clone()),
            SHOWN => {
                let mut more = row.clone();
                more[SUITE] = format!("{after} more (-v lists them)").into();
                short.push(more);
            }
            _ => {}
        }
    }
    short
}

fn rows(taken: &TlsTaken) -> Vec<Vec<Cell>> {
    let row = |suite: String| {
        let rules = rules_of(taken, &suite);
        let grade = Grade::of(&rules);
        let names: Vec<&str> = rules.iter().map(|rule| rule.name).collect();
        let mood = match grade {
            Grade::A | Grade::B => Mood::Good,
            Grade::C | Grade::D => Mood::Doubtful,
            Grade::F => Mood::Bad,
        };
        let why = if names.is_empty() { "-".to_owned() } else { names.join(" ") };
        vec![
            super::version(&taken.version).into(),
            suite.into(),
            Cell { text: grade.to_string(), mood },
            why.into(),
        ]
    };
    taken.suites.iter().map(|suite| row(suite.to_string())).collect()
}

/// `TLS 1.2: groups x25519, secp256r1; by the server's order`.
fn below(taken: &TlsTaken) -> String {
    let version = super::version(&taken.version);
    if let Some(refused) = &taken.refused {
        return format!("{version}: not taken ({})", how(refused));
    }
    let groups: Vec<String> = taken
        .groups
        .iter()
        .map(|group| {
            let group = group.to_string();
            match group_rule(&group) {
                Some(rule) => format!("{group} ({})", rule.name),
                None => group,
            }
        })
        .collect();
    let groups = if groups.is_empty() {
        "no group".to_owned()
    } else {
        format!("groups {}", groups.join(", "))
    };
    let order = match taken.own_order {
        Some(true) => "; by the server's order",
        Some(false) => "; by the client's order",
        None => "",
    };
    let bits = taken.dh_bits.map(|bits| format!("; a prime of {bits} bits")).unwrap_or_default();
    let cut = if taken.cut { "; not to the end: a connection failed" } else { "" };
    format!("{version}: {groups}{bits}{order}{cut}")
}

fn how(refused: &TlsEnd) -> String {
    match refused {
        TlsEnd::Alert { alert } => format!("alert {}", names::alert(*alert)),
        TlsEnd::Incompatible { why } | TlsEnd::Misbehaved { why } => why.to_string(),
        TlsEnd::PlainText { .. } => "no TLS came back".into(),
        TlsEnd::NotUpgraded { .. } => "no STARTTLS".into(),
        TlsEnd::Closed => "closed".into(),
        TlsEnd::Reset => "reset".into(),
        TlsEnd::Silence => "silence".into(),
        TlsEnd::Well | TlsEnd::Unknown => "something newer".into(),
    }
}
