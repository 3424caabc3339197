//! What the round before had, so that this one can say what changed.

use std::collections::{HashMap, HashSet};

use netdiag_wire::sockets::{Counters, SocketAddress, SocketEntry, SocketProtocol};

use super::SocketsView;
use crate::render::number;

type Key = (SocketProtocol, Option<SocketAddress>, Option<SocketAddress>, Option<u32>);

#[derive(Default)]
pub(crate) struct Earlier {
    sockets: HashMap<Key, Queues>,
    pub(super) counters: Counters,
}

#[derive(Clone, Copy)]
struct Queues {
    received: Option<u32>,
    sent: Option<u32>,
    waiting: Option<u32>,
}

impl Earlier {
    pub(crate) fn of(view: &SocketsView<'_>) -> Self {
        let sockets = view.listed().map(|entry| (key(entry), queues(entry))).collect();
        let counters = view.report.counters.last().map(|reading| reading.counters.clone());
        Self { sockets, counters: counters.unwrap_or_default() }
    }

    /// `; 1 new, 2 gone`.
    pub(super) fn changes(&self, listed: &[&SocketEntry]) -> String {
        let now: HashSet<Key> = listed.iter().map(|entry| key(entry)).collect();
        let new = now.iter().filter(|key| !self.sockets.contains_key(key)).count();
        let gone = self.sockets.keys().filter(|key| !now.contains(key)).count();
        let counts = [(new, "new"), (gone, "gone")].into_iter().filter(|(count, _)| *count > 0);
        let counts: Vec<_> =
            counts.map(|(count, word)| format!("{} {word}", number::count(count as u64))).collect();
        let gap = if counts.is_empty() { "" } else { "; " };
        format!("{gap}{}", counts.join(", "))
    }

    pub(super) fn received(&self, entry: &SocketEntry) -> String {
        self.change(entry, |queues| queues.received)
    }

    pub(super) fn sent(&self, entry: &SocketEntry) -> String {
        self.change(entry, |queues| queues.sent)
    }

    pub(super) fn waiting(&self, entry: &SocketEntry) -> String {
        self.change(entry, |queues| queues.waiting)
    }

    fn change(&self, entry: &SocketEntry, of: fn(&Queues) -> Option<u32>) -> String {
        let Some(before) = self.sockets.get(&key(entry)) else { return "new".into() };
        match (of(before), of(&queues(entry))) {
            (Some(before), Some(now)) => difference(i64::from(now) - i64::from(before)),
            (_, _) => "-".into(),
        }
    }
}

/// `+12`, `-3`, `+0`.
pub(super) fn difference(difference: i64) -> String {
    let sign = if difference < 0 { '-' } else { '+' };
    format!("{sign}{}", number::count(difference.unsigned_abs()))
}

/// A connection is known by its ends; what has none, by its inode.
fn key(entry: &SocketEntry) -> Key {
    let inode = entry.inode.filter(|_| entry.peer.is_none());
    (entry.protocol, entry.local, entry.peer, inode)
}

fn queues(entry: &SocketEntry) -> Queues {
    Queues {
        received: entry.receive_queue_bytes,
        sent: entry.send_queue_bytes,
        waiting: entry.accept_queue.map(|queue| queue.waiting),
    }
}
