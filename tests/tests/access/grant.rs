//! Bindings outside a test's own namespace, taken back when the test ends.

use anyhow::Result;
use netdiag_tests::{Cluster, command};
use std::process::Command;

/// A binding that was created; deleted on drop.
pub(crate) struct Grant(Option<Command>);

impl Grant {
    /// `rolebinding NAME -n NAMESPACE --role=…` or `clusterrolebinding NAME --clusterrole=…`, as
    /// kubectl creates it.
    pub(crate) fn create(cluster: &Cluster, words: &[&str]) -> Result<Self> {
        let delete = ["delete", "--wait=false", "--ignore-not-found"].iter().chain(words);
        let delete = delete.filter(|word| !is_content(word));
        let grant = Self(Some(cluster.kubectl_command(delete)));
        cluster.kubectl(["create"].iter().chain(words))?;
        Ok(grant)
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        // The cluster may be gone already.
        let _ = self.0.take().map(command::finish);
    }
}

fn is_content(word: &str) -> bool {
    ["--role", "--clusterrole", "--user", "--group", "--serviceaccount"]
        .iter()
        .any(|flag| word.starts_with(flag))
}
