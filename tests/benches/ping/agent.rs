//! What an agent costs while nobody asks it anything.

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use netdiag_tests::progress::say;
use netdiag_tests::{Cluster, Footprint, Node};

/// How long the agent is watched.
const IDLE: Duration = Duration::from_secs(60);

/// Memory in MiB as front's and broker's pages are counted, and as they are shared out between
/// those that map them; CPU in thousandths of a core.
pub(crate) struct AtRest {
    rss_mib: f64,
    pss_mib: f64,
    millicores: f64,
}

impl AtRest {
    pub(crate) fn memory(&self) -> String {
        format!("{:.1} MiB RSS ({:.1} MiB PSS)", self.rss_mib, self.pss_mib)
    }

    pub(crate) fn cpu(&self) -> String {
        format!("{:.2} m", self.millicores)
    }
}

pub(crate) fn at_rest(cluster: &Cluster) -> Result<AtRest> {
    let footprint = Footprint::of_agent(cluster, Node::First)?;
    say("watching an agent at rest for a minute");
    let before = footprint.cpu_ns()?;
    thread::sleep(IDLE);
    let millicores = (footprint.cpu_ns()? - before) as f64 / IDLE.as_nanos() as f64 * 1000.0;
    let mib = |kib: u64| kib as f64 / 1024.0;
    Ok(AtRest {
        rss_mib: mib(footprint.kib("Rss")?),
        pss_mib: mib(footprint.kib("Pss")?),
        millicores,
    })
}

/// The archive's size in MB: its one layer is compressed, all else is a few hundred bytes.
pub(crate) fn image_mb() -> Result<f64> {
    Ok(fs::metadata(netdiag_tests::build::image_path())?.len() as f64 / 1e6)
}
