//! The one release that a cluster can hold, driven by the real Helm and kubectl.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use netdiag_tests::{command, environment::checkout, lab::state, parts::Parts};
use serde_json::Value;

/// Names of roles are fixed, so the tests of this file take turns.
static TURN: Mutex<()> = Mutex::new(());

pub(crate) struct Release {
    kubeconfig: PathBuf,
    parts: Parts,
    _turn: MutexGuard<'static, ()>,
}

impl Release {
    /// Waits for this test's turn; what is installed is what the test before left.
    pub(crate) fn take() -> Result<Self> {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Self { kubeconfig: state::kubeconfig(), parts: Parts::build()?, _turn: turn })
    }

    /// As `take`, with these values (JSON) and all agents ready.
    pub(crate) fn install(values: &[&str]) -> Result<Self> {
        let release = Self::take()?;
        release.kubectl("create namespace netdiag").or_else(|e| match format!("{e:#}") {
            text if text.contains("AlreadyExists") => Ok(String::new()),
            _ => Err(e),
        })?;
        release.upgrade(values)?;
        Ok(release)
    }

    /// `helm upgrade --install`, from the defaults and these values alone.
    pub(crate) fn upgrade(&self, values: &[&str]) -> Result<String> {
        let mut helm = self.helm("upgrade --install --reset-values --wait --timeout 2m netdiag");
        helm.arg(checkout().join("charts/netdiag"));
        for value in values {
            helm.args(["--set-json", value]);
        }
        command::finish(helm)
    }

    /// A Helm command in the agents' namespace.
    pub(crate) fn helm(&self, words: &str) -> Command {
        let mut helm = self.program("helm");
        helm.args(words.split_whitespace()).args(["--namespace", "netdiag"]);
        helm
    }

    /// What kubectl, as an administrator, prints.
    pub(crate) fn kubectl(&self, words: &str) -> Result<String> {
        let mut kubectl = self.program("kubectl");
        kubectl.args(words.split_whitespace());
        command::finish(kubectl)
    }

    /// `kubectl get`, as JSON.
    pub(crate) fn get(&self, words: &str) -> Result<Value> {
        let json = self.kubectl(&format!("get {words} -o json"))?;
        serde_json::from_str(&json).context("kubectl's JSON")
    }

    /// Posts an object to an API path and returns the answer.
    pub(crate) fn post(&self, path: &str, object: &Value) -> Result<Value> {
        let mut kubectl = self.program("kubectl");
        kubectl.args(["create", "--raw", path, "-f", "-"]);
        let answer = command::feed(kubectl, object.to_string().as_bytes())?;
        serde_json::from_str(&answer).with_context(|| format!("the answer of {path}"))
    }

    pub(crate) fn program(&self, name: &str) -> Command {
        let mut program = command::command(self.parts.program(name));
        program.env("KUBECONFIG", &self.kubeconfig);
        program
    }
}
