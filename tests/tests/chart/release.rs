//! The one release that a cluster can hold, driven by the real Helm.

use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, ensure};
use netdiag_tests::{Cluster, command, environment::checkout, parts::Parts};
use serde_json::Value;

/// Names of roles are fixed, so the tests of this file take turns.
static TURN: Mutex<()> = Mutex::new(());

/// A cluster on which netdiag is installed, and this test's turn to change that.
pub(crate) struct Release {
    pub(crate) cluster: Cluster,
    parts: Parts,
    _turn: MutexGuard<'static, ()>,
}

impl Release {
    pub(crate) fn take() -> Result<Self> {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let cluster = Cluster::with_agents()?;
        ensure!(cluster.is_own(), "these tests change the release: not on a cluster in use");
        Ok(Self { cluster, parts: Parts::build()?, _turn: turn })
    }

    /// Installs or upgrades the chart, changing these values (JSON) and no others.
    pub(crate) fn upgrade(&self, values: &[&str]) -> Result<String> {
        let mut helm = self.helm("upgrade --install --reuse-values --wait --timeout 2m netdiag");
        helm.arg(checkout().join("charts/netdiag"));
        for value in values {
            helm.args(["--set-json", value]);
        }
        command::finish(helm)
    }

    /// A Helm command in the agents' namespace.
    pub(crate) fn helm(&self, words: &str) -> Command {
        let mut helm = command::command(self.parts.program("helm"));
        helm.arg("--kubeconfig").arg(self.cluster.kubeconfig());
        helm.args(words.split_whitespace()).args(["--namespace", "netdiag"]);
        helm
    }

    /// What kubectl, as an administrator, prints.
    pub(crate) fn kubectl(&self, words: &str) -> Result<String> {
        self.cluster.kubectl(words.split_whitespace())
    }

    /// The items of a list.
    pub(crate) fn list(&self, words: &str) -> Result<Vec<Value>> {
        let mut list = self.cluster.object(words.split_whitespace())?;
        serde_json::from_value(list["items"].take()).with_context(|| format!("{words}: no list"))
    }

    /// Posts an object to an API path and returns the answer.
    pub(crate) fn post(&self, path: &str, object: &Value) -> Result<Value> {
        let kubectl = self.cluster.kubectl_command(["create", "--raw", path, "-f", "-"]);
        let answer = command::feed(kubectl, object.to_string().as_bytes())?;
        serde_json::from_str(&answer).with_context(|| format!("the answer of {path}"))
    }
}
