//! Agents that die, are not ready, or are not there at all.

use std::time::Duration;

use anyhow::{Result, ensure};
use netdiag_tests::{Agent, Cluster, LABELS, Node, Pair, command::finish, turn, wait};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);

#[test]
#[ignore = "needs a cluster: kills an agent"]
fn an_agent_killed_in_the_middle_keeps_what_was_seen() -> Result<()> {
    let _turn = turn::alone();
    let pair = Pair::start()?;
    for role in ["front", "broker", "worker"] {
        let agent = Agent::on(&pair.cluster, Node::First)?;
        let mut ping = pair.start_ping("-c 100 -i 0.2")?;
        ping.wait_for("icmp_seq=3 ")?;
        agent.kill(role)?;
        let run = ping.finish(SOON)?.exits(2);
        println!("{role} killed: {}", run.stderr);
        assert!(run.stdout.starts_with(&pair.header()), "{}", run.stdout);
        let replied = run.stdout.matches("64 bytes from").count();
        let line =
            format!("error    ND0006  cut off after {replied} of 100 echoes ({replied} replied): ");
        assert!(run.stderr.starts_with(&line), "{}", run.stderr);
        let node = &pair.client.node;
        let next = format!("\n  next   kubectl netdiag doctor node/{node}\n");
        assert!(replied >= 3 && run.stderr.ends_with(&next), "{}", run.stderr);
        agent.replace(&pair.cluster)?;
    }
    Ok(())
}

#[test]
#[ignore = "needs a cluster: stops an agent"]
fn an_agent_that_is_stopped_ends_with_a_report() -> Result<()> {
    let _turn = turn::alone();
    let pair = Pair::start()?;
    let mut ping = pair.start_ping("-c 100 -i 0.2")?;
    ping.wait_for("icmp_seq=3 ")?;
    Agent::on(&pair.cluster, Node::First)?.replace(&pair.cluster)?;
    let run = ping.finish(SOON)?.exits(0).says("\nWARN     ND0309  ");
    println!("{}", run.stdout);
    let _ = run.says(&format!(" of 100: the agent on {} was being stopped\n", pair.client.node));
    Ok(())
}

#[test]
#[ignore = "needs a cluster: kills an agent until it is held back"]
fn an_agent_that_is_not_ready_is_named() -> Result<()> {
    let _turn = turn::alone();
    let pair = Pair::start()?;
    let agent = Agent::on(&pair.cluster, Node::First)?;
    agent.kill("front")?;
    let again = || agent.kill("front");
    // The kubelet starts it at once the first time only.
    wait::until("it is killed again", SOON, again)?;
    let line = format!(
        "error    ND0001  no agent on {}, where {} runs",
        pair.client.node,
        pair.client.target()
    );
    let run = wait::until("it is not ready", SOON, || {
        let run = pair.ping("-c 1")?;
        ensure!(run.code == Some(2) && run.stderr.contains("is not ready"), "{run:?}");
        Ok(run)
    });
    agent.replace(&pair.cluster)?;
    let run = run?.refuses(&line);
    println!("{}", run.stderr);
    let seen = format!("\n  seen   netdiag/pod/{} is not ready\n", agent.pod.name);
    assert!(run.stderr.contains(&seen), "{}", run.stderr);
    let next = format!("  next   kubectl netdiag ping {} --from node/", pair.server.target());
    assert!(run.stderr.contains(&next), "{}", run.stderr);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: taints a node and removes its agent"]
fn a_node_without_an_agent_is_named_with_the_taint() -> Result<()> {
    let _turn = turn::alone();
    let pair = Pair::start()?;
    let cluster = &pair.cluster;
    let (node, other) = (&pair.client.node, &pair.server.node);
    let bare = Bare::make(cluster, node)?;
    let run = pair.ping("-c 1")?;
    let line = format!("error    ND0001  no agent on {node}, where {} runs", pair.client.target());
    let run = run.refuses(&line);
    println!("{}", run.stderr);
    let seen = format!(
        "  seen   taint dedicated=gpu:NoSchedule on {node} is not tolerated by DaemonSet netdiag/netdiag\n"
    );
    let next =
        format!("  next   kubectl netdiag ping {} --from node/{other}\n", pair.server.target());
    assert_eq!(run.stderr, format!("{line}\n{seen}{next}"));

    let run = cluster.netdiag(["doctor"])?.exits(1);
    println!("{}", run.stdout);
    let fail =
        format!("\nFAIL     ND0001  {node} has no agent: nothing can be sent from its pods\n");
    let admin =
        "  admin  add dedicated=gpu:NoSchedule to the chart's tolerations, then helm upgrade\n";
    let run = run.says(&format!("{fail}{admin}"));
    let _ = run.says("  -        none: taint dedicated=gpu:NoSchedule is not tolerated\n");
    let report: Value = cluster.netdiag(["doctor", "-o", "json"])?.exits(1).json();
    let agents = report["doctor"]["agents"].as_array().into_iter().flatten();
    let missing: Vec<_> = agents.filter(|agent| agent["ready"] == false).collect();
    assert!(missing.len() == 1 && missing[0]["node"] == node.as_str(), "{report}");
    let run = cluster.netdiag(["doctor", "-o", "verdict"])?.exits(1);
    assert!(
        run.stdout.starts_with(&fail[1..]) && run.stdout.lines().count() == 1,
        "{}",
        run.stdout
    );

    let run = cluster.netdiag(["version"])?.exits(0);
    let _ = run.says(&format!("\nWARN     ND0001  {node} has no agent: nothing can be sent"));
    bare.mend()
}

/// A node that is tainted, and agents that do not tolerate it.
struct Bare<'a> {
    cluster: &'a Cluster,
    node: &'a str,
    /// What the DaemonSet was.
    spec: Value,
}

impl<'a> Bare<'a> {
    fn make(cluster: &'a Cluster, node: &'a str) -> Result<Self> {
        let spec = Agent::daemon_set(cluster)?["spec"].clone();
        let bare = Self { cluster, node, spec };
        // Only what is deleted is made anew, so that the other node keeps its agent.
        let spec = json!({
            "updateStrategy": { "type": "OnDelete", "rollingUpdate": null },
            "template": { "spec": { "tolerations": null } },
        });
        bare.patch(&spec)?;
        cluster.kubectl(["taint", "node", node, "dedicated=gpu:NoSchedule"])?;
        let place = format!("--field-selector=spec.nodeName={node}");
        cluster.kubectl(["delete", "pods", "-n", "netdiag", "-l", LABELS, &place])?;
        Ok(bare)
    }

    fn patch(&self, spec: &Value) -> Result<()> {
        let patch = json!({ "spec": spec }).to_string();
        let words =
            ["patch", "daemonset", "netdiag", "-n", "netdiag", "--type=merge", "-p", &patch];
        self.cluster.kubectl(words).map(drop)
    }

    fn mend(self) -> Result<()> {
        let cluster = self.cluster;
        drop(self);
        Agent::ready(cluster)
    }
}

impl Drop for Bare<'_> {
    fn drop(&mut self) {
        let taint = ["taint", "node", self.node, "dedicated=gpu:NoSchedule-"];
        // The cluster may be gone already, or the taint never made.
        let _ = finish(self.cluster.kubectl_command(taint));
        let _ = self.patch(&json!({
            "updateStrategy": self.spec["updateStrategy"],
            "template": { "spec": { "tolerations": self.spec["template"]["spec"]["tolerations"] } },
        }));
    }
}
