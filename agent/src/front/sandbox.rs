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
