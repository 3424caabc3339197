//! A Service seen from many nodes: one row each.

use std::io::{self, Write};

use netdiag_wire::facts::{NodeFacts, ProxyMode};

use super::{Cell, Column, Names, Screen, ServiceView, Table, named, number, table};
use crate::{
    finding::Peer,
    service::{Measured, Plan, Tally},
};

/// What one node found, over all ports.
pub(crate) struct Seat<'a> {
    pub(crate) from: &'a Peer,
    pub(crate) through: Tally,
    pub(crate) endpoints: Tally,
    pub(crate) facts: Option<&'a NodeFacts>,
}

pub(crate) struct NodesView<'a> {
    pub(crate) seats: Vec<Seat<'a>>,
    /// Nodes that there are.
    pub(crate) all: usize,
    pub(crate) plan: &'a Plan,
    pub(crate) target: &'a Peer,
    pub(crate) names: &'a Names,
}

pub(crate) fn nodes(out: &mut dyn Write, screen: &Screen, view: &NodesView<'_>) -> io::Result<()> {
    if !screen.shows_evidence() {
        return Ok(());
    }
    let (count, all) = (view.seats.len(), number::count(view.all as u64));
    let nodes = match (count, view.all) {
        (1, 1) => "1 node (from its own namespace)".to_owned(),
        (count, all) if count == all => format!("{count} nodes (each from its own namespace)"),
        (count, _) => format!("{count} of {all} nodes (each from its own namespace)"),
    };
    writeln!(out, "{nodes} -> {}", named(view.target))?;
    table(out, screen, &view.table())
}

impl NodesView<'_> {
    fn table(&self) -> Table {
        let has_address = self.plan.address.is_some();
        let mut columns = vec![Column { nodes: true, ..Column::new("FROM") }];
        if has_address {
            columns.push(Column::new("THE SERVICE"));
        }
        columns.extend([
            Column::new("ENDPOINTS"),
            Column { drop: Some(1), ..Column::new("KUBE-PROXY") },
        ]);
        let measured = Measured::default();
        let view = ServiceView {
            plan: self.plan,
            all: 0,
            measured: &measured,
            names: self.names,
            is_external_local: false,
            unspoken: Vec::new(),
        };
        let rows = self.seats.iter().map(|seat| {
            let mut row = vec![Cell::from(seat.from.word())];
            if has_address {
                row.push(view.summed(&seat.through));
            }
            row.extend([view.summed(&seat.endpoints), kube_proxy(seat.facts)]);
            row
        });
        Table { columns, rows: rows.collect() }
    }
}

fn mode(mode: ProxyMode) -> &'static str {
    match mode {
        ProxyMode::Iptables => "iptables",
        ProxyMode::Nftables => "nftables",
        ProxyMode::Ipvs => "ipvs",
        ProxyMode::Unknown => "another mode",
    }
}

/// `iptables, in step`; `nftables, last sync 26 min ago`.
fn kube_proxy(facts: Option<&NodeFacts>) -> Cell {
    let Some(facts) = facts else { return "-".into() };
    let Some(mode) = facts.kube_proxy.mode.map(mode) else {
        return Cell::doubtful("does not answer");
    };
    let now = facts.now_at;
    match (facts.kube_proxy.behind(now).is_some(), facts.kube_proxy.last_at()) {
        (false, Some(_)) => format!("{mode}, in step").into(),
        (true, Some(last)) => {
            let minutes = now.duration_since(last).as_mins();
            Cell::doubtful(format!("{mode}, last sync {minutes} min ago"))
        }
        (_, None) => mode.into(),
    }
}
