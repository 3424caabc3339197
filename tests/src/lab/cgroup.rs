//! The control groups that hold every process of the cluster, so that none can escape `down`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::wait;

const MOUNT: &str = "/sys/fs/cgroup";
/// The cluster's group in each hierarchy.
const GROUP: &str = "netdiag-cluster";

/// The group of a node, as kubelet's `cgroupRoot` names it.
pub fn of_node(name: &str) -> String {
    format!("/{GROUP}/{name}")
}

/// Makes the cluster's groups and returns the file that takes the PIDs of its daemons.
pub fn create(nodes: &[String]) -> Result<PathBuf> {
    for hierarchy in hierarchies() {
        let cluster = hierarchy.join(GROUP);
        make(&cluster)?;
        for node in nodes {
            make(&cluster.join(node))?;
        }
    }
    let daemons = tracking().join(GROUP).join("daemons");
    make(&daemons)?;
    Ok(daemons.join("cgroup.procs"))
}

/// The processes of the cluster, pods included.
pub fn processes() -> BTreeSet<i32> {
    let mut found = BTreeSet::new();
    for hierarchy in hierarchies() {
        for group in below(&hierarchy.join(GROUP)) {
            let pids = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
            found.extend(pids.lines().filter_map(|pid| pid.parse::<i32>().ok()));
        }
    }
    found
}

/// Kills every process of the cluster and waits until none is left.
pub fn kill_all() -> Result<()> {
    wait::until_true("end the cluster's processes", Duration::from_secs(20), || {
        let pids = processes();
        for &pid in &pids {
            // A process that ended by itself meanwhile is just as well.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        pids.is_empty()
    })
}

/// Removes the cluster's groups, deepest first.
pub fn remove() -> Result<()> {
    for hierarchy in hierarchies() {
        for group in below(&hierarchy.join(GROUP)).into_iter().rev() {
            wait::until("remove a control group", Duration::from_secs(5), || {
                fs::remove_dir(&group).with_context(|| format!("remove {}", group.display()))
            })?;
        }
    }
    Ok(())
}

/// The mount points that may hold groups: one for version 2, one per controller for version 1.
fn hierarchies() -> Vec<PathBuf> {
    let mount = Path::new(MOUNT);
    if mount.join("cgroup.controllers").exists() {
        return vec![mount.into()];
    }
    let Ok(entries) = fs::read_dir(mount) else { return Vec::new() };
    let folders = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|t| t.is_dir()));
    folders.map(|entry| entry.path()).filter(|path| path.join("cgroup.procs").exists()).collect()
}

/// The hierarchy in which the daemons are tracked.
fn tracking() -> PathBuf {
    let version_1 = Path::new(MOUNT).join("pids");
    if version_1.exists() { version_1 } else { MOUNT.into() }
}

fn make(group: &Path) -> Result<()> {
    fs::create_dir_all(group).with_context(|| format!("create {}", group.display()))?;
    let parent = group.parent().context("a group has a parent")?;
    // Version 1: a cpuset without CPUs and memory accepts no process.
    for file in ["cpuset.cpus", "cpuset.mems"] {
        if let Ok(value) = fs::read_to_string(parent.join(file)) {
            let inherited = fs::read_to_string(group.join(file)).unwrap_or_default();
            if inherited.trim().is_empty() && !value.trim().is_empty() {
                fs::write(group.join(file), value.trim())?;
            }
        }
    }
    // Version 2: a child has only the controllers that its parent hands down.
    if parent.join("cgroup.subtree_control").exists() {
        for controller in ["cpu", "cpuset", "memory", "pids", "io", "hugetlb"] {
            // A controller that this kernel lacks is no loss to the tests.
            let _ = fs::write(parent.join("cgroup.subtree_control"), format!("+{controller}"));
        }
    }
    Ok(())
}

/// A group and all groups below it, parents first.
fn below(group: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![group.to_path_buf()];
    while let Some(path) = pending.pop() {
        let Ok(entries) = fs::read_dir(&path) else { continue };
        found.push(path);
        let folders = entries.flatten().filter(|e| e.file_type().is_ok_and(|t| t.is_dir()));
        pending.extend(folders.map(|entry| entry.path()));
    }
    found
}
