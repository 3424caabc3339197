//! One process of the node, held by its `/proc/PID` directory: what is read through it is of this
//! process or fails with ESRCH, however often its PID is used again.

use std::{
    io::Read,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    fs::{Mode, OFlags, openat},
    io::Errno,
    process::{Pid, PidfdFlags, pidfd_open},
};

use super::cgroup::pod_uid;

/// Longest text that is read of a process; a cgroup path alone may have 4 KiB a line.
const MAX_TEXT: u64 = 64 * 1024;

pub struct Process {
    pid: Pid,
    dir: OwnedFd,
}

/// What tells a pod's first process from those that came later.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Seniority {
    /// PID namespaces between it and the node; a process can only add to them.
    depth: usize,
    /// Clock ticks since boot.
    pub started: u64,
}

impl Process {
    pub fn open(proc: impl AsFd, pid: Pid) -> rustix::io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = openat(proc, pid.as_raw_nonzero().to_string(), flags, Mode::empty())?;
        Ok(Self { pid, dir })
    }

    pub fn dir(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }

    pub fn into_dir(self) -> OwnedFd {
        self.dir
    }

    pub fn cgroup(&self) -> rustix::io::Result<String> {
        self.text("cgroup")
    }

    pub fn seniority(&self) -> rustix::io::Result<Seniority> {
        Seniority::read(&self.text("status")?, &self.text("stat")?).ok_or(Errno::SRCH)
    }

    /// Its network namespace, if it is in the cgroup of this pod before *and* after: a process
    /// that has ended in between answers neither.
    pub fn netns_in(&self, uid: &str) -> rustix::io::Result<OwnedFd> {
        self.must_be_of(uid)?;
        let netns = self.netns()?;
        self.must_be_of(uid)?;
        Ok(netns)
    }

    pub fn netns(&self) -> rustix::io::Result<OwnedFd> {
        openat(&self.dir, "ns/net", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
    }

    /// Becomes readable when the process ends.
    pub fn pidfd_in(&self, uid: &str) -> rustix::io::Result<OwnedFd> {
        let pidfd = pidfd_open(self.pid, PidfdFlags::empty())?;
        // Opened by number: the number is still its own if the process is still there now.
        self.must_be_of(uid)?;
        Ok(pidfd)
    }

    fn must_be_of(&self, uid: &str) -> rustix::io::Result<()> {
        if pod_uid(&self.cgroup()?).as_deref() == Some(uid) { Ok(()) } else { Err(Errno::SRCH) }
    }

    fn text(&self, name: &str) -> rustix::io::Result<String> {
        text(&self.dir, name)
    }
}

impl Seniority {
    /// Of `/proc/PID/status` and `/proc/PID/stat`, proc_pid_stat(5).
    fn read(status: &str, stat: &str) -> Option<Self> {
        let pids = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
        // The name in parentheses may hold anything, so fields are counted from its end.
        let (_, fields) = stat.rsplit_once(')')?;
        let started = fields.split_whitespace().nth(19)?.parse().ok()?;
        Some(Self { depth: pids.split_whitespace().count(), started })
    }
}

/// A first look by number, cheap enough for every process of a node; it decides nothing.
pub(super) fn seems_in(proc: impl AsFd, pid: Pid, uids: &[String]) -> bool {
    let cgroup = text(proc, &format!("{}/cgroup", pid.as_raw_nonzero()));
    cgroup.is_ok_and(|cgroup| pod_uid(&cgroup).is_some_and(|uid| uids.contains(&uid)))
}

fn text(dir: impl AsFd, name: &str) -> rustix::io::Result<String> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = std::fs::File::from(openat(dir, name, flags, Mode::empty())?);
    let mut bytes = Vec::with_capacity(1024);
    match file.take(MAX_TEXT).read_to_end(&mut bytes) {
        // A process may call itself whatever it likes, so its name need not be UTF-8.
        Ok(_) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(cause) => Err(Errno::from_io_error(&cause).unwrap_or(Errno::IO)),
    }
}

#[cfg(test)]
mod fuzz;
