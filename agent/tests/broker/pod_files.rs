//! T10: files that a pod made to be read by us.
//!
//! Seen to fail: the hostile files with a plain `openat` in place of `openat2` (`absolute` gives the
//! node's secret), without NO_MAGICLINKS, and without the look at the file's type; the race with a
//! plain `openat` (10,984 leaks of 20,000); the file system without the worker's alarm (no end).

use std::{
    fs::{self, File},
    net::{IpAddr, Ipv4Addr},
    os::unix::{fs::symlink, net::UnixListener},
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use netdiag_agent::worker::files;
use nix::sched::{CloneFlags, unshare};
use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    io::Errno,
};

use crate::{
    client::{Broker, ping, pod_order},
    node::{Pod, in_new_netns, on_a_node, run, sleeper, wait_for},
};

const POD: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 244, 1, 7));
const SECRET: &[u8] = b"HOST-SECRET";

/// A pod's root in `directory`, beside a file of the node.
fn hostile_root(directory: &Path) -> File {
    let etc = directory.join("root/etc");
    fs::create_dir_all(etc.join("dir")).unwrap();
    let secret = directory.join("secret");
    fs::write(&secret, SECRET).unwrap();
    fs::write(etc.join("good"), "nameserver 10.96.0.10\n").unwrap();
    for (name, target) in [
        ("absolute", secret.to_str().unwrap()),
        ("upwards", "../../../../../../../../../../secret"),
        ("magic", "/proc/1/root/etc/passwd"),
        ("magic-self", "/proc/self/root/etc/passwd"),
        ("magic-fd", "/proc/self/fd/0"),
        ("loop", "loop"),
        ("dangling", "nowhere"),
        ("link", "good"),
        ("absolute-link", "/etc/good"),
    ] {
        symlink(target, etc.join(name)).unwrap();
    }
    let here = etc.to_str().unwrap();
    run(&format!("mkfifo {here}/fifo"));
    run(&format!("mknod {here}/zero c 1 5"));
    File::create(etc.join("huge")).unwrap().set_len(1 << 40).unwrap();
    drop(UnixListener::bind(etc.join("socket")).unwrap());
    fs::create_dir(directory.join("root/proc")).unwrap();
    run(&format!("mount -t proc proc {}", directory.join("root/proc").display()));
    File::open(directory.join("root")).unwrap()
}

#[test]
fn t10_hostile_files_give_nothing_of_the_nodes() {
    on_a_node(|| {
        let directory = tempfile::tempdir().unwrap();
        run(&format!("mount -t tmpfs tmpfs {}", directory.path().display()));
        let root = hostile_root(directory.path());
        let read = |name: &str| files::read_in(&root, &format!("etc/{name}"));
        for (name, errno) in [
            ("absolute", Errno::NOENT),
            ("upwards", Errno::NOENT),
            ("magic", Errno::LOOP),
            ("magic-self", Errno::LOOP),
            ("magic-fd", Errno::LOOP),
            ("loop", Errno::LOOP),
            ("dangling", Errno::NOENT),
            ("fifo", Errno::INVAL),
            ("zero", Errno::INVAL),
            ("socket", Errno::INVAL),
            ("dir", Errno::INVAL),
        ] {
            assert_eq!(read(name), Err(errno), "{name}");
        }
        let huge = read("huge").unwrap();
        assert_eq!(huge.len() as u64, files::MAX_BYTES);
        for honest in ["good", "link", "absolute-link"] {
            assert_eq!(read(honest).unwrap(), b"nameserver 10.96.0.10\n", "{honest}");
        }
    });
}

/// The file is exchanged with a link to the node's while it is opened.
#[test]
fn t10_a_race_never_leaks() {
    const OPENS: usize = 20_000;
    on_a_node(|| {
        let directory = tempfile::tempdir().unwrap();
        let etc = directory.path().join("root/etc");
        fs::create_dir_all(&etc).unwrap();
        let secret = directory.path().join("secret");
        fs::write(&secret, SECRET).unwrap();
        fs::write(etc.join("resolv.conf"), "honest").unwrap();
        symlink(&secret, etc.join("link")).unwrap();
        let root = File::open(directory.path().join("root")).unwrap();
        let is_over = AtomicBool::new(false);
        let (mut honest, mut refused, mut leaks) = (0, 0, 0);
        thread::scope(|scope| {
            scope.spawn(|| {
                let (one, other) = (etc.join("resolv.conf"), etc.join("link"));
                while !is_over.load(Ordering::Relaxed) {
                    renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE).unwrap();
                }
            });
            for _ in 0..OPENS {
                match files::read_in(&root, "etc/resolv.conf") {
                    Ok(read) if read == b"honest" => honest += 1,
                    Ok(_) => leaks += 1,
                    Err(_) => refused += 1,
                }
            }
            is_over.store(true, Ordering::Relaxed);
        });
        println!("t10: {OPENS} opens: {honest} honest, {refused} refused, {leaks} leaks");
        assert_eq!(leaks, 0);
        assert!(honest > 0 && refused > 0, "{honest} honest, {refused} refused: no race");
    });
}

/// A pod whose resolv.conf is on a file system that never answers; it lives as long as the file.
fn pod_with_dead_resolv_conf() -> (Pod, File) {
    let fuse = File::options().read(true).write(true).open("/dev/fuse").unwrap();
    let server = fuse.try_clone().unwrap();
    let process = in_new_netns(move || {
        run(&format!("ip address add {POD} dev lo"));
        #[expect(clippy::disallowed_methods, reason = "a fixture makes a namespace")]
        unshare(CloneFlags::CLONE_NEWNS).unwrap();
        #[expect(clippy::disallowed_methods, reason = "a fixture mounts a file system")]
        let mounted = Command::new("mount")
            .args(["-i", "-t", "fuse", "-o"])
            .arg("fd=0,rootmode=100444,user_id=0,group_id=0,allow_other")
            .args(["fuse", "/etc/resolv.conf"])
            .stdin(Stdio::from(fuse))
            .status();
        assert!(mounted.unwrap().success());
        sleeper()
    });
    (Pod::of(1, process), server)
}

#[test]
fn t10_a_file_system_that_never_answers_holds_nothing() {
    on_a_node(|| {
        let broker = Broker::start();
        let (pod, _server) = pod_with_dead_resolv_conf();
        let order = pod_order(&pod, &[POD]);

        let worker = broker.order(&order).unwrap();
        drop(worker.send(&ping("shop", Some(1))));
        let pid = broker.only_child();
        wait_for("the worker to hang in openat2 or fstat", || {
            let call = fs::read_to_string(format!("/proc/{pid}/wchan")).unwrap_or_default();
            (call.contains("fuse") || call.contains("request_wait")).then_some(())
        });
        let before = Instant::now();
        drop(worker);
        wait_for("the worker's end", || broker.children().is_empty().then_some(()));
        let took = before.elapsed();
        println!("t10: a worker that hangs in a pod's file system was gone after {took:?}");
        assert!(took < Duration::from_secs(3), "{took:?}");

        // An address needs no file of the pod's.
        let worker = broker.order(&order).unwrap();
        let events = worker.events(&ping(POD.to_string(), Some(1)));
        assert!(format!("{events:?}").contains("Replied"), "{events:#?}");

        // Left alone, it ends by itself.
        let worker = broker.order(&order).unwrap();
        assert_eq!(worker.events(&ping("shop", Some(1))), []);
    });
}
