//! Whether a proxy in the source's own namespace takes its connections, as a mesh's sidecar does.
//!
//! It would take the SYNs of a raw socket as well, and answers them in the target's name. So one
//! connection is made, which may not leave the first link, and its other end is looked for in this
//! namespace.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    slice,
    time::Duration,
};

use tokio::time::timeout;

use crate::{
    packet::Version,
    sys::{
        unprivileged::{Came, Terms, Unprivileged},
        watched::{Watched, readable},
    },
    tables::Tables,
};

/// Makes one connection with a TTL of 1 and resets it; a proxy answers within `wait`.
pub(crate) async fn is_taken(
    tables: &Tables,
    source: IpAddr,
    target: SocketAddr,
    wait: Duration,
) -> bool {
    let Ok(Ok(Some(socket))) = timeout(wait, connect(source, target)).await else { return false };
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
