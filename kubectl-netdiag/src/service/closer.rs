//! What is only looked at where something is amiss: the pods of the namespace, and who listens in an
//! endpoint that refuses.

use std::{collections::BTreeMap, net::IpAddr};

use k8s_openapi::api::core::v1::Pod;
use kube::{ResourceExt, api::ListParams};
use netdiag_wire::sockets::{SocketEntry, SocketProtocol, SocketsEvent, SocketsRequest, Which};
use tokio::time::timeout;

use super::{
    backends::{Endpoint, ServiceSpec},
    barred::Barred,
    probes::{Measured, Plan},
};
use crate::{
    args::{Kind, Object, SourceFlags},
    cluster::{Cluster, facts},
    finding::Peer,
    plan::DeclaredPort,
    probe::{
        NAMING,
        way::{self, Route},
    },
    render::PodFacts,
};

/// Pods of one list.
const MAX_PODS: u32 = 1_000;
/// Endpoints whose sockets are looked at.
const MAX_LOOKED: usize = 3;

/// What was found out; what nobody may know is absent.
#[derive(Debug, Default)]
pub(crate) struct Closer {
    /// Of the Service's namespace.
    pub(crate) pods: Option<Vec<PodSeen>>,
    /// By the endpoint's address.
    pub(crate) listening: BTreeMap<IpAddr, Vec<Listening>>,
    /// By the address of an endpoint that is silent.
    pub(crate) barred: BTreeMap<IpAddr, Barred>,
}

/// A pod as far as a Service has to do with it.
#[derive(Clone, Debug)]
pub(crate) struct PodSeen {
    pub(crate) facts: PodFacts,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) ports: Vec<DeclaredPort>,
    pub(crate) images: Vec<String>,
    /// `deploy/checkout`, as far as its name and labels tell.
    pub(crate) owner: Option<String>,
}

/// A port that a process listens on.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Listening {
    pub(crate) port: u16,
    /// Unspecified: every address of its family.
    pub(crate) address: IpAddr,
    /// Of the other family as well.
    pub(crate) dual_stack: bool,
}

pub(super) struct Look<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) spec: &'a ServiceSpec,
    pub(super) plan: &'a Plan,
    pub(super) source: &'a SourceFlags,
    /// Not only those endpoints are looked at that refuse, or are silent.
    pub(super) is_thorough: bool,
}

impl Look<'_> {
    /// What is not known by then is not said.
    pub(super) async fn closer(&self, measured: &Measured, from: &Peer) -> Closer {
        let pods = timeout(NAMING, self.pods());
        let (listening, barred) = (self.listening(measured), self.barred(measured, from));
        let (pods, listening, barred) = tokio::join!(pods, listening, barred);
        Closer { pods: pods.ok().flatten(), listening, barred }
    }

    async fn pods(&self) -> Option<Vec<PodSeen>> {
        let pods = self.cluster.pods(self.spec.peer.namespace.as_deref()?);
        let how = ListParams::default().limit(MAX_PODS);
        let list = self.cluster.ask(pods.list(&how)).await.ok()?;
        Some(list.items.iter().map(PodSeen::of).collect())
    }

    async fn listening(&self, measured: &Measured) -> BTreeMap<IpAddr, Vec<Listening>> {
        let refuses = |at: usize| {
            let mut tallies = measured.ports.iter().filter_map(|port| port.endpoints.get(at));
            tallies.any(|tally| tally.refused() > 0)
        };
        let endpoints = self.plan.endpoints.iter().enumerate();
        let refusing = endpoints.filter(|(at, _)| self.is_thorough || refuses(*at));
        let looks = refusing.take(MAX_LOOKED).map(async |(_, endpoint)| {
            let looked = timeout(NAMING, self.sockets(endpoint)).await;
            looked.ok().flatten().map(|listening| (endpoint.address, listening))
        });
        futures_util::future::join_all(looks).await.into_iter().flatten().collect()
    }

    /// Through the agent of the endpoint's own node, where the caller may.
    async fn sockets(&self, endpoint: &Endpoint) -> Option<Vec<Listening>> {
        let pod = endpoint.pod.as_ref()?;
        let (namespace, name) = (Some(pod.namespace.clone()), pod.name.clone());
        let place = Object { namespace, kind: Kind::Pod, name };
        let opened = way::open("sockets", self.cluster, Route::Within(&place), self.source);
        let (aim, mut way) = opened.await.ok()?;
        let request = SocketsRequest {
            protocols: vec![SocketProtocol::Tcp],
            which: Which::Listening,
            ..SocketsRequest::default()
        };
        let asked = way.ask_once(&aim, &request, async |connection, token, body| {
            connection.probe("sockets", token, body).await
        });
        Some(listening(asked.await.ok()?.all().await.ok()?))
    }
}

/// The ports that processes listen on, each once.
fn listening(events: Vec<SocketsEvent>) -> Vec<Listening> {
    let entries = events.into_iter().flat_map(|event| match event {
        SocketsEvent::Sockets { entries, .. } => entries,
        _ => Vec::new(),
    });
    let mut all: Vec<_> = entries.filter_map(|entry| Listening::of(&entry)).collect();
    all.sort();
    all.dedup();
    all
}

impl Listening {
    fn of(entry: &SocketEntry) -> Option<Self> {
        let local = entry.local.as_ref()?;
        let (port, address) = (local.port, local.address);
        Some(Self { port, address, dual_stack: entry.dual_stack })
    }

    /// Only processes of the same pod get there.
    pub(crate) fn is_loopback(&self) -> bool {
        self.address.is_loopback()
    }

    /// Whether it hears what is sent to this address.
    pub(crate) fn hears(&self, to: IpAddr) -> bool {
        let is_family = self.address.is_ipv4() == to.is_ipv4() || self.dual_stack;
        self.address == to || (self.address.is_unspecified() && is_family)
    }
}

impl PodSeen {
    pub(crate) fn of(pod: &Pod) -> Self {
        let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
        Self {
            facts: facts::of_pod(pod),
            labels: pod.labels().clone(),
            ports: facts::pod_ports(pod),
            images: containers.filter_map(|container| container.image.clone()).collect(),
            owner: owner(pod),
        }
    }

    /// `pod/checkout-2xk8p`.
    pub(crate) fn word(&self) -> String {
        format!("pod/{}", self.facts.name)
    }
}

/// A ReplicaSet that a Deployment made bears its name and the hash of its template.
fn owner(pod: &Pod) -> Option<String> {
    let owner = pod.owner_references().iter().find(|owner| owner.controller == Some(true))?;
    let hash = pod.labels().get("pod-template-hash");
    let deployment = hash.and_then(|hash| owner.name.strip_suffix(hash)?.strip_suffix('-'));
    Some(match (owner.kind.as_str(), deployment) {
        ("ReplicaSet", Some(deployment)) => format!("deploy/{deployment}"),
        ("ReplicaSet", None) => format!("rs/{}", owner.name),
        ("StatefulSet", _) => format!("sts/{}", owner.name),
        ("DaemonSet", _) => format!("ds/{}", owner.name),
        ("Job", _) => format!("job/{}", owner.name),
        (kind, _) => format!("{}/{}", kind.to_lowercase(), owner.name),
    })
}
