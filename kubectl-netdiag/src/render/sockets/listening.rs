//! Sockets that wait for others, each with its accept queue.

use netdiag_wire::sockets::{SocketEntry, SocketProtocol};

use super::{Earlier, Peers, Row, Rows, SocketsView, words};
use crate::{
    args::SortBy,
    plan::PortProtocol,
    render::{Cell, Column, Mood, number},
};

pub(super) fn table(
    view: &SocketsView<'_>,
    peers: &Peers<'_>,
    mut entries: Vec<&SocketEntry>,
    earlier: Option<&Earlier>,
) -> Rows {
    sort(&mut entries, view, peers);
    // Only of sockets that take datagrams, and only where there is something to tell.
    let has_unread = entries.iter().any(|entry| {
        entry.drops.unwrap_or(0) > 0
            || (entry.accept_queue.is_none() && entry.receive_queue_bytes.unwrap_or(0) > 0)
    });
    let row = |entry: &&SocketEntry| row(entry, view, peers, earlier, has_unread);
    let rows = entries.iter().map(row).collect();
    Rows { columns: columns(view, earlier, has_unread), rows }
}

fn columns(view: &SocketsView<'_>, earlier: Option<&Earlier>, has_unread: bool) -> Vec<Column> {
    let right = |name: &str| Column { right: true, ..Column::new(name) };
    let wide = |name: &str| Column { wide: true, ..Column::new(name) };
    let mut columns = Vec::new();
    if view.has_protocol() {
        columns.push(Column::new("PROTO"));
    }
    columns.extend([Column::new("LOCAL"), right("ACCEPT QUEUE")]);
    if earlier.is_some() {
        columns.push(right("+n"));
    }
    if has_unread {
        columns.extend([right("UNREAD"), right("DROPPED")]);
    }
    if view.request.processes {
        columns.push(Column::new("PROCESS (PID)"));
    }
    columns.push(Column { drop: Some(1), ..Column::new("UID") });
    columns.extend([wide("STATE"), wide("TYPE"), wide("INODE")]);
    columns
}

fn row(
    entry: &SocketEntry,
    view: &SocketsView<'_>,
    peers: &Peers<'_>,
    earlier: Option<&Earlier>,
    has_unread: bool,
) -> Row {
    let is_hidden = is_loopback_only(entry) && is_led_to(entry, view);
    let mut cells: Vec<Cell> = Vec::new();
    if view.has_protocol() {
        cells.push(words::protocol(entry.protocol).into());
    }
    let local = words::local(entry);
    cells.push(if is_hidden { Cell::doubtful(local) } else { local.into() });
    let (queue, mood) = queue(entry);
    cells.push(Cell { text: queue, mood });
    if let Some(earlier) = earlier {
        cells.push(earlier.waiting(entry).into());
    }
    if has_unread {
        let unread = entry.receive_queue_bytes.filter(|_| entry.accept_queue.is_none());
        cells.push(words::amount(unread).into());
        let dropped = words::amount(entry.drops);
        let is_bad = entry.drops.unwrap_or(0) > 0;
        cells.push(if is_bad { Cell::doubtful(dropped) } else { dropped.into() });
    }
    if view.request.processes {
        cells.push(peers.processes.cell(entry).into());
    }
    let plain = |number: Option<u32>| number.map_or_else(|| "-".into(), |n| n.to_string());
    cells.push(plain(entry.uid).into());
    let kind = entry.unix.as_ref().map_or("-", |unix| words::unix_kind(unix.kind));
    cells.extend([words::state(entry.state).into(), kind.into(), plain(entry.inode).into()]);
    Row { cells, is_ill: mood != Mood::Good || is_hidden || entry.drops.unwrap_or(0) > 0 }
}

/// `129/128`, bad where one more than the limit waits.
fn queue(entry: &SocketEntry) -> (String, Mood) {
    let Some(queue) = entry.accept_queue else { return ("-".into(), Mood::Good) };
    let shown = format!("{}/{}", number::count(queue.waiting.into()), queue.limit);
    let mood = match (queue.is_full(), queue.waiting) {
        (true, _) => Mood::Bad,
        (false, waiting) if waiting > 0 && waiting >= queue.limit / 2 => Mood::Doubtful,
        (false, _) => Mood::Good,
    };
    (shown, mood)
}

/// Nobody but this namespace itself reaches it.
pub(crate) fn is_loopback_only(entry: &SocketEntry) -> bool {
    entry.local.is_some_and(|local| local.address.is_loopback())
}

fn is_led_to(entry: &SocketEntry, view: &SocketsView<'_>) -> bool {
    let protocol = match entry.protocol {
        SocketProtocol::Tcp => PortProtocol::Tcp,
        SocketProtocol::Udp => PortProtocol::Udp,
        SocketProtocol::Raw | SocketProtocol::Unix | SocketProtocol::Unknown => return false,
    };
    let port = entry.local.map(|local| local.port).unwrap_or_default();
    !view.known.leads_to(protocol, port).is_empty()
}

fn sort(entries: &mut [&SocketEntry], view: &SocketsView<'_>, peers: &Peers<'_>) {
    let waiting = |entry: &SocketEntry| entry.accept_queue.map_or(0, |queue| queue.waiting);
    entries.sort_by_key(|entry| {
        (entry.protocol, entry.local.map(|local| (local.port, local.address)), entry.inode)
    });
    match view.shown.sort {
        SortBy::RecvQ => entries.sort_by_key(|entry| std::cmp::Reverse(waiting(entry))),
        SortBy::Process => entries.sort_by_cached_key(|entry| peers.processes.cell(entry)),
        SortBy::State => entries.sort_by_key(|entry| entry.state),
        SortBy::Local | SortBy::Peer | SortBy::SendQ | SortBy::Rtt | SortBy::Retransmits => {}
    }
}
