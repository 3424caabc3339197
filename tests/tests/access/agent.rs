//! One agent: its pod, the tokens it wants, its audit lines and its workers.

use std::fs;

use anyhow::{Context, Result};
use netdiag_tests::{Cluster, Node, Pod};
use serde_json::Value;

pub(crate) const LABELS: &str = "app.kubernetes.io/name=netdiag,app.kubernetes.io/component=agent";

pub(crate) struct Agent {
    pub(crate) pod: Pod,
}

impl Agent {
    pub(crate) fn on(cluster: &Cluster, node: Node) -> Result<Self> {
        let node = node.name(cluster)?;
        let place = format!("spec.nodeName={node}");
        let list =
            cluster.object(["pods", "-n", "netdiag", "-l", LABELS, "--field-selector", &place])?;
        let mut pods = list["items"].as_array().into_iter().flatten();
        let pod = pods.find(|pod| {
            pod["metadata"]["deletionTimestamp"].is_null()
                && pod["metadata"]["ownerReferences"][0]["kind"] == "DaemonSet"
        });
        let name = pod.and_then(|pod| pod["metadata"]["name"].as_str());
        let name = name.with_context(|| format!("no agent on {node}"))?;
        Ok(Self { pod: Pod::read(cluster, "netdiag", name)? })
    }

    /// Of a token that is for this agent alone.
    pub(crate) fn audience(&self) -> String {
        format!("netdiag.dev/agent/{}", self.pod.uid)
    }

    /// All audit lines so far.
    pub(crate) fn audit(&self, cluster: &Cluster) -> Result<Vec<Value>> {
        let words = ["logs", "-n", "netdiag", &self.pod.name, "-c", "front"];
        let log = cluster.kubectl(words)?;
        let lines = log.lines().filter_map(|line| serde_json::from_str(line).ok());
        Ok(lines.filter(|line: &Value| line["audit"].is_string()).collect())
    }

    /// The PID of one of its processes: `front`, `broker`.
    pub(crate) fn process(&self, role: &str) -> Result<u32> {
        let mut pids = self.pod.processes()?.into_iter();
        let plays = |pid: &u32| {
            let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.split('\0').nth(1) == Some(role)
        };
        pids.find(plays).with_context(|| format!("{} has no {role}", self.pod.name))
    }

    /// A number that grows with every worker that ended, and no less with one that lives.
    ///
    /// Page faults of children that were waited for: no program runs without any.
    pub(crate) fn workers(&self) -> Result<(u64, usize)> {
        let broker = self.process("broker")?;
        let stat = fs::read_to_string(format!("/proc/{broker}/stat"))?;
        let fields = stat.rsplit_once(')').context("a stat line")?.1;
        let faults = fields.split_whitespace().nth(8).context("cminflt")?.parse()?;
        let children = fs::read_to_string(format!("/proc/{broker}/task/{broker}/children"))?;
        Ok((faults, children.split_whitespace().count()))
    }
}
