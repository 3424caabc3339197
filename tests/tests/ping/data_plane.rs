//! What carries Services, as `doctor` tells it from the nodes' own facts, and whether an echo to a
//! Service's address becomes what is said of it.

use anyhow::{Context, Result};
use netdiag_tests::{
    Cluster, Node, Pair,
    lab::{owner::Note, settings::ProxyMode},
    turn,
};
use serde_json::Value;

fn mode() -> Result<ProxyMode> {
    let note = Note::read().context("only of this machine's cluster is kube-proxy's mode known")?;
    Ok(note.settings.proxy_mode)
}

#[test]
#[ignore = "needs a cluster: asks its agents"]
fn doctor_tells_what_carries_services_and_how_it_knows() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let mode = mode()?.word();
    let run = cluster.netdiag(["doctor"])?.exits(0);
    println!("{}", run.stdout);
    let line = format!(
        "\nOK       Services are carried by kube-proxy ({mode}) on 2 nodes\n  \
         seen   kube-proxy's own /proxyMode on the node: {mode}\n  note   an echo to their "
    );
    let _ = run.says(&line).says("(recorded on Kubernetes 1.36.3)\n");
    let report: Value = cluster.netdiag(["doctor", "-o", "json"])?.exits(0).json();
    for (at, node) in [Node::First, Node::Second].into_iter().enumerate() {
        let told = &report["doctor"]["nodes"][at];
        assert_eq!(told["node"], node.name(&cluster)?.as_str());
        assert_eq!(told["dataPlane"]["kind"], format!("kubeProxy{}", capital(mode)));
        facts_are_the_nodes_own(&cluster, node, &told["facts"], mode)?;
    }
    Ok(())
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    format!("{}{rest}", first.to_uppercase())
}

/// Beside what the node's own tools say.
fn facts_are_the_nodes_own(cluster: &Cluster, node: Node, facts: &Value, mode: &str) -> Result<()> {
    let says =
        |words: &[&str]| Ok::<_, anyhow::Error>(cluster.in_node(node, words)?.trim().to_owned());
    assert_eq!(facts["kernel"], says(&["uname", "-r"])?);
    for (fact, file) in
        [("ipForwardV4", "ipv4/ip_forward"), ("ipForwardV6", "ipv6/conf/all/forwarding")]
    {
        let is_on = says(&["cat", &format!("/proc/sys/net/{file}")])? == "1";
        assert_eq!(facts[fact], is_on, "{facts:#}");
    }
    let links: Value = serde_json::from_str(&says(&["ip", "-d", "-j", "link"])?)?;
    for link in links.as_array().context("links")?.iter().filter(|link| link["ifname"] == "cni0") {
        let listed = facts["interfaces"].as_array().context("interfaces")?;
        let found = listed.iter().find(|one| one["name"] == link["ifname"]).context("cni0")?;
        assert_eq!(found["kind"], link["linkinfo"]["info_kind"]);
    }
    let proxy = &facts["kubeProxy"];
    assert_eq!((&proxy["mode"], &proxy["healthy"]), (&mode.into(), &true.into()), "{facts:#}");
    let syncs = proxy["syncs"].as_array().context("syncs")?;
    assert!(syncs.iter().any(|sync| sync["lastAt"].is_string()), "{facts:#}");
    assert_eq!(facts["notKnown"], Value::Array(Vec::new()));
    Ok(())
}

/// Sent from a pod, with a control: the Service's endpoint answers the same pod's echo.
#[test]
#[ignore = "needs a cluster: makes a Service"]
fn an_echo_to_a_service_becomes_what_doctor_says() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let place = pair.cluster.namespace();
    pair.cluster.apply(&format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: web, namespace: {place}}}, \
         spec: {{selector: {{app: server}}, ports: [{{port: 80}}]}}}}"
    ))?;
    let _ = pair.ping_to(&pair.server.target(), "-c 1")?.exits(0);
    let echo = pair.ping_to(&format!("{place}/svc/web"), "--icmp -c 2 -W 1 -o ndjson")?.exits(1);
    println!("{}", echo.stdout);
    let rejected = echo.stdout.contains(r#""meaning":"portUnreachable""#);
    let doctor = pair.cluster.netdiag(["doctor", "-n", place])?.exits(0);
    match mode()? {
        ProxyMode::Iptables => {
            assert!(!rejected, "no rule of iptables rejects it");
            let _ = doctor.says("  note   an echo to their addresses meets no rule, ");
        }
        ProxyMode::Nftables => {
            assert!(rejected, "the node's rules reject it");
            let _ = doctor.says("is rejected by the source's node as port unreachable");
        }
    }
    Ok(())
}
