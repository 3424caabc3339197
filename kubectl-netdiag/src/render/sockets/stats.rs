//! The namespace's counters with what they mean: netstat -s for those who do not know them by heart.

use std::io::{self, Write};

use netdiag_wire::{Untrusted, sockets::Counters};

use super::{
    Earlier, SocketsView, earlier,
    stats::meanings::{Kind, MEANINGS},
    write_head,
};
use crate::render::{Cell, Column, Screen, Table, number, table};

mod meanings;

pub(super) fn show(
    out: &mut dyn Write,
    screen: &Screen,
    view: &SocketsView<'_>,
    head: &str,
    earlier: Option<&Earlier>,
) -> io::Result<()> {
    let empty = Counters::default();
    let counters = view.report.counters.last().map_or(&empty, |reading| &reading.counters);
    let what = match earlier {
        None => "counters of its network namespace, since that began",
        Some(_) => "counters of its network namespace, and what they rose by",
    };
    write_head(out, screen, head, what)?;
    let before = earlier.map(|earlier| &earlier.counters);
    let all = screen.detail > 0;
    let wanted = |line: &Line<'_>| all || line.is_worth(before.is_some());
    let lines: Vec<Line<'_>> = lines(counters, before).filter(wanted).collect();
    table(out, screen, &grid(&lines, before.is_some()))?;
    let known = counters.0.values().map(std::collections::BTreeMap::len).sum::<usize>();
    let hidden = known - lines.len();
    if hidden > 0 {
        let hidden = number::count(hidden as u64);
        writeln!(out, "not shown: {hidden} counters without trouble in them (-v)")?;
    }
    Ok(())
}

/// One counter.
struct Line<'a> {
    group: &'a Untrusted,
    name: &'a Untrusted,
    value: i64,
    /// Since the round before, where there was one.
    rose_by: Option<i64>,
    meaning: Option<(Kind, &'static str)>,
}

impl Line<'_> {
    /// Traffic, or trouble that there was; of several rounds, whatever moved.
    fn is_worth(&self, is_again: bool) -> bool {
        match (is_again, self.meaning) {
            (true, _) => self.rose_by.is_some_and(|change| change != 0),
            (false, Some(_)) => self.value != 0,
            (false, None) => false,
        }
    }
}

fn lines<'a>(
    counters: &'a Counters,
    before: Option<&'a Counters>,
) -> impl Iterator<Item = Line<'a>> {
    let all = counters
        .0
        .iter()
        .flat_map(|(group, names)| names.iter().map(move |(name, value)| (group, name, *value)));
    all.map(move |(group, name, value)| {
        let earlier = before.and_then(|before| before.0.get(group)?.get(name));
        Line {
            group,
            name,
            value,
            rose_by: before.map(|_| value - earlier.copied().unwrap_or(0)),
            meaning: meaning(group, name),
        }
    })
}

fn meaning(group: &Untrusted, name: &Untrusted) -> Option<(Kind, &'static str)> {
    let found = MEANINGS.iter().find(|(known_group, known_name, _, _)| {
        known_group.as_bytes() == group.as_bytes() && known_name.as_bytes() == name.as_bytes()
    });
    found.map(|(_, _, kind, text)| (*kind, *text))
}

fn grid(lines: &[Line<'_>], is_again: bool) -> Table {
    let right = |name: &str| Column { right: true, ..Column::new(name) };
    let change = is_again.then(|| right("+n"));
    let columns = [Column::new("COUNTER"), right("VALUE")].into_iter().chain(change);
    let row = |line: &Line<'_>| {
        let is_trouble = matches!(line.meaning, Some((Kind::Trouble, _)));
        let value = signed(line.value);
        let is_bad = is_trouble && line.value != 0 && line.rose_by != Some(0);
        let value = if is_bad { Cell::doubtful(value) } else { Cell::from(value) };
        let counter = Cell::from(format!("{} {}", line.group, line.name));
        let change = line.rose_by.map(|change| Cell::from(earlier::difference(change)));
        let meaning = Cell::from(line.meaning.map_or("-", |(_, text)| text));
        [counter, value].into_iter().chain(change).chain([meaning]).collect()
    };
    Table {
        columns: columns.chain([Column::new("WHAT IT MEANS")]).collect(),
        rows: lines.iter().map(row).collect(),
    }
}

fn signed(value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}", number::count(value.unsigned_abs()))
}
