//! Where else a Service takes connections: node ports, its load balancer's and its external
//! addresses. What comes there is rewritten by the node that it comes to.

use std::{collections::BTreeSet, net::IpAddr};

use k8s_openapi::api::core::v1::{Node, Service};
use kube::api::ListParams;
use serde::Serialize;

use super::backends::{Endpoint, ServicePort};
use crate::{
    cluster::{Cluster, facts},
    finding::{Peer, PeerKind},
};

/// Nodes of one list.
const MAX_LISTED: u32 = 50;
/// Nodes whose node ports are asked.
const MAX_NODES: usize = 3;

/// One of them.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Door {
    pub(crate) address: IpAddr,
    #[serde(flatten)]
    pub(crate) kind: DoorKind,
}

#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub(crate) enum DoorKind {
    NodePort {
        node: String,
        /// Ready endpoints on that node.
        local: usize,
    },
    LoadBalancer,
    External,
}

impl Door {
    /// Where it takes what is meant for this port of the Service.
    pub(crate) fn port(&self, port: &ServicePort) -> Option<u16> {
        match self.kind {
            DoorKind::NodePort { .. } => port.node_port,
            DoorKind::LoadBalancer | DoorKind::External => Some(port.declared.number),
        }
    }

    /// `node port on node-2`.
    pub(crate) fn what(&self) -> String {
        match &self.kind {
            DoorKind::NodePort { node, .. } => format!("node port on {node}"),
            DoorKind::LoadBalancer => "its load balancer".into(),
            DoorKind::External => "external address".into(),
        }
    }

    /// The node's that asks.
    pub(super) fn is_of(&self, from: &Peer) -> bool {
        let is_own = |node: &String| from.kind == PeerKind::Node && *node == from.name;
        matches!(&self.kind, DoorKind::NodePort { node, .. } if is_own(node))
    }

    /// A node without an endpoint of its own, where the Service wants that it has one.
    pub(crate) fn drops(&self, is_external_local: bool) -> bool {
        is_external_local && matches!(self.kind, DoorKind::NodePort { local: 0, .. })
    }
}

/// All of the Service's; nodes that may not be read have none.
pub(super) async fn of(cluster: &Cluster, service: &Service, endpoints: &[Endpoint]) -> Vec<Door> {
    let mut doors: Vec<Door> = external(service).collect();
    let ports = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten());
    if ports.into_iter().any(|port| port.node_port.is_some()) {
        let nodes = cluster.nodes();
        let list = cluster.ask(nodes.list(&ListParams::default().limit(MAX_LISTED))).await;
        let nodes = list.map(|list| list.items).unwrap_or_default();
        doors.extend(of_nodes(&nodes, endpoints));
    }
    doors
}

fn external(service: &Service) -> impl Iterator<Item = Door> {
    let status = service.status.as_ref().and_then(|status| status.load_balancer.as_ref());
    let ingress = status.iter().flat_map(|balancer| balancer.ingress.iter().flatten());
    let balancers = ingress.filter_map(|one| one.ip.clone()).map(|ip| (ip, DoorKind::LoadBalancer));
    let externals = service.spec.iter().flat_map(|spec| spec.external_ips.iter().flatten());
    let externals = externals.map(|ip| (ip.clone(), DoorKind::External));
    let all: Vec<_> = balancers.chain(externals).collect();
    all.into_iter().filter_map(|(ip, kind)| Some(Door { address: ip.parse().ok()?, kind }))
}

/// One with an endpoint and one without come first: they may behave differently.
fn of_nodes(nodes: &[Node], endpoints: &[Endpoint]) -> impl Iterator<Item = Door> {
    let mut doors: Vec<(bool, Door)> = Vec::new();
    let mut kinds = BTreeSet::new();
    for node in nodes.iter().map(facts::of_node).filter(|node| node.ready == Some(true)) {
        let is_own = |it: &&Endpoint| it.ready && it.node.as_deref() == Some(node.name.as_str());
        let local = endpoints.iter().filter(is_own).count();
        let is_new = kinds.insert(local > 0);
        let kind = DoorKind::NodePort { node: node.name.clone(), local };
        let addresses = facts::internal_addresses(&node).into_iter();
        doors.extend(addresses.map(|address| (is_new, Door { address, kind: kind.clone() })));
    }
    doors.sort_by_key(|(is_new, _)| !is_new);
    doors.into_iter().map(|(_, door)| door)
}

/// Of the family that is asked, and of node ports those of a few nodes.
pub(super) fn planned(doors: &[Door], address: Option<IpAddr>) -> Vec<Door> {
    let Some(address) = address else { return Vec::new() };
    let mut nodes = 0;
    let fits = |door: &&Door| {
        let is_node = matches!(door.kind, DoorKind::NodePort { .. });
        let is_family = door.address.is_ipv4() == address.is_ipv4();
        nodes += usize::from(is_node && is_family);
        is_family && (!is_node || nodes <= MAX_NODES)
    };
    doors.iter().filter(fits).cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_balancer_and_external_addresses_are_doors() {
        let service = serde_json::from_value(json!({
            "spec": {"externalIPs": ["192.0.2.7"]},
            "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}, {"hostname": "lb.test"}]}},
        }));
        let doors: Vec<_> = external(&service.unwrap()).map(|door| door.what()).collect();
        assert_eq!(doors, ["its load balancer", "external address"]);
    }

    #[test]
    fn nodes_with_and_without_an_endpoint_are_among_the_few() {
        let node = |number: u8| -> Node {
            serde_json::from_value(json!({
                "metadata": {"name": format!("node-{number}")},
                "status": {
                    "conditions": [{"type": "Ready", "status": "True"}],
                    "addresses": [{"type": "InternalIP", "address": format!("10.89.0.{number}")}],
                },
            }))
            .unwrap()
        };
        let nodes: Vec<Node> = (1..=6).map(node).collect();
        let endpoint = Endpoint {
            address: [10, 244, 5, 2].into(),
            pod: None,
            node: Some("node-5".into()),
            ready: true,
            terminating: false,
            ports: [("http".to_owned(), 8080)].into(),
        };
        let doors: Vec<Door> = of_nodes(&nodes, &[endpoint]).collect();
        let planned = planned(&doors, Some([10, 96, 0, 1].into()));
        let words: Vec<String> = planned.iter().map(Door::what).collect();
        let want = ["node port on node-1", "node port on node-5", "node port on node-2"];
        assert_eq!(words, want);
        assert!(planned[0].drops(true) && !planned[1].drops(true) && !planned[0].drops(false));
    }
}
