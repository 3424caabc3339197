//! One agent as its node sees it: its processes and what they hold open.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use netdiag_tests::{Cluster, Node, Pod, wait};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

pub(crate) const LABELS: &str = "app.kubernetes.io/name=netdiag,app.kubernetes.io/component=agent";

pub(crate) struct Agent {
    pub(crate) pod: Pod,
}

impl Agent {
    pub(crate) fn on(cluster: &Cluster, node: Node) -> Result<Self> {
        let node = node.name(cluster)?;
        let place = format!("spec.nodeName={node}");
        let words = ["pods", "-n", "netdiag", "-l", LABELS, "--field-selector", &place];
        let list = cluster.object(words)?;
        let mut pods = list["items"].as_array().into_iter().flatten();
        let pod = pods.find(|pod| pod["metadata"]["deletionTimestamp"].is_null());
        let name = pod.and_then(|pod| pod["metadata"]["name"].as_str());
        let name = name.with_context(|| format!("no agent on {node}"))?;
        Ok(Self { pod: Pod::read(cluster, "netdiag", name)? })
    }

    /// The PIDs of its processes by what they do: `front`, `broker`, `worker`; others by name.
    pub(crate) fn processes(&self) -> Result<BTreeMap<String, Vec<u32>>> {
        let mut roles: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for pid in self.pod.processes()? {
            // One that ended meanwhile is none of them; one that nobody waited for has no words.
            let Ok(line) = fs::read_to_string(format!("/proc/{pid}/cmdline")) else { continue };
            let mut words = line.split('\0');
            let name = words.next().filter(|name| !name.is_empty()).unwrap_or("defunct");
            let role = words.next().filter(|word| !word.is_empty()).unwrap_or(name);
            roles.entry(role.into()).or_default().push(pid);
        }
        Ok(roles)
    }

    pub(crate) fn process(&self, role: &str) -> Result<u32> {
        let pids = self.processes()?.remove(role).unwrap_or_default();
        ensure!(pids.len() == 1, "{}: {role} runs as {pids:?}", self.pod.name);
        Ok(pids[0])
    }

    /// What a process of it holds open, sorted.
    pub(crate) fn descriptors(&self, role: &str) -> Result<Vec<String>> {
        let folder = format!("/proc/{}/fd", self.process(role)?);
        let mut links: Vec<String> = fs::read_dir(folder)?
            .flatten()
            .filter_map(|entry| fs::read_link(entry.path()).ok())
            .map(|link| link.to_string_lossy().into_owned())
            .collect();
        links.sort();
        Ok(links)
    }

    pub(crate) fn kill(&self, role: &str) -> Result<()> {
        Ok(kill(Pid::from_raw(self.process(role)?.try_into()?), Signal::SIGKILL)?)
    }

    /// How often its containers were started again.
    pub(crate) fn restarts(&self, cluster: &Cluster) -> Result<u64> {
        let pod = cluster.object(["pod", &self.pod.name, "-n", "netdiag"])?;
        let containers = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
        Ok(containers.filter_map(|container| container["restartCount"].as_u64()).sum())
    }

    /// Deletes it, so that its node gets a new one, and waits for that.
    pub(crate) fn replace(&self, cluster: &Cluster) -> Result<()> {
        cluster.kubectl(["delete", "pod", &self.pod.name, "-n", "netdiag"])?;
        ready(cluster)
    }
}

/// Waits until every node has a ready agent.
pub(crate) fn ready(cluster: &Cluster) -> Result<()> {
    wait::until("every node has a ready agent", Duration::from_secs(90), || {
        let list = cluster.object(["daemonset", "-n", "netdiag", "-l", LABELS])?;
        let set = &list["items"][0];
        let number = |name: &str| set["status"][name].as_u64().unwrap_or(0);
        let seen = set["status"]["observedGeneration"] == set["metadata"]["generation"];
        let nodes = cluster.object(["nodes"])?["items"].as_array().map_or(0, Vec::len) as u64;
        let wanted = number("desiredNumberScheduled");
        ensure!(seen && wanted == nodes && number("numberReady") == wanted, "{}", set["status"]);
        Ok(())
    })
}

/// The agents' DaemonSet as it is now.
pub(crate) fn daemon_set(cluster: &Cluster) -> Result<Value> {
    let list = cluster.object(["daemonset", "-n", "netdiag", "-l", LABELS])?;
    list["items"].get(0).cloned().context("no DaemonSet of netdiag")
}
