//! What is looked at where an endpoint is silent: whether its own node reaches it, whom no
//! NetworkPolicy holds back, and which policies would hold the source back.

use std::{collections::BTreeMap, net::IpAddr, num::NonZeroU8};

use k8s_openapi::api::{core::v1::Pod, networking::v1::NetworkPolicy};
use kube::{ResourceExt, api::ListParams};
use netdiag_wire::{
    Event,
    connect::{ConnectEvent, ConnectOutcome, ConnectRequest},
};
use tokio::time::timeout;

use super::{
    backends::{Endpoint, PodName},
    closer::Look,
    probes::{Measured, Tally},
};
use crate::{
    agent,
    args::{Kind, Object},
    cluster::facts,
    code,
    finding::{Failure, Peer, PeerKind},
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

/// Of one endpoint, by one of its ports.
#[derive(Clone, Debug, Default)]
pub(crate) struct Barred {
    /// Asked from its own node; without attempts where that could not be.
    pub(crate) own_node: Tally,
    /// Whether policies could be read.
    pub(crate) is_read: bool,
    pub(crate) denial: Option<Denial>,
    /// What the source is to a policy.
    pub(crate) source_labels: BTreeMap<String, String>,
}

impl Look<'_> {
    /// By the endpoint's address; whoever may know nothing gets nothing.
    pub(super) async fn barred(
        &self,
        measured: &Measured,
        from: &Peer,
    ) -> BTreeMap<IpAddr, Barred> {
        let silent = self.silent(measured);
        let source = match silent.is_empty() {
            true => None,
            false => timeout(NAMING, self.source(from)).await.ok().flatten(),
        };
        let looks = silent.into_iter().take(MAX_LOOKED).map(async |(endpoint, port)| {
            let own_node = timeout(NAMING, self.own_node(endpoint, port));
            let denial = timeout(NAMING, self.denial(source.as_ref(), endpoint, port));
            let (own_node, denial) = tokio::join!(own_node, denial);
            let barred = Barred {
                own_node: own_node.ok().flatten().unwrap_or_default(),
                is_read: matches!(denial, Ok(Some(_))),
                denial: denial.ok().flatten().flatten(),
                source_labels: source.as_ref().map(|it| it.labels.clone()).unwrap_or_default(),
            };
            (endpoint.address, barred)
        });
        futures_util::future::join_all(looks).await.into_iter().collect()
    }

    /// Endpoints that never said anything, or all, with the TCP port that they were asked for.
    fn silent(&self, measured: &Measured) -> Vec<(&Endpoint, u16)> {
        let is_silence =
            |outcome: &ConnectOutcome| matches!(outcome, ConnectOutcome::Silence { .. });
        let ports = self.plan.ports.iter().zip(&measured.ports);
        let tcp = ports.filter(|(port, _)| port.declared.protocol == PortProtocol::Tcp);
        let mut silent: Vec<(&Endpoint, u16)> = tcp
            .flat_map(|(port, answers)| {
                let endpoints = self.plan.endpoints.iter().zip(&answers.endpoints);
                endpoints
                    .filter(move |(_, tally)| {
                        self.is_thorough
                            || tally.tries() > 0 && tally.count(is_silence) == tally.tries()
                    })
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
        let events = heard(asked.await.ok()?).await.ok()?;
        Some(Tally(events.into_iter().filter_map(attempt).collect()))
    }

    /// Ingress of the endpoint first, then egress of the source; None where that cannot be read.
    async fn denial(
        &self,
        source: Option<&Party>,
        endpoint: &Endpoint,
        port: u16,
    ) -> Option<Option<Denial>> {
        let (from, to) = (source?, self.party(endpoint.pod.as_ref()?, endpoint.address).await?);
        let asked = Asked { from, to: &to, port, protocol: PortProtocol::Tcp };
        for (direction, namespace) in
            [(Direction::Ingress, &to.namespace), (Direction::Egress, &from.namespace)]
        {
            if namespace.is_empty() {
                continue;
            }
            let policies = self.policies(namespace).await?;
            if let Some(denial) = asked.denied(&policies, direction) {
                return Some(Some(denial));
            }
        }
        Some(None)
    }

    async fn policies(&self, namespace: &str) -> Option<Vec<NetworkPolicy>> {
        let policies = self.cluster.namespaced::<NetworkPolicy>(namespace);
        let list = self.cluster.ask(policies.list(&ListParams::default())).await.ok()?;
        Some(list.items)
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

/// All attempts of a request.
pub(super) async fn heard(mut lines: agent::Lines) -> Result<Vec<ConnectEvent>, Failure> {
    let mut events = Vec::new();
    loop {
        let line =
            lines.next::<ConnectEvent>().await.map_err(|broken| lost(&broken.to_string()))?;
        let Some(line) = line else { return Err(lost("it ended in the middle")) };
        match line.event {
            Event::Probe(event) => events.push(event),
            Event::End { .. } => return Ok(events),
            Event::Error { error } => return Err(lost(&error.message.to_string())),
            Event::Accepted { .. } | Event::Heartbeat => {}
        }
    }
}

fn lost(why: &str) -> Failure {
    Failure::new(code::AGENT_ENDED, format!("the agent's answer broke off: {why}"))
}
