//! Whether a proxy in the source's own namespace takes its connections, as a mesh's sidecar does.
//!
//! A SYN that was answered within the namespace is reset too soon to be seen in the socket table.
//! So one connection is made, which may not leave the first link, and its other end is looked for.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use netdiag_wire::trace::{TraceHop, TraceOutcome, TraceRequest};
use tokio::time::timeout;

use super::start;
use crate::{
    packet::Version,
    sys::{
        route,
        unprivileged::{Terms, Unprivileged},
        watched::{Watched, readable},
    },
    tables::Tables,
};

const WAIT: Duration = Duration::from_millis(250);

/// Makes one connection where it may be so, and resets it.
pub(super) async fn check(
    request: &TraceRequest,
    tables: &Tables,
    hops: &[TraceHop],
    target: IpAddr,
) -> bool {
    let source = route::source(target, request.source_address);
    let (Ok(source), Some(port)) = (source, start::port(request)) else { return false };
    if !may_be(hops, source, target) {
        return false;
    }
    let terms = Terms { version: Version::of(source), source: Some(source), dont_fragment: false };
    let connected = timeout(WAIT, connect(terms, SocketAddr::new(target, port))).await;
    let Ok(Ok(socket)) = connected else { return false };
    let port = socket.socket().port();
    port.is_some_and(|port| tables.has_peer(SocketAddr::new(source, port)))
}

/// Only who answers a SYN that may not pass a router can be this namespace itself.
fn may_be(hops: &[TraceHop], source: IpAddr, target: IpAddr) -> bool {
    let is_open = |hop: &TraceHop| hop.answers.iter().any(|a| a.outcome == TraceOutcome::Open);
    source != target && hops.first().is_some_and(|hop| hop.ttl == 1 && is_open(hop))
}

async fn connect(terms: Terms, target: SocketAddr) -> io::Result<Watched<Unprivileged>> {
    let socket = Unprivileged::tcp(terms, 0)?;
    socket.connect(target, 1)?;
    let watched = [Watched::connecting(socket)?];
    while watched[0].socket().is_connected().is_none() {
        readable(&watched).await;
    }
    let [socket] = watched;
    Ok(socket)
}
