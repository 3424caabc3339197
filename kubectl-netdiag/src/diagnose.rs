//! What a report means: pure functions from values to findings.

mod bytes;
mod connect;
mod dns;
mod ended;
mod http;
mod labels;
mod listen;
mod matrix;
mod paths;
mod ping;
mod refused;
mod scan;
mod service;
mod sockets;
mod tls;
mod trace;

use jiff::Timestamp;
use netdiag_wire::{
    connect::{ConnectReport, ConnectRequest},
    ping::{PingReport, PingRequest},
    trace::{TraceReport, TraceRequest},
};

pub(crate) use bytes::Bytes;
pub(crate) use connect::{Endpoints, FarSight, progress as connect_progress};
pub(crate) use dns::{DnsContext, Says, Truth, dns};
pub(crate) use ended::{cut_off, ping_progress};
pub(crate) use http::{HttpCase, of_all as http_of_all, of_each as http_of_each};
pub(crate) use listen::{findings as listen, progress as listen_progress};
pub(crate) use matrix::findings as matrix;
pub(crate) use paths::{PathsCase, paths};
pub(crate) use scan::{ScanFacts, scan};
#[cfg(test)]
pub(crate) use service::scene::Scene as ServiceScene;
pub(crate) use service::{Check, Checks, ServiceCase};
pub(crate) use tls::{Grade, TlsCase, group_rule, progress as tls_progress, rules_of};
pub(crate) use trace::{is_reached, progress as trace_progress};

use crate::{
    finding::{Finding, Peer},
    render::{Names, NodeFacts, PodFacts, SocketsView},
};

/// What is known of both ends of a probe besides its report.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context {
    pub from: Peer,
    pub to: Peer,
    /// Nobody chose the source: every verdict then says which it was.
    pub default_source: bool,
    pub names: Names,
    pub target_pod: Option<PodFacts>,
    /// The target's node, or the target itself where that is a node.
    pub target_node: Option<NodeFacts>,
    /// When the findings are made, so that an instant of today needs no date.
    pub now_at: Timestamp,
}

/// The findings of one target, worst first, then most likely.
pub(crate) fn ping(report: &PingReport, request: &PingRequest, context: &Context) -> Vec<Finding> {
    vec![ping::Case { report, request, context }.finding()]
}

/// The findings of one trace, worst first.
pub(crate) fn trace(
    report: &TraceReport,
    request: &TraceRequest,
    context: &Context,
) -> Vec<Finding> {
    trace::findings(report, request, context)
}

/// The findings of one socket table, worst first, then what was not looked at; `account` is whose
/// token the agent got.
pub(crate) fn sockets(view: &SocketsView<'_>, account: Option<&(String, String)>) -> Vec<Finding> {
    sockets::findings(view, account)
}

/// The findings of a port that was checked.
pub(crate) fn connect(
    report: &ConnectReport,
    request: &ConnectRequest,
    context: &Context,
    endpoints: Endpoints,
) -> Vec<Finding> {
    connect::findings(report, request, context, endpoints)
}

/// The findings of a port that was checked with a listener of ours at its end.
pub(crate) fn connect_with_far_end(
    report: &ConnectReport,
    request: &ConnectRequest,
    context: &Context,
    far: &FarSight<'_>,
) -> Vec<Finding> {
    connect::with_far_end(report, request, context, far)
}

/// The findings of a session or a pipe.
pub(crate) fn bytes(bytes: &Bytes, context: &Context) -> Vec<Finding> {
    bytes::findings(bytes, context)
}

#[cfg(test)]
mod tests;
