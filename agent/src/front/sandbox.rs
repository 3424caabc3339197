//! What front gives up before its first byte from outside: files, new sockets, new privileges.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
};
use netdiag_wire::about::{Problem, ProblemKind};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

/// The newest Landlock whose rights are asked for; older kernels get what they know.
const LANDLOCK: ABI = ABI::V6;

/// From here on the process reads its token directory and nothing else, binds and connects no TCP
/// socket (the listener is there already), and leaves no core file with a token in it. Call it
/// while there is one thread: only that one and its children are held.
pub(super) fn enter(token_dir: &Path) -> Result<Option<Problem>, rustix::io::Errno> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    rustix::thread::set_no_new_privs(true)?;
    let problem = match landlock(token_dir) {
        Ok(RulesetStatus::FullyEnforced) => None,
        Ok(RulesetStatus::PartiallyEnforced) => {
            Some("Landlock of this kernel is older than what front asks for".to_owned())
        }
        Ok(RulesetStatus::NotEnforced) => Some("this kernel has no Landlock".to_owned()),
        Err(error) => Some(format!("Landlock: {error}")),
    };
    let kind = ProblemKind::SandboxUnavailable;
    Ok(problem.map(|message| Problem { kind, message: format!("front: {message}").into() }))
}

fn landlock(token_dir: &Path) -> Result<RulesetStatus, Box<dyn std::error::Error>> {
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .handle_access(AccessNet::from_all(LANDLOCK))?
        .scope(Scope::from_all(LANDLOCK))?
        .create()?
        .add_rule(PathBeneath::new(PathFd::new(token_dir)?, AccessFs::from_read(LANDLOCK)))?
        .restrict_self()?;
    Ok(status.ruleset)
}

#[cfg(test)]
mod tests {
    use std::{fs, io::ErrorKind, net, os::unix::net::UnixListener};

    use super::*;

    /// In a thread of its own, which alone is held.
    #[test]
    fn p4_in_the_sandbox_only_the_token_and_broker_are_there() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("token"), "t").unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let socket = elsewhere.path().join("broker.sock");
        let _broker = UnixListener::bind(&socket).unwrap();
        let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let held = std::thread::spawn(move || {
            assert_eq!(enter(dir.path()).unwrap(), None, "this kernel has all of it");
            assert_eq!(fs::read_to_string(dir.path().join("token")).unwrap(), "t");
            std::os::unix::net::UnixStream::connect(&socket).unwrap();
            let denied = [
                fs::read("/etc/hostname").map(drop),
                fs::read("/proc/self/status").map(drop),
                fs::read_dir("/proc").map(drop),
                fs::write(dir.path().join("token"), "forged"),
                fs::write(elsewhere.path().join("new"), ""),
                net::TcpStream::connect(address).map(drop),
                net::TcpListener::bind("127.0.0.1:0").map(drop),
            ];
            denied.map(|tried| tried.map_err(|error| error.kind()))
        });
        for (number, tried) in held.join().unwrap().into_iter().enumerate() {
            assert_eq!(tried, Err(ErrorKind::PermissionDenied), "number {number}");
        }
    }
}
