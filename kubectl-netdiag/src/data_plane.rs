//! What carries a Service's address on a node, found by evidence and never assumed, and what it makes
//! of an echo to such an address.

use serde::Serialize;

mod clues;
mod echo;
mod objects;

pub(crate) use echo::Echo;
pub(crate) use objects::{Objects, Settings};

use netdiag_wire::facts::NodeFacts;

use crate::finding::{Label, Object};

/// Who makes Services' addresses work.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Kind {
    KubeProxyIptables,
    KubeProxyNftables,
    KubeProxyIpvs,
    /// Its replacement of kube-proxy.
    Cilium,
    OvnKubernetes,
    Antrea,
    CalicoEbpf,
    /// None of these, or more than one.
    Unknown,
}

/// What was found, and by what.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct DataPlane {
    pub(crate) kind: Kind,
    /// The strongest first.
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) echo: Echo,
}

/// Something seen on a node or read from the API.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Evidence {
    pub(crate) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) object: Option<Object>,
}

/// How much a clue says.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Weight {
    /// It was seen at work on this node.
    Running,
    /// The API says that it is to do it.
    Configured,
    /// Of nobody: it only says what is not known.
    Silent,
}

/// One thing that speaks for a data plane.
struct Clue {
    kind: Kind,
    weight: Weight,
    evidence: Evidence,
}

/// From the node's facts, where they could be had, and from the cluster's objects: what runs on the
/// node decides, then what the API says; where that is not one thing alone, it is unknown.
pub(crate) fn find(facts: Option<&NodeFacts>, objects: &Objects) -> DataPlane {
    let mut clues: Vec<Clue> = facts.map(clues::of_node).unwrap_or_default();
    clues.extend(objects::clues(objects));
    clues.sort_by_key(|clue| clue.weight);
    let kind = [Weight::Running, Weight::Configured]
        .into_iter()
        .find_map(|weight| agreed(&clues, weight))
        .unwrap_or(Kind::Unknown);
    let evidence = clues.into_iter().map(|clue| clue.evidence).collect();
    DataPlane { kind, evidence, echo: echo::of(kind) }
}

/// What all clues of that weight speak for; absent where there is none.
fn agreed(clues: &[Clue], weight: Weight) -> Option<Kind> {
    let mut kinds = clues.iter().filter(|clue| clue.weight == weight).map(|clue| clue.kind);
    let first = kinds.next()?;
    Some(if kinds.all(|kind| kind == first) { first } else { Kind::Unknown })
}

impl Kind {
    /// As a sentence names it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::KubeProxyIptables => "kube-proxy (iptables)",
            Self::KubeProxyNftables => "kube-proxy (nftables)",
            Self::KubeProxyIpvs => "kube-proxy (IPVS)",
            Self::Cilium => "Cilium without kube-proxy",
            Self::OvnKubernetes => "OVN-Kubernetes",
            Self::Antrea => "Antrea",
            Self::CalicoEbpf => "Calico (eBPF)",
            Self::Unknown => "an unknown data plane",
        }
    }
}

impl Evidence {
    fn seen(text: impl Into<String>) -> Self {
        Self { text: text.into(), object: None }
    }

    pub(crate) fn label(&self) -> Label {
        let text = self.text.clone();
        match &self.object {
            Some(object) => Label::SeenOf { text, object: object.clone() },
            None => Label::Seen(text),
        }
    }
}

#[cfg(test)]
mod tests;
