//! What a test breaks on a node, mended on drop.

use std::process::Command;

use anyhow::Result;
use netdiag_tests::{Cluster, Node, command};

/// Undone when it goes out of scope.
pub(crate) struct Fault(Option<Command>);

impl Fault {
    /// A rule for what the node forwards: nft's own words.
    pub(crate) fn rule(cluster: &Cluster, node: Node, rule: &str) -> Result<Self> {
        let table = cluster.namespace().replace('-', "_");
        let fault = Self::undone_by(cluster, node, &format!("nft delete table ip {table}"))?;
        let chain = "{ type filter hook forward priority -10; }";
        let words = format!(
            "add table ip {table}; add chain ip {table} forward {chain}; \
             add rule ip {table} forward {rule}"
        );
        cluster.in_node(node, ["nft", &words])?;
        Ok(fault)
    }

    /// A further route of the node.
    pub(crate) fn route(cluster: &Cluster, node: Node, route: &str) -> Result<Self> {
        let fault = Self::undone_by(cluster, node, &format!("ip route del {route}"))?;
        cluster.in_node(node, format!("ip route add {route}").split(' '))?;
        Ok(fault)
    }

    fn undone_by(cluster: &Cluster, node: Node, line: &str) -> Result<Self> {
        Ok(Self(Some(cluster.node_command(node, line.split(' '))?)))
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        // The node may be gone already, or the fault was never made.
        let _ = self.0.take().map(command::finish);
    }
}
