//! What an address is in this cluster, as far as the user may read it.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;

/// Nodes, pods and Services by their addresses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub nodes: Vec<NodeFacts>,
    pub pods: Vec<PodFacts>,
    pub services: Vec<ServiceFacts>,
}

/// A Node, as far as words about addresses and verdicts need it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct NodeFacts {
    pub name: String,
    pub addresses: Vec<NodeAddress>,
    pub pod_cidrs: Vec<IpNet>,
    /// Condition `Ready`; absent when the node has none yet.
    pub ready: Option<bool>,
    /// `lastTransitionTime` of that condition.
    pub ready_since: Option<Timestamp>,
    pub resource_version: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NodeAddress {
    pub address: IpAddr,
    /// `InternalIP`, `ExternalIP`.
    pub kind: String,
}

/// A Pod, likewise.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PodFacts {
    pub namespace: String,
    pub name: String,
    pub node: Option<String>,
    pub addresses: Vec<IpAddr>,
    pub host_network: bool,
    pub phase: String,
    /// Condition `Ready`.
    pub ready: bool,
    pub ready_by: ReadyBy,
    pub terminating: bool,
    pub resource_version: String,
}

/// What makes a pod Ready, over its containers the strongest.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum ReadyBy {
    /// No readinessProbe: Ready as soon as it runs, which proves nothing.
    #[default]
    Nothing,
    /// Runs in the container; its network is not used.
    Exec,
    TcpSocket,
    Grpc,
    HttpGet,
}

/// A Service, likewise.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ServiceFacts {
    pub namespace: String,
    pub name: String,
    pub cluster_ips: Vec<IpAddr>,
}

impl Names {
    /// Who has this address, and which of theirs it is: `node-1, gateway of its pods`.
    pub(crate) fn who(&self, address: IpAddr) -> Option<String> {
        let (name, role) = self.owner(address)?;
        Some(match role {
            Some(role) => format!("{name}, {role}"),
            None => name,
        })
    }

    /// Who has this address, without which it is: `node-1`.
    pub(crate) fn owner_of(&self, address: IpAddr) -> Option<String> {
        self.owner(address).map(|(name, _)| name)
    }

    /// Nothing is known, as from `--from local`: then nothing is called unknown either.
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.pods.is_empty() && self.services.is_empty()
    }

    /// Nodes first: a hostNetwork pod has its node's address.
    fn owner(&self, address: IpAddr) -> Option<(String, Option<String>)> {
        let node = self.nodes.iter().find_map(|node| {
            let own = node.addresses.iter().find(|a| a.address == address)?;
            let role = (own.kind != "InternalIP").then(|| own.kind.clone());
            Some((node.name.clone(), role))
        });
        let pod = || {
            let own = |pod: &&PodFacts| !pod.host_network && pod.addresses.contains(&address);
            let pod = self.pods.iter().find(own)?;
            let role = pod.node.as_ref().map(|node| format!("on {node}"));
            Some((format!("{}/pod/{}", pod.namespace, pod.name), role))
        };
        let service = || {
            let service = self.services.iter().find(|s| s.cluster_ips.contains(&address))?;
            let name = format!("{}/svc/{}", service.namespace, service.name);
            Some((name, Some("ClusterIP".into())))
        };
        node.or_else(pod).or_else(service).or_else(|| self.in_range(address))
    }

    fn in_range(&self, address: IpAddr) -> Option<(String, Option<String>)> {
        self.nodes.iter().find_map(|node| {
            let range = node.pod_cidrs.iter().find(|range| range.contains(&address))?;
            if is_gateway(range, address) {
                return Some((node.name.clone(), Some("gateway of its pods".into())));
            }
            Some((format!("an address of {}'s pod range", node.name), None))
        })
    }
}

/// The first address of a pod range is the node's own by the convention of host-local and of every
/// plugin that allocates like it.
fn is_gateway(range: &IpNet, address: IpAddr) -> bool {
    range.hosts().find(|host| *host != range.network()) == Some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let node = |name: &str, address: [u8; 4], range: &str| NodeFacts {
            name: name.into(),
            addresses: vec![NodeAddress { address: address.into(), kind: "InternalIP".into() }],
            pod_cidrs: vec![range.parse().unwrap(), "fd00:10:1::/64".parse().unwrap()],
            ..NodeFacts::default()
        };
        let mut nodes = vec![node("node-1", [10, 89, 0, 11], "10.244.1.0/24")];
        nodes[0]
            .addresses
            .push(NodeAddress { address: [203, 0, 113, 7].into(), kind: "ExternalIP".into() });
        let pod = |name: &str, address: [u8; 4], host_network| PodFacts {
            namespace: "shop".into(),
            name: name.into(),
            node: Some("node-1".into()),
            addresses: vec![address.into()],
            host_network,
            ..PodFacts::default()
        };
        let pods = vec![pod("foo", [10, 244, 1, 7], false), pod("agent", [10, 89, 0, 11], true)];
        let services = vec![ServiceFacts {
            namespace: "shop".into(),
            name: "checkout".into(),
            cluster_ips: vec![[10, 96, 14, 7].into()],
        }];
        Names { nodes, pods, services }
    }

    #[test]
    fn an_address_is_named_with_its_role() {
        for (address, who) in [
            ("10.89.0.11", Some("node-1")),
            ("203.0.113.7", Some("node-1, ExternalIP")),
            ("10.244.1.1", Some("node-1, gateway of its pods")),
            ("fd00:10:1::1", Some("node-1, gateway of its pods")),
            ("10.244.1.7", Some("shop/pod/foo, on node-1")),
            ("10.244.1.9", Some("an address of node-1's pod range")),
            ("10.96.14.7", Some("shop/svc/checkout, ClusterIP")),
            ("192.0.2.1", None),
        ] {
            assert_eq!(names().who(address.parse().unwrap()).as_deref(), who, "{address}");
        }
    }
}
