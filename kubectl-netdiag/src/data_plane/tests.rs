use std::collections::BTreeMap;

use netdiag_wire::facts::{Fact, Interface, KubeProxy, NotKnown, ProxyMode};
use serde::Deserialize;

use super::{echo::Basis, *};

/// A node and a cluster of which nothing was recorded: each file names what it was written from.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fixture {
    interfaces: Vec<String>,
    kube_proxy: Option<BTreeMap<String, String>>,
    cilium: Option<BTreeMap<String, String>>,
    antrea: Option<BTreeMap<String, String>>,
    #[serde(default)]
    calico: bool,
    #[serde(default)]
    ovn: bool,
}

const FIXTURES: [(&str, Kind); 5] = [
    (include_str!("fixtures/ipvs.yaml"), Kind::KubeProxyIpvs),
    (include_str!("fixtures/cilium.yaml"), Kind::Cilium),
    (include_str!("fixtures/ovn-kubernetes.yaml"), Kind::OvnKubernetes),
    (include_str!("fixtures/antrea.yaml"), Kind::Antrea),
    (include_str!("fixtures/calico-ebpf.yaml"), Kind::CalicoEbpf),
];

fn object(kind: &str) -> Object {
    Object {
        kind: kind.into(),
        namespace: Some("kube-system".into()),
        name: "x".into(),
        resource_version: "7".into(),
    }
}

impl Fixture {
    fn read(text: &str) -> Self {
        assert!(text.starts_with("# Not recorded. "), "{text}");
        serde_saphyr::from_str(text).unwrap()
    }

    fn objects(self) -> Objects {
        let settings = |data| Settings { data, object: object("ConfigMap") };
        Objects {
            kube_proxy: self.kube_proxy.map(settings),
            cilium: self.cilium.map(settings),
            antrea: self.antrea.map(settings),
            calico: self.calico.then(|| (true, object("FelixConfiguration"))),
            ovn: self.ovn.then(|| object("DaemonSet")),
            hidden: Vec::new(),
        }
    }
}

/// A node where kube-proxy tells this, or nothing.
fn node(interfaces: &[&str], mode: Option<ProxyMode>) -> NodeFacts {
    let why = "port 10249 on the node's loopback: connect: Connection refused (os error 111)";
    let refused = NotKnown { fact: Fact::ProxyMode, why: why.into() };
    NodeFacts {
        interfaces: interfaces
            .iter()
            .map(|name| Interface { name: (*name).into(), kind: None })
            .collect(),
        kube_proxy: KubeProxy { mode, ..KubeProxy::default() },
        not_known: mode.is_none().then_some(refused).into_iter().collect(),
        ..NodeFacts::default()
    }
}

fn of_node(interfaces: &[&str], mode: Option<ProxyMode>) -> DataPlane {
    find(Some(&node(interfaces, mode)), &Objects::default())
}

fn texts(found: &DataPlane) -> Vec<&str> {
    found.evidence.iter().map(|evidence| evidence.text.as_str()).collect()
}

#[test]
fn each_is_found_by_what_runs_on_the_node_and_by_what_the_api_says() {
    for (text, kind) in FIXTURES {
        let interfaces = Fixture::read(text).interfaces;
        let names: Vec<&str> = interfaces.iter().map(String::as_str).collect();
        let (node, objects) = (node(&names, None), Fixture::read(text).objects());
        let both = find(Some(&node), &objects);
        assert_eq!((both.kind, find(None, &objects).kind), (kind, kind), "{both:#?}");
        assert_eq!(find(Some(&node), &Objects::default()).kind, kind);
        // The node's own word comes first, the API's bears its object.
        assert!(both.evidence[0].text.starts_with("interface "), "{both:#?}");
        assert!(both.evidence[1].object.is_some(), "{both:#?}");
        assert!(!matches!(both.echo.basis, Basis::Recorded { .. }), "{both:#?}");
    }
}

#[test]
fn kube_proxys_own_word_is_enough_and_outlives_the_interface_of_another_mode() {
    for (mode, kind) in [
        (ProxyMode::Iptables, Kind::KubeProxyIptables),
        (ProxyMode::Nftables, Kind::KubeProxyNftables),
        (ProxyMode::Ipvs, Kind::KubeProxyIpvs),
        (ProxyMode::Unknown, Kind::Unknown),
    ] {
        assert_eq!(of_node(&["lo", "kube-ipvs0", "cali1"], Some(mode)).kind, kind);
    }
    let found = of_node(&[], Some(ProxyMode::Nftables));
    assert_eq!(texts(&found), ["kube-proxy's own /proxyMode on the node: nftables"]);
    assert_eq!(found.echo.basis.words(), "recorded on Kubernetes 1.36.3");
}

#[test]
fn two_on_one_node_are_unknown_and_both_are_named() {
    let found = of_node(&["lo", "cilium_host"], Some(ProxyMode::Iptables));
    assert_eq!((found.kind, found.echo.basis), (Kind::Unknown, Basis::NotKnown));
    let said =
        ["kube-proxy's own /proxyMode on the node: iptables", "interface cilium_host on the node"];
    assert_eq!(texts(&found), said);
}

#[test]
fn a_dead_kube_proxy_is_still_what_the_cluster_is_set_up_with() {
    let data = BTreeMap::from([("config.conf".into(), "mode: \"\"\n".into())]);
    let settings = Settings { data, object: object("ConfigMap") };
    let objects = Objects { kube_proxy: Some(settings), ..Objects::default() };
    let found = find(Some(&node(&["lo", "cni0"], None)), &objects);
    assert_eq!(found.kind, Kind::KubeProxyIptables);
    let said = [
        "no mode, which is iptables",
        "no kube-proxy tells its mode: port 10249 on the node's loopback: connect: Connection \
         refused (os error 111)",
    ];
    assert_eq!(texts(&found), said);
}

#[test]
fn where_nothing_is_known_what_is_hidden_is_said() {
    let objects =
        Objects { hidden: vec!["ConfigMap kube-system/kube-proxy"], ..Objects::default() };
    let found = find(None, &objects);
    assert_eq!(found.kind, Kind::Unknown);
    assert_eq!(texts(&found), ["you may not read ConfigMap kube-system/kube-proxy"]);
    assert_eq!(find(None, &Objects::default()).evidence, []);
}

#[test]
fn settings_that_turn_it_off_or_say_nothing_are_no_clue() {
    let off = |text: &str, key: &str| {
        let data = BTreeMap::from([(key.to_owned(), text.to_owned())]);
        Some(Settings { data, object: object("ConfigMap") })
    };
    let objects = Objects {
        kube_proxy: off("mode: [", "config.conf"),
        cilium: off("false", "kube-proxy-replacement"),
        antrea: off("antreaProxy:\n  proxyAll: false\n", "antrea-agent.conf"),
        calico: Some((false, object("FelixConfiguration"))),
        ..Objects::default()
    };
    assert_eq!(find(None, &objects).evidence, []);
    let objects = Objects { kube_proxy: off("mode: userspace", "config.conf"), ..objects };
    assert_eq!(find(None, &objects).kind, Kind::Unknown);
}

#[test]
fn json_says_what_by_what_and_from_where_it_is_known() {
    let found = of_node(&["lo", "cilium_host"], None);
    insta::assert_json_snapshot!(found, @r#"
    {
      "kind": "cilium",
      "evidence": [
        {
          "text": "interface cilium_host on the node"
        },
        {
          "text": "no kube-proxy tells its mode: port 10249 on the node's loopback: connect: Connection refused (os error 111)"
        }
      ],
      "echo": {
        "becomes": "meets silence unless an answer to pings was switched on",
        "basis": "documented",
        "by": "cilium/cilium#47130"
      }
    }
    "#);
}
