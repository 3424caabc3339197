//! Writes `manifests/netdiag.yaml`: the namespace, and the chart rendered with its defaults.

use std::fs;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use netdiag_tests::{command, environment::checkout, parts::Parts};

const HEAD: &str = "\
# The chart charts/netdiag with its defaults. Written by `make manifests`; do not edit.
#
#   kubectl apply -f manifests/
apiVersion: v1
kind: Namespace
metadata:
  name: netdiag
  labels:
    # hostPID, SYS_ADMIN and SYS_PTRACE, which the levels below refuse.
    pod-security.kubernetes.io/enforce: privileged
    pod-security.kubernetes.io/audit: privileged
    pod-security.kubernetes.io/warn: privileged
";

#[derive(Parser)]
struct Args {
    /// Write nothing; fail when the file is not what the chart renders
    #[arg(long)]
    check: bool,
}

fn main() -> Result<()> {
    let path = checkout().join("manifests/netdiag.yaml");
    let rendered = render()?;
    if !Args::parse().check {
        return fs::write(&path, rendered).with_context(|| format!("write {}", path.display()));
    }
    let committed =
        fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    ensure!(committed == rendered, "manifests/netdiag.yaml is stale: run `make manifests`");
    Ok(())
}

fn render() -> Result<String> {
    let chart = checkout().join("charts/netdiag");
    let mut helm = command::command(Parts::build()?.program("helm"));
    helm.args(["template", "netdiag"]).arg(chart);
    helm.args(["--namespace", "netdiag", "--no-hooks", "--skip-tests"]);
    Ok(format!("{HEAD}{}", command::finish(helm)?))
}
