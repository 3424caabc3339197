//! Sockets with another end, each with what waits in its queues and who that is.

use std::{cmp::Reverse, num::NonZeroU32};

use netdiag_wire::sockets::{SocketAddress, SocketEntry, SocketState, TcpInfo};

use super::{Earlier, Peers, Row, Rows, SocketsView, words};
use crate::{
    args::SortBy,
    render::{Cell, Column, Mood, number},
};

pub(super) fn table(
    view: &SocketsView<'_>,
    peers: &Peers<'_>,
    mut entries: Vec<&SocketEntry>,
    earlier: Option<&Earlier>,
) -> Rows {
    sort(&mut entries, view, peers);
    let rows = entries.iter().map(|entry| row(entry, view, peers, earlier)).collect();
    Rows { columns: columns(view, earlier.is_some()), rows }
}

fn columns(view: &SocketsView<'_>, is_again: bool) -> Vec<Column> {
    let right = |name: &str| Column { right: true, ..Column::new(name) };
    let wide = |name: &str| Column { wide: true, ..Column::new(name) };
    let dropped = |name: &str, drop: u8| Column { drop: Some(drop), ..right(name) };
    let mut columns = Vec::new();
    if view.has_protocol() {
        columns.push(Column::new("PROTO"));
    }
    columns.push(Column::new("STATE"));
    for queue in ["RECV-Q", "SEND-Q"] {
        columns.push(right(queue));
        if is_again {
            columns.push(right("+n"));
        }
    }
    columns.extend([Column::new("LOCAL"), Column::new("PEER")]);
    if view.shown.has_names {
        columns.push(Column::new("WHO THE PEER IS"));
    }
    if view.request.processes {
        columns.push(Column::new("PROCESS (PID)"));
    }
    if view.request.tcp_info {
        columns.extend([right("RTT MS"), right("RESENT"), dropped("CWND", 3), dropped("MSS", 4)]);
        columns.extend([dropped("PACING", 1), dropped("DELIVERY", 2)]);
        columns.extend(["RTO MS", "SSTHRESH", "LOST"].map(wide));
        columns.extend(["SENT", "RECEIVED", "LAST ACK", "CONGESTION"].map(wide));
    }
    columns.extend(["UID", "INODE", "TIMER", "TYPE"].map(wide));
    columns
}

fn row(
    entry: &SocketEntry,
    view: &SocketsView<'_>,
    peers: &Peers<'_>,
    earlier: Option<&Earlier>,
) -> Row {
    let resent = entry.retransmits.map_or(0, NonZeroU32::get);
    let mut cells: Vec<Cell> = Vec::new();
    if view.has_protocol() {
        cells.push(words::protocol(entry.protocol).into());
    }
    let state_mood = mood(entry.state);
    cells.push(Cell { text: words::state(entry.state).into(), mood: state_mood });
    let queue_mood = if resent > 0 { Mood::Bad } else { Mood::Good };
    cells.push(words::amount(entry.receive_queue_bytes).into());
    cells.extend(earlier.map(|earlier| earlier.received(entry).into()));
    cells.push(Cell { text: words::amount(entry.send_queue_bytes), mood: queue_mood });
    cells.extend(earlier.map(|earlier| earlier.sent(entry).into()));
    cells.push(words::local(entry).into());
    cells.push(peers.address(entry).into());
    if view.shown.has_names {
        cells.push(peers.who(entry).into());
    }
    if view.request.processes {
        cells.push(peers.processes.cell(entry).into());
    }
    if view.request.tcp_info {
        cells.extend(tcp_cells(entry.tcp_info.as_deref()));
    }
    let plain = |number: Option<u32>| number.map_or_else(|| "-".into(), |n| n.to_string());
    let kind = entry.unix.as_ref().map_or("-", |unix| words::unix_kind(unix.kind));
    cells.extend([plain(entry.uid), plain(entry.inode), words::timer(entry)].map(Cell::from));
    cells.push(kind.into());
    let waits =
        entry.receive_queue_bytes.unwrap_or(0) > 0 || entry.send_queue_bytes.unwrap_or(0) > 0;
    Row { cells, is_ill: resent > 0 || waits || state_mood != Mood::Good }
}

/// What a healthy connection only passes through.
fn mood(state: SocketState) -> Mood {
    match state {
        SocketState::SynSent | SocketState::SynReceived | SocketState::CloseWait => Mood::Doubtful,
        SocketState::TimeWait | SocketState::Closed => Mood::Faint,
        SocketState::Listen
        | SocketState::Unconnected
        | SocketState::Established
        | SocketState::FinWait1
        | SocketState::FinWait2
        | SocketState::LastAck
        | SocketState::Closing
        | SocketState::Unknown => Mood::Good,
    }
}

/// In the order of their columns.
fn tcp_cells(info: Option<&TcpInfo>) -> Vec<Cell> {
    let Some(info) = info else { return vec![Cell::from("-"); 13] };
    let ms = |us: Option<u32>| us.map_or_else(|| "-".into(), |us| number::ms_digits(us.into()));
    let bytes = |bytes: Option<u64>| bytes.map_or_else(|| "-".into(), number::count);
    let resent = number::count(info.total_retransmits.into());
    let resent =
        if info.total_retransmits > 0 { Cell::doubtful(resent) } else { Cell::from(resent) };
    let congestion = info.congestion_control.as_ref();
    vec![
        ms(info.rtt_us).into(),
        resent,
        number::count(info.cwnd.into()).into(),
        info.mss_bytes.to_string().into(),
        words::rate(info.pacing_rate).into(),
        words::rate(info.delivery_rate).into(),
        ms(info.rto_us).into(),
        words::amount(info.ssthresh).into(),
        number::count(info.lost.into()).into(),
        bytes(info.bytes_sent).into(),
        bytes(info.bytes_received).into(),
        number::waited(info.last_ack_received_us).into(),
        congestion.map_or_else(|| "-".into(), ToString::to_string).into(),
    ]
}

fn sort(entries: &mut [&SocketEntry], view: &SocketsView<'_>, peers: &Peers<'_>) {
    let by_port = |one: Option<SocketAddress>| one.map(|one| (one.port, one.address));
    let by_host = |one: Option<SocketAddress>| one.map(|one| (one.address, one.port));
    entries.sort_by_key(|entry| {
        (entry.protocol, by_port(entry.local), by_host(entry.peer), entry.inode)
    });
    let rtt = |entry: &SocketEntry| entry.tcp_info.as_ref().and_then(|info| info.rtt_us);
    match view.shown.sort {
        SortBy::Local => {}
        SortBy::Peer => entries.sort_by_key(|entry| by_host(entry.peer)),
        SortBy::State => entries.sort_by_key(|entry| entry.state),
        SortBy::RecvQ => entries.sort_by_key(|entry| Reverse(entry.receive_queue_bytes)),
        SortBy::SendQ => entries.sort_by_key(|entry| Reverse(entry.send_queue_bytes)),
        SortBy::Process => entries.sort_by_cached_key(|entry| peers.processes.cell(entry)),
        SortBy::Rtt => entries.sort_by_key(|entry| Reverse(rtt(entry))),
        SortBy::Retransmits => entries.sort_by_key(|entry| {
            let total = entry.tcp_info.as_ref().map(|info| info.total_retransmits);
            Reverse((entry.retransmits, total))
        }),
    }
}
