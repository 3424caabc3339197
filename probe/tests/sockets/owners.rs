//! Whose the sockets are.

use std::{
    fs,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::Path,
    process::{Child, Command},
};

use netdiag_wire::sockets::SocketProcess;

use super::*;

/// A process that holds sockets and sleeps; ended with the test.
struct Holder(Child);

impl Holder {
    /// As stdin and stdout, in this thread's namespace.
    #[expect(clippy::disallowed_methods, reason = "somebody else's process, to be found")]
    fn new(words: &[&std::ffi::OsStr], sockets: [OwnedFd; 2]) -> Self {
        let [one, two] = sockets;
        let mut command = Command::new(words[0]);
        Self(command.args(&words[1..]).arg("1000").stdin(one).stdout(two).spawn().unwrap())
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// `sleep` under another name.
fn sleep_named(dir: &Path, name: &[u8]) -> std::path::PathBuf {
    let path = dir.join(std::ffi::OsStr::from_bytes(name));
    fs::copy("/bin/sleep", &path).unwrap();
    path
}

fn owner(looked: &Looked, port: u16) -> &SocketProcess {
    let entry = looked.on(port);
    let [pid] = entry.pids[..] else { panic!("{entry:#?}") };
    looked.report.processes.iter().find(|process| process.pid == pid).unwrap()
}

fn request() -> SocketsRequest {
    SocketsRequest { processes: true, which: Which::Listening, ..Default::default() }
}

/// It has execed, and so has its name.
fn looked_at(holder: &Holder, name: &[u8]) -> Looked {
    let comm = format!("/proc/{}/comm", holder.0.id());
    let wanted = [name, b"\n"].concat();
    while fs::read(&comm).unwrap() != wanted {
        std::thread::yield_now();
    }
    look(&request())
}

#[test]
fn a_process_is_found_by_its_socket_whatever_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let name = b") R (x\n1 2";
    let path = sleep_named(dir.path(), name);
    Netns::new().enter(|| {
        let listeners = ["127.0.0.1:0", "127.0.0.1:0"].map(|a| TcpListener::bind(a).unwrap());
        let ports = listeners.each_ref().map(|listener| listener.local_addr().unwrap().port());
        let holder = Holder::new(&[path.as_os_str()], listeners.map(OwnedFd::from));
        let looked = looked_at(&holder, name);
        for port in ports {
            let process = owner(&looked, port);
            assert_eq!((process.pid, process.container_pid), (holder.0.id(), None));
            assert_eq!(process.name.as_bytes(), name);
        }
        // This process is of another namespace, but for this thread.
        assert_eq!(looked.report.processes.len(), 1, "{looked:#?}");
        let count = looked.report.done.unwrap().processes.unwrap();
        assert_eq!((count.read, count.left_out), (1, 0));
    });
}

#[test]
fn sockets_of_nobody_here_have_no_process() {
    Netns::new().enter(|| {
        let _zoo = Zoo::new();
        let looked = look(&SocketsRequest { processes: true, ..Default::default() });
        assert!(looked.report.entries.iter().all(|entry| entry.pids.is_empty()));
        assert!(looked.report.processes.is_empty());
    });
}

#[test]
fn a_container_has_its_own_pids() {
    Netns::new().enter(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let other = listener.try_clone().unwrap();
        let words =
            ["unshare", "--pid", "--fork", "--kill-child", "sleep"].map(std::ffi::OsStr::new);
        let _holder = Holder::new(&words, [listener.into(), other.into()]);
        let mut looked = look(&request());
        while !looked.report.processes.iter().any(|process| process.container_pid == Some(1)) {
            looked = look(&request());
        }
        let entry = looked.on(port);
        assert_eq!(entry.pids.len(), 2, "unshare and its child hold it: {entry:#?}");
        let inner: Vec<_> = looked.report.processes.iter().map(|one| one.container_pid).collect();
        assert!(inner.contains(&None) && inner.contains(&Some(1)), "{inner:?}");
    });
}
