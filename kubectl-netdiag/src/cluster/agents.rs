//! The agents: found by label, believed only when they are what the chart makes.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        apps::v1::DaemonSet,
        core::v1::{Pod, Taint, Toleration},
    },
    apimachinery::pkg::apis::meta::v1::OwnerReference,
};
use kube::{Api, api::ListParams};

use super::{Cluster, Unanswered, bindings, facts};
use crate::{
    code,
    finding::{Failure, Label},
};

/// More nodes than this are not all asked.
const MAX_NODES: usize = 50;
const LABELS: &str = "app.kubernetes.io/name=netdiag,app.kubernetes.io/component=agent";

/// A pod that was checked to be an agent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Agent {
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// The token is for this one pod.
    pub(crate) uid: String,
    pub(crate) node: String,
    /// As the chart labels it; the agent's own word comes with its answer.
    pub(crate) version: Option<String>,
}

/// The agents' DaemonSet, as far as the user may see it.
#[derive(Clone, Debug)]
pub(crate) enum Fleet {
    Seen(Box<DaemonSet>),
    Absent,
    /// The user may not read DaemonSets there: then the pods' own word must do.
    Hidden,
}

impl Cluster {
    pub(crate) async fn fleet(&self) -> Result<Fleet, Failure> {
        let sets: Api<DaemonSet> = self.namespaced(&self.agents);
        match self.ask(sets.list(&ListParams::default().labels(LABELS))).await {
            Ok(list) => {
                let first = list.items.into_iter().next();
                Ok(first.map_or(Fleet::Absent, |set| Fleet::Seen(Box::new(set))))
            }
            Err(refusal) if refusal.is_forbidden() => Ok(Fleet::Hidden),
            Err(refusal) => Err(refusal.failure("list the agents' DaemonSet")),
        }
    }

    /// Pods with the agents' labels: of one node, or of all; at most `limit`, where that is not 0.
    pub(crate) async fn agent_pods(
        &self,
        node: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Pod>, Unanswered> {
        let mut how =
            ListParams { limit: Some(limit).filter(|limit| *limit > 0), ..ListParams::default() };
        how = how.labels(LABELS);
        if let Some(node) = node {
            how = how.fields(&format!("spec.nodeName={node}"));
        }
        Ok(self.ask(self.pods(&self.agents).list(&how)).await?.items)
    }

    /// The agents' pods that can be asked, one for each node and by its name, and of how many they
    /// are taken: where there are many, those of a sample.
    pub(crate) async fn nodes_with_agents(&self) -> Result<(Vec<Pod>, usize), Failure> {
        let (pods, fleet) = tokio::join!(self.agent_pods(None, 0), self.fleet());
        let pods = match pods {
            Ok(pods) => pods,
            Err(refusal) => return Err(self.may_not_reach(&refusal).await),
        };
        let fleet = fleet?;
        let of_node = |pod: Pod| Some((check(&pod, &fleet).ok()?.node, pod));
        let by_node: BTreeMap<String, Pod> = pods.into_iter().filter_map(of_node).collect();
        let all = by_node.len();
        if all == 0 {
            return Err(Failure::new(code::NO_AGENT, "no node has an agent that is ready"));
        }
        // Spread over the names, which often say where a node stands.
        Ok((by_node.into_values().step_by(all.div_ceil(MAX_NODES)).collect(), all))
    }

    /// The agent of a node, or why there is none that may be used.
    pub(crate) async fn agent_on(&self, node: &str, fleet: &Fleet) -> Result<Agent, Failure> {
        let pods = match self.agent_pods(Some(node), 10).await {
            Ok(pods) => pods,
            Err(refusal) => return Err(self.may_not_reach(&refusal).await),
        };
        match choose(&pods, node, fleet) {
            Some(Ok(agent)) => Ok(agent),
            Some(Err(failure)) => Err(failure),
            None => Err(self.no_agent(node, fleet).await),
        }
    }

    /// ND0012: the agents' namespace is closed to the user.
    pub(crate) async fn may_not_reach(&self, refusal: &Unanswered) -> Failure {
        let agents = &self.agents;
        let failure = refusal.failure(&format!("reach the agents in namespace {agents}"));
        if !refusal.is_forbidden() {
            return failure;
        }
        let user = self.user().await.unwrap_or_else(|| "USER".into());
        let command = bindings::in_namespace(agents, "--role=netdiag-reach", &user);
        failure.with(Label::Admin(command))
    }

    async fn no_agent(&self, node: &str, fleet: &Fleet) -> Failure {
        let agents = &self.agents;
        let failure = Failure::new(code::NO_AGENT, format!("no agent on {node}"));
        match fleet {
            Fleet::Absent => failure
                .with(Label::Seen(format!("no DaemonSet of netdiag in namespace {agents}")))
                .with(Label::AdminText(format!(
                    "install the chart there, or name its namespace: --agent-namespace, now {agents}"
                ))),
            Fleet::Hidden => failure,
            Fleet::Seen(set) => {
                let taints = self.ask(self.nodes().get(node)).await.ok();
                let taints = taints.and_then(|node| node.spec?.taints).unwrap_or_default();
                failure.with(untolerated(&taints, set).map(|taint| {
                    let set = set.metadata.name.as_deref().unwrap_or_default();
                    Label::Seen(format!(
                        "taint {taint} on {node} is not tolerated by DaemonSet {agents}/{set}"
                    ))
                }))
            }
        }
    }
}

/// The node's agent among pods with the right labels: a ready one, else why the first cannot serve.
pub(crate) fn choose(pods: &[Pod], node: &str, fleet: &Fleet) -> Option<Result<Agent, Failure>> {
    let here = pods.iter().filter(|pod| node_of(pod) == Some(node));
    let mut checked: Vec<_> = here.map(|pod| check(pod, fleet)).collect();
    let ready = checked.iter().position(Result::is_ok);
    if checked.is_empty() { None } else { Some(checked.swap_remove(ready.unwrap_or(0))) }
}

/// Whether the pod is what the chart makes: then its UID may be a token's audience.
pub(crate) fn check(pod: &Pod, fleet: &Fleet) -> Result<Agent, Failure> {
    let facts = facts::of_pod(pod);
    let node = facts.node.clone().unwrap_or_default();
    if let Some(why) = foreign(pod, fleet) {
        let message =
            format!("{}/pod/{} bears the agents' labels, but {why}", facts.namespace, facts.name);
        return Err(Failure::new(code::FOREIGN_AGENT, message));
    }
    if facts.terminating || !facts.ready {
        let state = if facts.terminating { "is being deleted" } else { "is not ready" };
        let message = format!("no agent on {node}");
        let seen = Label::Seen(format!("{}/pod/{} {state}", facts.namespace, facts.name));
        let next = ["kubectl", "describe", "pod", &facts.name, "-n", &facts.namespace];
        let next = Label::Next(next.map(str::to_owned).to_vec());
        return Err(Failure::new(code::NO_AGENT, message).with(seen).with(next));
    }
    let uid = pod.metadata.uid.clone().unwrap_or_default();
    let labels = pod.metadata.labels.as_ref();
    let version = labels.and_then(|labels| labels.get("app.kubernetes.io/version")).cloned();
    Ok(Agent { namespace: facts.namespace, name: facts.name, uid, node, version })
}

pub(crate) fn node_of(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref()?.node_name.as_deref()
}

/// What sets the pod apart from one of the agents' DaemonSet.
fn foreign(pod: &Pod, fleet: &Fleet) -> Option<String> {
    let Some(owner) = controller(pod) else { return Some("no DaemonSet owns it".into()) };
    if (owner.kind.as_str(), owner.api_version.as_str()) != ("DaemonSet", "apps/v1") {
        return Some(format!("a {} owns it", owner.kind));
    }
    let account = pod.spec.as_ref().and_then(|spec| spec.service_account_name.as_deref());
    let account = account.unwrap_or("default");
    if matches!(account, super::tokens::USER | super::tokens::OPERATOR) {
        return Some(format!("it runs as {account}"));
    }
    match fleet {
        Fleet::Hidden => None,
        Fleet::Absent => Some("there is no such DaemonSet".into()),
        Fleet::Seen(set) if set.metadata.uid.as_ref() != Some(&owner.uid) => {
            Some(format!("DaemonSet {} does not own it", set.metadata.name.as_deref()?))
        }
        Fleet::Seen(set) => {
            let template = set.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
            let wanted = template.and_then(|spec| spec.service_account_name.as_deref());
            let wanted = wanted.unwrap_or("default");
            (account != wanted).then(|| format!("it runs as {account}, not as {wanted}"))
        }
    }
}

fn controller(pod: &Pod) -> Option<&OwnerReference> {
    let owners = pod.metadata.owner_references.as_ref()?;
    owners.iter().find(|owner| owner.controller == Some(true))
}

/// The first taint that keeps the DaemonSet's pods off the node, as kubectl writes it.
pub(crate) fn untolerated(taints: &[Taint], set: &DaemonSet) -> Option<String> {
    let template = set.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
    let tolerations: Vec<&Toleration> =
        template.iter().flat_map(|spec| spec.tolerations.iter().flatten()).collect();
    // The DaemonSet controller tolerates the node's own conditions for its pods.
    let keeps_off = |taint: &&Taint| {
        taint.effect != "PreferNoSchedule"
            && !taint.key.starts_with("node.kubernetes.io/")
            && !tolerations.iter().any(|toleration| tolerates(toleration, taint))
    };
    let taint = taints.iter().find(keeps_off)?;
    let value = taint.value.iter().filter(|value| !value.is_empty());
    let value: String = value.map(|value| format!("={value}")).collect();
    Some(format!("{}{value}:{}", taint.key, taint.effect))
}

fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    let some = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let effect = some(&toleration.effect).is_none_or(|effect| effect == taint.effect);
    let key = some(&toleration.key);
    let exists = toleration.operator.as_deref() == Some("Exists");
    let value = exists || some(&toleration.value) == some(&taint.value);
    effect && value && key.map_or(exists, |key| key == taint.key)
}

#[cfg(test)]
mod tests;
