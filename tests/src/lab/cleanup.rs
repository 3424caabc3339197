//! Removing a cluster, whole or half started, without trusting its own records.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{cgroup, network, state};
use crate::wait;

/// Ends and removes everything, found by name: groups, namespaces, interfaces, files.
pub fn down() -> Result<()> {
    cgroup::kill_all()?;
    network::remove()?;
    cgroup::remove()?;
    // The last process of a mount namespace may still be on its way out.
    wait::until("remove the cluster's files", Duration::from_secs(10), remove_files)?;
    let left = leftovers()?;
    ensure!(left.is_empty(), "left behind:\n{}", left.join("\n"));
    Ok(())
}

/// Whatever of a cluster is on this machine, in words.
pub fn leftovers() -> Result<Vec<String>> {
    let mut left = network::leftovers()?;
    left.extend(cgroup::processes().iter().map(|pid| format!("process {pid}")));
    let mounts = fs::read_to_string("/proc/self/mounts").context("read the mount table")?;
    left.extend(mounts.lines().filter(|line| line.contains("netdiag-")).map(Into::into));
    if state::root().exists() {
        left.push(format!("files in {}", state::ROOT));
    }
    Ok(left)
}

fn remove_files() -> Result<()> {
    match fs::remove_dir_all(state::ROOT) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.with_context(|| format!("remove {}", state::ROOT)),
    }
}
