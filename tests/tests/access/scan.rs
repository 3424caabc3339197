//! A connect to every TCP port of an address, many at once.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::sockopt::socket_error;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};

const AT_ONCE: u16 = 2_048;
/// Far above a round trip between namespaces of one machine.
const WAIT: Duration = Duration::from_millis(300);

/// What a scan met.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) open: Vec<u16>,
    pub(crate) closed: u32,
    pub(crate) silent: u32,
}

/// Tries all 65,535 ports from the namespace of the calling thread.
pub(crate) fn all_ports(address: IpAddr) -> Result<Scan> {
    // Several scans may run at once.
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    let mut scan = Scan::default();
    let mut next: u16 = 1;
    while next != 0 {
        let last = next.saturating_add(AT_ONCE - 1);
        batch(address, next..=last, &mut scan)?;
        next = last.wrapping_add(1);
    }
    Ok(scan)
}

fn batch(address: IpAddr, ports: std::ops::RangeInclusive<u16>, scan: &mut Scan) -> Result<()> {
    let mut waiting = Vec::new();
    for port in ports {
        match begin(SocketAddr::new(address, port)) {
            Ok(Some(socket)) => waiting.push((port, socket)),
            Ok(None) => scan.open.push(port),
            Err(Errno::CONNREFUSED) => scan.closed += 1,
            Err(errno) => return Err(errno).with_context(|| format!("connect to port {port}")),
        }
    }
    let end = Instant::now() + WAIT;
    while !waiting.is_empty() && Instant::now() < end {
        let mut fds: Vec<_> =
            waiting.iter().map(|(_, socket)| PollFd::new(socket, PollFlags::OUT)).collect();
        let left = end.saturating_duration_since(Instant::now());
        poll(&mut fds, Some(&Timespec::try_from(left)?))?;
        let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        let mut ready = ready.into_iter();
        waiting.retain(|(port, socket)| {
            let is_ready = ready.next().unwrap_or(false);
            if is_ready {
                scan.judge(*port, socket);
            }
            !is_ready
        });
    }
    scan.silent += waiting.len() as u32;
    Ok(())
}

/// The socket of a connection under way; none where it stands already.
fn begin(address: SocketAddr) -> rustix::io::Result<Option<OwnedFd>> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    match connect(&socket, &address) {
        Ok(()) => Ok(None),
        Err(Errno::INPROGRESS) => Ok(Some(socket)),
        Err(errno) => Err(errno),
    }
}

impl Scan {
    fn judge(&mut self, port: u16, socket: &OwnedFd) {
        match socket_error(socket) {
            Ok(Ok(())) => self.open.push(port),
            Ok(Err(Errno::CONNREFUSED)) => self.closed += 1,
            Ok(Err(_)) | Err(_) => self.silent += 1,
        }
    }
}
