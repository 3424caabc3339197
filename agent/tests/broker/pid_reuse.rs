//! T8: a PID that goes to another process between any two steps from it to its namespace.

use std::{
    fs::{self, File},
    os::fd::OwnedFd,
    process::Child,
    sync::mpsc::{self, Receiver, Sender},
    thread,
};

use netdiag_agent::broker::process::Process;
use rustix::{fs::fstat, process::Pid};

use crate::node::{Cgroup, in_new_netns, netns_of, on_a_node, sleeper};

const TIMES: usize = 2_000;
const UID: &str = "00000000-0000-4000-8000-000000000001";

#[test]
fn t8_pid_reuse_never_gives_another_namespace() {
    on_a_node(|| {
        let (pids, reused) = successors();
        let (refused, right) = in_new_netns(move || {
            let pod = Cgroup::of_pod(UID);
            let mut counts = (0, 0);
            for time in 0..TIMES {
                let found = recycle(time, &pod, &pids, &reused);
                if found { counts.1 += 1 } else { counts.0 += 1 }
            }
            counts
        });
        println!("t8: {TIMES} PIDs used again: {refused} refused, {right} right, 0 wrong");
        // Only where the namespace was open before the process ended may there be one.
        assert_eq!((refused, right), (TIMES - TIMES / 3, TIMES / 3));
    });
}

/// Whether the process's own namespace was found; another one fails the test.
fn recycle(time: usize, pod: &Cgroup, pids: &Sender<u32>, reused: &Receiver<Child>) -> bool {
    let mut process = sleeper();
    let pid = process.id();
    pod.add(pid);
    let own = netns_of(pid);
    let held = Process::open(File::open("/proc").unwrap(), Pid::from_raw(pid as i32).unwrap());
    let held = held.unwrap();
    let mut reuse = || {
        process.kill().unwrap();
        process.wait().unwrap();
        pids.send(pid).unwrap();
        reused.recv().unwrap()
    };
    let (found, mut successor) = match time % 3 {
        0 => {
            let successor = reuse();
            (held.netns_in(UID), successor)
        }
        1 => {
            held.cgroup().unwrap();
            let successor = reuse();
            (held.netns(), successor)
        }
        _ => {
            let netns = held.netns_in(UID);
            let successor = reuse();
            assert!(held.pidfd_in(UID).is_err(), "the pidfd of the process that came after");
            (netns, successor)
        }
    };
    let inode = |netns: &OwnedFd| fstat(netns).unwrap().st_ino;
    assert_ne!(netns_of(pid), own, "the PID is now in another namespace");
    assert!(found.as_ref().map(inode).is_ok_and(|found| found == own) || found.is_err(), "wrong");
    successor.kill().unwrap();
    successor.wait().unwrap();
    found.is_ok()
}

/// Starts, in the node's namespace and another pod's cgroup, processes with the PIDs it is sent.
fn successors() -> (Sender<u32>, Receiver<Child>) {
    let (pids, wanted) = mpsc::channel::<u32>();
    let (started, reused) = mpsc::channel();
    thread::spawn(move || {
        let other = Cgroup::of_pod("00000000-0000-4000-8000-000000000002");
        for pid in wanted {
            fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string()).unwrap();
            let successor = sleeper();
            assert_eq!(successor.id(), pid, "the PID was used again");
            other.add(pid);
            started.send(successor).unwrap();
        }
    });
    (pids, reused)
}
