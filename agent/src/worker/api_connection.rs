//! A connection of front's, made in the node's namespace: the pod network may be what is broken.

use std::{
    io,
    net::{SocketAddr, TcpStream},
    os::{fd::AsFd, unix::net::UnixStream},
    time::{Duration, Instant},
};

use rustix::io::Errno;

use super::{refused, sandbox, started};
use crate::ipc::{self, Refusal};

/// For one address.
const EACH: Duration = Duration::from_secs(2);
/// For all of them.
const TOTAL: Duration = Duration::from_secs(5);

/// Passes on the first connection that comes about, and ends.
pub(super) fn run(stream: &UnixStream, addresses: &[SocketAddr]) -> io::Result<()> {
    // Before the filter, which would leave the alarm to end the probe.
    nix::unistd::alarm::cancel();
    sandbox::close(false);
    match first(addresses) {
        Ok(socket) => Ok(ipc::send(stream, &started(0).encode(), &[socket.as_fd()])?),
        Err(cause) => {
            let errno = Errno::from_io_error(&cause).unwrap_or(Errno::TIMEDOUT);
            Ok(ipc::send(stream, &refused(Refusal::Connect, errno).encode(), &[])?)
        }
    }
}

fn first(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let until = Instant::now() + TOTAL;
    let mut last = io::Error::from(Errno::TIMEDOUT);
    for address in addresses {
        let left = until.saturating_duration_since(Instant::now()).min(EACH);
        if left.is_zero() {
            break;
        }
        match TcpStream::connect_timeout(address, left) {
            Ok(socket) => return Ok(socket),
            Err(cause) => last = cause,
        }
    }
    Err(last)
}
