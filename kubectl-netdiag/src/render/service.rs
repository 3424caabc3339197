//! A Service beside its endpoints: one row each, one column for each port.

use std::{
    io::{self, Write},
    net::IpAddr,
};

use netdiag_wire::{
    connect::{ConnectAttempt, ConnectOutcome},
    ping::PingReport,
};

use super::{Cell, Column, Names, Screen, Table, number, table};
use crate::{
    plan::PortProtocol,
    service::{Door, DoorKind, Endpoint, Measured, Plan, ServicePort, Tally},
};

/// Ports of one table; of more, each has a table of its own.
const MAX_COLUMNS: usize = 2;

/// What was asked, and what came back.
pub(crate) struct ServiceView<'a> {
    pub(crate) plan: &'a Plan,
    /// Endpoints that there are.
    pub(crate) all: usize,
    pub(crate) measured: &'a Measured,
    pub(crate) names: &'a Names,
    /// Of the Service.
    pub(crate) is_external_local: bool,
    /// Ports of protocols that netdiag does not speak.
    pub(crate) unspoken: Vec<String>,
}

pub(crate) fn service(
    out: &mut dyn Write,
    screen: &Screen,
    view: &ServiceView<'_>,
) -> io::Result<()> {
    if !screen.shows_evidence() {
        return Ok(());
    }
    let ports: Vec<usize> = (0..view.plan.ports.len()).collect();
    let width = if ports.len() > MAX_COLUMNS { 1 } else { MAX_COLUMNS };
    let tables = ports.chunks(width).chain(ports.is_empty().then_some(&[][..]));
    for ports in tables {
        writeln!(out)?;
        table(out, screen, &view.table(ports))?;
    }
    let (probed, all) = (view.plan.endpoints.len(), view.all);
    if probed < all {
        let all = number::count(all as u64);
        writeln!(out, "{probed} of {all} endpoints were asked, as many of each node as there are")?;
    }
    for port in &view.unspoken {
        writeln!(out, "{port} was not asked: netdiag does not speak that protocol")?;
    }
    if let Some(why) = &view.measured.no_echo {
        writeln!(out, "no echoes were sent: {}", screen.safe(why))?;
    }
    Ok(())
}

impl ServiceView<'_> {
    /// Over all ports.
    pub(super) fn summed(&self, tally: &Tally) -> Cell {
        if self.plan.ports.is_empty() { "-".into() } else { self.tally(tally, 0, None) }
    }

    fn table(&self, ports: &[usize]) -> Table {
        let droppable = |name: &str, drop| Column { drop: Some(drop), ..Column::new(name) };
        let mut columns = vec![
            Column::new("ADDRESS"),
            Column { nodes: true, ..Column::new("WHAT") },
            droppable("READY", 2),
            droppable("ECHO", 1),
        ];
        columns.extend(ports.iter().map(|at| Column::new(&self.plan.ports[*at].word())));
        let own = self.plan.address.map(|address| {
            let cells = [address.to_string(), "the Service".into(), "-".into(), "-".into()];
            let through = ports.iter().map(|at| {
                let tally = self.measured.ports.get(*at).map(|answers| &answers.through);
                tally.map_or_else(|| "-".into(), |tally| self.tally(tally, *at, None))
            });
            cells.map(Cell::from).into_iter().chain(through).collect()
        });
        let doors = self.plan.doors.iter().enumerate().map(|(at, it)| self.door(at, it, ports));
        let endpoints = self.plan.endpoints.iter().enumerate();
        let endpoints = endpoints.map(|(at, it)| self.row(at, it, ports));
        let rows = own.into_iter().chain(doors).chain(endpoints);
        Table { columns, rows: rows.collect() }
    }

    /// `10.89.0.12:30080  node port on node-2`.
    fn door(&self, at: usize, door: &Door, ports: &[usize]) -> Vec<Cell> {
        let numbers = ports.iter().filter_map(|port| self.plan.ports[*port].node_port);
        let numbers: Vec<String> = numbers.map(|number| number.to_string()).collect();
        let address = match (&door.kind, door.address) {
            (DoorKind::NodePort { .. }, IpAddr::V4(address)) => {
                format!("{address}:{}", numbers.join(","))
            }
            (DoorKind::NodePort { .. }, IpAddr::V6(address)) => {
                format!("[{address}]:{}", numbers.join(","))
            }
            (DoorKind::LoadBalancer | DoorKind::External, address) => address.to_string(),
        };
        let drops = door.drops(self.is_external_local);
        let what = match drops {
            true => format!("{} (local endpoint: none)", door.what()),
            false => door.what(),
        };
        let answers = ports.iter().map(|port| {
            let tally = self.measured.ports.get(*port).and_then(|it| it.doors.get(at));
            let cell = tally.map_or_else(|| "-".into(), |tally| self.tally(tally, *port, None));
            if drops && tally.is_some_and(Tally::is_dead) {
                Cell::doubtful(cell.text)
            } else {
                cell
            }
        });
        let cells = [address, what, "-".into(), "-".into()];
        cells.into_iter().map(Cell::from).chain(answers).collect()
    }

    fn row(&self, at: usize, endpoint: &Endpoint, ports: &[usize]) -> Vec<Cell> {
        let node = endpoint.node.as_ref().map(|node| format!(" on {node}")).unwrap_or_default();
        let what = match endpoint.pod {
            Some(_) => format!("{}{node}", endpoint.short()),
            None => format!("no pod{node}"),
        };
        let ready = match (endpoint.ready, endpoint.terminating) {
            (true, false) => Cell::from("yes"),
            (true, true) => Cell::doubtful("yes, ending"),
            (false, false) => Cell::doubtful("no"),
            (false, true) => Cell::doubtful("ending"),
        };
        let echo = self.measured.echoes.get(at).map_or_else(|| "-".into(), echo);
        let answers = ports.iter().map(|port| {
            let tally = self.measured.ports.get(*port).and_then(|it| it.endpoints.get(at));
            match tally {
                _ if endpoint.port(&self.plan.ports[*port]).is_none() => {
                    Cell::doubtful("no such port")
                }
                Some(tally) => self.tally(tally, *port, Some(at)),
                None => "-".into(),
            }
        });
        let address = endpoint.address.to_string();
        [address.into(), what.into(), ready, echo].into_iter().chain(answers).collect()
    }

    /// `3/3 connected  0.190 ms`; `6/9 connected, 3/9 refused`; `0/3 refused by the pod`.
    fn tally(&self, tally: &Tally, port: usize, endpoint: Option<usize>) -> Cell {
        let (well, tries) = (tally.well(), tally.tries());
        let word = verb(&self.plan.ports[port]);
        let ill = tally.ill();
        match (tally.median_us(), &ill[..]) {
            (_, []) if tries == 0 => "-".into(),
            (Some(us), []) => format!("{well}/{tries} {word}  {}", number::ms(us)).into(),
            (None, [(_, first)]) => {
                let how = self.how(first, tries, endpoint);
                let text = format!("0/{tries} {how}");
                if is_doubtful(&first.outcome) { Cell::doubtful(text) } else { bad(text) }
            }
            (_, ill) => {
                let kinds = ill.iter().map(|(count, attempt)| {
                    format!(", {count}/{tries} {}", attempt.outcome.word())
                });
                bad(format!("{well}/{tries} {word}{}", kinds.collect::<String>()))
            }
        }
    }

    /// `refused by the pod`, `rejected by 10.244.1.1 (node-1, gateway of its pods)`,
    /// `silence, 27 SYNs over 3.10 s`.
    fn how(&self, attempt: &ConnectAttempt, tries: usize, endpoint: Option<usize>) -> String {
        match &attempt.outcome {
            ConnectOutcome::Refused { .. } => {
                let echo = endpoint.and_then(|at| *self.measured.routers.get(at)?);
                let is_pod = echo.is_some() && echo == attempt.outcome.routers();
                if is_pod { "refused by the pod".into() } else { "refused".into() }
            }
            ConnectOutcome::Rejected { by, .. } => match self.names.who(*by) {
                Some(who) => format!("rejected by {by} ({who})"),
                None => format!("rejected by {by}"),
            },
            ConnectOutcome::Silence { sent, bytes: None } => {
                let syns = *sent as usize * tries;
                format!("silence, {syns} SYNs over {}", number::waited(attempt.took_us))
            }
            ConnectOutcome::Silence { .. } => "replied".into(),
            ConnectOutcome::NotSent { refusal } => {
                format!("not sent: {}", super::words::refusal(refusal))
            }
            outcome => outcome.word().into(),
        }
    }
}

/// Silence of UDP tells nothing, nor does what a proxy of the source's own took.
fn is_doubtful(outcome: &ConnectOutcome) -> bool {
    let is_udp = matches!(outcome, ConnectOutcome::Silence { bytes: Some(_), .. });
    is_udp || *outcome == ConnectOutcome::Intercepted
}

fn verb(port: &ServicePort) -> &'static str {
    match port.declared.protocol {
        PortProtocol::Udp => "replied",
        PortProtocol::Tcp | PortProtocol::Other => "connected",
    }
}

fn bad(text: String) -> Cell {
    Cell { text, mood: super::Mood::Bad }
}

/// `0.110 ms`; `2/3 0.110 ms`; `silence`, which is no fault of a port.
fn echo(report: &PingReport) -> Cell {
    let tried = report.tried();
    match report.rtt_us {
        Some(rtt) if report.replied >= tried => number::ms(rtt.avg).into(),
        Some(rtt) => Cell::doubtful(format!("{}/{tried} {}", report.replied, number::ms(rtt.avg))),
        None if report.rejected > 0 => Cell::doubtful("rejected"),
        None if report.not_sent > 0 => Cell::doubtful("not sent"),
        None => Cell::doubtful("silence"),
    }
}

#[cfg(test)]
mod screens;
