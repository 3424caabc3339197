//! Starts a worker: this binary again, the namespace as its stdin, its stream as its stdout.

use std::{
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::{net::UnixStream, process::CommandExt},
    },
    process::{Child, Command, Stdio},
};

use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

use super::pods::Place;
use crate::ipc::{self, Order};

/// A process of ours that has not been waited for yet.
pub struct Worker {
    child: Child,
    pidfd: OwnedFd,
}

/// From the main thread only: a worker's death signal fires when the *thread* that started it ends.
pub fn spawn(order: &Order, place: Place) -> io::Result<(Worker, UnixStream)> {
    let frame = order.encode().map_err(io::Error::other)?;
    let (ours, theirs) = UnixStream::pair()?;
    let worker = Worker::start(place.netns, theirs)?;
    let mut descriptors = vec![place.dir.as_fd()];
    descriptors.extend(place.pidfd.as_ref().map(AsFd::as_fd));
    ipc::send(&ours, &frame, &descriptors)?;
    Ok((worker, ours))
}

impl Worker {
    #[expect(clippy::disallowed_methods, reason = "broker starts its own binary as worker")]
    fn start(netns: OwnedFd, stream: UnixStream) -> io::Result<Self> {
        let child = Command::new("/proc/self/exe")
            .arg0("netdiag-agent")
            .arg("worker")
            // Ctrl-C at `netdiag-agent local` is for that one, which then asks for a report.
            .process_group(0)
            .env_clear()
            .stdin(netns)
            .stdout(Stdio::from(OwnedFd::from(stream)))
            .spawn()?;
        let pid = Pid::from_raw(child.id() as i32).ok_or(Errno::SRCH)?;
        // Not yet waited for, so the number is still the child's.
        let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
        Ok(Self { child, pidfd })
    }

    /// Readable when it has ended.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn kill(&self) {
        // It may have ended by itself, and it is waited for either way.
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
    }

    /// Whether it has ended; then it is reaped.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    pub fn wait(mut self) -> io::Result<()> {
        self.child.wait().map(drop)
    }
}
