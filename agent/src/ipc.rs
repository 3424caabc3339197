//! front and broker: fixed-size frames on a Unix stream socket, one connection a worker.
//!
//! front connects, writes one [`Order`] frame and reads one [`Answer`] frame, which brings the
//! worker's stream as SCM_RIGHTS. The connection then stays open as the worker's lifeline: broker
//! kills the worker when front closes it, and closes it when the worker has ended.
//!
//! A probe with a byte stream says its events in frames (`netdiag_wire::frame`), with the peer's bytes
//! between them, and after its first frame takes the caller's bytes likewise.
//!
//! On the worker's stream front writes one JSON line ([`WorkerOrder`]) and reads event lines
//! (`netdiag_wire::Line`), the last one `end` or `error`; closing it ends the worker as well, and
//! shutting down its own writing half asks the worker for its last line. A worker of
//! [`Order::Connect`] writes one more [`Answer`] instead: `Started` with the connected socket as
//! SCM_RIGHTS, or `Refused`.
//!
//! Before that, broker writes the order to the worker with the descriptors it needs, and the worker
//! answers when it is in the namespace; so `Started` means just that.

use std::net::{IpAddr, SocketAddr};

mod frame;
mod passing;

pub use frame::FrameError;
pub use passing::{receive, send};

use netdiag_wire::{
    connect::{ConnectRequest, stream::ConnectStreamRequest},
    dns::DnsRequest,
    facts::FactsRequest,
    http::HttpRequest,
    listen::ListenRequest,
    ping::PingRequest,
    scan::Scan,
    sockets::SocketsRequest,
    tls::TlsRequest,
    trace::TraceRequest,
};
use serde::{Deserialize, Serialize};

/// Where the socket lies: an emptyDir that only these two containers mount.
pub const SOCKET: &str = "/run/netdiag/broker.sock";
/// Bytes of an order; what is not used is zero.
pub const ORDER_BYTES: usize = 1024;
/// Bytes of an answer.
pub const ANSWER_BYTES: usize = 64;
/// Most addresses of one order.
pub const MAX_ADDRESSES: usize = 8;
/// Most bytes of a request's JSON; a CA file of 32 KiB fits in.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// Most bytes of a [`WorkerOrder`]'s line: the request, written anew and never longer, and what
/// front adds to it.
pub const MAX_ORDER_BYTES: usize = MAX_BODY_BYTES + 1024;
/// Seconds for a worker to open what its order names; a pod may mount a file system that never
/// answers.
pub const OPEN_SECONDS: u32 = 5;

/// What front may ask of broker; nothing else exists.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// A worker in the network namespace of this pod.
    Pod {
        uid: String,
        namespace: String,
        name: String,
        /// `status.podIPs`; the namespace must hold one of them.
        addresses: Vec<IpAddr>,
        /// A mirror pod: its cgroup bears another UID, found by the node's own /var/log/pods.
        is_static: bool,
    },
    /// A worker in the node's network namespace.
    Node,
    /// A worker in the node's network namespace that connects to the first of these that answers,
    /// sends the connected socket as SCM_RIGHTS on its stream, and ends.
    Connect(Vec<SocketAddr>),
    /// What broker found of itself at start; no worker.
    SelfTest,
}

/// broker's one answer to an order.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The worker runs; its stream comes with this frame.
    Started {
        /// Inode of the network namespace.
        netns: u64,
        /// It is the node's own namespace, so the pod is a hostNetwork pod.
        is_node: bool,
    },
    Refused {
        refusal: Refusal,
        errno: i32,
    },
    /// Of the self-test: one bit a problem, see `broker::selftest`.
    SelfTest {
        problems: u32,
        errno: i32,
    },
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Refusal {
    /// A frame that is none of ours.
    BadFrame = 1,
    /// No process of this pod on this node.
    NoProcess = 2,
    /// The namespace found holds none of the pod's addresses.
    ForeignNamespace = 3,
    /// The kernel refused to open or compare the namespace; `errno` says how.
    Permission = 4,
    /// All workers are taken.
    Busy = 5,
    /// The worker could not be started; `errno` says why.
    Spawn = 6,
    /// None of the addresses of [`Order::Connect`] answered; `errno` is the last one's.
    Connect = 7,
}

/// First line on a worker's stream.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkerOrder {
    /// The worker ends itself after this time with what it has; front kills a little later.
    #[serde(default)]
    pub deadline_ms: Option<u64>,
    /// Why the deadline is there: the caller's, or the agent's own limit.
    pub deadline_is_limit: bool,
    /// Granted by `destinations/metadata`.
    pub may_metadata: bool,
    /// Granted by `destinations/loopback`; asked only of node sources.
    pub may_loopback: bool,
    pub is_node: bool,
    pub probe: ProbeOrder,
}

/// The probe and its request, as the caller sent it and front checked it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ProbeOrder {
    Ping(PingRequest),
    Trace(TraceRequest),
    Dns(Box<DnsRequest>),
    Scan(Box<Scan>),
    Connect(Box<ConnectRequest>),
    ConnectStream(ConnectStreamRequest),
    Listen(ListenRequest),
    Sockets(Box<SocketsRequest>),
    Facts(FactsRequest),
    Tls(Box<TlsRequest>),
    Http(Box<HttpRequest>),
}
