//! TARGET: which address is meant, and what the API says of it.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::{Pod, Service};
use netdiag_wire::Family;

use crate::{
    args::{Kind, Object, Target},
    cluster::{
        Cluster,
        facts::{self, of_family},
        targets::has_network,
    },
    code,
    finding::{Failure, Peer, PeerKind},
    render::{Names, NodeFacts, PodFacts},
};

/// What is aimed at.
#[derive(Clone, Debug)]
pub(crate) struct Aim {
    pub(crate) peer: Peer,
    /// As the request has it: an address, or a name that the source resolves.
    pub(crate) host: String,
    pub(crate) pod: Option<PodFacts>,
    pub(crate) node: Option<NodeFacts>,
    /// What a pod's containers or a Service declare, in their order.
    pub(crate) ports: Vec<DeclaredPort>,
}

/// A port of an object, by its number and perhaps its name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct DeclaredPort {
    pub(crate) name: Option<String>,
    pub(crate) number: u16,
    pub(crate) protocol: PortProtocol,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum PortProtocol {
    Tcp,
    Udp,
    /// SCTP, or what is still to come.
    Other,
}

impl Aim {
    pub(crate) fn at_service(service: &Service, address: IpAddr) -> Self {
        let peer = facts::service_peer(service, Some(address));
        let (host, ports) = (address.to_string(), facts::service_ports(service));
        Self { peer, host, pod: None, node: None, ports }
    }

    /// Nobody is aimed at: the source is what is looked into.
    pub(crate) fn at_place(place: &Peer) -> Self {
        let (peer, host) = (place.clone(), place.word());
        Self { peer, host, pod: None, node: None, ports: Vec::new() }
    }

    /// What is known of addresses before anybody asks for more.
    pub(crate) fn names(&self) -> Names {
        Names {
            nodes: self.node.iter().cloned().collect(),
            pods: self.pod.iter().cloned().collect(),
            services: Vec::new(),
        }
    }
}

/// Finds the target; an address or a name needs nobody.
pub(crate) async fn find(
    cluster: &Cluster,
    target: &Target,
    family: Family,
) -> Result<Aim, Failure> {
    match target {
        Target::Object(object) => find_object(cluster, object, family).await,
        Target::Address(_) | Target::Host(_) => Ok(unlooked(target)),
    }
}

/// An address or a name as it stands.
pub(crate) fn unlooked(target: &Target) -> Aim {
    let (kind, name, address) = match target {
        Target::Address(address) => (PeerKind::Address, address.to_string(), Some(*address)),
        Target::Host(name) => (PeerKind::Host, name.clone(), None),
        Target::Object(object) => (PeerKind::Host, object.name.clone(), None),
    };
    let peer = Peer { kind, name: name.clone(), address, ..Peer::default() };
    Aim { peer, host: name, pod: None, node: None, ports: Vec::new() }
}

async fn find_object(cluster: &Cluster, object: &Object, family: Family) -> Result<Aim, Failure> {
    let namespace = object.namespace.as_deref().unwrap_or(&cluster.namespace);
    match object.kind {
        Kind::Pod => {
            let pod = cluster.pod(namespace, &object.name).await?;
            has_network(&pod)?;
            at_pod(&pod, family)
        }
        Kind::Workload(workload) => {
            let crew = cluster.crew(namespace, workload, &object.name).await?;
            let (pod, which) = crew.representative()?;
            let mut aim = at_pod(pod, family)?;
            aim.peer.words.insert(0, which);
            Ok(aim)
        }
        Kind::Node => {
            let node = cluster.node(&object.name).await?;
            let known = facts::of_node(&node);
            let addresses = facts::internal_addresses(&known);
            let address = pick(&addresses, family, &format!("node/{}", object.name))?;
            let peer = facts::node_peer(&node, Some(address));
            let host = address.to_string();
            Ok(Aim { peer, host, pod: None, node: Some(known), ports: Vec::new() })
        }
        Kind::Service => {
            let service = cluster.service(namespace, &object.name).await?;
            let addresses = facts::cluster_ips(&service);
            let address = pick(&addresses, family, &object_word(namespace, object))?;
            Ok(Aim::at_service(&service, address))
        }
    }
}

fn at_pod(pod: &Pod, family: Family) -> Result<Aim, Failure> {
    let known = facts::of_pod(pod);
    let who = format!("{}/pod/{}", known.namespace, known.name);
    let address = pick(&known.addresses, family, &who)?;
    let peer = facts::pod_peer(pod, Some(address));
    let (host, ports) = (address.to_string(), facts::pod_ports(pod));
    Ok(Aim { peer, host, pod: Some(known), node: None, ports })
}

fn object_word(namespace: &str, object: &Object) -> String {
    format!("{namespace}/{}/{}", object.kind, object.name)
}

/// The address of the wanted family, or ND0021 with those that there are.
fn pick(addresses: &[IpAddr], family: Family, who: &str) -> Result<IpAddr, Failure> {
    of_family(addresses, family).ok_or_else(|| without_address(addresses, family, who))
}

/// ND0021.
pub(crate) fn without_address(addresses: &[IpAddr], family: Family, who: &str) -> Failure {
    let has: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
    let wanted = match family {
        Family::Any => "address",
        Family::V4 => "IPv4 address",
        Family::V6 => "IPv6 address",
    };
    let has = if has.is_empty() { String::new() } else { format!("; it has {}", has.join(", ")) };
    Failure::new(code::NO_NETWORK, format!("{who} has no {wanted}{has}"))
}
