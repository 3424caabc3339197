//! `POST /v1/sockets`: which sockets a network namespace has, who is at their other end, and whose
//! they are. Nothing is sent.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    num::{NonZeroU16, NonZeroU32},
};

use serde::{Deserialize, Serialize};

mod filter;
mod fold;
mod tcp_info;

pub use filter::Network;
pub use fold::SocketsFold;
pub use tcp_info::{Congestion, SocketMemory, TcpInfo};

use crate::{EndReason, ErrorBody, Family, MissingRight, Untrusted, is_default};

/// Shortest time between the beginnings of two rounds.
pub const MIN_INTERVAL_MS: u32 = 200;
/// Longest time between two rounds, or between two readings of the counters.
pub const MAX_INTERVAL_MS: u32 = 3_600_000;
/// The further right that process names need.
pub const PROCESSES: &str = "processes";

/// List sockets.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SocketsRequest {
    /// Empty: all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protocols: Vec<SocketProtocol>,
    /// Of the Internet's sockets; one of IPv6 that speaks IPv4 is of IPv6.
    #[serde(default, skip_serializing_if = "is_default")]
    pub family: Family,
    #[serde(default, skip_serializing_if = "is_default")]
    pub which: Which,
    /// Only these; empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<SocketState>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_port: Option<NonZeroU16>,
    /// An address or a CIDR that the other end is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_port: Option<NonZeroU16>,
    /// Whose sockets they are. Without the right `processes` they come without it, and `skipped`
    /// says so.
    #[serde(default, skip_serializing_if = "is_default")]
    pub processes: bool,
    /// `tcpInfo` of every TCP connection; one that sends again what was not acknowledged has it
    /// always.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tcp_info: bool,
    /// The namespace's counters, in each round.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stats: bool,
    /// When an accept queue is full, its counters are read before and this long after the round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_queue_wait_ms: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<SocketsWatch>,
}

/// Look again and again.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SocketsWatch {
    /// From the beginning of a round to that of the next.
    pub interval_ms: u32,
    /// Absent: until somebody ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounds: Option<NonZeroU32>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Which {
    #[default]
    All,
    /// See [`SocketEntry::is_listening`].
    Listening,
    /// All others.
    Connected,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SocketProtocol {
    Tcp,
    Udp,
    Raw,
    Unix,
    #[serde(other)]
    Unknown,
}

/// TCP's (RFC 9293), and `unconnected` for what has no other end.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SocketState {
    Listen,
    /// UDP, raw and unix sockets without another end.
    Unconnected,
    Established,
    SynSent,
    SynReceived,
    FinWait1,
    FinWait2,
    TimeWait,
    CloseWait,
    LastAck,
    Closing,
    Closed,
    #[serde(other)]
    Unknown,
}

/// A round is numbered from 1; what it says of sockets comes between the end of the one before and
/// its own.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum SocketsEvent {
    /// What was asked for and is not told, since the caller has no right to it.
    Skipped {
        missing: MissingRight,
    },
    /// Once each, before the first round: a process of this namespace that has a socket.
    Process(SocketProcess),
    /// Some of a round's sockets.
    Sockets {
        round: u32,
        entries: Vec<SocketEntry>,
    },
    Counters(CountersReading),
    /// The round is complete.
    Round(SocketsRound),
    /// Nothing more comes.
    Done(SocketsDone),
    /// From a newer agent.
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketEntry {
    pub protocol: SocketProtocol,
    pub state: SocketState,
    /// Absent for unix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<SocketAddress>,
    /// Absent for unix, and without another end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<SocketAddress>,
    /// Bound to all addresses of IPv6 and takes IPv4 as well.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dual_stack: bool,
    /// Bound to this interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<Untrusted>,
    /// Of a raw socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_protocol: Option<u8>,
    /// Of a socket that listens for connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_queue: Option<AcceptQueue>,
    /// Received and not yet read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receive_queue_bytes: Option<u32>,
    /// Written and not yet acknowledged (TCP) or sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_queue_bytes: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timer: Option<SocketTimer>,
    /// How often the oldest unacknowledged segment was sent again; absent where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retransmits: Option<NonZeroU32>,
    /// Datagrams thrown away because nobody read them in time (UDP and raw).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drops: Option<u32>,
    /// As the node has it. Absent where no process holds the socket any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// Absent where no process holds the socket any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inode: Option<u32>,
    /// With `processes`: who holds it, by the PIDs of the `process` events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pids: Vec<u32>,
    /// Further processes that hold it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub more_pids: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_info: Option<Box<TcpInfo>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unix: Option<Box<UnixSocket>>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketAddress {
    /// Unspecified where it is bound to all. An IPv4 address on a socket of IPv6 is told as IPv4.
    pub address: IpAddr,
    /// 0 for a raw socket.
    pub port: u16,
}

/// Connections that are complete and not yet accepted.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AcceptQueue {
    pub waiting: u32,
    /// As the process asked for and the kernel allowed; one more than this fits.
    pub limit: u32,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketTimer {
    pub kind: TimerKind,
    pub expires_us: u64,
    /// Of `keepalive` and `zeroWindowProbe`: probes that were not answered.
    #[serde(default, skip_serializing_if = "is_default")]
    pub probes: u32,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TimerKind {
    Retransmit,
    Keepalive,
    TimeWait,
    ZeroWindowProbe,
    DelayedAck,
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnixSocket {
    #[serde(rename = "type")]
    pub kind: UnixKind,
    /// A path; an abstract name begins with `@` for its zero byte. Absent: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Untrusted>,
    /// Inode of the other end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_inode: Option<u32>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum UnixKind {
    Stream,
    Datagram,
    SeqPacket,
    #[serde(other)]
    Unknown,
}

/// A process as it was before the first round.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketProcess {
    /// As the node has it.
    pub pid: u32,
    /// As the container has it; absent outside of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_pid: Option<u32>,
    /// The name that it gave itself, at most 15 bytes.
    pub name: Untrusted,
    /// As in the pod's `status.containerStatuses`, without the runtime's name before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_id: Option<Untrusted>,
}

/// The namespace's counters at one moment, as `/proc/net/{snmp,snmp6,netstat,sockstat,sockstat6}`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CountersReading {
    pub round: u32,
    /// Since the first round began.
    pub at_us: u64,
    pub counters: Counters,
}

/// By group (`Tcp`, `TcpExt`, `Ip6`, `sockstat.TCP`), then by the kernel's own name.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Counters(pub BTreeMap<Untrusted, BTreeMap<Untrusted, i64>>);

impl Counters {
    pub fn get(&self, group: &str, name: &str) -> Option<i64> {
        self.0.get(&group.into())?.get(&name.into()).copied()
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketsRound {
    pub round: u32,
    /// Since the first round began.
    pub at_us: u64,
    pub took_us: u64,
    /// As told; what a filter left out is not counted.
    pub sockets: u64,
    /// Lists that changed while the kernel wrote them, and were asked for once more.
    pub interrupted: u32,
    /// Lists that changed each time they were asked for: a socket may be missing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub incomplete: u32,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketsDone {
    pub took_us: u64,
    /// With `processes`: those of this namespace, with a socket or without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<ProcessCount>,
}

/// How the search for the sockets' processes went.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessCount {
    /// Their descriptors were read.
    pub read: u32,
    /// Ended meanwhile.
    pub vanished: u32,
    /// The kernel or a security module refused.
    pub refused: u32,
    /// Time or memory was up before their turn.
    pub left_out: u32,
}

/// The fold of the events: the last complete round, or what there is of the first one.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketsReport {
    /// By protocol, state and addresses.
    pub entries: Vec<SocketEntry>,
    /// Sockets beyond what a report holds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub entries_left_out: u64,
    pub processes: Vec<SocketProcess>,
    /// The first and the last reading, if there were any.
    pub counters: Vec<CountersReading>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<SocketsRound>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<SocketsDone>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<MissingRight>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<EndReason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

impl SocketsRequest {
    /// The first bound that a value passes, named with the field.
    pub fn check(&self) -> Result<(), String> {
        if let Some(peer) = &self.peer {
            Network::read(peer)?;
        }
        let times = [
            ("fullQueueWaitMs", self.full_queue_wait_ms),
            ("watch.intervalMs", self.watch.map(|watch| watch.interval_ms)),
        ];
        for (field, ms) in times {
            if ms.is_some_and(|ms| !(MIN_INTERVAL_MS..=MAX_INTERVAL_MS).contains(&ms)) {
                let ms = ms.unwrap_or_default();
                return Err(format!(
                    "{field}: {ms}, must be {MIN_INTERVAL_MS} to {MAX_INTERVAL_MS}"
                ));
            }
        }
        match self.states.len() + self.protocols.len() {
            0..=32 => Ok(()),
            many => Err(format!("states and protocols: {many}, must be at most 32")),
        }
    }
}

impl AcceptQueue {
    /// The kernel throws away what would complete the next connection.
    pub fn is_full(self) -> bool {
        self.waiting > self.limit
    }
}

#[cfg(test)]
mod tests;
