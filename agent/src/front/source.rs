//! The pod of a request as the API server has it, and whether a probe may start there.

use std::net::IpAddr;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, PodStatus};
use netdiag_wire::{ErrorBody, ErrorCode, Source};

use crate::ipc::Order;

/// Kubelet marks the API's copy of a static pod with it. Tenants can write it too: it says only
/// where broker looks, never what it finds.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// A pod of this node that has a network.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct PodFacts {
    pub(crate) uid: String,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) host_network: bool,
    pub(crate) is_static: bool,
}

impl PodFacts {
    /// Reads them from the API object, never from the request; `uid` is the caller's precondition.
    pub(crate) fn of(pod: &Pod, uid: Option<&str>, node: &str) -> Result<Self, ErrorBody> {
        let name = display_name(pod);
        let own_uid = pod.metadata.uid.clone().unwrap_or_default();
        if uid.is_some_and(|uid| uid != own_uid) {
            let message = format!("{name} is another pod by now: its UID is not the one asked for");
            return Err(ErrorBody::new(ErrorCode::UidMismatch, message));
        }
        let spec = pod.spec.clone().unwrap_or_default();
        let status = pod.status.clone().unwrap_or_default();
        if let Some(other) = spec.node_name.as_deref().filter(|other| *other != node) {
            let message = format!("{name} runs on {other}, this agent serves {node}");
            return Err(ErrorBody::new(ErrorCode::WrongNode, message));
        }
        if let Some(end) = end_of(&status) {
            let message = format!("{name} has no network any more: it {end}");
            return Err(ErrorBody::new(ErrorCode::PodEnded, message));
        }
        let addresses = addresses(&status);
        if addresses.is_empty() {
            let message = format!("{name} has no network yet: {}", wait_of(&status));
            return Err(ErrorBody::new(ErrorCode::PodPending, message));
        }
        let annotations = pod.metadata.annotations.as_ref();
        Ok(Self {
            uid: own_uid,
            addresses,
            host_network: spec.host_network.unwrap_or(false),
            is_static: annotations.is_some_and(|all| all.contains_key(MIRROR)),
        })
    }

    /// Of a pod that is there now; an ended one's addresses may be others' by now.
    pub(crate) fn live_addresses(pod: &Pod) -> Vec<IpAddr> {
        let status = pod.status.clone().unwrap_or_default();
        if end_of(&status).is_some() { Vec::new() } else { addresses(&status) }
    }

    pub(crate) fn into_order(self, namespace: &str, name: &str) -> Order {
        let Self { uid, addresses, is_static, host_network: _ } = self;
        Order::Pod { uid, namespace: namespace.into(), name: name.into(), addresses, is_static }
    }
}

/// Names that no object can have never reach a URL.
pub(crate) fn check_names(source: &Source) -> Result<(), String> {
    let parts = match source {
        Source::Pod { namespace, name, uid } => vec![
            ("source.namespace", namespace.as_str(), 63),
            ("source.name", name, 253),
            ("source.uid", uid.as_deref().unwrap_or("-"), 36),
        ],
        Source::Node { name } => vec![("source.name", name.as_str(), 253)],
    };
    let wrong = parts.into_iter().find(|(_, text, longest)| !is_name(text, *longest));
    wrong.map_or(Ok(()), |(field, _, longest)| {
        Err(format!("{field}: must be 1 to {longest} lower-case letters, digits, '-' and '.'"))
    })
}

fn is_name(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && !text.starts_with('.')
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
}

fn display_name(pod: &Pod) -> String {
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    format!("pod {}/{}", part(&pod.metadata.namespace), part(&pod.metadata.name))
}

fn addresses(status: &PodStatus) -> Vec<IpAddr> {
    let all = status.pod_ips.iter().flatten().map(|ip| &ip.ip).chain(&status.pod_ip);
    let mut addresses: Vec<IpAddr> = all.filter_map(|ip| ip.parse().ok()).collect();
    addresses.dedup();
    addresses.truncate(crate::ipc::MAX_ADDRESSES);
    addresses
}

fn end_of(status: &PodStatus) -> Option<String> {
    let verb = match status.phase.as_deref() {
        Some("Succeeded") => "completed",
        Some("Failed") => "failed",
        _ => return None,
    };
    let reason = status.reason.as_ref().map_or(String::new(), |reason| format!(" ({reason})"));
    let at = finished_at(status).map_or(String::new(), |at| format!(" at {at}"));
    Some(format!("{verb}{at}{reason}"))
}

fn finished_at(status: &PodStatus) -> Option<Timestamp> {
    let containers = status.container_statuses.iter().flatten();
    containers
        .filter_map(|c| Some(c.state.as_ref()?.terminated.as_ref()?.finished_at.as_ref()?.0))
        .max()
}

fn wait_of(status: &PodStatus) -> String {
    let phase = status.phase.as_deref().unwrap_or("Pending");
    let mut waiting = status
        .container_statuses
        .iter()
        .flatten()
        .filter_map(|c| c.state.as_ref()?.waiting.as_ref()?.reason.as_deref());
    waiting.next().map_or(phase.to_owned(), |reason| format!("{phase} ({reason})"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn judge(status: &Value, uid: Option<&str>) -> Result<PodFacts, ErrorCode> {
        let pod = serde_json::from_value(json!({
            "metadata": {"namespace": "shop", "name": "foo", "uid": "u-1"},
            "spec": {"nodeName": "node-1", "containers": []},
            "status": status,
        }));
        PodFacts::of(&pod.unwrap(), uid, "node-1").map_err(|refusal| refusal.code)
    }

    #[test]
    fn only_a_pod_with_a_network_is_entered() {
        let running =
            json!({"phase": "Running", "podIP": "10.244.1.7", "podIPs": [{"ip": "10.244.1.7"}]});
        let facts = judge(&running, Some("u-1")).unwrap();
        assert_eq!((facts.addresses, facts.is_static), (vec![[10, 244, 1, 7].into()], false));
        assert_eq!(judge(&running, Some("u-2")), Err(ErrorCode::UidMismatch));
        let starting = json!({"phase": "Pending", "podIPs": [{"ip": "10.244.1.7"}]});
        assert!(judge(&starting, None).is_ok(), "init containers already have the network");
        assert_eq!(judge(&json!({"phase": "Pending"}), None), Err(ErrorCode::PodPending));
        assert_eq!(judge(&json!({}), None), Err(ErrorCode::PodPending));
        for phase in ["Succeeded", "Failed"] {
            let ended = json!({"phase": phase, "podIPs": [{"ip": "10.244.1.7"}]});
            assert_eq!(judge(&ended, None), Err(ErrorCode::PodEnded));
        }
    }

    #[test]
    fn another_nodes_pod_is_refused() {
        let pod: Pod = serde_json::from_value(json!({
            "metadata": {"namespace": "shop", "name": "foo", "uid": "u-1"},
            "spec": {"nodeName": "node-2", "containers": []},
            "status": {"phase": "Running", "podIPs": [{"ip": "10.244.2.7"}]},
        }))
        .unwrap();
        let refusal = PodFacts::of(&pod, None, "node-1").unwrap_err();
        assert_eq!(refusal.code, ErrorCode::WrongNode);
        assert_eq!(
            refusal.message.to_string(),
            "pod shop/foo runs on node-2, this agent serves node-1"
        );
    }

    #[test]
    fn the_end_of_a_pod_has_its_time() {
        let pod: Pod = serde_json::from_value(json!({
            "metadata": {"namespace": "shop", "name": "job-x7", "uid": "u-1"},
            "spec": {"nodeName": "node-1", "containers": []},
            "status": {"phase": "Succeeded", "containerStatuses": [{
                "name": "a", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
                "state": {"terminated": {"exitCode": 0, "finishedAt": "2026-11-22T02:58:13Z"}},
            }]},
        }))
        .unwrap();
        let refusal = PodFacts::of(&pod, None, "node-1").unwrap_err();
        assert_eq!(
            refusal.message.to_string(),
            "pod shop/job-x7 has no network any more: it completed at 2026-11-22T02:58:13Z"
        );
    }

    #[test]
    fn a_name_never_steers_a_url() {
        let pod = |namespace: &str, name: &str| Source::Pod {
            namespace: namespace.into(),
            name: name.into(),
            uid: None,
        };
        assert_eq!(check_names(&pod("shop", "web-7d4c9b5f6-x2x9z")), Ok(()));
        for hostile in
            ["", "..", ".", "../secrets/a", "a/b", "a%2fb", "a?x=1", "a#", "A", "a b", "ä", "a\0"]
        {
            assert!(check_names(&pod("shop", hostile)).unwrap_err().starts_with("source.name:"));
            assert!(
                check_names(&pod(hostile, "foo")).unwrap_err().starts_with("source.namespace:")
            );
            assert!(check_names(&Source::Node { name: hostile.into() }).is_err());
        }
        assert!(check_names(&pod("shop", &"a".repeat(254))).is_err());
        assert!(check_names(&pod(&"a".repeat(64), "foo")).is_err());
    }
}
