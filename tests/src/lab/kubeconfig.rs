//! Kubeconfig files, each complete in itself.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

use super::pki::Pair;
use super::{addresses, pki, state};

/// Writes a kubeconfig in which `user` shows the certificate of `pair`.
pub fn write(path: &Path, user: &str, pair: &Pair) -> Result<()> {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "netdiag-tests",
        "clusters": [{
            "name": "netdiag-tests",
            "cluster": {
                "server": addresses::API_SERVER,
                "certificate-authority-data": inline(&pki::ca_path())?,
            },
        }],
        "users": [{
            "name": user,
            "user": {
                "client-certificate-data": inline(&pair.certificate)?,
                "client-key-data": inline(&pair.key)?,
            },
        }],
        "contexts": [{
            "name": "netdiag-tests",
            "context": { "cluster": "netdiag-tests", "user": user },
        }],
    });
    // JSON is YAML.
    state::write(path, serde_json::to_vec_pretty(&config)?)
}

fn inline(path: &Path) -> Result<String> {
    use base64::Engine;
    let bytes = fs::read(path).with_context(|| format!("read {}", path.display()))?;
    Ok(base64::engine::general_purpose::STANDARD.encode(bytes))
}
