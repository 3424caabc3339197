//! P1 to P3 and P5: what a worker and broker can still do, asked of the running processes.

use std::{
    collections::HashMap,
    fs,
    net::IpAddr,
    process::{Child, Command, Stdio},
};

use netdiag_wire::{Event, ping::PingEvent};
use nix::libc;
use rustix::io::Errno;

use crate::{
    client::{Broker, Worker, next, ping, pod_order},
    inject::Stopped,
    node::{Pod, netns_of, on_a_node, run, wait_for},
};

const POD: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 244, 1, 7));

/// A worker that has had its first reply, and its PID.
fn pinging(broker: &Broker, pod: &Pod) -> (Worker, i32) {
    let worker = broker.order(&pod_order(pod, &[POD])).unwrap();
    let mut lines = worker.send(&ping(POD.to_string(), None));
    next(&mut lines, |event| {
        matches!(event, Event::Probe(PingEvent::Replied { .. })).then_some(())
    });
    drop(lines);
    let pid = broker.only_child();
    (worker, pid)
}

fn status(pid: i32) -> HashMap<String, String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let fields = status.lines().filter_map(|line| line.split_once(':'));
    fields.map(|(name, value)| (name.to_owned(), value.trim().replace('\t', " "))).collect()
}

#[test]
fn p1_worker_status_at_the_first_hostile_byte() {
    on_a_node(|| {
        let broker = Broker::start();
        let pod = Pod::start(1, &[POD]);
        let (_worker, pid) = pinging(&broker, &pod);
        let status = status(pid);
        let none = "0000000000000000";
        for (field, value) in [
            ("Uid", "65533 65533 65533 65533"),
            ("Gid", "65533 65533 65533 65533"),
            ("Groups", ""),
            ("Threads", "1"),
            ("CapInh", none),
            ("CapPrm", none),
            ("CapEff", none),
            ("CapAmb", none),
            ("NoNewPrivs", "1"),
            ("Seccomp", "2"),
        ] {
            assert_eq!(status[field], value, "{field}");
        }
        let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        for (limit, most) in
            [("Max address space", "268435456"), ("Max open files", "192"), ("Max processes", "0")]
        {
            let line = limits.lines().find(|line| line.starts_with(limit)).unwrap();
            let words: Vec<&str> = line[limit.len()..].split_whitespace().collect();
            assert_eq!(words[..2], [most, most], "{limit}");
        }
    });
}

#[test]
fn p2_worker_cannot_reach_anything_but_its_sockets() {
    on_a_node(|| {
        let broker = Broker::start();
        let pod = Pod::start(1, &[POD]);
        let (worker, pid) = pinging(&broker, &pod);
        let stopped = Stopped::attach(pid);
        let file = stopped.put(256, b"/etc/passwd\0");
        let cwd = libc::AT_FDCWD as u64;
        let family = |family: i32, kind: i32| vec![family as u64, kind as u64];
        for (what, call, arguments) in [
            ("open", libc::SYS_open, vec![file]),
            ("openat", libc::SYS_openat, vec![cwd, file]),
            ("openat2", libc::SYS_openat2, vec![cwd, file, file, 24]),
            ("stat", libc::SYS_newfstatat, vec![cwd, file, file]),
            ("readlink", libc::SYS_readlinkat, vec![cwd, file, file, 8]),
            ("unlink", libc::SYS_unlinkat, vec![cwd, file]),
            ("execve", libc::SYS_execve, vec![file]),
            ("execveat", libc::SYS_execveat, vec![cwd, file]),
            ("setns", libc::SYS_setns, vec![0, libc::CLONE_NEWNET as u64]),
            ("unshare", libc::SYS_unshare, vec![libc::CLONE_NEWUSER as u64]),
            ("fork", libc::SYS_fork, vec![]),
            ("clone", libc::SYS_clone, vec![libc::CLONE_NEWUSER as u64]),
            ("clone3", libc::SYS_clone3, vec![file, 88]),
            ("ptrace", libc::SYS_ptrace, vec![libc::PTRACE_ATTACH as u64, 1]),
            ("process_vm_readv", libc::SYS_process_vm_readv, vec![1, file, 1, file, 1]),
            ("kill", libc::SYS_kill, vec![1, 0]),
            ("pidfd_open", libc::SYS_pidfd_open, vec![1]),
            ("setuid", libc::SYS_setuid, vec![0]),
            ("capset", libc::SYS_capset, vec![file, file]),
            ("prctl", libc::SYS_prctl, vec![libc::PR_SET_DUMPABLE as u64, 1]),
            ("mount", libc::SYS_mount, vec![file, file]),
            ("bpf", libc::SYS_bpf, vec![0]),
            ("io_uring", libc::SYS_io_uring_setup, vec![1, file]),
            ("Unix socket", libc::SYS_socket, family(libc::AF_UNIX, libc::SOCK_STREAM)),
            ("Unix sockets", libc::SYS_socketpair, family(libc::AF_UNIX, libc::SOCK_STREAM)),
            ("netlink socket", libc::SYS_socket, family(libc::AF_NETLINK, libc::SOCK_RAW)),
            ("packet socket", libc::SYS_socket, family(libc::AF_PACKET, libc::SOCK_RAW)),
            ("raw socket", libc::SYS_socket, family(libc::AF_INET, libc::SOCK_RAW)),
            ("executable memory", libc::SYS_mmap, vec![0, 4096, 7, 0x22, u64::MAX]),
        ] {
            assert_eq!(stopped.call(call, &arguments), Err(Errno::PERM), "{what}");
        }
        // The calls do arrive: one that it may make is made.
        assert_eq!(stopped.call(libc::SYS_getpid, &[]), Ok(pid as u64));
        drop(stopped);
        next(&mut std::io::BufReader::new(&worker.stream), |event| {
            matches!(event, Event::Probe(PingEvent::Replied { .. })).then_some(())
        });
    });
}

/// The namespace of a `hostUsers: false` pod belongs to whoever is uid 0 on the node.
fn user_namespaced_pod() -> Pod {
    #[expect(clippy::disallowed_methods, reason = "a fixture's pod is a process")]
    let process: Child = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "sleep", "infinity"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let node = netns_of(std::process::id());
    let pid = process.id();
    wait_for("the pod's namespace", || (netns_of(pid) != node).then_some(()));
    run(&format!("nsenter --net=/proc/{pid}/ns/net ip link set lo up"));
    run(&format!("nsenter --net=/proc/{pid}/ns/net ip address add {POD} dev lo"));
    Pod::of(1, process)
}

#[test]
fn p3_worker_cannot_change_a_user_namespaced_pods_network() {
    on_a_node(|| {
        let broker = Broker::start();
        let pod = user_namespaced_pod();
        let (worker, pid) = pinging(&broker, &pod);
        assert_eq!(worker.netns, pod.netns);
        let stopped = Stopped::attach(pid);
        let datagram = [libc::AF_INET as u64, libc::SOCK_DGRAM as u64];
        let socket = stopped.call(libc::SYS_socket, &datagram).unwrap();
        // struct ifreq: the name in 16 bytes, then the MTU.
        let mut request = [0; 40];
        request[..2].copy_from_slice(b"lo");
        request[16..20].copy_from_slice(&1400_i32.to_ne_bytes());
        let request = stopped.put(256, &request);
        let set_mtu = [socket, libc::SIOCSIFMTU, request];
        assert_eq!(stopped.call(libc::SYS_ioctl, &set_mtu), Err(Errno::PERM));
        // SOCK_DESTROY goes over a netlink socket.
        let netlink = [libc::AF_NETLINK as u64, libc::SOCK_RAW as u64];
        assert_eq!(stopped.call(libc::SYS_socket, &netlink), Err(Errno::PERM));
        drop(stopped);

        // Not by the filter alone: without any capability uid 0 may, as the namespace's owner, and
        // the worker's uid may not.
        let set_mtu = |identity: &[&str]| {
            #[expect(clippy::disallowed_methods, reason = "a fixture in the worker's stead")]
            let mut command = Command::new("nsenter");
            command.arg(format!("--net=/proc/{}/ns/net", pod.process.id()));
            command.args(["setpriv", "--inh-caps=-all", "--bounding-set=-all"]).args(identity);
            command.args(["ip", "link", "set", "lo", "mtu", "1400"]).output().unwrap()
        };
        let refused = set_mtu(&["--reuid=65533", "--regid=65533", "--clear-groups"]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains("not permitted"), "{said}");
        assert!(set_mtu(&[]).status.success(), "uid 0 owns the namespace");
    });
}

#[test]
fn p5_broker_cannot_mount_load_or_write() {
    on_a_node(|| {
        let broker = Broker::start();
        let pod = Pod::start(1, &[POD]);
        let pid = broker.process.id() as i32;
        drop(pinging(&broker, &pod));
        assert_eq!(status(pid)["CapEff"], "00000000002820e0", "six capabilities and no more");
        let stopped = Stopped::attach(pid);
        let file = stopped.put(256, b"/tmp/netdiag-p5\0");
        let cwd = libc::AT_FDCWD as u64;
        let create = (libc::O_WRONLY | libc::O_CREAT) as u64;
        for (what, call, arguments) in [
            ("mount", libc::SYS_mount, vec![file, file, file]),
            ("fsopen", libc::SYS_fsopen, vec![file]),
            ("move_mount", libc::SYS_move_mount, vec![cwd, file, cwd, file]),
            ("bpf", libc::SYS_bpf, vec![0]),
            ("perf_event_open", libc::SYS_perf_event_open, vec![file]),
            ("ptrace", libc::SYS_ptrace, vec![libc::PTRACE_ATTACH as u64, 1]),
            ("process_vm_writev", libc::SYS_process_vm_writev, vec![1, file, 1, file, 1]),
            ("unshare", libc::SYS_unshare, vec![libc::CLONE_NEWNS as u64]),
            ("setns of mounts", libc::SYS_setns, vec![0, libc::CLONE_NEWNS as u64]),
            ("setns of anything", libc::SYS_setns, vec![0, 0]),
            ("clone of namespaces", libc::SYS_clone, vec![libc::CLONE_NEWUSER as u64]),
            ("open to write", libc::SYS_open, vec![file, create, 0o600]),
            ("openat to write", libc::SYS_openat, vec![cwd, file, create, 0o600]),
            ("openat to truncate", libc::SYS_openat, vec![cwd, file, libc::O_TRUNC as u64]),
            ("creat", libc::SYS_creat, vec![file, 0o600]),
            ("mkdir", libc::SYS_mkdirat, vec![cwd, file]),
            ("unlink", libc::SYS_unlinkat, vec![cwd, file]),
            ("chmod", libc::SYS_fchmodat, vec![cwd, file, 0o777]),
            ("open by handle", libc::SYS_open_by_handle_at, vec![cwd, file]),
            ("io_uring", libc::SYS_io_uring_setup, vec![1, file]),
            ("packet socket", libc::SYS_socket, vec![libc::AF_PACKET as u64, 3]),
        ] {
            assert_eq!(stopped.call(call, &arguments), Err(Errno::PERM), "{what}");
        }
        assert_eq!(stopped.call(libc::SYS_clone3, &[file, 88]), Err(Errno::NOSYS));
        drop(stopped);
        assert!(broker.order(&pod_order(&pod, &[POD])).is_ok(), "and it still works");
    });
}
