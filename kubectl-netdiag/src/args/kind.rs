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

impl Kind {
    pub(super) fn parse(word: &str) -> Result<Self, String> {
        Ok(match word {
            "pod" | "pods" | "po" => Self::Pod,
            "node" | "nodes" | "no" => Self::Node,
            "svc" | "service" | "services" => Self::Service,
            "deploy" | "deployment" | "deployments" => Self::Workload(Workload::Deployment),
            "sts" | "statefulset" | "statefulsets" => Self::Workload(Workload::StatefulSet),
            "ds" | "daemonset" | "daemonsets" => Self::Workload(Workload::DaemonSet),
            "rs" | "replicaset" | "replicasets" => Self::Workload(Workload::ReplicaSet),
            "job" | "jobs" => Self::Workload(Workload::Job),
            "ing" | "ingress" | "ingresses" | "endpointslice" | "endpointslices" => {
                return Err(format!("{word} is not in this release; name its Service"));
            }
            _ => {
                return Err(format!(
                    "{word:?} is no kind of object; pod, node, svc, deploy, sts, ds, rs and job work"
                ));
            }
        })
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
