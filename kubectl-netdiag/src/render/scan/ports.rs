//! The table of ports: which have a row, and what is in it.

use super::*;
use crate::scan::Declared;

/// A group of ports with one fate gets rows as long as it is no longer than this.
const FEW: usize = 10;

pub(super) struct Shown {
    pub(super) rows: Vec<ScanPort>,
    /// By fate, in words.
    pub(super) left: BTreeMap<String, Left>,
}

/// What is open always has a row; the rest where it is little, or where something is known of it.
pub(super) fn shown(view: &ScanView<'_>) -> Shown {
    let mut rows: Vec<ScanPort> = view.report.ports.clone();
    let mut left: BTreeMap<String, Left> = BTreeMap::new();
    if view.brief > 0 {
        rows.retain(|port| port.state == PortState::Open);
    }
    for rest in &view.report.rest {
        let is_few = rest.ports.len() <= FEW && !view.is_many() && view.brief == 0;
        let named = if is_few { rest.ports.clone() } else { named(view, rest) };
        rows.extend(named.iter().map(|port| ScanPort {
            address: rest.address,
            protocol: rest.protocol,
            port,
            state: rest.state,
            why: rest.why,
            by: rest.by,
            icmp: rest.icmp.clone(),
            ttl: None,
            rtt_us: None,
        }));
        let unnamed =
            if named.is_empty() { rest.ports.clone() } else { rest.ports.without(&named) };
        if !unnamed.is_empty() {
            let why = why(rest.why, rest.by, rest.icmp.as_ref(), view.names);
            let left =
                left.entry(format!("{} ({why})", state_word(rest.state, rest.why))).or_default();
            left.count += unnamed.len() as u64;
            left.ports.push(unnamed);
        }
    }
    rows.sort_by_key(|port| (port.address, port.protocol, port.port));
    Shown { rows, left }
}

/// Ports of a group that somebody knows of besides.
fn named(view: &ScanView<'_>, rest: &ScanRest) -> Ports {
    if view.brief > 0 || view.to.address != Some(rest.address) {
        return Ports::default();
    }
    let is_named = |port: &u16| view.known.names(rest.protocol, rest.address, *port);
    let known = view.known.keys().filter(|(protocol, _)| *protocol == rest.protocol);
    known.map(|(_, port)| port).filter(|port| rest.ports.contains(*port)).filter(is_named).collect()
}

pub(super) fn table_of(view: &ScanView<'_>, rows: &[ScanPort]) -> Table {
    let drop = |name, order| Column { drop: Some(order), ..Column::new(name) };
    let wide = |name| Column { wide: true, right: true, ..Column::new(name) };
    let mut columns = vec![Column::new("PORT"), Column::new("STATE"), drop("WHY", 3)];
    if view.is_many() {
        columns.insert(0, Column::new("ADDRESS"));
    }
    if view.request.identify {
        columns.extend([Column::new("PROTOCOL"), Column::new("PRODUCT")]);
    }
    if view.is_object() {
        columns.push(Column::new("PROCESS (PID)"));
    }
    if view.to.kind == PeerKind::Pod {
        columns.extend([drop("DECLARED", 2), drop("LED TO BY", 1)]);
    }
    if view.is_many() {
        columns.push(drop("WHAT", 1));
    }
    columns.extend([wide("TTL"), wide("MS")]);
    Table { columns, rows: rows.iter().map(|port| row(view, port)).collect() }
}

fn row(view: &ScanView<'_>, port: &ScanPort) -> Vec<Cell> {
    let protocol = match port.protocol {
        ScanProtocol::Tcp => "tcp",
        ScanProtocol::Udp => "udp",
    };
    let state = state_word(port.state, port.why).to_owned();
    let why = why(port.why, port.by, port.icmp.as_ref(), view.names);
    let mut cells = vec![
        Cell::from(format!("{}/{protocol}", port.port)),
        Cell { text: state, mood: mood(view, port) },
        why.into(),
    ];
    if view.is_many() {
        cells.insert(0, port.address.to_string().into());
    }
    if view.request.identify {
        cells.extend(identity(view, port));
    }
    if view.is_object() {
        cells.push(process(view, port));
    }
    if view.to.kind == PeerKind::Pod {
        cells.extend([declared(view, port), led(view, port)]);
    }
    if view.is_many() {
        cells.push(view.who(port.address).into());
    }
    let ttl = port.ttl.map_or_else(|| "-".into(), |ttl| ttl.to_string());
    cells.extend([ttl, port.rtt_us.map_or_else(|| "-".into(), number::ms_digits)].map(Cell::from));
    cells
}

/// A port that is not open is doubtful where somebody expects it to be.
fn mood(view: &ScanView<'_>, port: &ScanPort) -> Mood {
    let is_awaited = view.to.address == Some(port.address)
        && view.known.names(port.protocol, port.address, port.port);
    match port.state {
        PortState::Open => Mood::Good,
        PortState::Closed | PortState::Filtered if is_awaited => Mood::Doubtful,
        PortState::Closed
        | PortState::Filtered
        | PortState::OpenOrFiltered
        | PortState::Unknown => Mood::Good,
    }
}

fn declared(view: &ScanView<'_>, port: &ScanPort) -> Cell {
    let declared = view.known.declared(port.protocol, port.port);
    declared.map_or_else(|| "-".into(), Declared::word).into()
}

fn led(view: &ScanView<'_>, port: &ScanPort) -> Cell {
    let led: Vec<&str> = view.known.led(port.protocol, port.port).collect();
    if led.is_empty() { "-".into() } else { led.join(" ").into() }
}

/// `?` where it may not be seen, `-` where nobody listens.
fn process(view: &ScanView<'_>, port: &ScanPort) -> Cell {
    let known = view.known;
    match known.listener(port.protocol, port.address, port.port) {
        _ if known.listeners.is_none() => "?".into(),
        None => "-".into(),
        Some(listener) => match &listener.process {
            Some(process) => process.to_string().into(),
            None if known.skipped.is_some() => "?".into(),
            None => "-".into(),
        },
    }
}

/// PROTOCOL and PRODUCT, as the port itself said; empty where it did not.
fn identity(view: &ScanView<'_>, port: &ScanPort) -> [Cell; 2] {
    let of_port = |one: &&Identity| {
        (one.address, one.protocol, one.port) == (port.address, port.protocol, port.port)
    };
    let Some(said) = view.report.identified.iter().find(of_port) else {
        return [Cell::default(), Cell::default()];
    };
    let speaks: Vec<String> = said.speaks.iter().map(ToString::to_string).collect();
    let product = [&said.product, &said.version].into_iter().flatten();
    let product: Vec<String> = product.map(ToString::to_string).collect();
    let banner = || said.banner.iter().map(ToString::to_string).collect::<String>();
    let product = if product.is_empty() { banner() } else { product.join(" ") };
    let info = said.info.as_ref().map(|info| format!("({info})"));
    let quoted = (!product.is_empty()).then(|| format!("\"{product}\""));
    let product: Vec<String> = quoted.into_iter().chain(info).collect();
    [speaks.join(" > ").into(), product.join(" ").into()]
}
