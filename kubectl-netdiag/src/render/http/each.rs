//! `--each`: what each endpoint of a Service answered, beside what came through its address.

use std::io::{self, Write};

use crate::{
    http::{Answered, Exchanged, Phases},
    render::{Cell, Column, Mood, Screen, Table, number, table},
};

pub(crate) struct EachView<'a> {
    pub(crate) through: &'a Exchanged,
    pub(crate) answered: &'a [Answered],
    /// Endpoints that there are.
    pub(crate) all: usize,
}

pub(crate) fn http_each(
    out: &mut dyn Write,
    screen: &Screen,
    view: &EachView<'_>,
) -> io::Result<()> {
    if !screen.shows_evidence() {
        return Ok(());
    }
    let right = |name: &str| Column { right: true, ..Column::new(name) };
    let columns = vec![
        Column::new("ADDRESS"),
        Column { nodes: true, ..Column::new("WHAT") },
        Column::new("ANSWER"),
        right("CONNECT MS"),
        right("FIRST BYTE"),
        right("TOTAL"),
    ];
    let through = row("the Service".into(), view.through);
    let endpoints = view.answered.iter().map(|Answered { endpoint, trail }| {
        let node = endpoint.node.as_ref().map(|node| format!(" on {node}")).unwrap_or_default();
        let unready = if endpoint.ready { "" } else { ", not ready" };
        row(format!("{}{node}{unready}", endpoint.short()), trail.last())
    });
    let rows = std::iter::once(through).chain(endpoints).collect();
    table(out, screen, &Table { columns, rows })?;
    let (asked, all) = (view.answered.len(), view.all);
    match asked < all {
        true => writeln!(out, "{asked} of {} endpoints were asked", number::count(all as u64)),
        false => Ok(()),
    }
}

fn row(what: String, exchanged: &Exchanged) -> Vec<Cell> {
    let phases = Phases::of(&exchanged.report);
    let shown = |us: Option<u64>| us.map_or_else(|| "-".into(), number::ms_digits);
    let to = exchanged.report.attempts.last().map(|attempt| attempt.remote);
    let address = to.map_or_else(|| exchanged.request.host.clone(), |to| to.to_string());
    let is_well = exchanged.answer().is_some_and(|answer| answer.status < 400);
    let mood = if is_well { Mood::Good } else { Mood::Bad };
    vec![
        address.into(),
        what.into(),
        Cell { text: exchanged.outcome(), mood },
        shown(phases.connect).into(),
        shown(phases.first_byte).into(),
        number::ms_digits(phases.total()).into(),
    ]
}
