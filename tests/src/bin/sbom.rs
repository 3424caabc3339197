//! `make sbom`: what the agent and the plugin are made of, as CycloneDX, in `target/sbom`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use netdiag_tests::command::{command, show};
use netdiag_tests::environment::checkout;
use netdiag_tests::tools;
use serde_json::Value;

/// Crate, and the file that cargo-cyclonedx leaves in its folder.
const PROGRAMS: [(&str, &str); 2] =
    [("agent", "netdiag-agent_bin.cdx.json"), ("kubectl-netdiag", "kubectl-netdiag_bin.cdx.json")];

fn main() -> Result<()> {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut cyclonedx = command(tools::cargo_cyclonedx()?);
    cyclonedx.current_dir(checkout()).args(["cyclonedx", "--format", "json", "--spec-version"]);
    cyclonedx.args(["1.5", "--describe", "binaries", "--quiet", "--target", &target]);
    show(cyclonedx)?;
    let folder = checkout().join("target/sbom");
    fs::create_dir_all(&folder)?;
    for (of, name) in PROGRAMS {
        let text = fs::read_to_string(checkout().join(of).join(name))
            .with_context(|| format!("no {name} from cargo-cyclonedx"))?;
        let path = folder.join(name.replace("_bin", ""));
        fs::write(&path, checked(&text)?).with_context(|| format!("write {}", path.display()))?;
    }
    sweep(&checkout())
}

/// Without the folder that it was written in, and with every crate of the program in it.
fn checked(text: &str) -> Result<String> {
    let text = text.replace(&format!("{}", checkout().display()), "/netdiag");
    let read: Value = serde_json::from_str(&text)?;
    let components = read["components"].as_array().context("no components")?;
    let has = |name: &str| components.iter().any(|component| component["name"] == name);
    ensure!(read["bomFormat"] == "CycloneDX" && has("rustls") && has("tokio"), "not all is in it");
    Ok(text)
}

/// cargo-cyclonedx writes one for every program of the workspace, beside its sources.
fn sweep(workspace: &Path) -> Result<()> {
    for member in fs::read_dir(workspace)? {
        let Ok(files) = fs::read_dir(member?.path()) else { continue };
        for file in files {
            let path = file?.path();
            if path.to_string_lossy().ends_with("_bin.cdx.json") {
                fs::remove_file(&path)?;
            }
        }
    }
    Ok(())
}
