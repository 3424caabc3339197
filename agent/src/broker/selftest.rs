//! What keeps broker from its work, found once at start and told by name.

use std::{io::Read, time::Duration};

use netdiag_wire::about::{Problem, ProblemKind};
use rustix::{
    io::Errno,
    process::Pid,
    thread::{CapabilitySet, capabilities},
};

use super::{confine::CAPABILITIES, pods::Node, spawn::spawn};
use crate::ipc::{ANSWER_BYTES, Answer, Order};

/// Bits 0 to 5 are the missing ones of [`CAPABILITIES`].
const NODE_UNREADABLE: u32 = 1 << 6;
const WORKER_FAILS: u32 = 1 << 7;
const BROKER_UNFILTERED: u32 = 1 << 8;
/// Set by the worker of the self-test.
pub const NO_LANDLOCK: u32 = 1 << 9;
pub const NO_SECCOMP: u32 = 1 << 10;
const NO_HOST_PID: u32 = 1 << 11;

const SYS_PTRACE: u32 = 1 << 1;

/// For a worker to start, enter, drop everything and say so.
const WORKER_TIME: Duration = Duration::from_secs(10);

/// As [`Answer::SelfTest`] carries them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Findings {
    pub problems: u32,
    /// Of the first thing that was refused.
    pub errno: i32,
}

impl Findings {
    fn add(&mut self, problem: u32, errno: i32) {
        self.problems |= problem;
        if self.errno == 0 {
            self.errno = errno;
        }
    }
}

/// Looks at itself, at the node, and sends one worker through all its phases.
pub fn examine(node: &Result<Node, Errno>, is_filtered: bool) -> Findings {
    let mut found = Findings::default();
    if !is_filtered {
        found.add(BROKER_UNFILTERED, 0);
    }
    let held = capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective);
    for (bit, (capability, _)) in CAPABILITIES.iter().enumerate() {
        if !held.contains(*capability) {
            found.add(1 << bit, Errno::PERM.raw_os_error());
        }
    }
    if rustix::process::getpid() == Pid::INIT {
        found.add(NO_HOST_PID, 0);
    }
    match node {
        Err(errno) => found.add(NODE_UNREADABLE, errno.raw_os_error()),
        Ok(node) => match try_worker(node) {
            Ok(worker) => found.add(worker.problems, worker.errno),
            Err(cause) => found.add(WORKER_FAILS, cause.raw_os_error().unwrap_or_default()),
        },
    }
    found
}

fn try_worker(node: &Node) -> std::io::Result<Findings> {
    let place = node.place().map_err(|refused| Errno::from_raw_os_error(refused.errno))?;
    let (worker, mut stream) = spawn(&Order::SelfTest, place)?;
    stream.set_read_timeout(Some(WORKER_TIME))?;
    let mut said = [0; ANSWER_BYTES];
    let read = stream.read_exact(&mut said);
    worker.kill();
    worker.wait()?;
    read?;
    match Answer::decode(&said) {
        Ok(Answer::SelfTest { problems, errno }) => Ok(Findings { problems, errno }),
        Ok(Answer::Refused { errno, .. }) => Err(Errno::from_raw_os_error(errno).into()),
        Ok(Answer::Started { .. }) | Err(_) => Err(Errno::PROTO.into()),
    }
}

/// The findings in words, for logs and for `GET /v1/about`.
pub fn problems(problems: u32, errno: i32) -> Vec<Problem> {
    let has = |bit: u32| problems & bit != 0;
    let said = std::io::Error::from_raw_os_error(errno);
    let mut list = Vec::new();
    let mut add = |kind, message: String| list.push(Problem { kind, message: message.into() });
    for (bit, (_, name)) in CAPABILITIES.iter().enumerate() {
        if has(1 << bit) {
            add(ProblemKind::MissingCapability, format!("broker lacks CAP_{name}"));
        }
    }
    if has(NODE_UNREADABLE) && has(SYS_PTRACE) {
        let message = format!("open /proc/1/ns/net without CAP_SYS_PTRACE: {said}");
        add(ProblemKind::MissingCapability, message);
    } else if has(NODE_UNREADABLE) {
        let message = format!(
            "open /proc/1/ns/net: {said}, although broker holds CAP_SYS_PTRACE: a security module \
             (AppArmor, SELinux, Yama or Landlock) refused"
        );
        add(ProblemKind::SecurityModule, message);
    }
    if has(WORKER_FAILS) {
        let kind = match problems & 0b11_1111 {
            0 => ProblemKind::SecurityModule,
            _ => ProblemKind::MissingCapability,
        };
        add(kind, format!("a worker cannot enter the node's namespace and leave uid 0: {said}"));
    }
    if has(NO_HOST_PID) {
        let message = "broker is PID 1: without hostPID it sees no pod's process";
        add(ProblemKind::MissingCapability, message.to_owned());
    }
    for (bit, layer) in [
        (BROKER_UNFILTERED, "seccomp, for broker"),
        (NO_SECCOMP, "seccomp, for workers"),
        (NO_LANDLOCK, "Landlock, for workers"),
    ] {
        if has(bit) {
            add(ProblemKind::SandboxUnavailable, format!("this kernel does not offer {layer}"));
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(bits: u32) -> Vec<ProblemKind> {
        problems(bits, Errno::ACCESS.raw_os_error()).iter().map(|problem| problem.kind).collect()
    }

    #[test]
    fn a_refusal_despite_the_capability_is_a_security_module() {
        assert_eq!(kinds(NODE_UNREADABLE), [ProblemKind::SecurityModule]);
        let both = [ProblemKind::MissingCapability; 2];
        assert_eq!(kinds(NODE_UNREADABLE | SYS_PTRACE), both);
    }

    #[test]
    fn every_finding_has_its_words() {
        assert_eq!(problems(0, 0), []);
        for bit in 0..12 {
            assert_eq!(problems(1 << bit, 13).len(), 1, "bit {bit}");
        }
    }
}
