//! What the cluster is asked while the agent reads the table: the place, and who the peers are.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use k8s_openapi::api::core::v1::{Pod, Service};
use kube::{ResourceExt, api::ListParams};
use netdiag_wire::sockets::SocketsReport;
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use super::Known;
use crate::{
    cluster::{Cluster, facts, leads, names},
    finding::{Peer, PeerKind},
    probe::NAMING,
    render::Names,
};

/// Peers whose pods are asked for one by one; of more, the list of pods is asked for once.
const MAX_ASKED: usize = 8;
/// Objects of one list.
const MAX_LISTED: u32 = 1_000;

pub(super) struct Naming {
    known: Known,
    cluster: Option<Cluster>,
    /// What does not depend on the table.
    lists: Option<JoinHandle<Known>>,
    names_peers: bool,
    asked: BTreeSet<IpAddr>,
    has_pods: bool,
    until: Instant,
}

impl Naming {
    pub(super) fn start(cluster: Option<&Cluster>, place: &Peer, names_peers: bool) -> Self {
        let lists = cluster.cloned().map(|cluster| {
            let place = place.clone();
            tokio::spawn(async move { of_place(&cluster, &place, names_peers).await })
        });
        let own = place.address.into_iter().collect();
        Self {
            known: Known { own, ..Known::default() },
            cluster: cluster.cloned(),
            lists,
            names_peers,
            asked: BTreeSet::new(),
            has_pods: false,
            until: Instant::now() + NAMING,
        }
    }

    /// All that is known once this table has been looked at.
    pub(super) async fn know(&mut self, report: &SocketsReport) -> &Known {
        if let Some(lists) = &mut self.lists
            && let Ok(listed) = timeout_at(self.until, lists).await
        {
            self.lists = None;
            let own = std::mem::take(&mut self.known.own);
            self.known = listed.unwrap_or_default();
            self.known.own.extend(own);
        }
        if self.names_peers {
            self.know_peers(report).await;
        }
        &self.known
    }

    /// Peers that are neither a node's nor a Service's address may be pods.
    async fn know_peers(&mut self, report: &SocketsReport) {
        let Some(cluster) = self.cluster.clone() else { return };
        let mut strange = self.strange(report);
        if strange.is_empty() {
            return;
        }
        // What a later round brings is worth a wait of its own.
        let until = self.until.max(Instant::now() + NAMING / 4);
        if strange.len() > MAX_ASKED && !self.has_pods {
            self.has_pods = true;
            let pods = timeout_at(until, cluster.pods_anywhere(MAX_LISTED)).await;
            self.known.names.pods.extend(pods.unwrap_or_default());
            strange = self.strange(report);
        }
        let strange: Vec<IpAddr> = strange.into_iter().take(MAX_ASKED).collect();
        self.asked.extend(&strange);
        let asked = strange.iter().map(|address| cluster.pods_at(*address));
        let found = timeout_at(until, futures_util::future::join_all(asked)).await;
        self.known.names.pods.extend(found.unwrap_or_default().into_iter().flatten());
    }

    fn strange(&self, report: &SocketsReport) -> BTreeSet<IpAddr> {
        let peers: BTreeSet<IpAddr> =
            report.entries.iter().filter_map(|entry| Some(entry.peer?.address)).collect();
        let pods: BTreeSet<IpAddr> =
            self.known.names.pods.iter().flat_map(|pod| pod.addresses.iter().copied()).collect();
        let is_strange = |address: &IpAddr| {
            !address.is_loopback()
                && !self.known.own.contains(address)
                && !self.asked.contains(address)
                && !pods.contains(address)
                && self.known.names.may_be_pod(*address)
        };
        peers.into_iter().filter(is_strange).collect()
    }
}

impl Drop for Naming {
    fn drop(&mut self) {
        if let Some(lists) = &self.lists {
            lists.abort();
        }
    }
}

/// The place itself, and what bears addresses beside pods.
async fn of_place(cluster: &Cluster, place: &Peer, names_peers: bool) -> Known {
    let names = async {
        match names_peers {
            true => cluster.nodes_and_services().await,
            false => Names::default(),
        }
    };
    let (mut known, names) = tokio::join!(inside(cluster, place), names);
    names::add(&mut known.names, names);
    known
}

/// Containers, declared ports and the Services that lead there.
async fn inside(cluster: &Cluster, place: &Peer) -> Known {
    match (&place.kind, &place.namespace) {
        (PeerKind::Pod, Some(namespace)) => pod(cluster, namespace, &place.name).await,
        (PeerKind::Node, _) => node(cluster, &place.name).await,
        _ => Known::default(),
    }
}

async fn pod(cluster: &Cluster, namespace: &str, name: &str) -> Known {
    let (pods, services) = (cluster.pods(namespace), cluster.services(namespace));
    let how = ListParams::default().limit(MAX_LISTED);
    let (pod, services) =
        tokio::join!(cluster.ask(pods.get(name)), cluster.ask(services.list(&how)));
    let Ok(pod) = pod else { return Known::default() };
    let services: Vec<Service> = services.map(|list| list.items).unwrap_or_default();
    let known = facts::of_pod(&pod);
    Known {
        own: known.addresses,
        containers: leads::containers(&pod),
        leads: leads::leads(&pod, &services),
        declared: facts::pod_ports(&pod),
        ..Known::default()
    }
}

/// The processes of a node's namespace are those of its hostNetwork pods, and its own.
async fn node(cluster: &Cluster, name: &str) -> Known {
    let pods: Vec<Pod> = cluster.pods_on(name, MAX_LISTED).await;
    let mut containers = BTreeMap::new();
    for pod in &pods {
        let (namespace, pod_name) = (pod.namespace().unwrap_or_default(), pod.name_any());
        let named = leads::containers(pod).into_iter();
        containers.extend(named.map(|(id, name)| (id, format!("{namespace}/{pod_name}/{name}"))));
    }
    let pods = pods.iter().map(facts::of_pod).filter(|pod| !pod.host_network).collect();
    let names = Names { pods, ..Names::default() };
    Known { containers, names, ..Known::default() }
}
