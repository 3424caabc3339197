//! Starting programs that outlive the one that starts them.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result};

use super::state;
use crate::command::command;

/// Starts a daemon in the cluster's control group, its words in `logs/NAME.log`.
///
/// It moves itself into the group before it becomes the program, so that whatever it starts is
/// found and ended by `down`. Its process group is its own: a Ctrl-C at `up` is not for it.
pub fn spawn<A: AsRef<OsStr>>(
    name: &str,
    group: &Path,
    args: impl IntoIterator<Item = A>,
) -> Result<u32> {
    let path = state::logs().join(format!("{name}.log"));
    state::write(&path, "")?;
    let log = fs::File::options().append(true).open(&path)?;
    let child = command("sh")
        .arg("-c")
        .arg(r#"echo $$ >"$0" && exec "$@""#)
        .arg(group)
        .args(args)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .current_dir("/")
        .process_group(0)
        .spawn()
        .with_context(|| format!("start {name}"))?;
    Ok(child.id())
}

/// The last lines of a daemon's log, for an error message.
pub fn last_words(name: &str) -> String {
    let path = state::logs().join(format!("{name}.log"));
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}
