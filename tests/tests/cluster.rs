//! The test cluster itself: what every other test takes for granted.

use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use netdiag_tests::{Cluster, Node, Pod, wait};

#[test]
#[ignore = "needs a cluster: starts pods on both nodes"]
fn pods_of_two_nodes_reach_each_other_and_resolve_services() -> Result<()> {
    let cluster = Cluster::current()?;
    let client = cluster.pod("client").on(Node::First).start()?;
    let server = cluster.pod("server").on(Node::Second).start()?;
    assert_ne!(client.node, server.node);
    let ping = ["exec", "-n", &client.namespace, &client.name, "--", "ping", "-c", "1", "-w", "5"];
    let address = server.ip().to_string();
    let said = cluster.kubectl(ping.iter().copied().chain([address.as_str()]))?;
    assert!(said.contains("1 packets received"), "{said}");
    let lookup = ["nslookup", "kubernetes.default.svc.cluster.local"];
    let exec = ["exec", "-n", &client.namespace, &client.name, "--"];
    let said = cluster.kubectl(exec.iter().copied().chain(lookup))?;
    assert!(said.contains("10.96.0.1"), "{said}");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: starts a pod of every kind"]
fn every_kind_of_pod_can_be_had() -> Result<()> {
    let cluster = Cluster::current()?;
    let restricted =
        cluster.another_namespace(&["pod-security.kubernetes.io/enforce=restricted"])?;
    let place = restricted.name();

    let distroless = cluster.pod("distroless").on(Node::First).distroless(8080).start()?;
    let shell = ["exec", "-n", &distroless.namespace, "distroless", "--", "/bin/sh", "-c", "true"];
    assert!(cluster.kubectl(shell).is_err(), "a distroless pod has no shell");
    let strict = cluster.pod("strict").in_namespace(place).restricted().start()?;
    assert_eq!(strict.namespace, place);
    assert!(cluster.pod("loose").in_namespace(place).start().is_err(), "restricted is enforced");
    let on_host = cluster.pod("on-host").on(Node::First).host_network().start()?;
    assert_eq!(on_host.ip(), "10.89.0.11".parse::<std::net::IpAddr>()?);
    cluster.pod("two").sidecar("proxy").start()?;
    cluster.pod("done").completed().start()?;
    let pending = cluster.pod("pending").pending().start()?;
    assert!(pending.ips.is_empty());
    let file = cluster.pod("static").on(Node::Second).start_static()?;
    let mirror = Pod::read(&cluster, file.namespace(), "static-node-2")?;
    assert_eq!(mirror.node, "node-2");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: forwards a port to a pod"]
fn port_forward_reaches_a_pod() -> Result<()> {
    let cluster = Cluster::current()?;
    let pod = cluster.pod("server").on(Node::Second).distroless(8080).start()?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let ports = format!("{port}:8080");
    let words = ["port-forward", "-n", &pod.namespace, "pod/server", &ports];
    let mut forward = cluster.kubectl_command(words).spawn()?;
    let greeting = wait::until("the pod greets", Duration::from_secs(20), || {
        let mut greeting = String::new();
        TcpStream::connect(("127.0.0.1", port))?.read_to_string(&mut greeting)?;
        ensure!(!greeting.is_empty(), "closed without a word");
        Ok(greeting)
    });
    forward.kill()?;
    forward.wait()?;
    assert_eq!(greeting?, "hello\n");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: makes a user"]
fn a_user_may_do_what_rbac_says() -> Result<()> {
    let cluster = Cluster::current()?;
    let alice = cluster.user("alice", &["sre"])?;
    let as_alice = |words: &str| {
        let mut kubectl =
            netdiag_tests::command::command(cluster.kubectl_command([""; 0]).get_program());
        kubectl.arg("--kubeconfig").arg(alice.kubeconfig()).args(words.split_whitespace());
        netdiag_tests::command::finish(kubectl)
    };
    let refused = as_alice("get pods").err().context("alice has no right yet")?;
    assert!(format!("{refused:#}").contains(r#"User "alice" cannot list"#), "{refused:#}");
    let namespace = cluster.namespace();
    let grant = ["create", "rolebinding", "sre", "--clusterrole=view", "--group=sre"];
    cluster.kubectl(grant.iter().copied().chain(["-n", namespace]))?;
    as_alice("get pods")?;
    Ok(())
}

#[test]
#[ignore = "needs a cluster: enters its nodes"]
fn a_node_sees_its_own_processes_only() -> Result<()> {
    let cluster = Cluster::current()?;
    cluster.pod("here").on(Node::First).command(["sleep", "987654"]).start()?;
    let processes = |node| cluster.in_node(node, ["ps", "-eo", "args"]);
    assert!(processes(Node::First)?.contains("sleep 987654"));
    assert!(!processes(Node::Second)?.contains("sleep 987654"));
    Ok(())
}

#[test]
#[ignore = "needs a cluster: denies what comes in"]
fn a_network_policy_is_enforced() -> Result<()> {
    let cluster = Cluster::current()?;
    let client = cluster.pod("client").on(Node::First).start()?;
    for node in [Node::First, Node::Second] {
        let name = format!("server-{}", node.number());
        let server = cluster.pod(&name).label("role", "server").on(node).start()?;
        let reach = || {
            let exec = ["exec", "-n", &client.namespace, "client", "--", "ping", "-c1", "-W1"];
            let address = server.ip().to_string();
            cluster.kubectl(exec.iter().copied().chain([address.as_str()]))
        };
        reach()?;
        cluster.apply(&policy(&cluster, "from: [{ podSelector: { matchLabels: { app: x } } }]"))?;
        wait::until_true("it is cut off", Duration::from_secs(20), || reach().is_err())?;
        cluster.apply(&policy(
            &cluster,
            "from: [{ podSelector: { matchLabels: { app: client } } }]",
        ))?;
        wait::until("it is let through", Duration::from_secs(20), reach)?;
    }
    Ok(())
}

fn policy(cluster: &Cluster, rule: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{ name: servers, namespace: {} }}
spec:
  podSelector: {{ matchLabels: {{ role: server }} }}
  policyTypes: [Ingress]
  ingress: [{{ {rule} }}]
",
        cluster.namespace()
    )
}
