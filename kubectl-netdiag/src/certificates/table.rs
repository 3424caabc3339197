//! `#  SUBJECT  ISSUER  VALID UNTIL (UTC)  LEFT  KEY`, of `cert` and `tls` alike.

use super::{Certificate, Moment, alternative::Alternative, moment::span};
use crate::render::{Cell, Column, Mood, Table};

/// More rows than this, and those that are well are only counted.
const MAX_ROWS: usize = 20;

/// One row a certificate, in the order of the chain; and how many are left out where `folds`.
pub(crate) fn table(chain: &[Certificate], now: Moment, folds: bool) -> (Table, usize) {
    let mut rows: Vec<_> = chain.iter().enumerate().map(|(at, one)| row(at, one, now)).collect();
    if folds && rows.len() > MAX_ROWS {
        let is_well = |row: &Vec<Cell>| row.iter().all(|cell| cell.mood == Mood::Good);
        rows.retain(|row| !is_well(row));
    }
    let folded = chain.len() - rows.len();
    (of_rows(rows), folded)
}

fn of_rows(rows: Vec<Vec<Cell>>) -> Table {
    let wide = |name| Column { wide: true, ..Column::new(name) };
    Table {
        columns: vec![
            Column { right: true, ..Column::new("#") },
            Column::new("SUBJECT"),
            Column::new("ISSUER"),
            Column::new("VALID UNTIL (UTC)"),
            Column::new("LEFT"),
            Column::new("KEY"),
            wide("SIGNATURE"),
            wide("SERIAL"),
            wide("SHA-256"),
        ],
        rows,
    }
}

fn row(at: usize, one: &Certificate, now: Moment) -> Vec<Cell> {
    let weak = |text: String, is_weak: bool| Cell {
        text,
        mood: if is_weak { Mood::Bad } else { Mood::Good },
    };
    vec![
        at.to_string().into(),
        named(&one.subject.text).into(),
        named(&one.issuer.text).into(),
        one.not_after.to_string().into(),
        left(one, now),
        weak(one.key.to_string(), one.key.is_short()),
        weak(one.signature.name.clone(), one.signature.is_weak() && !one.is_self_issued()),
        one.serial_text().into(),
        one.fingerprint().into(),
    ]
}

fn named(name: &str) -> &str {
    if name.is_empty() { "-" } else { name }
}

fn left(one: &Certificate, now: Moment) -> Cell {
    let seconds = one.not_after.since(now);
    let bad = |text: String| Cell { text, mood: Mood::Bad };
    if one.not_before > now {
        bad(format!("valid in {}", span(one.not_before.since(now).unsigned_abs())))
    } else if seconds < 0 {
        bad(format!("expired {}", span(seconds.unsigned_abs())))
    } else {
        span(seconds.unsigned_abs()).into()
    }
}

/// `good for checkout.shop.svc, 10.0.0.1`: the first names of a certificate with many.
pub(crate) fn good_for(certificate: &Certificate) -> Option<String> {
    const SHOWN: usize = 8;
    let text = |name: &Alternative| match name {
        Alternative::Dns(name) => name.to_string(),
        Alternative::Ip(address) => address.to_string(),
        other => other.to_string(),
    };
    let names: Vec<_> = certificate.names.iter().take(SHOWN).map(text).collect();
    let more = certificate.names.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more (-v)") } else { String::new() };
    (!names.is_empty()).then(|| format!("good for {}{more}", names.join(", ")))
}
