//! How a process is called, on the node and in its container.

use std::{fs::File, io::Read, os::fd::AsFd};

use netdiag_wire::sockets::SocketProcess;
use rustix::{
    fs::{Mode, OFlags, openat},
    io::Errno,
};

/// Longest text that is read of a process; a cgroup path alone may have 4 KiB a line.
const MAX_TEXT: u64 = 64 * 1024;
/// Digits of a container's ID.
const ID: usize = 64;

/// A process, as it and the kernel say of it; not yet read as text.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) pid: u32,
    name: Vec<u8>,
    status: Vec<u8>,
    cgroup: Vec<u8>,
}

impl Named {
    pub(super) fn read(pid: u32, dir: impl AsFd) -> rustix::io::Result<Self> {
        let text = |name| {
            let file = openat(&dir, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
            let mut bytes = Vec::new();
            let read = File::from(file).take(MAX_TEXT).read_to_end(&mut bytes);
            read.map_err(|cause| Errno::from_io_error(&cause).unwrap_or(Errno::IO))?;
            Ok::<_, Errno>(bytes)
        };
        Ok(Self { pid, name: text("comm")?, status: text("status")?, cgroup: text("cgroup")? })
    }

    #[cfg(test)]
    pub(super) fn new(pid: u32, name: &str, status: &str, cgroup: &str) -> Self {
        Self { pid, name: name.into(), status: status.into(), cgroup: cgroup.into() }
    }

    pub(super) fn process(&self) -> SocketProcess {
        let name = self.name.strip_suffix(b"\n").unwrap_or(&self.name);
        let cgroup = String::from_utf8_lossy(&self.cgroup);
        SocketProcess {
            pid: self.pid,
            container_pid: container_pid(&String::from_utf8_lossy(&self.status)),
            name: name.to_vec().into(),
            container_id: container_id(&cgroup).map(Into::into),
        }
    }
}

/// The innermost of `NSpid`, where there is more than one. The kernel escapes the line feeds of the
/// name that stands before it.
fn container_pid(status: &str) -> Option<u32> {
    let pids = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    pids.split_ascii_whitespace().skip(1).last()?.parse().ok()
}

/// A container's runtime names its cgroup `ID`, or `RUNTIME-ID.scope`. The first one counts, and
/// where there are pods the first below them: what comes later the container itself has made.
fn container_id(cgroup: &str) -> Option<&str> {
    cgroup.lines().find_map(|line| {
        let path = line.splitn(3, ':').nth(2)?;
        let below = path.split_once("kubepods").map_or(path, |(_, below)| below);
        below.split('/').find_map(id)
    })
}

fn id(part: &str) -> Option<&str> {
    let name = part.strip_suffix(".scope").unwrap_or(part);
    let id = name.rsplit('-').next()?;
    let is_id = id.len() == ID && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_id.then_some(id)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    #[test]
    fn a_name_is_every_byte_that_the_process_gave_itself() {
        let name = |comm| Named::new(1, comm, "", "").process().name;
        assert_eq!(name("node\n"), "node".into());
        assert_eq!(name(") R (x\n\n"), ") R (x\n".into());
        assert_eq!(name(""), "".into());
    }

    #[test]
    fn the_pid_of_the_innermost_namespace_counts() {
        let status = "Name:\t\\nNSpid:\\t9 9\nPid:\t4711\nNSpid:\t4711\t12\t1\nNSpgid:\t4711\t1\n";
        assert_eq!(container_pid(status), Some(1));
        assert_eq!(container_pid("NSpid:\t4711\n"), None);
        assert_eq!(container_pid(""), None);
    }

    #[test]
    fn a_container_is_known_by_every_runtimes_cgroup() {
        for path in [
            format!("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{A}.scope"),
            format!("0::/kubepods/burstable/pod1/{A}"),
            format!("0::/kubepods.slice/kubepods-pod1.slice/crio-{A}.scope/container"),
            format!("11:memory:/kubepods/pod1/{A}\n0::/\n"),
            format!("0::/docker/{B}/kubepods/pod1/{A}"),
            format!("0::/../../pod1/{A}"),
            format!("0::/system.slice/docker-{A}.scope"),
            format!("0::/kubepods/pod1/{A}/kubepods/pod2/{B}"),
        ] {
            assert_eq!(container_id(&path), Some(A), "{path}");
        }
        for path in ["0::/system.slice/kubelet.service", "0::/", "", &format!("0::/x{A}")] {
            assert_eq!(container_id(path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn what_a_container_makes_below_itself_changes_nothing(below in "[a-f0-9/:.-]{0,200}") {
            let path = format!("0::/kubepods/pod1/{A}/{below}\n");
            prop_assert_eq!(container_id(&path), Some(A));
        }

        #[test]
        fn any_text_holds(text: String) {
            let _ = (container_pid(&text), container_id(&text));
        }
    }
}
