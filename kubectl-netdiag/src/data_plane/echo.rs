//! What becomes of an ICMP echo to a ClusterIP, and from where that is known. It reaches no endpoint,
//! whatever carries the Service.

use serde::Serialize;

use super::Kind;

/// In words; said of no Service in particular.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Echo {
    /// Goes on from "an echo to a Service's address ".
    pub(crate) becomes: &'static str,
    #[serde(flatten)]
    pub(crate) basis: Basis,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "basis", rename_all = "camelCase")]
pub(crate) enum Basis {
    /// Sent, on a real cluster of this release; this project's tests send it again.
    Recorded { on: &'static str },
    /// Read, not seen.
    Documented { by: &'static str },
    /// Only what holds for all of them.
    NotKnown,
}

const KUBERNETES: &str = "Kubernetes 1.36.3";

pub(super) fn of(kind: Kind) -> Echo {
    match kind {
        Kind::KubeProxyIptables => Echo {
            becomes: "meets no rule, as rules match the ports of TCP and UDP alone: it is routed \
                      like one to any address that nobody has",
            basis: Basis::Recorded { on: KUBERNETES },
        },
        Kind::KubeProxyNftables => Echo {
            becomes: "is rejected by the source's node as port unreachable",
            basis: Basis::Recorded { on: KUBERNETES },
        },
        Kind::KubeProxyIpvs => Echo {
            becomes: "is rejected as port unreachable since Kubernetes 1.27; before, the node \
                      answered itself, as it holds the address on kube-ipvs0",
            basis: Basis::Documented {
                by: "kubernetes/kubernetes#119613 and kubernetes/website#41002",
            },
        },
        Kind::Cilium => Echo {
            becomes: "meets silence unless an answer to pings was switched on",
            basis: Basis::Documented { by: "cilium/cilium#47130" },
        },
        Kind::OvnKubernetes | Kind::Antrea | Kind::CalicoEbpf | Kind::Unknown => Echo {
            becomes: "may meet silence, a rejection or an answer; whichever it is, no endpoint \
                      gave it",
            basis: Basis::NotKnown,
        },
    }
}

impl Basis {
    /// In brackets behind the words.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Recorded { on } => format!("recorded on {on}"),
            Self::Documented { by } => format!("as documented: {by}"),
            Self::NotKnown => "not known of this data plane".into(),
        }
    }
}
