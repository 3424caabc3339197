//! T5: a pod forged to look like the mirror of a static pod leads nowhere.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use netdiag_tests::{Agent, Cluster, Netns, Node, Pod, User, command, turn, wait};
use serde_json::json;

use crate::door::{self, Answer, Door};
use crate::team::Team;

const PROBES: usize = 100;

#[test]
#[ignore = "needs a cluster: forges a mirror pod"]
fn t5_forged_mirror_pod() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let team = Team::create(&cluster, &["basic"])?;
    let victim = cluster.pod("victim").on(Node::First).start()?;
    let forger = Forger::new(&cluster, &team, &victim)?;
    let agent = Agent::on(&cluster, Node::First)?;
    let token = team.token(&cluster, &agent)?;
    let door = Door::open(&cluster, &agent)?;
    let netns = Netns::of_pod(&victim)?;
    let packets = || netns.run(|| Ok(fs::read_to_string("/proc/thread-self/net/snmp")?));
    let before = packets()?;

    // As forged; then with the victim's address in its status, which a tenant could not even write.
    for with_address in [false, true] {
        let mut refusals = BTreeMap::new();
        wait::until("it was probed", Duration::from_secs(90), || {
            forger.forge(with_address)?;
            loop {
                let answer = door.ask_with(&token, "ping", &forger.request())?;
                assert_ne!(answer.status, 200, "{answer:?}");
                let why = why(&answer);
                if answer.code() == "tooMany" || why.starts_with("no pod ") {
                    break;
                }
                *refusals.entry(why).or_insert(0) += 1;
                if refusals.values().sum::<usize>() >= PROBES {
                    return Ok(());
                }
            }
            anyhow::bail!("the kubelet removed it: {refusals:?}")
        })?;
        println!("{PROBES} probes, {PROBES} refused, address lent: {with_address}: {refusals:?}");
    }
    assert_eq!(packets()?, before, "the victim's counters");
    Ok(())
}

impl Drop for Forger<'_> {
    fn drop(&mut self) {
        let let_go = r#"{"metadata":{"finalizers":null}}"#;
        let words = ["patch", "pod", "forged", "-n", self.namespace, "-p", let_go];
        // Never forged, or gone with the cluster.
        let _ = self.cluster.kubectl(words);
    }
}

/// Someone who may create pods in one namespace, and no more.
struct Forger<'a> {
    cluster: &'a Cluster,
    user: User,
    namespace: &'a str,
    victim: &'a Pod,
}

impl<'a> Forger<'a> {
    fn new(cluster: &'a Cluster, team: &'a Team, victim: &'a Pod) -> Result<Self> {
        let namespace = team.name();
        let user = cluster.user("mallory", &[])?;
        let role = ["create", "role", "pods", "-n", namespace, "--verb=create", "--resource=pods"];
        cluster.kubectl(role)?;
        let binding =
            ["create", "rolebinding", "pods", "-n", namespace, "--role=pods", "--user=mallory"];
        cluster.kubectl(binding)?;
        Ok(Self { cluster, user, namespace, victim })
    }

    /// Creates the pod, unless it is there.
    fn forge(&self, with_address: bool) -> Result<()> {
        let mut kubectl = self.cluster.kubectl_command(["--kubeconfig"]);
        kubectl.arg(self.user.kubeconfig()).args(["create", "-f", "-"]);
        let created = command::feed(kubectl, self.manifest().to_string().as_bytes());
        created.map(drop).or_else(|error| {
            let is_there = format!("{error:#}").contains("AlreadyExists");
            if is_there { Ok(()) } else { Err(error) }
        })?;
        if with_address {
            let ips = json!([{ "ip": self.victim.ip() }]);
            let status = json!({ "podIP": self.victim.ip(), "podIPs": ips, "phase": "Running" });
            let patch = json!({ "status": status }).to_string();
            let words = ["patch", "pod", "forged", "-n", self.namespace, "--subresource=status"];
            self.cluster.kubectl(words.iter().copied().chain(["-p", &patch]))?;
        }
        Ok(())
    }

    fn manifest(&self) -> serde_json::Value {
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": "forged",
                "namespace": self.namespace,
                // The kubelet deletes it at sight; so it lingers.
                "finalizers": ["netdiag.dev/lingers"],
                "annotations": {
                    "kubernetes.io/config.mirror": self.victim.uid,
                    "kubernetes.io/config.hash": self.victim.uid,
                    "kubernetes.io/config.source": "file",
                },
                "ownerReferences": [{
                    "apiVersion": "v1",
                    "kind": "Node",
                    "name": self.victim.node,
                    "controller": true,
                    "uid": "6f3c2f6e-0000-4000-8000-000000000000",
                }],
            },
            "spec": {
                "nodeName": self.victim.node,
                "containers": [{ "name": "a", "image": "localhost/pause:1" }],
            },
        })
    }

    fn request(&self) -> serde_json::Value {
        json!({
            "source": { "kind": "pod", "namespace": self.namespace, "name": "forged" },
            "probe": door::one_ping(self.victim.ip()),
        })
    }
}

fn why(answer: &Answer) -> String {
    let objects = answer.objects();
    let message = objects.iter().find_map(|object| object["message"].as_str());
    message.unwrap_or(&answer.text).to_owned()
}

#[test]
#[ignore = "needs a cluster: runs a static pod"]
fn t5_a_real_static_pod_is_found() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let team = Team::create(&cluster, &["basic"])?;
    let file = cluster.pod("static").in_namespace(team.name()).on(Node::First).start_static()?;
    let pod = Pod::read(&cluster, file.namespace(), "static-node-1")?;
    let agent = Agent::on(&cluster, Node::First)?;
    let token = team.token(&cluster, &agent)?;
    let request = door::from_pod(&pod, &door::one_ping(pod.ip()));
    let answer = Door::open(&cluster, &agent)?.ask_with(&token, "ping", &request)?;
    ensure!(answer.ran(), "{answer:?}");
    let objects = answer.objects();
    let started = objects.iter().find(|object| object["event"] == "started").context("a start")?;
    assert_eq!(started["source"], json!(pod.ip()));
    println!("a static pod of the node: {} from its own {}", answer.status, pod.ip());
    Ok(())
}
