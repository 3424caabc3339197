//! Where a probe starts, and the envelope of every request.

use std::{net::IpAddr, num::NonZeroU64};

use serde::{Deserialize, Serialize};

/// Body of `POST /v1/<probe>`: who asks from where, and the probe's own part.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request<P> {
    pub source: Source,
    /// End the probe after this time with what was seen; the agent's own limit applies besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<NonZeroU64>,
    /// The caller's name as the caller's own API server says it; goes to the audit line, unverified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_user: Option<String>,
    pub probe: P,
}

/// The network namespace from which packets are sent.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Source {
    /// A pod of the agent's node. The UID is a precondition, never a way to find the pod.
    Pod {
        namespace: String,
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uid: Option<String>,
    },
    /// The agent's node itself.
    Node { name: String },
}

/// Which address family a name may resolve to.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Family {
    #[default]
    Any,
    V4,
    V6,
}

impl Family {
    pub fn has(self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::V4 => address.is_ipv4(),
            Self::V6 => address.is_ipv6(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_without_uid_reads_back() {
        let written = json!({"kind": "pod", "namespace": "shop", "name": "foo"});
        let source: Source = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(serde_json::to_value(source).unwrap(), written);
    }

    #[test]
    fn an_unknown_field_is_refused() {
        let written = json!({"kind": "node", "name": "node-1", "chroot": "/"});
        assert!(serde_json::from_value::<Source>(written).is_err());
    }
}
