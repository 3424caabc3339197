//! Whether the path was walked to a proxy in the source's own namespace.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use netdiag_wire::trace::{TraceHop, TraceOutcome, TraceRequest};

use super::start;
use crate::{intercepted, sys::route, tables::Tables};

const WAIT: Duration = Duration::from_millis(250);

/// Asks where it may be so.
pub(super) async fn check(
    request: &TraceRequest,
    tables: &Tables,
    hops: &[TraceHop],
    target: IpAddr,
) -> bool {
    let source = route::source(target, request.source_address);
    let (Ok(source), Some(port)) = (source, start::port(request)) else { return false };
    may_be(hops, source, target)
        && intercepted::is_taken(tables, source, SocketAddr::new(target, port), WAIT).await
}

/// Only who answers a SYN that may not pass a router can be this namespace itself.
fn may_be(hops: &[TraceHop], source: IpAddr, target: IpAddr) -> bool {
    let is_open = |hop: &TraceHop| hop.answers.iter().any(|a| a.outcome == TraceOutcome::Open);
    source != target && hops.first().is_some_and(|hop| hop.ttl == 1 && is_open(hop))
}
