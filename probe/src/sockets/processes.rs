//! Whose the sockets are: which process of this namespace holds which inode.
//!
//! Everything is read before privilege is gone; what a process could have written (its name, its
//! cgroup) is kept as bytes and read as text afterwards.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    time::{Duration, Instant},
};

use netdiag_wire::sockets::{ProcessCount, SocketProcess};
use rustix::{
    fs::{Mode, OFlags, open, openat, readlinkat},
    io::Errno,
};

use crate::second;

mod descriptors;
mod named;
mod two_ends;

use descriptors::{Descriptors, Table, Tried};
use named::Named;
use two_ends::Large;

/// The worker is ended if it opens for longer than 5 s.
const TIME: Duration = Duration::from_secs(3);
/// Most descriptors of sockets that are kept: 8 bytes each.
const MAX_HELD: usize = 1_000_000;
/// Fewer descriptors than this are not worth a second thread.
const MANY: u32 = 1024;
/// Processes with so many that are kept open until all are known.
const MOST_LARGE: usize = 64;

/// Who holds which socket.
#[derive(Debug, Default)]
pub(super) struct Owners {
    /// Inode and place in `processes`, sorted.
    held: Vec<(u32, u32)>,
    processes: Vec<Named>,
    pub(super) count: ProcessCount,
}

/// Looks at every process there is, as far as the time reaches.
pub(super) fn find(socket: impl AsFd) -> io::Result<Owners> {
    let proc = open("/proc", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let mut search = Search {
        descriptors: Descriptors::of_sockets(socket)?,
        namespace: readlinkat(&proc, "thread-self/ns/net", Vec::new())?.into_bytes(),
        proc,
        has_cpu: second::has_cpu(),
        large: Vec::new(),
        owners: Owners::default(),
    };
    let until = Instant::now() + TIME;
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        if Instant::now() > until || search.kept() > MAX_HELD {
            search.owners.count.left_out += 1;
        } else {
            search.look_at(pid, until);
        }
    }
    search.read_large(until);
    search.owners.held.sort_unstable();
    search.owners.held.dedup();
    Ok(search.owners)
}

struct Search {
    descriptors: Descriptors,
    /// `net:[4026531840]`.
    namespace: Vec<u8>,
    proc: OwnedFd,
    has_cpu: bool,
    /// Left for two threads.
    large: Vec<Large>,
    owners: Owners,
}

impl Search {
    /// Descriptors that are kept, or will be.
    fn kept(&self) -> usize {
        let large = self.large.iter().map(|one| one.table.count as usize);
        self.owners.held.len() + large.sum::<usize>()
    }

    fn look_at(&mut self, pid: u32, until: Instant) {
        let known = self.owners.held.len();
        let looked = self.read(pid, until);
        self.note(&looked, known);
    }

    /// What it was that became known since there were so many held.
    fn note(&mut self, looked: &rustix::io::Result<Look>, known: usize) {
        let count = &mut self.owners.count;
        match looked {
            Ok(Look::Elsewhere | Look::Later) => {}
            Ok(Look::Whole) => count.read += 1,
            Ok(Look::Part) => count.left_out += 1,
            Err(Errno::NOENT | Errno::SRCH) => {
                count.vanished += 1;
                self.owners.held.truncate(known);
            }
            Err(_) => {
                count.refused += 1;
                self.owners.held.truncate(known);
            }
        }
    }

    fn read(&mut self, pid: u32, until: Instant) -> rustix::io::Result<Look> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        // Whatever is read through it is of this process, or fails.
        let dir = openat(&self.proc, pid.to_string(), flags, Mode::empty())?;
        if readlinkat(&dir, "ns/net", Vec::new())?.as_bytes() != self.namespace {
            return Ok(Look::Elsewhere);
        }
        let table = Table::open(&dir)?;
        let one = Large { pid, dir, table };
        if self.has_cpu && one.table.count > MANY && self.large.len() < MOST_LARGE {
            self.large.push(one);
            return Ok(Look::Later);
        }
        let tried = self.descriptors.tried(&one.table, 0..one.table.count, until)?;
        self.keep(&one, tried, until)
    }

    fn read_large(&mut self, until: Instant) {
        let large = std::mem::take(&mut self.large);
        for (one, tried) in large.iter().zip(two_ends::tried(&self.descriptors, &large, until)) {
            let known = self.owners.held.len();
            let looked = tried.and_then(|tried| self.keep(one, tried, until));
            self.note(&looked, known);
        }
    }

    /// Takes what trying found, and looks for the rest.
    fn keep(&mut self, one: &Large, tried: Tried, until: Instant) -> rustix::io::Result<Look> {
        let Owners { held, processes, .. } = &mut self.owners;
        let (known, place) = (held.len(), processes.len() as u32);
        held.extend(tried.sockets.into_iter().map(|inode| (inode, place)));
        let mut take = |inode| held.push((inode, place));
        let is_whole = tried.is_whole && self.descriptors.rest(&one.table, until, &mut take)?;
        if held.len() > known {
            processes.push(Named::read(one.pid, &one.dir)?);
        }
        Ok(if is_whole { Look::Whole } else { Look::Part })
    }
}

enum Look {
    /// In another network namespace.
    Elsewhere,
    /// It is one of the large ones.
    Later,
    Whole,
    /// It has more descriptors than there was time for.
    Part,
}

impl Owners {
    /// PIDs of the processes that hold a socket: at most so many, and how many more there are.
    pub(super) fn of(&self, inode: u32, most: usize) -> (Vec<u32>, u32) {
        let first = self.held.partition_point(|(held, _)| *held < inode);
        let mut places =
            self.held[first..].iter().take_while(|(held, _)| *held == inode).map(|(_, at)| *at);
        let pids =
            places.by_ref().take(most).filter_map(|at| Some(self.processes.get(at as usize)?.pid));
        let pids = pids.collect();
        (pids, places.count() as u32)
    }

    pub(super) fn processes(&self) -> impl Iterator<Item = SocketProcess> {
        self.processes.iter().map(Named::process)
    }
}

#[cfg(test)]
mod tests {
    use std::{net::UdpSocket, os::unix::fs::MetadataExt};

    use super::*;

    #[test]
    fn this_process_holds_its_own_socket() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&socket));
        let inode = std::fs::metadata(path).unwrap().ino() as u32;
        let owners = find(&socket).unwrap();
        let (pids, more) = owners.of(inode, 8);
        assert_eq!((pids, more), (vec![std::process::id()], 0));
        assert!(owners.count.read > 0);
        let named = owners.processes().find(|one| one.pid == std::process::id()).unwrap();
        assert!(!named.name.as_bytes().is_empty());
        assert_eq!(owners.of(u32::MAX, 8), (vec![], 0));
    }

    #[test]
    fn holders_beyond_the_bound_are_counted() {
        let named = |pid| Named::new(pid, "a\n", "", "");
        let owners = Owners {
            held: vec![(7, 0), (7, 1), (7, 2), (8, 1)],
            processes: vec![named(10), named(11), named(12)],
            count: ProcessCount::default(),
        };
        assert_eq!(owners.of(7, 2), (vec![10, 11], 1));
        assert_eq!(owners.of(8, 2), (vec![11], 0));
        assert_eq!(owners.of(9, 2), (vec![], 0));
    }
}
