//! The agent stays small: it is on every node, and nearly always at rest.

use anyhow::Result;
use netdiag_tests::{Cluster, Footprint, Node};

/// The goal is 10 MiB; beyond this something has gone wrong.
const MOST_MIB: u64 = 24;

#[test]
#[ignore = "needs a cluster: reads the memory of its agents"]
fn an_agent_that_has_served_stays_small() -> Result<()> {
    let cluster = Cluster::with_agents()?;
    let source = cluster.pod("foo").on(Node::First).start()?;
    let _ = cluster.netdiag(["ping", "127.0.0.1", "-c", "3", "--from", &source.target()])?.exits(0);
    let rss = Footprint::of_agent(&cluster, Node::First)?.kib("Rss")?;
    assert!(rss < MOST_MIB * 1024, "front and broker together: {rss} KiB");
    Ok(())
}
