//! T25: a pod that poses as an agent is never spoken to and gets no token.

use anyhow::Result;
use netdiag_tests::{Agent, Cluster, Node, Pod, turn};
use serde_json::Value;

use crate::grant::Grant;

/// The labels by which agents are found, on a pod that listens where an agent would. With all labels
/// of the DaemonSet's selector its controller would take the pod for its own, and delete it.
fn rogue(cluster: &Cluster, namespace: &str, name: &str) -> Result<Pod> {
    let listen = "while :; do nc -l -p 9443 >>/tmp/heard; done";
    cluster
        .pod(name)
        .in_namespace(namespace)
        .on(Node::First)
        .label("app.kubernetes.io/name", "netdiag")
        .label("app.kubernetes.io/component", "agent")
        .command(["sh", "-c", listen])
        .start()
}

/// A pod outside the test's namespace, gone with the test.
struct Stray<'a>(&'a Cluster, Pod);

impl Drop for Stray<'_> {
    fn drop(&mut self) {
        let Pod { namespace, name, .. } = &self.1;
        // The cluster may be gone already.
        let _ = self.0.kubectl(["delete", "pod", name, "-n", namespace, "--now"]);
    }
}

#[test]
#[ignore = "needs a cluster: pods pose as agents"]
fn t25_rogue_agent() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let source = cluster.pod("source").on(Node::First).start()?;
    let tenant = rogue(&cluster, cluster.namespace(), "netdiag-agent")?;
    // Its name comes first in every list.
    let name = format!("a-{}", cluster.namespace());
    let stray = Stray(&cluster, rogue(&cluster, "netdiag", &name)?);
    let agent = Agent::on(&cluster, Node::First)?;
    let user = format!("olga-{}", cluster.namespace());
    let olga = cluster.user(&user, &[])?;
    let subject = format!("--user={user}");
    let all = ["clusterrolebinding", &user, "--clusterrole=cluster-admin", &subject];
    let _all = Grant::create(&cluster, &all)?;

    let ping = ["ping", &source.target(), "--from", &source.target(), "-c1"];
    let _ = cluster.netdiag_as(&olga, ping)?.exits(0);
    assert_eq!(forwards(&cluster, &user)?, [agent.pod.name], "the real agent, once");
    assert_eq!(tokens(&cluster, &user)?, 1, "one token, which the real agent accepted");

    // Sent there by hand, the plugin still looks at what it was sent to.
    let by_hand = ping.into_iter().chain(["--agent-namespace", &tenant.namespace]);
    let run = cluster.netdiag_as(&olga, by_hand)?.exits(2);
    let words = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("bears the agents' labels"), "{words}");
    assert_eq!(forwards(&cluster, &user)?.len(), 1, "still one");
    assert_eq!(tokens(&cluster, &user)?, 1, "still one");
    for pod in [&tenant, &stray.1] {
        assert_eq!(heard(&cluster, pod, "cat /tmp/heard")?, "");
        let greet = "echo hello | nc 127.0.0.1 9443; cat /tmp/heard";
        assert_eq!(heard(&cluster, pod, greet)?, "hello\n", "it does listen");
    }
    println!("2 rogue pods: 0 port-forwards, 0 tokens, 0 bytes; {words}");
    Ok(())
}

/// As one who may get beside an agent, since one of the rogues stands in the agents' namespace.
fn heard(cluster: &Cluster, pod: &Pod, script: &str) -> Result<String> {
    let groups = ["--as=root-of-all", "--as-group=system:masters", "--as-group=netdiag-breakglass"];
    let exec = ["exec", "-n", &pod.namespace, &pod.name, "--", "sh", "-c", script];
    cluster.kubectl(groups.iter().chain(&exec))
}

/// The pods to which a user forwarded a port.
fn forwards(cluster: &Cluster, user: &str) -> Result<Vec<String>> {
    let events = events(cluster, user, "portforward")?;
    let name = |event: &Value| event["objectRef"]["name"].as_str().unwrap_or_default().to_owned();
    Ok(events.iter().map(name).collect())
}

/// How many tokens a user had minted.
fn tokens(cluster: &Cluster, user: &str) -> Result<usize> {
    let events = events(cluster, user, "token")?;
    Ok(events.iter().filter(|event| event["responseStatus"]["code"] == 201).count())
}

fn events(cluster: &Cluster, user: &str, subresource: &str) -> Result<Vec<Value>> {
    let mut events = cluster.audited(user)?;
    events.retain(|event| {
        event["user"]["username"] == user && event["objectRef"]["subresource"] == subresource
    });
    // A stream that is upgraded has an event for its start and one for its end.
    let mut seen = std::collections::BTreeSet::new();
    events.retain(|event| seen.insert(event["auditID"].to_string()));
    Ok(events)
}
