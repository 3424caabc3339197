//! What carries Services on the nodes, and whether kube-proxy keeps up.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use kube::api::ListParams;
use netdiag_wire::{Source, facts::NodeFacts};
use serde::Serialize;

use super::rights::{Access, Answer, Rights};
use crate::{
    cluster::{Cluster, facts},
    data_plane::{self, DataPlane, Kind},
    finding::{Finding, Label, Severity},
    node_facts,
    render::PodFacts,
    survey::{Row, Survey},
};

/// Nodes that are asked; more than these tell the same, at a token and a stream each.
const MAX_NODES: usize = 16;
/// Among so many one is looked for on each node.
const MAX_PODS: u32 = 500;
/// After this long without a sync kube-proxy calls itself ill, too
/// (`pkg/proxy/healthcheck/proxy_health.go`).
const MAX_BEHIND_MS: i64 = 60_000;

/// What was learned.
pub(super) struct Carried {
    pub(super) nodes: Vec<Node>,
    /// Ready agents that were not asked.
    pub(super) unasked: usize,
    /// By the API alone, where no node could be asked.
    pub(super) cluster: DataPlane,
}

/// One node that told.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Node {
    pub(super) node: String,
    pub(super) facts: NodeFacts,
    pub(super) data_plane: DataPlane,
}

/// Asks some nodes, where the caller may probe from them, and the API.
pub(super) async fn look(
    cluster: &Cluster,
    survey: &Survey,
    rights: &Rights,
    namespace: &str,
) -> Carried {
    let ready = survey.rows.iter().filter(|row| row.reached().is_some());
    let sources = sources(cluster, ready.collect(), rights, namespace).await;
    let asked = sources.len().min(MAX_NODES);
    let facts = stream::iter(&sources[..asked]).map(|(row, source)| of_row(cluster, row, source));
    let (objects, told) =
        tokio::join!(cluster.network_objects(), facts.buffered(MAX_NODES).collect::<Vec<_>>());
    let nodes = told.into_iter().flatten().map(|(node, facts)| {
        let data_plane = data_plane::find(Some(&facts), &objects);
        Node { node, facts, data_plane }
    });
    Carried {
        nodes: nodes.collect(),
        unasked: sources.len() - asked,
        cluster: data_plane::find(None, &objects),
    }
}

/// From where each node may be asked: from itself, else from a pod of the caller's namespace there.
async fn sources<'a>(
    cluster: &Cluster,
    ready: Vec<&'a Row>,
    rights: &Rights,
    namespace: &str,
) -> Vec<(&'a Row, Source)> {
    // Where the API server would not say, the agent does.
    let is_open = |right: &Answer| *right != Answer::No;
    let may = |access: &Access| access.account.is_some() && access.rights.iter().any(is_open);
    if may(&rights.nodes) {
        let node = |row: &'a Row| (row, Source::Node { name: row.node.clone() });
        return ready.into_iter().map(node).collect();
    }
    if !may(&rights.pods) {
        return Vec::new();
    }
    let how = ListParams::default().limit(MAX_PODS);
    let pods = cluster.ask(cluster.pods(namespace).list(&how)).await;
    let pods: Vec<_> = pods.iter().flatten().map(facts::of_pod).collect();
    let pod = |row: &'a Row| {
        let here = |pod: &&PodFacts| {
            pod.node.as_ref() == Some(&row.node) && pod.phase == "Running" && !pod.host_network
        };
        let name = pods.iter().find(here)?.name.clone();
        Some((row, Source::Pod { namespace: namespace.to_owned(), name, uid: None }))
    };
    ready.into_iter().filter_map(pod).collect()
}

/// An agent of an older release has no facts; what it lacks is said elsewhere.
async fn of_row(cluster: &Cluster, row: &Row, source: &Source) -> Option<(String, NodeFacts)> {
    let facts = node_facts::ask(cluster, row.reached()?, source, None).await;
    facts.ok().map(|facts| (row.node.clone(), facts))
}

/// What is ill of it; else the one line that it is well.
pub(super) fn findings(carried: &Carried) -> Vec<Finding> {
    let ill: Vec<Finding> =
        differ(carried).into_iter().chain(carried.nodes.iter().filter_map(behind)).collect();
    if ill.is_empty() { carrier(carried).into_iter().collect() } else { ill }
}

fn by_kind(carried: &Carried) -> BTreeMap<Kind, Vec<&Node>> {
    let mut kinds: BTreeMap<Kind, Vec<&Node>> = BTreeMap::new();
    for node in &carried.nodes {
        kinds.entry(node.data_plane.kind).or_default().push(node);
    }
    kinds
}

fn carrier(carried: &Carried) -> Option<Finding> {
    let (found, whose) = match carried.nodes.first() {
        Some(node) => (&node.data_plane, on(carried)),
        None => (&carried.cluster, String::new()),
    };
    let seen = found.evidence.first()?.label();
    if found.kind == Kind::Unknown {
        let summary = "what carries Services could not be told".to_owned();
        return Some(
            Finding { severity: Severity::Skip, summary, ..Finding::default() }.with(seen),
        );
    }
    let summary = format!("Services are carried by {}{whose}", found.kind.word());
    let echo = found.echo;
    let note = format!("an echo to their addresses {} ({})", echo.becomes, echo.basis.words());
    Some(Finding::ok(summary).with(seen).with(Label::Note(note)))
}

fn on(carried: &Carried) -> String {
    let asked = match carried.unasked {
        0 => String::new(),
        more => format!(" that were asked ({more} were not)"),
    };
    match &carried.nodes[..] {
        [one] => format!(" on {}{asked}", one.node),
        nodes => format!(" on {} nodes{asked}", nodes.len()),
    }
}

/// More than one kind: what holds on one node does not on another.
fn differ(carried: &Carried) -> Option<Finding> {
    const NAMED: usize = 3;
    let kinds = by_kind(carried);
    if kinds.len() < 2 {
        return None;
    }
    let said = kinds.iter().map(|(kind, nodes)| {
        let names: Vec<&str> = nodes.iter().take(NAMED).map(|node| node.node.as_str()).collect();
        let more = match nodes.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{} on {}{more}", kind.word(), names.join(", "))
    });
    let said: Vec<String> = said.collect();
    let summary = format!("nodes differ in what carries Services: {}", said.join("; "));
    let finding = Finding { severity: Severity::Warn, summary, ..Finding::default() };
    let labels = kinds.values().filter_map(|nodes| {
        let node = nodes.first()?;
        Some(Label::Seen(format!("{}: {}", node.node, node.data_plane.evidence.first()?.text)))
    });
    Some(labels.fold(finding, Finding::with))
}

/// A change that has waited too long, or its own word that it is ill.
fn behind(node: &Node) -> Option<Finding> {
    let proxy = &node.facts.kube_proxy;
    let waits = proxy.syncs.iter().filter_map(|sync| sync.behind_ms(node.facts.now_at)).max();
    let name = &node.node;
    let summary = match waits.filter(|waits| *waits > MAX_BEHIND_MS) {
        Some(ms) => format!(
            "{name}'s kube-proxy has not written the rules of a change that it heard of {} s ago",
            ms / 1_000
        ),
        None if proxy.healthy == Some(false) => {
            format!("{name}'s kube-proxy calls itself unhealthy (/healthz)")
        }
        None => return None,
    };
    let finding = Finding { severity: Severity::Warn, summary, ..Finding::default() };
    let failed = proxy.failed_syncs.filter(|failed| *failed > 0);
    let failed = failed.map(|failed| format!("{failed} attempts to write its rules failed so far"));
    let note = "new endpoints of Services may not be reached from that node".to_owned();
    Some(finding.with(failed.map(Label::Seen)).with(Label::Note(note)))
}

#[cfg(test)]
mod tests;
