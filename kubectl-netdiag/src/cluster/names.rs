//! Who has an address, and which object bears a name, as far as the user may read it.

use std::{fmt::Debug, net::IpAddr};

use k8s_openapi::api::core::v1::{Node, Pod, Service};
use kube::{Api, api::ListParams, core::NamespaceResourceScope};
use serde::de::DeserializeOwned;

use super::{Cluster, facts};
use crate::render::{Names, PodFacts};

/// Objects read to name an address: beyond that a name is not worth the wait.
const MAX_LISTED: u32 = 1_000;

/// Adds what a later question brought.
pub(crate) fn add(known: &mut Names, more: Names) {
    known.nodes.extend(more.nodes);
    known.pods.extend(more.pods);
    known.services.extend(more.services);
}

impl Cluster {
    /// Nodes, and the pods and Services that have this address.
    pub(crate) async fn names(&self, address: IpAddr) -> Names {
        let how = ListParams::default().limit(MAX_LISTED);
        let nodes = self.nodes();
        let (nodes, pods, services) = tokio::join!(
            self.ask(nodes.list(&how)),
            self.with_field::<Pod>("status.podIP", address),
            self.with_field::<Service>("spec.clusterIP", address),
        );
        let nodes: Vec<Node> = nodes.map(|list| list.items).unwrap_or_default();
        Names {
            nodes: nodes.iter().map(facts::of_node).collect(),
            pods: pods.iter().map(facts::of_pod).collect(),
            services: services.iter().map(facts::of_service).collect(),
        }
    }

    /// What stands on a path: nodes, and Services by their addresses.
    pub(crate) async fn nodes_and_services(&self) -> Names {
        let how = ListParams::default().limit(MAX_LISTED);
        let nodes = self.nodes();
        let (nodes, services) =
            tokio::join!(self.ask(nodes.list(&how)), self.anywhere::<Service>(&how));
        let nodes: Vec<Node> = nodes.map(|list| list.items).unwrap_or_default();
        Names {
            nodes: nodes.iter().map(facts::of_node).collect(),
            pods: Vec::new(),
            services: services.iter().map(facts::of_service).collect(),
        }
    }

    /// Nodes, and who has these addresses.
    pub(crate) async fn names_of(&self, addresses: &[IpAddr]) -> Names {
        let how = ListParams::default().limit(MAX_LISTED);
        let (names, pods) = tokio::join!(self.nodes_and_services(), self.anywhere::<Pod>(&how));
        let pods = pods.iter().map(facts::of_pod);
        let is_one = |pod: &PodFacts| pod.addresses.iter().any(|own| addresses.contains(own));
        Names { pods: pods.filter(is_one).collect(), ..names }
    }

    /// Pods with this address.
    pub(crate) async fn pods_at(&self, address: IpAddr) -> Vec<PodFacts> {
        let pods = self.with_field::<Pod>("status.podIP", address).await;
        pods.iter().map(facts::of_pod).collect()
    }

    /// Pods as they are listed, for many addresses at once.
    pub(crate) async fn pods_anywhere(&self, limit: u32) -> Vec<PodFacts> {
        let pods: Vec<Pod> = self.anywhere(&ListParams::default().limit(limit)).await;
        pods.iter().map(facts::of_pod).collect()
    }

    /// Pods of one node.
    pub(crate) async fn pods_on(&self, node: &str, limit: u32) -> Vec<Pod> {
        let field = format!("spec.nodeName={node}");
        self.anywhere(&ListParams::default().fields(&field).limit(limit)).await
    }

    /// The Service with this ClusterIP.
    pub(crate) async fn service_at(&self, address: IpAddr) -> Option<Service> {
        let services = self.with_field::<Service>("spec.clusterIP", address).await;
        services.into_iter().find(|service| facts::cluster_ips(service).contains(&address))
    }

    async fn with_field<K>(&self, field: &str, address: IpAddr) -> Vec<K>
    where
        K: kube::Resource<DynamicType = (), Scope = NamespaceResourceScope>,
        K: Clone + DeserializeOwned + Debug,
    {
        self.anywhere(&ListParams::default().fields(&format!("{field}={address}")).limit(10)).await
    }

    /// In every namespace where that is allowed, else in the user's.
    async fn anywhere<K>(&self, how: &ListParams) -> Vec<K>
    where
        K: kube::Resource<DynamicType = (), Scope = NamespaceResourceScope>,
        K: Clone + DeserializeOwned + Debug,
    {
        let all: Api<K> = Api::all(self.client.clone());
        let found = match self.ask(all.list(how)).await {
            Err(refusal) if refusal.is_forbidden() => {
                self.ask(self.namespaced::<K>(&self.namespace).list(how)).await
            }
            other => other,
        };
        found.map(|list| list.items).unwrap_or_default()
    }

    /// `shop/pod/foo`, where an object bears what was taken for a host name.
    pub(crate) async fn bearing_name(&self, name: &str) -> Option<String> {
        let namespace = &self.namespace;
        let (pods, services, nodes) =
            (self.pods(namespace), self.services(namespace), self.nodes());
        let (service, pod, node) = tokio::join!(
            self.ask(services.get_metadata(name)),
            self.ask(pods.get_metadata(name)),
            self.ask(nodes.get_metadata(name)),
        );
        let service = service.is_ok().then(|| format!("{namespace}/svc/{name}"));
        let pod = pod.is_ok().then(|| format!("{namespace}/pod/{name}"));
        let node = node.is_ok().then(|| format!("node/{name}"));
        service.or(pod).or(node)
    }
}
