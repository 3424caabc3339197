//! Whether a proxy in the source's own namespace takes its connections, as a mesh's sidecar does.
//!
//! It would take the SYNs of a raw socket as well, and every port of every address would look open.
//! So one connection is made first, which may not leave the first link, and its other end is looked
//! for in this namespace.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    slice,
    time::Duration,
};

use tokio::time::timeout;

use super::field::Host;
use crate::{
    packet::Version,
    sys::{
        unprivileged::{Came, Terms, Unprivileged},
        watched::{Watched, readable},
    },
    tables::Tables,
};

/// A proxy of this namespace answers within the call that sends.
const WAIT: Duration = Duration::from_millis(100);

pub(super) async fn check(tables: &Tables, host: Host, port: u16) -> bool {
    let Host { address, source } = host;
    if source == address || source.is_unspecified() {
        return false;
    }
    let connected = timeout(WAIT, connect(source, SocketAddr::new(address, port))).await;
    let Ok(Ok(Some(socket))) = connected else { return false };
    let port = socket.socket().port();
    port.is_some_and(|port| tables.has_peer(SocketAddr::new(source, port)))
}

/// None if nobody took it.
async fn connect(source: IpAddr, target: SocketAddr) -> io::Result<Option<Watched<Unprivileged>>> {
    let terms = Terms { version: Version::of(source), source: Some(source), dont_fragment: false };
    let socket = Unprivileged::tcp(terms, 0)?;
    socket.connect(target, 1)?;
    let watched = Watched::connecting(socket)?;
    loop {
        let socket = watched.socket();
        match (socket.take_error(&mut [0; 512])?, socket.is_connected()) {
            (Came::Error(_), _) | (_, Some(false)) => return Ok(None),
            (_, Some(true)) => return Ok(Some(watched)),
            (_, None) => readable(slice::from_ref(&watched)).await,
        }
    }
}
