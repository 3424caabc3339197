//! Whether a proxy in the source's own namespace would answer for every port of every address.

use std::{net::SocketAddr, time::Duration};

use super::field::Host;
use crate::{intercepted, tables::Tables};

/// A proxy of this namespace answers within the call that sends.
const WAIT: Duration = Duration::from_millis(100);

/// Asks at this port.
pub(super) async fn check(tables: &Tables, host: Host, port: u16) -> bool {
    let Host { address, source } = host;
    source != address
        && !source.is_unspecified()
        && intercepted::is_taken(tables, source, SocketAddr::new(address, port), WAIT).await
}
