//! A Service and what stands behind it, as the API has both.

use std::{collections::BTreeMap, net::IpAddr};

use k8s_openapi::{
    api::{
        core::v1::{Service, ServicePort as ApiPort},
        discovery::v1::{EndpointPort, EndpointSlice},
    },
    apimachinery::pkg::util::intstr::IntOrString,
};
use kube::{Api, api::ListParams};
use serde::Serialize;

use super::doors::Door;
use crate::{
    cluster::{Cluster, facts, targets::has_network, workload::Crew},
    finding::{Failure, Object, Peer, PeerKind},
    plan::{DeclaredPort, PortProtocol},
};

/// What a Service is and says of itself.
#[derive(Clone, Debug)]
pub(crate) struct ServiceSpec {
    pub(crate) peer: Peer,
    pub(crate) kind: ServiceKind,
    pub(crate) selector: BTreeMap<String, String>,
    pub(crate) ports: Vec<ServicePort>,
    /// `internalTrafficPolicy: Local`: each node sends to its own endpoints only.
    pub(crate) is_internal_local: bool,
    pub(crate) publishes_not_ready: bool,
    /// `externalTrafficPolicy: Local`: what comes to a node from outside goes to its own only.
    pub(crate) is_external_local: bool,
    /// Besides its ClusterIPs.
    pub(crate) doors: Vec<Door>,
    pub(crate) object: Object,
}

/// What an echo to it would reach.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum ServiceKind {
    /// Addresses of its own, the usual one first.
    Addresses(Vec<IpAddr>),
    /// `clusterIP: None`: its name stands for its pods.
    Headless,
    /// Its name is a CNAME of this one.
    ExternalName(String),
    /// No Service at all: a workload's pods.
    Pods,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ServicePort {
    pub(crate) declared: DeclaredPort,
    /// A port's number or name in the pods.
    pub(crate) target: String,
    /// On every node.
    pub(crate) node_port: Option<u16>,
}

/// A backend of the Service, as its EndpointSlices have it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Endpoint {
    pub(crate) address: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pod: Option<PodName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) node: Option<String>,
    pub(crate) ready: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) terminating: bool,
    /// By the Service's name of each, empty for its only one.
    pub(crate) ports: BTreeMap<String, u16>,
}

#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(crate) struct PodName {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl ServiceSpec {
    pub(crate) fn of(service: &Service) -> Self {
        let spec = service.spec.clone().unwrap_or_default();
        let addresses = facts::cluster_ips(service);
        let kind = match (spec.external_name, spec.type_.as_deref()) {
            (Some(host), Some("ExternalName")) => ServiceKind::ExternalName(host),
            _ if addresses.is_empty() => ServiceKind::Headless,
            _ => ServiceKind::Addresses(addresses.clone()),
        };
        Self {
            peer: facts::service_peer(service, addresses.first().copied()),
            kind,
            selector: spec.selector.unwrap_or_default(),
            ports: spec.ports.iter().flatten().filter_map(ServicePort::of).collect(),
            is_internal_local: spec.internal_traffic_policy.as_deref() == Some("Local"),
            publishes_not_ready: spec.publish_not_ready_addresses.unwrap_or_default(),
            is_external_local: spec.external_traffic_policy.as_deref() == Some("Local"),
            doors: Vec::new(),
            object: Object {
                kind: "Service".into(),
                namespace: service.metadata.namespace.clone(),
                name: service.metadata.name.clone().unwrap_or_default(),
                resource_version: service.metadata.resource_version.clone().unwrap_or_default(),
            },
        }
    }

    /// A workload as if it were a Service: its pods' own ports, at its pods.
    pub(crate) fn of_pods(crew: &Crew) -> Self {
        let pods = match crew.pods.len() {
            _ if crew.peer.kind == PeerKind::Pod => None,
            1 => Some("1 pod".to_owned()),
            count => Some(format!("{count} pods")),
        };
        let words = pods.into_iter().chain(crew.peer.words.clone()).collect();
        let mut ports: Vec<ServicePort> = Vec::new();
        for port in crew.pods.iter().flat_map(facts::pod_ports) {
            let name = Some(port_name(&port));
            let target = port.number.to_string();
            let port =
                ServicePort { declared: DeclaredPort { name, ..port }, target, node_port: None };
            if !ports.contains(&port) {
                ports.push(port);
            }
        }
        Self {
            peer: Peer { words, ..crew.peer.clone() },
            kind: ServiceKind::Pods,
            selector: BTreeMap::new(),
            ports,
            is_internal_local: false,
            publishes_not_ready: false,
            is_external_local: false,
            doors: Vec::new(),
            object: crew.object.clone(),
        }
    }

    /// `app=payment,tier=api`, as kubectl's `-l` takes it.
    pub(crate) fn selector_word(&self) -> String {
        let pairs: Vec<_> =
            self.selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
        pairs.join(",")
    }
}

impl ServicePort {
    fn of(port: &ApiPort) -> Option<Self> {
        let target = match &port.target_port {
            Some(IntOrString::Int(number)) => number.to_string(),
            Some(IntOrString::String(name)) => name.clone(),
            None => port.port.to_string(),
        };
        let node_port = port.node_port.and_then(|number| number.try_into().ok());
        Some(Self { declared: facts::service_port(port)?, target, node_port })
    }

    pub(crate) fn name(&self) -> &str {
        self.declared.name.as_deref().unwrap_or_default()
    }

    /// Not SCTP, nor what is still to come.
    pub(crate) fn is_spoken(&self) -> bool {
        self.declared.protocol != PortProtocol::Other
    }

    pub(crate) fn is_tcp(&self) -> bool {
        self.declared.protocol == PortProtocol::Tcp
    }

    /// Its target is a name, which the pods must declare.
    pub(crate) fn is_named(&self) -> bool {
        self.target.parse::<u16>().is_err()
    }

    /// `TCP 80 http -> 8080`.
    pub(crate) fn word(&self) -> String {
        let protocol = match self.declared.protocol {
            PortProtocol::Tcp => "TCP",
            PortProtocol::Udp => "UDP",
            PortProtocol::Other => "SCTP",
        };
        let number = self.declared.number;
        let nameless = port_name(&DeclaredPort { name: None, ..self.declared.clone() });
        let name = self.declared.name.iter().filter(|name| **name != nameless);
        let name = name.map(|name| format!(" {name}")).collect::<String>();
        match self.target == number.to_string() {
            true => format!("{protocol} {number}{name}"),
            false => format!("{protocol} {number}{name} -> {}", self.target),
        }
    }
}

impl Endpoint {
    /// As the command line takes it.
    pub(crate) fn word(&self) -> String {
        match &self.pod {
            Some(pod) => format!("{}/pod/{}", pod.namespace, pod.name),
            None => self.address.to_string(),
        }
    }

    /// As a target of its own.
    pub(crate) fn peer(&self) -> Peer {
        let Self { address, pod, node, .. } = self;
        let known = Peer { address: Some(*address), node: node.clone(), ..Peer::default() };
        match pod {
            Some(pod) => Peer {
                kind: PeerKind::Pod,
                namespace: Some(pod.namespace.clone()),
                name: pod.name.clone(),
                ..known
            },
            None => Peer { kind: PeerKind::Address, name: address.to_string(), ..known },
        }
    }

    /// `pod/checkout-2xk8p` for who stands in the Service's own namespace.
    pub(crate) fn short(&self) -> String {
        match &self.pod {
            Some(pod) => format!("pod/{}", pod.name),
            None => self.address.to_string(),
        }
    }

    /// Where it takes what comes for this port of the Service.
    pub(crate) fn port(&self, port: &ServicePort) -> Option<u16> {
        self.ports.get(port.name()).copied()
    }
}

/// All of a Service, each address once; those of one protocol family may stand in several slices.
pub(crate) async fn endpoints(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
) -> Result<Vec<Endpoint>, Failure> {
    let slices: Api<EndpointSlice> = cluster.namespaced(namespace);
    let how = ListParams::default().labels(&format!("kubernetes.io/service-name={name}"));
    let list = cluster.ask(slices.list(&how)).await;
    let list =
        list.map_err(|refusal| refusal.failure(&format!("list the endpoints of svc {name}")))?;
    Ok(merged(list.items.iter().flat_map(of_slice)))
}

/// A workload's pods that have a network, each of its addresses once.
pub(crate) fn of_pods(crew: &Crew) -> Vec<Endpoint> {
    let all = crew.pods.iter().filter(|pod| has_network(pod).is_ok()).flat_map(|pod| {
        let known = facts::of_pod(pod);
        let ports = facts::pod_ports(pod);
        let ports: BTreeMap<_, _> =
            ports.iter().map(|port| (port_name(port), port.number)).collect();
        known.addresses.into_iter().map(move |address| Endpoint {
            address,
            pod: Some(PodName { namespace: known.namespace.clone(), name: known.name.clone() }),
            node: known.node.clone(),
            ready: known.ready && !known.terminating,
            terminating: known.terminating,
            ports: ports.clone(),
        })
    });
    merged(all)
}

/// One without a name goes by its number; the same number may be there for TCP and UDP.
fn port_name(port: &DeclaredPort) -> String {
    port.name.clone().unwrap_or_else(|| match port.protocol {
        PortProtocol::Udp => format!("{}/udp", port.number),
        PortProtocol::Tcp | PortProtocol::Other => port.number.to_string(),
    })
}

/// Pods that name a port differently stand in slices of their own.
fn merged(all: impl Iterator<Item = Endpoint>) -> Vec<Endpoint> {
    let mut endpoints: Vec<Endpoint> = all.collect();
    endpoints.sort();
    endpoints.dedup_by(|later, first| {
        let is_same = later.address == first.address && later.pod == first.pod;
        if is_same {
            first.ports.append(&mut later.ports);
        }
        is_same
    });
    endpoints
}

fn of_slice(slice: &EndpointSlice) -> impl Iterator<Item = Endpoint> {
    let ports: BTreeMap<_, _> = slice.ports.iter().flatten().filter_map(port).collect();
    slice.endpoints.iter().flat_map(move |endpoint| {
        let conditions = endpoint.conditions.as_ref();
        // Absent means ready: EndpointSlices written by hand leave it out.
        let ready = conditions.and_then(|conditions| conditions.ready).unwrap_or(true);
        let terminating = conditions.and_then(|conditions| conditions.terminating);
        let pod =
            endpoint.target_ref.as_ref().filter(|target| target.kind.as_deref() == Some("Pod"));
        let pod = pod.and_then(|pod| {
            Some(PodName { namespace: pod.namespace.clone()?, name: pod.name.clone()? })
        });
        let addresses = endpoint.addresses.iter().filter_map(|address| address.parse().ok());
        let ports = ports.clone();
        addresses.map(move |address| Endpoint {
            address,
            pod: pod.clone(),
            node: endpoint.node_name.clone(),
            ready,
            terminating: terminating.unwrap_or_default(),
            ports: ports.clone(),
        })
    })
}

fn port(port: &EndpointPort) -> Option<(String, u16)> {
    Some((port.name.clone().unwrap_or_default(), port.port?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(spec: &serde_json::Value) -> ServiceSpec {
        let metadata = json!({"namespace": "shop", "name": "checkout", "resourceVersion": "7"});
        let service = json!({"metadata": metadata, "spec": spec});
        ServiceSpec::of(&serde_json::from_value(service).unwrap())
    }

    #[test]
    fn a_port_without_a_name_is_shown_once() {
        for (protocol, word) in [(PortProtocol::Tcp, "TCP 53"), (PortProtocol::Udp, "UDP 53")] {
            let declared = DeclaredPort { name: None, number: 53, protocol };
            let name = Some(port_name(&declared));
            let declared = DeclaredPort { name, ..declared };
            let port = ServicePort { declared, target: "53".into(), node_port: None };
            assert_eq!(port.word(), word);
        }
    }

    #[test]
    fn kinds_of_services_are_told_apart() {
        let kind = |spec| service(&spec).kind;
        let usual = ServiceKind::Addresses(vec![[10, 96, 0, 1].into()]);
        assert_eq!(kind(json!({"clusterIPs": ["10.96.0.1"], "type": "NodePort"})), usual);
        assert_eq!(kind(json!({"clusterIPs": ["None"]})), ServiceKind::Headless);
        let away = ServiceKind::ExternalName("db.example.net".into());
        assert_eq!(kind(json!({"externalName": "db.example.net", "type": "ExternalName"})), away);
    }

    #[test]
    fn ports_say_where_they_lead() {
        let ports = json!({"selector": {"tier": "api", "app": "pay"}, "ports": [
            {"port": 80, "name": "http", "targetPort": 8080}, {"port": 53, "protocol": "UDP"},
            {"port": 443, "targetPort": "tls"},
        ]});
        let service = service(&ports);
        let words: Vec<_> = service.ports.iter().map(ServicePort::word).collect();
        assert_eq!(words, ["TCP 80 http -> 8080", "UDP 53", "TCP 443 -> tls"]);
        assert!(service.ports[2].is_named() && !service.ports[1].is_named());
        assert_eq!(service.selector_word(), "app=pay,tier=api");
    }

    #[test]
    fn an_endpoint_of_two_slices_is_one() {
        let slice = |ports: serde_json::Value| -> EndpointSlice {
            serde_json::from_value(json!({
                "addressType": "IPv4", "metadata": {}, "ports": ports, "endpoints": [
                    {"addresses": ["10.244.2.7"], "nodeName": "node-2",
                     "conditions": {"ready": false, "terminating": true}},
                    {"addresses": ["10.244.1.15"], "nodeName": "node-1",
                     "targetRef": {"kind": "Pod", "namespace": "shop", "name": "checkout-a"}},
                ],
            }))
            .unwrap()
        };
        let slices = [
            slice(json!([{"name": "http", "port": 8080}])),
            slice(json!([{"name": "tls", "port": 8443}])),
        ];
        let endpoints = merged(slices.iter().flat_map(of_slice));
        let [first, second] = &endpoints[..] else { panic!("{endpoints:?}") };
        assert_eq!((first.word().as_str(), first.ready), ("shop/pod/checkout-a", true));
        assert_eq!(first.ports, BTreeMap::from([("http".into(), 8080), ("tls".into(), 8443)]));
        assert_eq!((second.word().as_str(), second.ready), ("10.244.2.7", false));
        assert!(second.terminating);
    }
}
