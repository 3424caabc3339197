//! Where a running cluster keeps its files: on the machine, not in a checkout.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Everything that a cluster writes to disk.
pub const ROOT: &str = "/var/lib/netdiag-cluster";

pub fn root() -> PathBuf {
    ROOT.into()
}

pub fn pki() -> PathBuf {
    root().join("pki")
}

pub fn logs() -> PathBuf {
    root().join("logs")
}

pub fn images() -> PathBuf {
    root().join("images")
}

/// What the API server did for whom; tests count its lines.
pub fn audit_log() -> PathBuf {
    logs().join("audit.log")
}

/// The administrator's kubeconfig.
pub fn kubeconfig() -> PathBuf {
    root().join("kubeconfig")
}

/// A node's `/var`, bound there in the node's mount namespace.
pub fn node_var(number: u8) -> PathBuf {
    root().join(format!("node-{number}/var"))
}

/// Holds the PID of the process that keeps a node's namespaces.
pub fn node_pid(number: u8) -> PathBuf {
    root().join(format!("node-{number}/pid"))
}

/// Writes a file and the folders above it.
pub fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("create {}", parent.display()))?;
    }
    fs::write(path, content).with_context(|| format!("write {}", path.display()))
}
