//! SOURCE: the pod or node from which is sent, and its node's agent.

use std::future::Future;

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::{ResourceExt, api::ListParams};
use netdiag_wire::{Family, Source};

use super::{Aim, Start};
use crate::{
    args::{Kind, Object},
    cluster::{
        Cluster,
        agents::{self, Fleet},
        facts::{self, of_family},
        targets::has_network,
    },
    code,
    finding::{Failure, Label, Peer, PeerKind},
};

/// Nodes and agents looked at for a default source; the API server lists in the order of names.
const MAX_LISTED: u32 = 50;

/// The source that was named.
pub(super) async fn chosen(
    cluster: &Cluster,
    origin: &Object,
    fleet: impl Future<Output = Result<Fleet, Failure>>,
    family: Family,
) -> Result<Start, Failure> {
    match origin.kind {
        Kind::Workload(workload) => {
            let namespace = origin.namespace.as_deref().unwrap_or(&cluster.namespace);
            let crew = cluster.crew(namespace, workload, &origin.name);
            let (crew, fleet) = tokio::try_join!(crew, fleet)?;
            let (pod, which) = crew.representative()?;
            let mut start = from_pod(cluster, pod, &fleet, family).await?;
            start.peer.words.insert(0, which);
            Ok(start)
        }
        Kind::Pod | Kind::Service => {
            let namespace = origin.namespace.as_deref().unwrap_or(&cluster.namespace);
            let pod = cluster.pod(namespace, &origin.name);
            let (pod, fleet) = tokio::try_join!(pod, fleet)?;
            from_pod(cluster, &pod, &fleet, family).await
        }
        Kind::Node => {
            let node = async { Ok(cluster.ask(cluster.nodes().get(&origin.name)).await) };
            let (node, fleet) = tokio::try_join!(node, fleet)?;
            let agent = cluster.agent_on(&origin.name, &fleet).await;
            match node {
                Ok(node) => Ok(from_node(&node, agent?, family)),
                // A tenant may not read nodes, and yet be allowed to probe from one.
                Err(refusal) if refusal.is_forbidden() => Ok(unread_node(&origin.name, agent?)),
                Err(_) => Err(cluster.node(&origin.name).await.err().unwrap_or_else(|| {
                    Failure::new(code::NO_OBJECT, format!("no node \"{}\"", origin.name))
                })),
            }
        }
    }
}

async fn from_pod(
    cluster: &Cluster,
    pod: &Pod,
    fleet: &Fleet,
    family: Family,
) -> Result<Start, Failure> {
    has_network(pod)?;
    let known = facts::of_pod(pod);
    if let Some(class) = own_stack(pod) {
        let message = format!(
            "{}/pod/{} runs in {class}, with a network stack of its own, which no agent enters",
            known.namespace, known.name
        );
        let note = "its node is the nearest place to probe from".to_owned();
        return Err(Failure::new(code::NO_NETWORK, message).with(Label::Note(note)));
    }
    let node = known.node.clone().unwrap_or_default();
    let peer = facts::pod_peer(pod, of_family(&known.addresses, family));
    let agent = cluster.agent_on(&node, fleet).await.map_err(|failure| {
        match failure.code == Some(code::NO_AGENT) {
            true => Failure {
                message: format!("{}, where {} runs", failure.message, peer.word()),
                ..failure
            },
            false => failure,
        }
    })?;
    let source = Source::Pod {
        namespace: known.namespace.clone(),
        name: known.name,
        uid: pod.metadata.uid.clone(),
    };
    Ok(Start { peer, source, namespace: Some(known.namespace), agent, is_default: false })
}

/// The runtime class of a pod in gVisor or Kata Containers, whose sockets are not the node's.
fn own_stack(pod: &Pod) -> Option<&str> {
    let class = pod.spec.as_ref()?.runtime_class_name.as_deref()?;
    let is_sandbox = ["gvisor", "runsc", "kata"].iter().any(|name| class.contains(name));
    is_sandbox.then_some(class)
}

fn from_node(node: &Node, agent: agents::Agent, family: Family) -> Start {
    let addresses = facts::internal_addresses(&facts::of_node(node));
    let peer = facts::node_peer(node, of_family(&addresses, family));
    let source = Source::Node { name: node.name_any() };
    Start { peer, source, namespace: None, agent, is_default: false }
}

fn unread_node(name: &str, agent: agents::Agent) -> Start {
    let node = Some(name.to_owned());
    let peer = Peer { kind: PeerKind::Node, name: name.to_owned(), node, ..Peer::default() };
    let source = Source::Node { name: name.to_owned() };
    Start { peer, source, namespace: None, agent, is_default: false }
}

/// What a default source is chosen from.
pub(super) struct Lists {
    /// Empty where the user may not list nodes; then the agents' own nodes serve.
    nodes: Vec<Node>,
    agents: Vec<Pod>,
    fleet: Fleet,
}

pub(super) async fn lists(cluster: &Cluster) -> Result<Lists, Failure> {
    let (nodes, pods) = (cluster.nodes(), cluster.agent_pods(None, MAX_LISTED));
    let how = ListParams::default().limit(MAX_LISTED);
    let nodes = cluster.ask(nodes.list(&how));
    let (nodes, agents, fleet) = tokio::join!(nodes, pods, cluster.fleet());
    let nodes = match nodes {
        Ok(list) => list.items,
        Err(refusal) if refusal.is_forbidden() => Vec::new(),
        Err(refusal) => return Err(refusal.failure("list nodes")),
    };
    let agents = match agents {
        Ok(agents) => agents,
        Err(refusal) => return Err(cluster.may_not_reach(&refusal).await),
    };
    Ok(Lists { nodes, agents, fleet: fleet? })
}

/// The first node by name that is ready, has a ready agent and is not the target's own.
pub(super) async fn default(
    cluster: &Cluster,
    aim: &Aim,
    lists: &Lists,
    family: Family,
) -> Result<Start, Failure> {
    let with_agents =
        |name: &&String| matches!(agents::choose(&lists.agents, name, &lists.fleet), Some(Ok(_)));
    let ready = ready_nodes(lists);
    let elsewhere: Vec<&String> =
        ready.iter().filter(|name| Some(*name) != aim.peer.node.as_ref()).collect();
    let name = elsewhere.iter().copied().find(with_agents).or_else(|| elsewhere.first().copied());
    let Some(name) = name.or_else(|| ready.first()) else {
        return Err(Failure::new(code::NO_AGENT, "no node is ready to probe from"));
    };
    let agent = match agents::choose(&lists.agents, name, &lists.fleet) {
        Some(agent) => agent?,
        None => cluster.agent_on(name, &lists.fleet).await?,
    };
    let node = lists.nodes.iter().find(|node| node.name_any() == *name);
    let mut start = match node {
        Some(node) => from_node(node, agent, family),
        None => unread_node(name, agent),
    };
    start.peer.words.insert(0, "default source".into());
    Ok(Start { is_default: true, ..start })
}

fn ready_nodes(lists: &Lists) -> Vec<String> {
    let ready = |node: &&Node| facts::of_node(node).ready == Some(true);
    let mut names: Vec<String> = if lists.nodes.is_empty() {
        lists.agents.iter().filter_map(agents::node_of).map(str::to_owned).collect()
    } else {
        lists.nodes.iter().filter(ready).map(ResourceExt::name_any).collect()
    };
    names.sort();
    names
}

/// A node whose agent is ready, where the source's own is not.
pub(crate) async fn elsewhere(cluster: &Cluster) -> Option<String> {
    let (pods, fleet) = tokio::join!(cluster.agent_pods(None, MAX_LISTED), cluster.fleet());
    let (pods, fleet) = (pods.ok()?, fleet.ok()?);
    let ready = pods.iter().filter_map(|pod| agents::check(pod, &fleet).ok());
    ready.map(|agent| agent.node).min()
}

/// ND0013: the default is not for this user; pods of the namespace are offered, none is picked.
pub(crate) async fn from_where(
    cluster: &Cluster,
    command: &[String],
    target: &Peer,
    seen: Vec<Label>,
) -> Failure {
    let namespace = target.namespace.as_deref().unwrap_or(&cluster.namespace);
    let how = ListParams::default().fields("status.phase=Running").limit(50);
    let pods = cluster.ask(cluster.pods(namespace).list(&how)).await;
    let pods = pods.map(|list| list.items).unwrap_or_default();
    let usable = |pod: &&Pod| {
        let facts = facts::of_pod(pod);
        facts.ready && !facts.terminating && !facts.host_network && facts.name != target.name
    };
    let pods: Vec<String> = pods
        .iter()
        .filter(usable)
        .map(|pod| format!("{namespace}/pod/{}", pod.name_any()))
        .collect();
    let message = "from where? Probing from nodes (the default) is not allowed for you";
    let mut failure = Failure::new(code::FROM_WHERE, message);
    failure.labels = seen;
    let Some(first) = pods.first() else { return failure };
    let next = command.iter().cloned().chain(["--from".into(), first.clone()]);
    let more = match pods.len() - 1 {
        0 => String::new(),
        more => format!(" (or {more} more pods of {namespace})"),
    };
    failure
        .with(Label::Next(next.collect()))
        .with(Label::Note(format!("or once for all: export NETDIAG_FROM={first}{more}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_sandbox_with_its_own_network_stack_is_known_by_its_class() {
        for (class, own) in [
            (json!("gvisor"), true),
            (json!("kata-qemu"), true),
            (json!("runsc"), true),
            (json!("nvidia"), false),
            (json!(null), false),
        ] {
            let spec = json!({"spec": {"containers": [], "runtimeClassName": class}});
            let pod: Pod = serde_json::from_value(spec).unwrap();
            assert_eq!(own_stack(&pod).is_some(), own, "{class}");
        }
    }
}
