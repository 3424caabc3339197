//! What an address is in this cluster, as far as the user may read it.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;

use crate::plan::DeclaredPort;

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
    pub ports: Vec<DeclaredPort>,
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

    /// What has this address, as a word for programs.
    pub(crate) fn kind(&self, address: IpAddr) -> Option<&'static str> {
        let node = self.nodes.iter().any(|n| n.addresses.iter().any(|a| a.address == address));
        let pod = self.pods.iter().any(|pod| pod.addresses.contains(&address));
        let service = self.services.iter().any(|svc| svc.cluster_ips.contains(&address));
        let range = self.range_of(address).map(|(_, range)| is_special(range, address));
        match (node, pod, service, range) {
            (true, _, _, _) | (_, _, _, Some(true)) => Some("node"),
            (_, true, _, _) => Some("pod"),
            (_, _, true, _) => Some("svc"),
            (_, _, _, Some(false)) => Some("podRange"),
            (false, false, false, None) => None,
        }
    }

    /// Nothing is known, as from `--from local`: then nothing is called unknown either.
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.pods.is_empty() && self.services.is_empty()
    }

    /// Whether a pod may have this address that is not known here.
    pub(crate) fn may_be_pod(&self, address: IpAddr) -> bool {
        self.exact(address).is_none()
            && !self.range_of(address).is_some_and(|(_, range)| is_special(range, address))
    }

    /// Nodes first: a hostNetwork pod has its node's address.
    pub(super) fn owner(&self, address: IpAddr) -> Option<(String, Option<String>)> {
        self.exact(address).or_else(|| self.in_range(address))
    }

    fn exact(&self, address: IpAddr) -> Option<(String, Option<String>)> {
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
        node.or_else(pod).or_else(service)
    }

    fn in_range(&self, address: IpAddr) -> Option<(String, Option<String>)> {
        let (node, range) = self.range_of(address)?;
        if is_gateway(range, address) {
            return Some((node.name.clone(), Some("gateway of its pods".into())));
        }
        // VXLAN as flannel sets it up: the tunnel's interface has the range's first address.
        if is_tunnel(range, address) {
            return Some((node.name.clone(), Some("tunnel end of its pods".into())));
        }
        Some((format!("an address of {}'s pod range", node.name), None))
    }

    fn range_of(&self, address: IpAddr) -> Option<(&NodeFacts, &IpNet)> {
        self.nodes.iter().find_map(|node| {
            let range = node.pod_cidrs.iter().find(|range| range.contains(&address))?;
            Some((node, range))
        })
    }
}

fn is_special(range: &IpNet, address: IpAddr) -> bool {
    is_gateway(range, address) || is_tunnel(range, address)
}

fn is_tunnel(range: &IpNet, address: IpAddr) -> bool {
    range.network() == address && range.prefix_len() < range.max_prefix_len()
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
            ports: Vec::new(),
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
            ("10.244.1.0", Some("node-1, tunnel end of its pods")),
            ("10.244.1.7", Some("shop/pod/foo, on node-1")),
            ("10.244.1.9", Some("an address of node-1's pod range")),
            ("10.96.14.7", Some("shop/svc/checkout, ClusterIP")),
            ("192.0.2.1", None),
        ] {
            assert_eq!(names().who(address.parse().unwrap()).as_deref(), who, "{address}");
        }
    }
}
