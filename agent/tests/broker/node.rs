//! A throwaway node: the test runs again as PID 1 of namespaces that end with it.

use std::{
    fs,
    io::Write,
    net::IpAddr,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::sched::{CloneFlags, unshare};

const MARK: &str = "NETDIAG_TEST_NODE";

/// Runs `body` as PID 1 of a new node; the namespaces' end ends whatever it started.
#[expect(clippy::disallowed_methods, reason = "a test finds out whether it is the node already")]
pub(crate) fn on_a_node(body: impl FnOnce()) {
    assert!(nix::unistd::geteuid().is_root(), "needs root: it makes namespaces");
    if std::env::var_os(MARK).is_some() {
        run("ip link set lo up");
        return body();
    }
    let test = thread::current().name().expect("a test's thread has its name").to_owned();
    let status = Command::new("unshare")
        .args(["--pid", "--fork", "--kill-child", "--mount-proc", "--net", "--"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &test, "--nocapture"])
        .env(MARK, "1")
        .status()
        .unwrap();
    assert!(status.success(), "{test} on its own node: {status}");
}

/// Runs a command line without quotes; its failure is the test's.
#[track_caller]
pub(crate) fn run(line: &str) {
    let mut words = line.split(' ');
    #[expect(clippy::disallowed_methods, reason = "a fixture sets up its namespace")]
    let mut command = Command::new(words.next().unwrap());
    let output = command.args(words).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Waits for a condition; the name says what did not come.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(Instant::now() < until, "{what} did not come");
        thread::yield_now();
    }
}

/// A process that waits to be killed, in the namespaces of the thread that calls this.
#[expect(clippy::disallowed_methods, reason = "a fixture's pod is a process")]
pub(crate) fn sleeper() -> Child {
    Command::new("sleep").arg("infinity").stdout(Stdio::null()).spawn().unwrap()
}

/// Runs `body` in a new network namespace, which lives as long as what was started in it.
pub(crate) fn in_new_netns<T: Send>(body: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let inside = scope.spawn(|| {
            #[expect(clippy::disallowed_methods, reason = "a fixture makes a namespace")]
            unshare(CloneFlags::CLONE_NEWNET).unwrap();
            run("ip link set lo up");
            body()
        });
        inside.join().unwrap()
    })
}

pub(crate) fn netns_of(pid: u32) -> u64 {
    fs::metadata(format!("/proc/{pid}/ns/net")).unwrap().ino()
}

/// A cgroup of this test alone, as a kubelet with driver cgroupfs would name it.
pub(crate) struct Cgroup(PathBuf);

impl Cgroup {
    /// `below` starts with `kubepods`.
    pub(crate) fn new(below: &str) -> Self {
        let unified = Path::new("/sys/fs/cgroup/unified");
        let root = if unified.exists() { unified } else { Path::new("/sys/fs/cgroup") };
        let own = format!("netdiag-test-{}", netns_of(std::process::id()));
        let path = root.join(own).join(below);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn of_pod(uid: &str) -> Self {
        Self::new(&format!("kubepods/besteffort/pod{uid}/{}", "4f5e".repeat(16)))
    }

    pub(crate) fn add(&self, pid: u32) {
        let mut procs = fs::File::create(self.0.join("cgroup.procs")).unwrap();
        write!(procs, "{pid}").unwrap();
    }
}

impl Drop for Cgroup {
    /// As far up as it is empty.
    fn drop(&mut self) {
        let mut path = self.0.as_path();
        while fs::remove_dir(path).is_ok() {
            path = path.parent().unwrap();
        }
    }
}

/// A pod: one process in a network namespace and a cgroup of its own.
pub(crate) struct Pod {
    pub(crate) uid: String,
    pub(crate) process: Child,
    pub(crate) netns: u64,
    cgroup: Cgroup,
}

impl Pod {
    /// `number` makes the UID.
    pub(crate) fn start(number: u16, addresses: &[IpAddr]) -> Self {
        let process = in_new_netns(|| {
            for address in addresses {
                run(&format!("ip address add {address} dev lo"));
            }
            sleeper()
        });
        Self::of(number, process)
    }

    pub(crate) fn of(number: u16, process: Child) -> Self {
        let uid = format!("00000000-0000-4000-8000-00000000{number:04x}");
        let cgroup = Cgroup::of_pod(&uid);
        cgroup.add(process.id());
        Self { uid, netns: netns_of(process.id()), process, cgroup }
    }

    pub(crate) fn adopt(&self, process: &Child) {
        self.cgroup.add(process.id());
    }

    pub(crate) fn end(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        self.end();
    }
}
