//! A pod to the namespace and the first process of it, through /proc alone.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{Dir, Mode, OFlags, fstat, open},
    io::Errno,
    process::Pid,
};

use super::{
    cgroup::pod_uid,
    process::{Process, Seniority, seems_in},
};
use crate::ipc::Refusal;

/// The node as broker sees it: its processes, and its own network namespace, held since start so
/// that nothing can pass for it later.
pub struct Node {
    proc: OwnedFd,
    init: Process,
    netns: OwnedFd,
}

/// Where a worker is sent.
pub struct Place {
    pub netns: OwnedFd,
    /// Inode of `netns`.
    pub inode: u64,
    /// `netns` is the node's own: a hostNetwork pod's, or the node itself was asked for.
    pub is_node: bool,
    /// `/proc/PID` of a process whose root holds the resolv.conf that counts here.
    pub dir: OwnedFd,
    /// Readable when the pod's first process ends; the node does not end.
    pub pidfd: Option<OwnedFd>,
}

/// Why there is no place, as front hears it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Refused {
    pub refusal: Refusal,
    pub errno: i32,
}

impl From<Errno> for Refused {
    fn from(cause: Errno) -> Self {
        let refusal = match cause {
            // The process ended while it was looked at.
            Errno::SRCH | Errno::NOENT => Refusal::NoProcess,
            Errno::ACCESS | Errno::PERM => Refusal::Permission,
            _ => Refusal::Spawn,
        };
        Self { refusal, errno: cause.raw_os_error() }
    }
}

const NO_PROCESS: Refused = Refused { refusal: Refusal::NoProcess, errno: 0 };

impl Node {
    /// Fails where PID 1 may not be looked at: without SYS_PTRACE, or by a security module.
    pub fn open(proc: &Path) -> rustix::io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let proc = open(proc, flags, Mode::empty())?;
        let init = Process::open(&proc, Pid::INIT)?;
        let netns = init.netns()?;
        Ok(Self { proc, init, netns })
    }

    /// `/proc/1`.
    pub fn init_dir(&self) -> BorrowedFd<'_> {
        self.init.dir()
    }

    /// The node's own namespace.
    pub fn place(&self) -> Result<Place, Refused> {
        let netns = self.netns.try_clone().map_err(|cause| errno(&cause))?;
        let dir = self.init.dir().try_clone_to_owned().map_err(|cause| errno(&cause))?;
        Ok(Place { inode: fstat(&netns)?.st_ino, netns, is_node: true, dir, pidfd: None })
    }

    /// The namespace of the pod that has one of these UIDs, by its first process.
    pub fn place_of_pod(&self, uids: &[String]) -> Result<Place, Refused> {
        let members = self.members(uids)?;
        let first = first_of_youngest(&members, uids).ok_or(NO_PROCESS)?;
        let process = self.reopen(first)?;
        let netns = process.netns_in(&first.uid)?;
        let pidfd = process.pidfd_in(&first.uid)?;
        let (found, node) = (fstat(&netns)?, fstat(&self.netns)?);
        let reader = container_beside(&members, first).and_then(|member| self.reopen(member).ok());
        let dir = reader.unwrap_or(process).into_dir();
        Ok(Place {
            netns,
            inode: found.st_ino,
            is_node: (found.st_dev, found.st_ino) == (node.st_dev, node.st_ino),
            dir,
            pidfd: Some(pidfd),
        })
    }

    fn members(&self, uids: &[String]) -> Result<Vec<Member>, Refused> {
        let mut members = Vec::new();
        for pid in self.pids()? {
            if seems_in(&self.proc, pid, uids) {
                members.extend(self.member(pid, uids));
            }
        }
        Ok(members)
    }

    fn member(&self, pid: Pid, uids: &[String]) -> Option<Member> {
        let process = Process::open(&self.proc, pid).ok()?;
        let cgroup = process.cgroup().ok()?;
        let uid = pod_uid(&cgroup).filter(|uid| uids.contains(uid))?;
        Some(Member { seniority: process.seniority().ok()?, pid, uid, cgroup })
    }

    /// The same process again: descriptors of all members at once could be too many.
    fn reopen(&self, member: &Member) -> Result<Process, Refused> {
        let process = Process::open(&self.proc, member.pid)?;
        if process.seniority()? == member.seniority { Ok(process) } else { Err(NO_PROCESS) }
    }

    fn pids(&self) -> rustix::io::Result<Vec<Pid>> {
        let mut pids = Vec::new();
        for entry in Dir::read_from(self.proc.as_fd())? {
            let pid = entry?.file_name().to_str().ok().and_then(|name| name.parse().ok());
            pids.extend(pid.and_then(Pid::from_raw));
        }
        Ok(pids)
    }
}

/// A process found in a pod's cgroup.
struct Member {
    seniority: Seniority,
    pid: Pid,
    uid: String,
    cgroup: String,
}

/// The pod's sandbox, or where the runtime has none its oldest container: least deep in PID
/// namespaces, then the earliest start; what the pod itself makes is deeper or later. Only a static
/// pod that was just replaced has more than one UID, and then the newer one counts.
fn first_of_youngest<'a>(members: &'a [Member], uids: &[String]) -> Option<&'a Member> {
    let first = |uid: &String| members.iter().filter(|m| m.uid == *uid).min_by_key(|m| m.seniority);
    uids.iter().filter_map(first).max_by_key(|member| member.seniority.started)
}

/// The first process of another container: /etc/hosts is mounted in containers, not in sandboxes.
fn container_beside<'a>(members: &'a [Member], first: &Member) -> Option<&'a Member> {
    members
        .iter()
        .filter(|member| member.uid == first.uid && member.cgroup != first.cgroup)
        .min_by_key(|member| member.seniority)
}

fn errno(cause: &std::io::Error) -> Errno {
    Errno::from_io_error(cause).unwrap_or(Errno::IO)
}
