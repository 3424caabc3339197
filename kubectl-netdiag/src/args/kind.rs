//! KIND: the kinds of objects that TARGET and SOURCE name, by kubectl's long and short words.

use std::fmt;

use serde::Serialize;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Pod,
    Node,
    Service,
    Workload(Workload),
}

/// What makes pods: it stands for all of them, or for one that is ready.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub(crate) enum Workload {
    #[serde(rename = "deploy")]
    Deployment,
    #[serde(rename = "sts")]
    StatefulSet,
    #[serde(rename = "ds")]
    DaemonSet,
    #[serde(rename = "rs")]
    ReplicaSet,
    #[serde(rename = "job")]
    Job,
}

/// The words for each, of which the first one is printed.
pub(crate) const KINDS: [(Kind, &[&str]); 8] = [
    (Kind::Pod, &["pod", "pods", "po"]),
    (Kind::Service, &["svc", "service", "services"]),
    (Kind::Node, &["node", "nodes", "no"]),
    (Kind::Workload(Workload::Deployment), &["deploy", "deployment", "deployments"]),
    (Kind::Workload(Workload::StatefulSet), &["sts", "statefulset", "statefulsets"]),
    (Kind::Workload(Workload::DaemonSet), &["ds", "daemonset", "daemonsets"]),
    (Kind::Workload(Workload::ReplicaSet), &["rs", "replicaset", "replicasets"]),
    (Kind::Workload(Workload::Job), &["job", "jobs"]),
];

impl Kind {
    pub(super) fn parse(word: &str) -> Result<Self, String> {
        match KINDS.iter().find(|(_, words)| words.contains(&word)) {
            Some((kind, _)) => Ok(*kind),
            None if ["ing", "ingress", "ingresses", "endpointslice", "endpointslices"]
                .contains(&word) =>
            {
                Err(format!("{word} is not in this release; name its Service"))
            }
            None => Err(format!(
                "{word:?} is no kind of object; pod, node, svc, deploy, sts, ds, rs and job work"
            )),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pod => f.pad("pod"),
            Self::Node => f.pad("node"),
            Self::Service => f.pad("svc"),
            Self::Workload(workload) => workload.fmt(f),
        }
    }
}

impl Workload {
    /// `kind` in the API.
    pub(crate) fn api_kind(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::ReplicaSet => "ReplicaSet",
            Self::Job => "Job",
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Deployment => "deploy",
            Self::StatefulSet => "sts",
            Self::DaemonSet => "ds",
            Self::ReplicaSet => "rs",
            Self::Job => "job",
        })
    }
}
