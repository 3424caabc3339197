//! Running the plugin with an environment that holds nothing but what a test says.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicU16, Ordering},
};

use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_kubectl-netdiag");

/// A port of 127.0.0.1 that nobody has and no other test is given: the kernel gives none of these to
/// whoever asks for any port, so it is still free when the program that is told of it comes up.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(20_000);
    let mut ports = std::iter::repeat_with(|| NEXT.fetch_add(1, Ordering::Relaxed));
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

/// What one run printed and how it ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The plugin in a directory of its own, with no home, no kubeconfig and no terminal.
pub(crate) struct Plugin {
    command: Command,
    directory: TempDir,
}

impl Plugin {
    pub(crate) fn new(line: &str) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the thing under test is a program")]
        let command = Command::new(BINARY);
        Self::of(command, line)
    }

    /// With so many KiB of memory for data: more is refused to it, and it aborts.
    ///
    /// Not by the resident size that wait4 tells: a child begins with that of this process.
    pub(crate) fn within(kib: u32, line: &str) -> Self {
        Self::in_shell(&format!("ulimit -d {kib}"), line)
    }

    /// With so many descriptors, whatever those who started the tests left open.
    pub(crate) fn with_descriptors(count: u32, line: &str) -> Self {
        let close: String = (3..10).map(|left| format!(" {left}>&-")).collect();
        Self::in_shell(&format!("exec{close} && ulimit -n {count}"), line)
    }

    /// Without a stdin at all.
    pub(crate) fn without_stdin(line: &str) -> Self {
        Self::in_shell("exec <&-", line)
    }

    /// After a command of the shell's that changes what the plugin runs in.
    fn in_shell(first: &str, line: &str) -> Self {
        let script = format!("{first} && exec \"$0\" \"$@\"");
        #[expect(clippy::disallowed_methods, reason = "sh sets what the plugin runs in")]
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &script, BINARY]);
        Self::of(command, line)
    }

    fn of(mut command: Command, line: &str) -> Self {
        let directory = TempDir::new().unwrap();
        command
            .args(line.split_whitespace())
            .env_clear()
            .current_dir(directory.path())
            .stdin(Stdio::null());
        Self { command, directory }
    }

    /// Words as they are, spaces and all.
    pub(crate) fn words(mut self, words: &[String]) -> Self {
        self.command.args(words);
        self
    }

    pub(crate) fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn kubeconfig(self, path: &Path) -> Self {
        self.with("KUBECONFIG", path)
    }

    /// Runs it, and sees that it wrote no file.
    #[track_caller]
    pub(crate) fn run(mut self) -> Run {
        let Output { status, stdout, stderr } = self.command.output().unwrap();
        let left: Vec<_> = fs::read_dir(self.directory.path()).unwrap().collect();
        assert!(left.is_empty(), "files written: {left:?}");
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    /// Runs it with these bytes on its stdin.
    #[track_caller]
    pub(crate) fn fed(mut self, input: &[u8]) -> Run {
        let piped = self.command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.stderr(Stdio::piped()).spawn().unwrap();
        // Who ends early closes the pipe.
        let _ = child.stdin.take().unwrap().write_all(input);
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    /// The same, where nobody says that it is all.
    pub(crate) fn fed_and_kept_open(mut self, input: &[u8]) -> Run {
        let piped = self.command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input).unwrap();
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        drop(stdin);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    /// Runs it until it has printed this, then sends it SIGTERM.
    #[track_caller]
    pub(crate) fn stopped_at(mut self, text: &str) -> Run {
        let piped = self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut stdout = String::new();
        while !stdout.contains(text) {
            assert_ne!(out.read_line(&mut stdout).unwrap(), 0, "it ended after {stdout:?}");
        }
        let pid = child.id().to_string();
        #[expect(clippy::disallowed_methods, reason = "kill sends what Ctrl-C sends")]
        let sent = Command::new("/bin/kill").args(["-TERM", &pid]).status().unwrap();
        assert!(sent.success());
        out.read_to_string(&mut stdout).unwrap();
        let Output { status, stderr, .. } = child.wait_with_output().unwrap();
        Run { code: status.code(), stdout, stderr: String::from_utf8(stderr).unwrap() }
    }
}

impl Run {
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }
}
