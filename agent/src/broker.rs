//! Finds pods' namespaces and starts workers: small, synchronous, one thread.
//!
//! It holds the capabilities, so it knows no token, opens no network socket, and reads nothing but
//! fixed frames from front and workers and what the kernel writes in /proc.

use std::{
    fs,
    io::ErrorKind,
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context;
use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::{SfdFlags, SignalFd},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::sockopt::socket_peercred,
};

pub mod cgroup;
mod confine;
mod connection;
pub mod pods;
pub mod process;
pub mod selftest;
mod site;
pub mod spawn;
mod static_pods;

pub use confine::confine;
pub(crate) use confine::no_such_call;
use connection::Connection;
use pods::Node;
use site::Site;

/// Workers at a time; front's own limit is below it.
const MAX_WORKERS: usize = 64;
/// Connections at a time, those without a worker among them.
const MAX_CONNECTIONS: usize = 128;

#[derive(clap::Args)]
pub struct Args {
    /// The Unix socket to listen on
    #[arg(long, default_value = crate::ipc::SOCKET)]
    socket: PathBuf,
    /// Who may connect
    #[arg(long, default_value_t = 65532)]
    front_uid: u32,
}

/// Serves until SIGTERM, and then as long as front still holds a worker.
pub fn run(args: &Args) -> anyhow::Result<()> {
    tracing_subscriber::fmt().json().with_writer(std::io::stderr).init();
    let listener = listen(&args.socket)?;
    let terminated = signal(Signal::SIGTERM).context("receive SIGTERM as a descriptor")?;
    let is_filtered = confine()?;
    let node = Node::open(Path::new("/proc"));
    let findings = selftest::examine(&node, is_filtered);
    for problem in selftest::problems(findings.problems, findings.errno) {
        tracing::error!(kind = ?problem.kind, message = %problem.message, "self-test");
    }
    let site = Site::new(node, findings);
    tracing::info!(socket = %args.socket.display(), "broker listens");
    serve(&listener, &terminated, &site, args.front_uid)
}

fn listen(path: &Path) -> anyhow::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => {
            return Err(cause).with_context(|| format!("remove {}", path.display()));
        }
        _ => {}
    }
    let listener =
        UnixListener::bind(path).with_context(|| format!("listen on {}", path.display()))?;
    // front is another user, and giving the file away would need CAP_CHOWN; who connects is
    // checked by SO_PEERCRED.
    fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// A signal as something to read, blocked otherwise; workers start with none blocked.
pub(crate) fn signal(signal: Signal) -> nix::Result<SignalFd> {
    let mut signals = SigSet::empty();
    signals.add(signal);
    signals.thread_block()?;
    SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
}

fn serve(
    listener: &UnixListener,
    terminated: &SignalFd,
    site: &Site,
    front_uid: u32,
) -> anyhow::Result<()> {
    let mut connections: Vec<Connection> = Vec::new();
    let mut is_draining = false;
    while !(is_draining && connections.is_empty()) {
        wait(listener, terminated, is_draining, &connections).context("wait for events")?;
        is_draining |= matches!(terminated.read_signal(), Ok(Some(_)));
        let now = Instant::now();
        connections.extend(accept(listener, front_uid).map(|front| Connection::new(front, now)));
        connections.truncate(MAX_CONNECTIONS);
        let mut workers = connections.iter().filter(|one| one.has_worker()).count();
        for connection in std::mem::take(&mut connections) {
            let had_worker = connection.has_worker();
            let advanced = connection.advance(site, workers >= MAX_WORKERS, now);
            workers +=
                usize::from(!had_worker && advanced.as_ref().is_some_and(Connection::has_worker));
            connections.extend(advanced);
        }
    }
    Ok(())
}

/// Until something can be read, or the first connection's time is up. Which it was, each connection
/// finds out by itself: there are few.
fn wait(
    listener: &UnixListener,
    terminated: &SignalFd,
    is_draining: bool,
    connections: &[Connection],
) -> rustix::io::Result<()> {
    let mut watched = vec![PollFd::new(listener, PollFlags::IN)];
    if !is_draining {
        watched.push(PollFd::new(terminated, PollFlags::IN));
    }
    let descriptors = connections.iter().flat_map(Connection::watched);
    watched.extend(descriptors.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
    let until = connections.iter().filter_map(Connection::until).min();
    let left = until.map(|until| until.saturating_duration_since(Instant::now()));
    match poll(&mut watched, left.map(timespec).as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(cause) => Err(cause),
    }
}

fn timespec(left: Duration) -> Timespec {
    Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() }
}

/// Those that wait to be served and are front.
fn accept(listener: &UnixListener, front_uid: u32) -> impl Iterator<Item = UnixStream> {
    std::iter::from_fn(|| listener.accept().ok()).filter_map(move |(stream, _)| {
        let peer = socket_peercred(&stream).ok()?;
        let is_front = peer.uid.as_raw() == front_uid;
        if !is_front {
            tracing::warn!(uid = peer.uid.as_raw(), pid = ?peer.pid, "connection of another user");
        }
        is_front.then_some(stream)
    })
}
