//! What a server says before it is asked, and whether it lets go of the connection.

use std::{io, time::Duration};

use netdiag_wire::{
    Untrusted,
    connect::{ConnectOutcome, MAX_KEPT},
};
use tokio::{
    io::AsyncReadExt,
    net::TcpStream,
    time::{Instant, timeout_at},
};

/// Whoever has said a line and then nothing for this long has said it.
const PAUSE: Duration = Duration::from_millis(20);

/// Listens for `wait`, or to the end of what is said.
pub(super) async fn listen(mut stream: TcpStream, wait: Duration) -> ConnectOutcome {
    let mut kept = Vec::with_capacity(MAX_KEPT);
    let mut until = Instant::now() + wait;
    loop {
        let mut room = (&mut stream).take((MAX_KEPT - kept.len()) as u64);
        let heard = timeout_at(until, room.read_buf(&mut kept)).await;
        match heard {
            Ok(Ok(0)) if kept.len() < MAX_KEPT => {
                return ConnectOutcome::Connected { banner: banner(kept), closed: true };
            }
            Ok(Ok(read)) if read > 0 && kept.len() < MAX_KEPT => {
                until = until.min(Instant::now() + PAUSE);
            }
            Ok(Err(cause)) if cause.kind() == io::ErrorKind::ConnectionReset => {
                return ConnectOutcome::Reset { banner: banner(kept) };
            }
            Ok(_) | Err(_) => {
                return ConnectOutcome::Connected { banner: banner(kept), closed: false };
            }
        }
    }
}

fn banner(kept: Vec<u8>) -> Option<Untrusted> {
    Some(kept).filter(|kept| !kept.is_empty()).map(Untrusted::from)
}
