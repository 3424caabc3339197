//! What the facts of a node say of its data plane.

use netdiag_wire::{
    Untrusted,
    facts::{Fact, NodeFacts, ProxyMode},
};

use super::{Clue, Evidence, Kind, Weight};

/// Interfaces that one data plane alone makes, by the beginning of their names:
/// cilium `pkg/defaults/node.go`, ovn-kubernetes `go-controller/pkg/types/const.go`, antrea
/// `build/charts/antrea/conf/antrea-agent.conf` (`hostGateway`), calico
/// `felix/dataplane/linux/dataplanedefs`.
const INTERFACES: [(&str, Kind); 4] = [
    ("cilium_host", Kind::Cilium),
    ("ovn-k8s-mp", Kind::OvnKubernetes),
    ("antrea-gw0", Kind::Antrea),
    ("bpfin.cali", Kind::CalicoEbpf),
];
/// Kubernetes `pkg/proxy/ipvs/proxier.go`; it outlives a change of the mode.
const IPVS: &str = "kube-ipvs0";

pub(super) fn of_node(facts: &NodeFacts) -> Vec<Clue> {
    let mut clues = vec![of_mode(facts)];
    for (begin, kind) in INTERFACES {
        clues.extend(interface(facts, begin).map(|name| running(kind, &name)));
    }
    if facts.kube_proxy.mode.is_none() {
        let ipvs = interface(facts, IPVS).map(|name| running(Kind::KubeProxyIpvs, &name));
        clues.extend(ipvs);
    }
    clues
}

fn running(kind: Kind, interface: &Untrusted) -> Clue {
    let text = format!("interface {interface} on the node");
    Clue { kind, weight: Weight::Running, evidence: Evidence::seen(text) }
}

fn interface(facts: &NodeFacts, begin: &str) -> Option<Untrusted> {
    let mut names = facts.interfaces.iter().map(|interface| &interface.name);
    names.find(|name| name.as_bytes().starts_with(begin.as_bytes())).cloned()
}

/// What kube-proxy itself says, or why it says nothing.
fn of_mode(facts: &NodeFacts) -> Clue {
    let clue = |kind, text: &str| Clue {
        kind,
        weight: Weight::Running,
        evidence: Evidence::seen(format!("kube-proxy's own /proxyMode on the node: {text}")),
    };
    match facts.kube_proxy.mode {
        Some(ProxyMode::Iptables) => clue(Kind::KubeProxyIptables, "iptables"),
        Some(ProxyMode::Nftables) => clue(Kind::KubeProxyNftables, "nftables"),
        Some(ProxyMode::Ipvs) => clue(Kind::KubeProxyIpvs, "ipvs"),
        Some(ProxyMode::Unknown) => clue(Kind::Unknown, "a mode that this plugin does not know"),
        None => {
            let why = facts.why_not(Fact::ProxyMode).cloned().unwrap_or_else(|| "?".into());
            let evidence = Evidence::seen(format!("no kube-proxy tells its mode: {why}"));
            Clue { kind: Kind::Unknown, weight: Weight::Silent, evidence }
        }
    }
}
