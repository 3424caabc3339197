//! Two pods on two nodes, and pings from the one to the other.

use anyhow::Result;
use netdiag_tests::{Cluster, Node, Pod, Run, Running};

pub(crate) struct Pair {
    pub(crate) cluster: Cluster,
    /// On the first node: the source.
    pub(crate) client: Pod,
    /// On the second node: the target.
    pub(crate) server: Pod,
}

impl Pair {
    pub(crate) fn start() -> Result<Self> {
        let cluster = Cluster::with_agents()?;
        let client = cluster.pod("client").on(Node::First).start()?;
        let server = cluster.pod("server").on(Node::Second).start()?;
        Ok(Self { cluster, client, server })
    }

    /// The line that every one of its screens begins with.
    pub(crate) fn header(&self) -> String {
        let end = |pod: &Pod| format!("{} ({}, {})", pod.target(), pod.ip(), pod.node);
        format!("{} -> {}\n", end(&self.client), end(&self.server))
    }

    /// `ping SERVER --from CLIENT FLAGS`.
    pub(crate) fn ping(&self, flags: &str) -> Result<Run> {
        self.ping_to(&self.server.target(), flags)
    }

    /// `ping WORDS --from CLIENT FLAGS`.
    pub(crate) fn ping_to(&self, words: &str, flags: &str) -> Result<Run> {
        let from = self.client.target();
        let line = format!("ping {words} --from {from} {flags}");
        self.cluster.netdiag(line.split_whitespace())
    }

    /// As [`Self::ping`], only started.
    pub(crate) fn start_ping(&self, flags: &str) -> Result<Running> {
        let (target, from) = (self.server.target(), self.client.target());
        let words = ["ping", &target, "--from", &from];
        self.cluster.netdiag_start(words.into_iter().chain(flags.split_whitespace()))
    }
}
