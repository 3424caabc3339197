//! What is looked at where an endpoint is silent: whether its own node reaches it, whom no
//! NetworkPolicy holds back, and which policies would hold the source back.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    num::NonZeroU8,
};

use k8s_openapi::api::{core::v1::Pod, networking::v1::NetworkPolicy};
use kube::{ResourceExt, api::ListParams};
use netdiag_wire::connect::{ConnectEvent, ConnectRequest};
use tokio::time::timeout;

use super::{
    backends::{Endpoint, PodName},
    closer::Look,
    probes::{Measured, Tally},
};
use crate::{
    args::{Kind, Object},
    cluster::facts,
    finding::{Peer, PeerKind},
    plan::PortProtocol,
    policy::{Asked, Denial, Direction, Party},
    probe::{
        NAMING,
        way::{self, Route},
    },
};

/// Silent endpoints that are looked at.
const MAX_LOOKED: usize = 3;
const TRIES: NonZeroU8 = NonZeroU8::MIN.saturating_add(2);
/// A node is next to its pods.
const WAIT_US: u32 = 500_000;
const INTERVAL_US: u32 = 50_000;
/// Its label on every namespace, whoever may read it.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// What NetworkPolicies say of the way from the source.
#[derive(Clone, Debug, Default)]
pub(crate) enum Ruling {
    /// They could not be read.
    #[default]
    Unread,
    Free,
    Denied(Denial),
}

impl Ruling {
    pub(crate) fn denial(&self) -> Option<&Denial> {
        match self {
            Self::Denied(denial) => Some(denial),
            Self::Unread | Self::Free => None,
        }
    }
}

/// Of one endpoint, by one of its ports.
#[derive(Clone, Debug, Default)]
pub(crate) struct Barred {
    /// Asked from its own node; without attempts where that could not be.
    pub(crate) own_node: Tally,
    pub(crate) ruling: Ruling,
    /// What the source is to a policy.
    pub(crate) source_labels: BTreeMap<String, String>,
}

/// By namespace.
type Policies = BTreeMap<String, Vec<NetworkPolicy>>;

impl Look<'_> {
    /// By the endpoint's address; whoever may know nothing gets nothing.
    pub(super) async fn barred(
        &self,
        measured: &Measured,
        from: &Peer,
    ) -> BTreeMap<IpAddr, Barred> {
        let mut silent = self.silent(measured);
        silent.truncate(MAX_LOOKED);
        if silent.is_empty() {
            return BTreeMap::new();
        }
        let source = timeout(NAMING, self.source(from)).await.ok().flatten();
        let pods = silent.iter().filter_map(|(endpoint, _)| endpoint.pod.as_ref());
        let namespaces = pods.map(|pod| pod.namespace.as_str());
        let namespaces = namespaces.chain(source.iter().map(|party| party.namespace.as_str()));
        let policies = self.policies(namespaces.filter(|namespace| !namespace.is_empty())).await;
        let looks = silent.into_iter().map(async |(endpoint, port)| {
            let own_node = timeout(NAMING, self.own_node(endpoint, port));
            let ruling = timeout(NAMING, self.ruling((source.as_ref(), &policies), endpoint, port));
            let (own_node, ruling) = tokio::join!(own_node, ruling);
            let barred = Barred {
                own_node: own_node.ok().flatten().unwrap_or_default(),
                ruling: ruling.ok().flatten().unwrap_or_default(),
                source_labels: source.as_ref().map(|it| it.labels.clone()).unwrap_or_default(),
            };
            (endpoint.address, barred)
        });
        futures_util::future::join_all(looks).await.into_iter().collect()
    }

    /// Endpoints that never said anything, or all, with the TCP port that they were asked for.
    fn silent(&self, measured: &Measured) -> Vec<(&Endpoint, u16)> {
        let ports = self.plan.ports.iter().zip(&measured.ports);
        let tcp = ports.filter(|(port, _)| port.is_tcp());
        let mut silent: Vec<(&Endpoint, u16)> = tcp
            .flat_map(|(port, answers)| {
                let endpoints = self.plan.endpoints.iter().zip(&answers.endpoints);
                endpoints
                    .filter(move |(_, tally)| self.is_thorough || tally.is_silent())
                    .filter_map(|(endpoint, _)| Some((endpoint, endpoint.port(port)?)))
            })
            .collect();
        silent.dedup_by_key(|(endpoint, _)| endpoint.address);
        silent
    }

    async fn own_node(&self, endpoint: &Endpoint, port: u16) -> Option<Tally> {
        let name = endpoint.node.clone()?;
        let node = Object { namespace: None, kind: Kind::Node, name };
        let opened = way::open("connect", self.cluster, Route::Within(&node), self.source);
        let (aim, mut way) = opened.await.ok()?;
        let request = ConnectRequest {
            count: Some(TRIES.into()),
            interval_us: INTERVAL_US,
            wait_us: Some(WAIT_US),
            banner_us: 0,
            ..ConnectRequest::to(endpoint.address.to_string(), port)
        };
        let asked = way.ask_once(&aim, &request, async |connection, token, body| {
            connection.probe("connect", token, body).await
        });
        let attempt = |event| match event {
            ConnectEvent::Attempt(attempt) => Some(attempt),
            _ => None,
        };
        let events: Vec<ConnectEvent> = asked.await.ok()?.all().await.ok()?;
        Some(Tally(events.into_iter().filter_map(attempt).collect()))
    }

    /// Ingress of the endpoint first, then egress of the source; None where that cannot be read.
    async fn ruling(
        &self,
        (source, policies): (Option<&Party>, &Policies),
        endpoint: &Endpoint,
        port: u16,
    ) -> Option<Ruling> {
        let (from, to) = (source?, self.party(endpoint.pod.as_ref()?, endpoint.address).await?);
        let asked = Asked { from, to: &to, port, protocol: PortProtocol::Tcp };
        for (direction, party) in [(Direction::Ingress, &to), (Direction::Egress, from)] {
            if !party.is_pod() {
                continue;
            }
            if let Some(denial) = asked.denied(policies.get(&party.namespace)?, direction) {
                return Some(Ruling::Denied(denial));
            }
        }
        Some(Ruling::Free)
    }

    /// Of these namespaces; of one that may not be read there is nothing.
    async fn policies(&self, namespaces: impl Iterator<Item = &str>) -> Policies {
        let namespaces: BTreeSet<&str> = namespaces.collect();
        let lists = namespaces.into_iter().map(async |namespace| {
            let policies = self.cluster.namespaced::<NetworkPolicy>(namespace);
            let how = ListParams::default();
            let list = timeout(NAMING, self.cluster.ask(policies.list(&how))).await.ok()?.ok()?;
            Some((namespace.to_owned(), list.items))
        });
        futures_util::future::join_all(lists).await.into_iter().flatten().collect()
    }

    async fn source(&self, from: &Peer) -> Option<Party> {
        let address = from.address?;
        match (from.kind, &from.namespace) {
            (PeerKind::Pod, Some(namespace)) => {
                let pod = PodName { namespace: namespace.clone(), name: from.name.clone() };
                self.party(&pod, address).await
            }
            _ => Some(Party::of_node(address)),
        }
    }

    async fn party(&self, name: &PodName, address: IpAddr) -> Option<Party> {
        let (pods, namespaces) = (self.cluster.pods(&name.namespace), self.cluster.namespaces());
        let pod = self.cluster.ask(pods.get(&name.name));
        let namespace = self.cluster.ask(namespaces.get_metadata(&name.namespace));
        let (pod, namespace) = tokio::join!(pod, namespace);
        let pod: Pod = pod.ok()?;
        let mut namespace_labels =
            namespace.map(|namespace| namespace.labels().clone()).unwrap_or_default();
        namespace_labels.insert(NAME_LABEL.into(), name.namespace.clone());
        Some(Party {
            namespace: name.namespace.clone(),
            namespace_labels,
            labels: pod.labels().clone(),
            address,
            ports: facts::pod_ports(&pod),
        })
    }
}
