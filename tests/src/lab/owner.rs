//! One cluster per machine: whose it is, and who is just now changing it.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use super::settings::Settings;
use super::{cgroup, state};
use crate::environment::checkout;

const LOCK: &str = "/run/lock/netdiag-cluster.lock";

/// What `up` notes about the cluster that it starts.
#[derive(Debug, Deserialize, Serialize)]
pub struct Note {
    pub checkout: PathBuf,
    pub settings: Settings,
    /// Whether `up` came to its end.
    pub ready: bool,
}

/// Keeps others from starting or stopping the cluster, until dropped.
pub fn lock() -> Result<Flock<File>> {
    std::fs::create_dir_all("/run/lock")?;
    let file = File::create(LOCK).with_context(|| format!("open {LOCK}"))?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(lock),
        Err((file, _)) => {
            crate::progress::say("another `cluster` command is running: waiting for it");
            Flock::lock(file, FlockArg::LockExclusive)
                .map_err(|(_, error)| error)
                .with_context(|| format!("lock {LOCK}"))
        }
    }
}

impl Note {
    pub fn read() -> Option<Self> {
        serde_json::from_slice(&std::fs::read(path()).ok()?).ok()
    }

    pub fn write(settings: &Settings, ready: bool) -> Result<()> {
        let note = Self { checkout: checkout(), settings: settings.clone(), ready };
        state::write(&path(), serde_json::to_vec_pretty(&note)?)
    }

    /// Whether this cluster is up and may be used as it is.
    pub fn usable(&self, settings: &Settings) -> bool {
        self.ready && self.settings == *settings && !cgroup::processes().is_empty()
    }
}

/// Refuses to touch a living cluster of another checkout.
pub fn check() -> Result<()> {
    let Some(note) = Note::read() else { return Ok(()) };
    let alive = !cgroup::processes().is_empty();
    if alive && note.checkout != checkout() && note.checkout.exists() {
        bail!(
            "the checkout {} has a test cluster running, and one machine holds one: \
             stop it with `make cluster-down` there, or with `make cluster-down FORCE=1` here",
            note.checkout.display()
        );
    }
    Ok(())
}

fn path() -> PathBuf {
    Path::new(state::ROOT).join("owner.json")
}
