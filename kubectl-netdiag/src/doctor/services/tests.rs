use jiff::Timestamp;
use netdiag_wire::facts::{KubeProxy, ProxyMode, ProxySync};

use super::*;
use crate::data_plane::Objects;

fn node(name: &str, mode: Option<ProxyMode>) -> Node {
    let facts = NodeFacts {
        now_at: Timestamp::from_second(10_000).unwrap(),
        kube_proxy: KubeProxy { mode, ..KubeProxy::default() },
        ..NodeFacts::default()
    };
    let data_plane = data_plane::find(Some(&facts), &Objects::default());
    Node { node: name.into(), facts, data_plane }
}

fn carried(nodes: Vec<Node>) -> Carried {
    Carried { nodes, unasked: 0, cluster: data_plane::find(None, &Objects::default()) }
}

/// Severity and sentence of each, and the first line below it.
fn said(carried: &Carried) -> Vec<String> {
    let say = |finding: Finding| {
        let seen = finding.labels.first().map(|label| format!(" | {label:?}"));
        format!("{:?} {}{}", finding.severity, finding.summary, seen.unwrap_or_default())
    };
    findings(carried).into_iter().map(say).collect()
}

#[test]
fn one_kind_on_all_nodes_is_one_line() {
    let nodes = ["node-1", "node-2"].map(|name| node(name, Some(ProxyMode::Nftables)));
    let all = Carried { unasked: 3, ..carried(nodes.into()) };
    assert_eq!(
        said(&all),
        [
            "Ok Services are carried by kube-proxy (nftables) on 2 nodes that were asked (3 were not) \
          | Seen(\"kube-proxy's own /proxyMode on the node: nftables\")"
        ]
    );
}

#[test]
fn a_node_that_is_another_is_named() {
    let iptables = Some(ProxyMode::Iptables);
    let nodes = vec![node("a", iptables), node("b", Some(ProxyMode::Nftables)), node("c", None)];
    assert_eq!(
        said(&carried(nodes)),
        ["Warn nodes differ in what carries Services: kube-proxy (iptables) on a; kube-proxy \
          (nftables) on b; an unknown data plane on c | Seen(\"a: kube-proxy's own /proxyMode on \
          the node: iptables\")"]
    );
}

#[test]
fn a_change_that_waits_for_a_minute_is_told_and_one_of_a_second_is_not() {
    let behind = |seconds: i64, healthy| {
        let mut node = node("node-1", Some(ProxyMode::Iptables));
        let at = |ago: i64| Timestamp::from_second(10_000 - ago).ok();
        let sync = ProxySync { family: None, last_at: at(500), queued_at: at(seconds) };
        node.facts.kube_proxy.syncs = vec![sync];
        node.facts.kube_proxy.failed_syncs = Some(4);
        node.facts.kube_proxy.healthy = healthy;
        said(&carried(vec![node]))
    };
    let late = "Warn node-1's kube-proxy has not written the rules of a change that it heard of \
                61 s ago | Seen(\"4 attempts to write its rules failed so far\")";
    assert_eq!(behind(61, Some(true)), [late]);
    assert_eq!(behind(61, Some(false)), [late]);
    let [well] = &behind(1, Some(true))[..] else { panic!() };
    assert!(
        well.starts_with("Ok Services are carried by kube-proxy (iptables) on node-1 |"),
        "{well}"
    );
    let [ill] = &behind(1, Some(false))[..] else { panic!() };
    assert!(ill.starts_with("Warn node-1's kube-proxy calls itself unhealthy"), "{ill}");
}

#[test]
fn where_nothing_was_asked_nothing_is_claimed() {
    assert_eq!(said(&carried(Vec::new())), Vec::<String>::new());
    let objects = Objects { hidden: vec!["FelixConfiguration default"], ..Objects::default() };
    let hidden = Carried { cluster: data_plane::find(None, &objects), ..carried(Vec::new()) };
    assert_eq!(
        said(&hidden),
        ["Skip what carries Services could not be told | Seen(\"you may not read \
          FelixConfiguration default\")"]
    );
}
