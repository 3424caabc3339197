//! Objects of the API as the few facts that headers, names and verdicts need.

use std::net::IpAddr;

use jiff::Timestamp;
use k8s_openapi::{
    api::core::v1::{ContainerPort, Node, Pod, Probe, Service, ServicePort},
    apimachinery::pkg::apis::meta::v1::Time,
};
use netdiag_wire::Family;

use crate::{
    finding::{Peer, PeerKind},
    plan::{DeclaredPort, PortProtocol},
    render::{NodeAddress, NodeFacts, PodFacts, ReadyBy, ServiceFacts},
};

pub(crate) fn of_pod(pod: &Pod) -> PodFacts {
    let spec = pod.spec.as_ref();
    let status = pod.status.as_ref();
    PodFacts {
        namespace: pod.metadata.namespace.clone().unwrap_or_default(),
        name: pod.metadata.name.clone().unwrap_or_default(),
        node: spec.and_then(|spec| spec.node_name.clone()),
        addresses: pod_addresses(pod),
        host_network: spec.and_then(|spec| spec.host_network).unwrap_or_default(),
        phase: status.and_then(|status| status.phase.clone()).unwrap_or_default(),
        ready: condition(pod, "Ready"),
        ready_by: ready_by(pod),
        terminating: pod.metadata.deletion_timestamp.is_some(),
        resource_version: pod.metadata.resource_version.clone().unwrap_or_default(),
    }
}

pub(crate) fn of_node(node: &Node) -> NodeFacts {
    let status = node.status.as_ref();
    let conditions = status.and_then(|status| status.conditions.as_ref());
    let ready = conditions.into_iter().flatten().find(|condition| condition.type_ == "Ready");
    let ranges = node.spec.as_ref().and_then(|spec| spec.pod_cidrs.as_ref());
    NodeFacts {
        name: node.metadata.name.clone().unwrap_or_default(),
        addresses: node_addresses(node),
        pod_cidrs: ranges.into_iter().flatten().filter_map(|range| range.parse().ok()).collect(),
        ready: ready.map(|condition| condition.status == "True"),
        ready_since: ready
            .and_then(|condition| condition.last_transition_time.as_ref())
            .map(instant),
        resource_version: node.metadata.resource_version.clone().unwrap_or_default(),
    }
}

pub(crate) fn of_service(service: &Service) -> ServiceFacts {
    ServiceFacts {
        namespace: service.metadata.namespace.clone().unwrap_or_default(),
        name: service.metadata.name.clone().unwrap_or_default(),
        cluster_ips: cluster_ips(service),
        ports: service_ports(service),
    }
}

/// Of the node that the pod runs on.
pub(crate) fn host_addresses(pod: &Pod) -> Vec<IpAddr> {
    let status = pod.status.as_ref();
    let all = status.and_then(|status| status.host_ips.as_ref()).into_iter().flatten();
    all.filter_map(|host| host.ip.parse().ok()).collect()
}

/// A pod as the header names it.
pub(crate) fn pod_peer(pod: &Pod, address: Option<IpAddr>) -> Peer {
    let facts = of_pod(pod);
    let words = [
        (facts.host_network, "hostNetwork"),
        (facts.terminating, "terminating"),
        (!facts.ready && !facts.terminating, "not ready"),
    ];
    Peer {
        kind: PeerKind::Pod,
        namespace: Some(facts.namespace),
        name: facts.name,
        uid: pod.metadata.uid.clone(),
        node: facts.node,
        address,
        port: None,
        words: words.into_iter().filter(|(is, _)| *is).map(|(_, word)| word.to_owned()).collect(),
    }
}

/// A node as the header names it.
pub(crate) fn node_peer(node: &Node, address: Option<IpAddr>) -> Peer {
    let not_ready = of_node(node).ready != Some(true);
    let name = node.metadata.name.clone().unwrap_or_default();
    Peer {
        kind: PeerKind::Node,
        uid: node.metadata.uid.clone(),
        node: Some(name.clone()),
        name,
        address,
        words: not_ready.then(|| "not ready".to_owned()).into_iter().collect(),
        ..Peer::default()
    }
}

/// A Service as the header names it.
pub(crate) fn service_peer(service: &Service, address: Option<IpAddr>) -> Peer {
    let spec = service.spec.as_ref();
    let is_headless = spec.and_then(|spec| spec.cluster_ip.as_deref()) == Some("None")
        || spec.and_then(|spec| spec.cluster_ips.as_ref()).is_some_and(|ips| *ips == ["None"]);
    let kind = match spec.and_then(|spec| spec.type_.clone()) {
        _ if is_headless => Some("headless: no address of its own".into()),
        kind => kind,
    };
    Peer {
        kind: PeerKind::Service,
        namespace: service.metadata.namespace.clone(),
        name: service.metadata.name.clone().unwrap_or_default(),
        uid: service.metadata.uid.clone(),
        address,
        words: kind.into_iter().collect(),
        ..Peer::default()
    }
}

/// The first address of the wanted family.
pub(crate) fn of_family(addresses: &[IpAddr], family: Family) -> Option<IpAddr> {
    addresses.iter().copied().find(|address| family.has(*address))
}

pub(crate) fn internal_addresses(node: &NodeFacts) -> Vec<IpAddr> {
    let internal = node.addresses.iter().filter(|address| address.kind == "InternalIP");
    internal.map(|address| address.address).collect()
}

pub(crate) fn cluster_ips(service: &Service) -> Vec<IpAddr> {
    let addresses = service.spec.as_ref().and_then(|spec| spec.cluster_ips.as_ref());
    addresses.into_iter().flatten().filter_map(|address| address.parse().ok()).collect()
}

/// Ports of all containers; init containers have ended, or are sidecars that declare theirs too.
pub(crate) fn pod_ports(pod: &Pod) -> Vec<DeclaredPort> {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let ports = containers.flat_map(|container| container.ports.iter().flatten());
    let declared = |port: &ContainerPort| {
        let number = port.container_port;
        declared(port.name.as_deref(), number, port.protocol.as_deref())
    };
    ports.filter_map(declared).collect()
}

pub(crate) fn service_ports(service: &Service) -> Vec<DeclaredPort> {
    let ports = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten());
    ports.filter_map(service_port).collect()
}

pub(crate) fn service_port(port: &ServicePort) -> Option<DeclaredPort> {
    declared(port.name.as_deref(), port.port, port.protocol.as_deref())
}

fn declared(name: Option<&str>, number: i32, protocol: Option<&str>) -> Option<DeclaredPort> {
    Some(DeclaredPort {
        name: name.map(str::to_owned),
        number: number.try_into().ok().filter(|number| *number > 0)?,
        protocol: match protocol {
            None | Some("TCP") => PortProtocol::Tcp,
            Some("UDP") => PortProtocol::Udp,
            Some(_) => PortProtocol::Other,
        },
    })
}

pub(crate) fn condition(pod: &Pod, kind: &str) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    let found = conditions.into_iter().flatten().find(|condition| condition.type_ == kind);
    found.is_some_and(|condition| condition.status == "True")
}

pub(crate) fn instant(time: &Time) -> Timestamp {
    time.0
}

fn pod_addresses(pod: &Pod) -> Vec<IpAddr> {
    let Some(status) = &pod.status else { return Vec::new() };
    let all = status.pod_ips.iter().flatten().map(|ip| ip.ip.as_str());
    let mut addresses: Vec<IpAddr> = all.filter_map(|ip| ip.parse().ok()).collect();
    if let (true, Some(one)) = (addresses.is_empty(), &status.pod_ip) {
        addresses.extend(one.parse::<IpAddr>());
    }
    addresses
}

fn node_addresses(node: &Node) -> Vec<NodeAddress> {
    let addresses = node.status.as_ref().and_then(|status| status.addresses.as_ref());
    let parsed = addresses.into_iter().flatten().filter_map(|entry| {
        Some(NodeAddress { address: entry.address.parse().ok()?, kind: entry.type_.clone() })
    });
    parsed.collect()
}

fn ready_by(pod: &Pod) -> ReadyBy {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let probes = containers.filter_map(|container| container.readiness_probe.as_ref());
    probes
        .map(strength)
        .max_by_key(|(strength, _)| *strength)
        .map_or(ReadyBy::Nothing, |(_, by)| by)
}

fn strength(probe: &Probe) -> (u8, ReadyBy) {
    if probe.http_get.is_some() {
        (4, ReadyBy::HttpGet)
    } else if probe.grpc.is_some() {
        (3, ReadyBy::Grpc)
    } else if probe.tcp_socket.is_some() {
        (2, ReadyBy::TcpSocket)
    } else if probe.exec.is_some() {
        (1, ReadyBy::Exec)
    } else {
        (0, ReadyBy::Nothing)
    }
}
