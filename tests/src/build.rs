//! Building the product: the plugin, and the agent's image without an engine.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::archive::{Entry, Image};
use crate::command::{command, show};
use crate::environment::{checkout, variable};

/// Builds the plugin for release and returns its path.
pub fn plugin() -> Result<PathBuf> {
    let mut cargo = command("cargo");
    cargo.current_dir(checkout()).args(["build", "--release", "-p", "kubectl-netdiag"]);
    show(cargo)?;
    Ok(plugin_path())
}

/// Where [`plugin`] leaves the plugin.
pub fn plugin_path() -> PathBuf {
    checkout().join("target/release/kubectl-netdiag")
}

/// Where [`image`] leaves the archive.
pub fn image_path() -> PathBuf {
    checkout().join("target/image/netdiag-agent.tar")
}

/// Builds the agent as one static binary and writes an image that holds nothing else.
pub fn image() -> Result<PathBuf> {
    image_in(&checkout().join("target"))
}

/// As [`image`], compiled in this folder and left there.
pub fn image_in(target: &Path) -> Result<PathBuf> {
    let program = static_agent(target)?;
    let bytes = fs::read(&program).with_context(|| format!("read {}", program.display()))?;
    let version = env!("CARGO_PKG_VERSION");
    let image = Image {
        name: format!("netdiag-agent:{version}"),
        entrypoint: vec!["/netdiag-agent".into()],
        user: "65532:65532",
        labels: vec![
            ("org.opencontainers.image.title", "netdiag-agent".into()),
            (
                "org.opencontainers.image.description",
                "Sends network probes from the namespaces of a node's pods".into(),
            ),
            ("org.opencontainers.image.version", version.into()),
            ("org.opencontainers.image.licenses", env!("CARGO_PKG_LICENSE").into()),
        ],
        entries: vec![Entry::program("netdiag-agent", bytes)],
        compressed: true,
    };
    let path = target.join("image/netdiag-agent.tar");
    fs::create_dir_all(path.parent().context("the archive has a folder")?)?;
    image.write(&path)?;
    Ok(path)
}

fn static_agent(into: &Path) -> Result<PathBuf> {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let home = variable("HOME").unwrap_or_default();
    let registry = variable("CARGO_HOME").unwrap_or(format!("{home}/.cargo"));
    // The same binary wherever the crates lie. As configuration, not as $RUSTFLAGS: that would
    // replace what .cargo/config.toml says.
    let flags = format!(
        r#"target.{target}.rustflags=[
            "-C", "target-feature=+crt-static", "--remap-path-prefix", "{registry}=/cargo"
        ]"#
    );
    let mut cargo = command("cargo");
    // With --target, so that the flag does not reach build scripts and procedural macros.
    cargo
        .current_dir(checkout())
        .args(["build", "--profile=agent", "-p", "netdiag-agent", "--target", &target])
        .args(["--config", &flags, "--locked", "--target-dir"])
        .arg(into);
    show(cargo)?;
    Ok(into.join(target).join("agent/netdiag-agent"))
}
