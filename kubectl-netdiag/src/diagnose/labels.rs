//! Labelled lines of findings: what the API knows of the target, and what to run next.
//!
//! Every `next` here is a command of this release.

use std::net::IpAddr;

use jiff::{Timestamp, tz::TimeZone};
use netdiag_wire::Untrusted;

use super::Context;
use crate::{
    finding::{Code, Finding, Label, Object, Peer, PeerKind, Severity},
    render::{NodeFacts, PodFacts, ReadyBy, ServiceFacts, number},
};

/// What a verdict says besides its own sentence where nobody chose the source.
pub(super) fn of_default_source(finding: &mut Finding, context: &Context) {
    if context.default_source {
        finding.summary = format!("{}, from {}", finding.summary, context.from.name);
        finding.labels.extend(no_wire(context));
    }
}

/// That both ends are on one node.
pub(super) fn no_wire(context: &Context) -> Option<Label> {
    same_node(context).then(|| Label::Note("same node: nothing here crosses a wire".into()))
}

/// The first line of what a server said, short enough for one of ours.
pub(super) fn said(bytes: &Untrusted) -> Option<Label> {
    const MAX_SHOWN: usize = 80;
    let line = bytes.as_bytes().split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let shown = Untrusted::from(line[..line.len().min(MAX_SHOWN)].to_vec());
    (!line.is_empty()).then(|| Label::Seen(format!("it said \"{shown}\"")))
}

/// Through a mesh's proxy nobody knows who it was that failed; `what` never came back.
pub(super) fn behind_a_proxy(what: &str, finding: Finding) -> Finding {
    const INTERCEPTED: Code = Code(609);
    let summary =
        format!("taken by a proxy in the source's own namespace, and then no {what} came back");
    Finding::new(Severity::Unknown, INTERCEPTED, summary)
        .with(Label::Seen(finding.summary))
        .with(Label::Means("whether it is the proxy or the target, this does not tell".into()))
}

/// Whether the target lives, as the API has it.
pub(super) fn target_state(context: &Context) -> Vec<Label> {
    let dead = node_not_ready(context);
    if !dead.is_empty() {
        return dead;
    }
    let pod = context.target_pod.as_ref().map(pod_state);
    let node = context.target_node.as_ref().filter(|_| context.to.kind == PeerKind::Node);
    let node = node.filter(|node| node.ready == Some(true)).map(|node| Label::SeenOf {
        text: "the node lives: Ready, so its kubelet reports to the API server".into(),
        object: node_object(node),
    });
    pod.into_iter().chain(node).collect()
}

/// That the target's node does not report, which explains all else.
pub(super) fn node_not_ready(context: &Context) -> Vec<Label> {
    let not_ready = |node: &&NodeFacts| node.ready == Some(false);
    let Some(node) = context.target_node.as_ref().filter(not_ready) else { return Vec::new() };
    let pod = if context.target_pod.is_some() { ", where the pod runs," } else { "" };
    let since = node.ready_since.map(|at| format!(" since {}", instant(at, context.now_at)));
    let text = format!("{}{pod} is NotReady{}", node.name, since.unwrap_or_default());
    vec![Label::SeenOf { text, object: node_object(node) }]
}

fn pod_state(pod: &PodFacts) -> Label {
    let text = match (pod.ready, pod.ready_by) {
        _ if pod.terminating => "the pod is terminating",
        (false, _) => "the pod is not Ready",
        (true, ReadyBy::HttpGet) => "the pod lives: Ready by an httpGet probe from its own node",
        (true, ReadyBy::TcpSocket) => "the pod lives: Ready by a tcpSocket probe from its own node",
        (true, ReadyBy::Grpc) => "the pod lives: Ready by a grpc probe from its own node",
        (true, ReadyBy::Exec) => {
            "the pod runs: Ready by an exec probe, which does not use its network"
        }
        (true, ReadyBy::Nothing) => "the pod runs: Ready because it has no readinessProbe",
    };
    let object = Object {
        kind: "Pod".into(),
        namespace: Some(pod.namespace.clone()),
        name: pod.name.clone(),
        resource_version: pod.resource_version.clone(),
    };
    Label::SeenOf { text: text.into(), object }
}

fn node_object(node: &NodeFacts) -> Object {
    Object {
        kind: "Node".into(),
        namespace: None,
        name: node.name.clone(),
        resource_version: node.resource_version.clone(),
    }
}

/// `03:02:59 UTC` of today, with its date otherwise.
pub(super) fn instant(at: Timestamp, now: Timestamp) -> String {
    let [at, now] = [at, now].map(|t| t.to_zoned(TimeZone::UTC));
    let format = if at.date() == now.date() { "%H:%M:%S UTC" } else { "%Y-%m-%d %H:%M:%S UTC" };
    at.strftime(format).to_string()
}

/// The target is a Service's address: then no echo tells anything of the Service.
pub(super) fn service_of(context: &Context) -> Option<[Label; 2]> {
    let address = context.to.address?;
    let (namespace, name) = match &context.to {
        Peer { kind: PeerKind::Service, namespace: Some(namespace), name, .. } => (namespace, name),
        _ => service_at(context, address).map(|service| (&service.namespace, &service.name))?,
    };
    let note =
        format!("{address} is the address of {namespace}/svc/{name}: an echo reaches no pod of it");
    Some([Label::Note(note), endpoints_of(namespace, name)])
}

/// The Service with this ClusterIP, as far as it is known.
pub(super) fn service_at(context: &Context, address: IpAddr) -> Option<&ServiceFacts> {
    context.names.services.iter().find(|service| service.cluster_ips.contains(&address))
}

pub(super) fn silence_unless(context: &Context) -> Option<Label> {
    let text = match context.to.kind {
        PeerKind::Address | PeerKind::Host => {
            "the host or a firewall drops echoes only, as many outside the cluster do"
        }
        PeerKind::Pod
        | PeerKind::Node
        | PeerKind::Service
        | PeerKind::Workload(_)
        | PeerKind::Local => "only echoes are dropped: TCP may pass where ICMP does not",
    };
    Some(Label::Unless(text.into()))
}

/// All that was lost is one run: then it is an interruption, not scattered loss.
pub(super) fn one_run(lost: &[u32], interval_us: u32) -> Option<Label> {
    let (first, last) = (lost.first()?, lost.last()?);
    let contiguous = (last - first) as usize == lost.len() - 1;
    let lasted = number::took(u64::from(interval_us) * lost.len() as u64);
    let text = format!("all lost ones are one run: an interruption of about {lasted}");
    (contiguous && lost.len() > 2).then_some(Label::Differ(text))
}

/// The nearest look-alikes: the target from its own node, and the rules that may be in the way.
pub(super) fn silence_next(context: &Context) -> Vec<Label> {
    match context.to.kind {
        PeerKind::Pod => {
            let policies = policies(context).into_iter();
            at_target(context, "3").into_iter().chain(policies).take(2).collect()
        }
        PeerKind::Node => describe_node(context),
        _ => from_own_node(context),
    }
}

pub(super) fn describe_node(context: &Context) -> Vec<Label> {
    vec![command(&["kubectl", "describe", "node", &context.to.name])]
}

/// What stands behind the Service that is aimed at.
pub(super) fn endpoints(context: &Context) -> Option<Label> {
    let Peer { kind: PeerKind::Service, namespace: Some(namespace), name, .. } = &context.to else {
        return None;
    };
    Some(endpoints_of(namespace, name))
}

fn endpoints_of(namespace: &str, name: &str) -> Label {
    let selector = format!("kubernetes.io/service-name={name}");
    command(&["kubectl", "get", "endpointslices", "-n", namespace, "-l", &selector])
}

/// Where echoes are lost: at the target, or between the nodes.
pub(super) fn loss_next(context: &Context, tried: u32) -> Vec<Label> {
    let count = tried.clamp(20, 100).to_string();
    let at_target = at_target(context, &count);
    let between = nodes(context).map(|(from, to)| ping(&to, &from, &["-c", &count]));
    match (at_target, between) {
        (None, None) => from_own_node(context),
        (at_target, between) => at_target.into_iter().chain(between).collect(),
    }
}

/// The path between the two nodes, without pods and policies.
pub(super) fn between_nodes(context: &Context) -> Vec<Label> {
    match nodes(context) {
        Some((from, to)) => vec![ping(&to, &from, &[])],
        None => from_own_node(context),
    }
}

/// The same source and target with other options.
pub(super) fn again(context: &Context, options: &[&str]) -> Vec<Label> {
    vec![ping(&context.to.word(), &context.from.word(), options)]
}

/// The same target from the source pod's node: what differs is the pod's own rules.
pub(super) fn from_own_node(context: &Context) -> Vec<Label> {
    let node = context.from.node.as_ref().filter(|_| context.from.kind == PeerKind::Pod);
    node.map(|node| ping(&context.to.word(), &format!("node/{node}"), &[])).into_iter().collect()
}

pub(super) fn policies(context: &Context) -> Vec<Label> {
    let target = context.target_pod.as_ref().filter(|pod| !pod.host_network);
    let target = target.map(|pod| &pod.namespace);
    let namespace = target.or(context.from.namespace.as_ref());
    let list = |namespace: &String| command(&["kubectl", "get", "networkpolicy", "-n", namespace]);
    namespace.map(list).into_iter().collect()
}

pub(super) fn same_node(context: &Context) -> bool {
    node_of(&context.from).is_some_and(|node| Some(node) == node_of(&context.to))
}

/// The target pod from its own node, unless the source is there already.
fn at_target(context: &Context, count: &str) -> Option<Label> {
    let pod = context.target_pod.as_ref().filter(|pod| !pod.host_network)?;
    let node = format!("node/{}", pod.node.as_ref()?);
    (context.from.word() != node).then(|| ping(&context.to.word(), &node, &["-c", count]))
}

/// Both ends' nodes, where they differ.
fn nodes(context: &Context) -> Option<(String, String)> {
    let (from, to) = (node_of(&context.from)?, node_of(&context.to)?);
    let already = context.from.kind == PeerKind::Node && context.to.kind == PeerKind::Node;
    (from != to && !already).then(|| (format!("node/{from}"), format!("node/{to}")))
}

fn node_of(peer: &Peer) -> Option<&str> {
    match peer.kind {
        PeerKind::Node => Some(&peer.name),
        _ => peer.node.as_deref(),
    }
}

fn ping(target: &str, from: &str, options: &[&str]) -> Label {
    let head = ["kubectl", "netdiag", "ping", target, "--from", from];
    command(&[&head, options].concat())
}

pub(super) fn command(argv: &[&str]) -> Label {
    Label::Next(argv.iter().map(|argument| (*argument).to_owned()).collect())
}
