//! Sockets with another end: what is not acknowledged, and what is left over.

use std::{collections::BTreeMap, num::NonZeroU32};

use netdiag_wire::sockets::{SocketAddress, SocketEntry, SocketState, TcpInfo, TimerKind};

use super::{CLOSE_WAIT, Case, TIME_WAIT, UNACKNOWLEDGED, WINDOW_CLOSED};
use crate::{
    finding::{Finding, Label, Severity},
    render::number,
};

/// Sent again once is what a lost packet makes of any connection.
const MANY_RETRANSMITS: u32 = 2;
/// Left-overs to one address and port: the ports of one source address are some 28,000.
const MANY_TIME_WAIT: usize = 1_000;
/// A process that closes in time has none, or one at a time.
const MANY_CLOSE_WAIT: usize = 5;
/// This long after the peer's goodbye the process will not close any more.
const LONG_CLOSE_WAIT_US: u64 = 60_000_000;
/// A reader that is merely busy opens its window sooner.
const LONG_HELD_US: u64 = 1_000_000;

impl Case<'_> {
    pub(super) fn connections(&self) -> impl Iterator<Item = Finding> {
        let found =
            [self.unacknowledged(), self.window_closed(), self.close_wait(), self.time_wait()];
        found.into_iter().flatten()
    }

    /// ND0611, of the worst; how many more there are.
    fn unacknowledged(&self) -> Option<Finding> {
        let resent = |entry: &SocketEntry| entry.retransmits.map_or(0, NonZeroU32::get);
        let stuck: Vec<&SocketEntry> =
            self.entries().filter(|entry| resent(entry) >= MANY_RETRANSMITS).collect();
        let worst = stuck.iter().max_by_key(|entry| (resent(entry), entry.send_queue_bytes))?;
        let peer = self.peers.word(worst.peer?);
        let heard = worst.tcp_info.as_deref().map(|info| number::waited(silence(info)));
        let times = resent(worst);
        let summary = match worst.state {
            SocketState::SynSent => {
                format!("the SYN to {peer} is not answered: {times} times resent")
            }
            _ => {
                let bytes = number::count(worst.send_queue_bytes.unwrap_or_default().into());
                let heard =
                    heard.map(|heard| format!("nothing heard for {heard}, ")).unwrap_or_default();
                format!("{bytes} bytes to {peer} unacknowledged: {heard}{times} times resent")
            }
        };
        let more = u32::try_from(stuck.len() - 1).unwrap_or(u32::MAX);
        let more = (more > 0).then(|| {
            let more = number::counted(more, "more connection is", "more connections are");
            Label::Seen(format!("{more} unacknowledged likewise"))
        });
        Some(Finding::new(Severity::Warn, UNACKNOWLEDGED, summary).with(more))
    }

    /// ND0625, of who holds back most: all that was sent is acknowledged, and no more is taken.
    fn window_closed(&self) -> Option<Finding> {
        let idle =
            |entry: &SocketEntry| entry.tcp_info.as_deref().map(|info| info.last_data_sent_us);
        let is_held = |entry: &&SocketEntry| {
            let kind = entry.timer.as_ref().map(|timer| timer.kind);
            let is_long = idle(entry).is_none_or(|us| us >= LONG_HELD_US);
            kind == Some(TimerKind::ZeroWindowProbe) && is_long
        };
        let held: Vec<&SocketEntry> = self.entries().filter(is_held).collect();
        let worst = held.iter().max_by_key(|entry| (entry.send_queue_bytes, idle(entry)))?;
        let peer = self.peers.word(worst.peer?);
        let bytes = number::count(worst.send_queue_bytes.unwrap_or_default().into());
        let idle = idle(worst).map(|us| format!(" for {}", number::waited(us))).unwrap_or_default();
        let summary = format!("{bytes} bytes wait for {peer}, which takes none{idle}: window 0");
        let more = u32::try_from(held.len() - 1).unwrap_or(u32::MAX);
        let more = (more > 0).then(|| {
            let more = number::counted(more, "more connection is", "more connections are");
            Label::Seen(format!("{more} held back likewise"))
        });
        Some(Finding::new(Severity::Warn, WINDOW_CLOSED, summary).with(more))
    }

    /// ND0614: the peer said goodbye, the process here did not.
    fn close_wait(&self) -> Option<Finding> {
        let left: Vec<&SocketEntry> =
            self.entries().filter(|entry| entry.state == SocketState::CloseWait).collect();
        let silent = |entry: &&SocketEntry| entry.tcp_info.as_deref().map(silence);
        let longest = left.iter().filter_map(silent).max();
        let is_old = longest.is_some_and(|us| us >= LONG_CLOSE_WAIT_US);
        if left.len() < MANY_CLOSE_WAIT && !is_old {
            return None;
        }
        let mut processes: BTreeMap<String, usize> = BTreeMap::new();
        for entry in &left {
            *processes.entry(self.process(entry)).or_default() += 1;
        }
        let (process, _) = processes.into_iter().max_by_key(|(_, count)| *count)?;
        let count = u32::try_from(left.len()).unwrap_or(u32::MAX);
        let count = number::counted(count, "connection", "connections");
        let summary = format!("{count} in CLOSE-WAIT: the peer closed, {process} did not");
        let seen = longest.map(|us| {
            Label::Seen(format!("the longest has heard nothing for {}", number::waited(us)))
        });
        let means = "each keeps a descriptor, and ends only when the process closes it";
        let finding = Finding::new(Severity::Warn, CLOSE_WAIT, summary).with(seen);
        Some(finding.with(Label::Means(means.into())))
    }

    /// ND0613: each holds a local port towards that peer for a minute.
    fn time_wait(&self) -> Option<Finding> {
        let mut by_peer: BTreeMap<SocketAddress, usize> = BTreeMap::new();
        let left = self.entries().filter(|entry| entry.state == SocketState::TimeWait);
        for peer in left.filter_map(|entry| entry.peer) {
            *by_peer.entry(peer).or_default() += 1;
        }
        let (peer, count) = by_peer.into_iter().max_by_key(|(_, count)| *count)?;
        if count < MANY_TIME_WAIT {
            return None;
        }
        let (count, peer) = (number::count(count as u64), self.peers.word(peer));
        let summary = format!("{count} connections to {peer} in TIME-WAIT: one a request");
        let means = "each holds a local port for 60 s; of one address to one peer there are some \
            28,000";
        let finding = Finding::new(Severity::Warn, TIME_WAIT, summary);
        Some(finding.with(Label::Means(means.into())))
    }
}

/// Since anything at all came from the other end.
fn silence(info: &TcpInfo) -> u64 {
    info.last_ack_received_us.min(info.last_data_received_us)
}
