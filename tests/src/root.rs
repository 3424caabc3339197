//! Root, where namespaces need it, asked for once and with a reason.

use std::ffi::OsStr;
use std::process::Command;

use anyhow::Result;

use crate::command::{command, show};
use crate::environment::variable;
use crate::progress::say;

/// What a program started through sudo still has to know.
const KEPT: [&str; 7] =
    ["PATH", "HOME", "XDG_CACHE_HOME", "CARGO_HOME", "RUSTUP_HOME", "CLUSTER", "KUBECONFIG"];

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Asks for root, unless it is there: one sentence, then sudo's own question.
pub fn ask() -> Result<()> {
    if is_root() {
        return Ok(());
    }
    say("sudo: the tests make network namespaces, mounts and control groups, which needs root");
    let mut sudo = command("sudo");
    sudo.arg("--validate");
    show(sudo)
}

/// A command that runs `program` as root, with this user's cache and path.
pub fn as_root(program: impl AsRef<OsStr>) -> Command {
    if is_root() {
        return command(program);
    }
    let mut words = prefix();
    let mut sudo = command(words.remove(0));
    sudo.args(words).arg(program);
    sudo
}

/// The setting that makes cargo run what it built as root, while it builds as this user.
pub fn cargo_runner() -> Option<(String, String)> {
    let target = format!("{}_UNKNOWN_LINUX_GNU", std::env::consts::ARCH.to_uppercase());
    (!is_root()).then(|| (format!("CARGO_TARGET_{target}_RUNNER"), prefix().join(" ")))
}

fn prefix() -> Vec<String> {
    let kept = KEPT.iter().filter_map(|name| Some(format!("{name}={}", variable(name)?)));
    ["sudo".into(), "env".into()].into_iter().chain(kept).collect()
}
