//! `--mtu`: how large a packet passes to each hop, and what stops a larger one.

use std::io::{self, Write};

use netdiag_wire::trace::{MtuHop, MtuLimit};

use super::{Hops, TraceView};
use crate::render::{Cell, Column, Screen, Table, table::Mood, table::table};

/// The table, or the hops themselves where no size could be told.
pub(crate) fn trace_sizes(
    out: &mut dyn Write,
    screen: &Screen,
    view: &TraceView<'_>,
) -> io::Result<()> {
    if view.report.mtu.is_empty() {
        let mut hops = Hops::default();
        view.report.hops.iter().cloned().for_each(|hop| hops.push(hop));
        return hops.show(out, screen, view, true);
    }
    let columns = vec![
        Column { right: true, ..Column::new("HOP") },
        Column::new("ADDRESS"),
        Column { right: true, ..Column::new("PASSES") },
        Column::new("WHAT"),
    ];
    let rows = view.report.mtu.iter().map(|hop| row(hop, view)).collect();
    table(out, screen, &Table { columns, rows })
}

fn row(hop: &MtuHop, view: &TraceView<'_>) -> Vec<Cell> {
    let address = hop.address.map_or_else(|| "*".into(), |address| address.to_string());
    let passes = hop.passes_bytes.map_or_else(|| "-".into(), |bytes| bytes.to_string());
    let who = match hop.address {
        Some(address) => view.who(address),
        None => "does not answer".into(),
    };
    let mood = match (&hop.limit, hop.address) {
        (Some(MtuLimit::Silence { .. }), _) => Mood::Bad,
        (_, None) => Mood::Faint,
        (_, Some(_)) => Mood::Good,
    };
    let what = match limit(hop, view) {
        Some(limit) if who == "-" => limit,
        Some(limit) => format!("{who}; {limit}"),
        None => who,
    };
    let cell = |text: String| Cell { text, mood };
    vec![hop.ttl.to_string().into(), cell(address), cell(passes), cell(what)]
}

/// What becomes of one byte more.
fn limit(hop: &MtuHop, view: &TraceView<'_>) -> Option<String> {
    let more = hop.passes_bytes.map(|bytes| u32::from(bytes) + 1);
    let more = more.map_or_else(|| "anything".into(), |bytes| format!("{bytes} and more"));
    Some(match hop.limit.as_ref()? {
        MtuLimit::Silence { .. } => match hop.passes_bytes {
            Some(_) => format!("{more} vanish without a word"),
            None => "nothing of any size comes back".into(),
        },
        MtuLimit::Icmp { address, mtu } => {
            format!("{more} rejected by {}, which said MTU {mtu}", view.speaker(*address))
        }
        // Whoever sends more is told by its own kernel.
        MtuLimit::Interface => return None,
        MtuLimit::Unknown => "more does not pass".into(),
    })
}

impl TraceView<'_> {
    fn speaker(&self, address: std::net::IpAddr) -> String {
        self.names.owner_of(address).unwrap_or_else(|| address.to_string())
    }
}
