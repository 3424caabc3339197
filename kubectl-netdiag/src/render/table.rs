//! Tables like kubectl's: no rules, no boxes, nothing cut off.

use std::io::{self, Write};

use super::{Format, Screen, paint::Role};

#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    pub columns: Vec<Column>,
    /// One cell a column.
    pub rows: Vec<Vec<Cell>>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Column {
    /// Upper-case.
    pub name: String,
    /// Numbers stand to the right.
    pub right: bool,
    /// Node names: the domain they all share is cut first when the table is too wide.
    pub nodes: bool,
    /// Only with `-o wide`.
    pub wide: bool,
    /// When the table is too wide, columns go in the order of this number; without one they stay.
    pub drop: Option<u8>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    pub text: String,
    pub mood: Mood,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Mood {
    #[default]
    Good,
    Doubtful,
    Bad,
    Faint,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), mood: Mood::Good }
    }
}

impl Cell {
    pub(crate) fn doubtful(text: impl Into<String>) -> Self {
        Self { text: text.into(), mood: Mood::Doubtful }
    }
}

impl Column {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

const GAP: usize = 2;

/// The table as wide as it may be; columns that had no room are named below it.
pub(crate) fn table(out: &mut dyn Write, screen: &Screen, table: &Table) -> io::Result<()> {
    if !screen.shows_evidence() {
        return Ok(());
    }
    let mut grid = Grid::new(screen, table);
    let dropped = grid.fit(screen);
    let widths = grid.widths();
    if !screen.no_headers {
        let names = grid.columns.iter().map(|column| (column.name.clone(), Role::Faint));
        grid.write_row(out, screen, &names.collect::<Vec<_>>(), &widths)?;
    }
    for row in &grid.rows {
        grid.write_row(out, screen, row, &widths)?;
    }
    if !dropped.is_empty() {
        writeln!(out, "columns not shown: {} (-o wide)", dropped.join(" "))?;
    }
    Ok(())
}

/// The columns and cells that are shown, with nothing hostile left in them.
struct Grid {
    columns: Vec<Column>,
    rows: Vec<Vec<(String, Role)>>,
}

impl Grid {
    fn new(screen: &Screen, table: &Table) -> Self {
        let shown = |column: &Column| !column.wide || screen.format == Format::Wide;
        let row = |row: &Vec<Cell>| {
            let cells = row.iter().zip(&table.columns).filter(|(_, column)| shown(column));
            cells
                .map(|(cell, _)| (screen.safe(&cell.text).into_owned(), cell.mood.role()))
                .collect()
        };
        let column = |column: &Column| {
            let name = screen.safe(&column.name).into_owned();
            Column { name, ..column.clone() }
        };
        Self {
            columns: table.columns.iter().filter(|column| shown(column)).map(column).collect(),
            rows: table.rows.iter().map(row).collect(),
        }
    }

    /// Cuts the shared domain, then drops columns; returns the names of those dropped.
    fn fit(&mut self, screen: &Screen) -> Vec<String> {
        let mut dropped = Vec::new();
        let Some(room) = screen.width.filter(|_| screen.format != Format::Wide) else {
            return dropped;
        };
        if self.width() > room {
            self.cut_domain();
        }
        while self.width() > room {
            let order = |(at, column): (usize, &Column)| column.drop.map(|order| (order, at));
            let Some((_, at)) = self.columns.iter().enumerate().filter_map(order).min() else {
                break;
            };
            dropped.push(self.columns.remove(at).name);
            self.rows.iter_mut().for_each(|row| drop(row.remove(at)));
        }
        dropped
    }

    fn cut_domain(&mut self) {
        for at in (0..self.columns.len()).filter(|at| self.columns[*at].nodes) {
            let names = self.rows.iter().map(|row| row[at].0.as_str());
            let names: Vec<_> = names.filter(|name| *name != "-").collect();
            let Some(domain) = shared_domain(&names) else { continue };
            for row in &mut self.rows {
                let name = &mut row[at].0;
                if name.ends_with(&domain) {
                    name.truncate(name.len() - domain.len());
                }
            }
        }
    }

    fn widths(&self) -> Vec<usize> {
        let width = |at: usize| {
            let cells = self.rows.iter().map(|row| row[at].0.chars().count());
            cells.chain([self.columns[at].name.chars().count()]).max().unwrap_or_default()
        };
        (0..self.columns.len()).map(width).collect()
    }

    fn width(&self) -> usize {
        let widths = self.widths();
        widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
    }

    fn write_row(
        &self,
        out: &mut dyn Write,
        screen: &Screen,
        row: &[(String, Role)],
        widths: &[usize],
    ) -> io::Result<()> {
        let last = row.len().saturating_sub(1);
        for (at, ((cell, role), width)) in row.iter().zip(widths).enumerate() {
            let padding = " ".repeat(width - cell.chars().count());
            let painted = screen.paint(*role, cell);
            match self.columns[at].right {
                true => write!(out, "{padding}{painted}")?,
                false if at == last => write!(out, "{painted}")?,
                false => write!(out, "{painted}{padding}")?,
            }
            if at < last {
                write!(out, "{:GAP$}", "")?;
            }
        }
        writeln!(out)
    }
}

impl Mood {
    fn role(self) -> Role {
        match self {
            Self::Good => Role::Plain,
            Self::Doubtful => Role::Doubtful,
            Self::Bad => Role::Bad,
            Self::Faint => Role::Faint,
        }
    }
}

/// `.eu-west-1.compute.internal` of names that all end so, with something left before it.
fn shared_domain(names: &[&str]) -> Option<String> {
    let first = names.first()?;
    let domains = first.match_indices('.').map(|(at, _)| &first[at..]);
    let ends =
        |domain: &str| names.iter().all(|name| name.len() > domain.len() && name.ends_with(domain));
    let mut shared = domains.filter(|domain| domain.len() > 1);
    let found = shared.find(|domain| ends(domain))?;
    Some(found.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints() -> Table {
        let columns = vec![
            Column::new("ADDRESS"),
            Column::new("WHAT"),
            Column { nodes: true, ..Column::new("NODE") },
            Column { drop: Some(2), ..Column::new("READY") },
            Column { right: true, drop: Some(1), ..Column::new("RESTARTS") },
            Column { wide: true, ..Column::new("UID") },
        ];
        let row = |address: &str, pod: &str, node: &str, ready: &str, restarts: &str| {
            let node = format!("{node}.eu-west-1.compute.internal");
            let ready = if ready == "yes" {
                Cell::from(ready)
            } else {
                Cell { text: ready.into(), mood: Mood::Bad }
            };
            vec![address.into(), pod.into(), node.into(), ready, restarts.into(), "7f3c".into()]
        };
        let rows = vec![
            row("10.244.1.15", "pod/checkout-6d9c7b5f4-2xk8p", "node-1", "yes", "0"),
            row("10.244.2.7", "pod/checkout-6d9c7b5f4-9zq4m", "node-12", "no", "12"),
        ];
        Table { columns, rows }
    }

    fn shown(screen: &Screen) -> String {
        let mut out = Vec::new();
        table(&mut out, screen, &endpoints()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_pipe_gets_all_of_it() {
        insta::assert_snapshot!(shown(&Screen::default()), @r"
        ADDRESS      WHAT                          NODE                                READY  RESTARTS
        10.244.1.15  pod/checkout-6d9c7b5f4-2xk8p  node-1.eu-west-1.compute.internal   yes           0
        10.244.2.7   pod/checkout-6d9c7b5f4-9zq4m  node-12.eu-west-1.compute.internal  no           12
        ");
    }

    #[test]
    fn a_narrow_terminal_loses_the_domain_then_columns() {
        let at = |columns| shown(&Screen { width: Some(columns), ..Screen::default() });
        insta::assert_snapshot!(at(80), @r"
        ADDRESS      WHAT                          NODE     READY  RESTARTS
        10.244.1.15  pod/checkout-6d9c7b5f4-2xk8p  node-1   yes           0
        10.244.2.7   pod/checkout-6d9c7b5f4-9zq4m  node-12  no           12
        ");
        insta::assert_snapshot!(at(50), @r"
        ADDRESS      WHAT                          NODE
        10.244.1.15  pod/checkout-6d9c7b5f4-2xk8p  node-1
        10.244.2.7   pod/checkout-6d9c7b5f4-9zq4m  node-12
        columns not shown: RESTARTS READY (-o wide)
        ");
    }

    #[test]
    fn wide_has_every_column_and_no_headers_none() {
        let screen = Screen { format: Format::Wide, width: Some(40), ..Screen::default() };
        assert!(shown(&screen).lines().all(|line| line.ends_with("UID") || line.ends_with("7f3c")));
        let screen = Screen { no_headers: true, ..Screen::default() };
        assert_eq!(shown(&screen).lines().count(), 2);
    }

    #[test]
    fn only_a_domain_that_all_share_is_cut() {
        for (names, shared) in [
            (vec!["a.x.org", "b.x.org"], Some(".x.org")),
            (vec!["a.x.org", "b.y.org"], Some(".org")),
            (vec!["a.x.org", "b"], None),
            (vec!["node-1", "node-2"], None),
            (vec![], None),
        ] {
            assert_eq!(shared_domain(&names).as_deref(), shared);
        }
    }
}
