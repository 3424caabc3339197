//! HTTP on 127.0.0.1: who asks, whether they may, and which broker order follows from it.

/// Arguments of `netdiag-agent front`.
#[derive(clap::Args)]
pub struct Args {}

/// Serves until SIGTERM.
pub fn run(_args: Args) -> anyhow::Result<()> {
    Ok(())
}

/// The exec liveness probe.
pub fn live() -> anyhow::Result<()> {
    Ok(())
}

/// What `helm test` runs.
pub fn selftest() -> anyhow::Result<()> {
    Ok(())
}
