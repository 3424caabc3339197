//! When the containers of a target started: what they read then is not younger than that.

use k8s_openapi::api::core::v1::Pod;

use crate::{
    certificates::Moment,
    finding::PeerKind,
    probe::{Ends, NAMING},
    service::endpoints,
};

/// Pods of a Service that are looked at.
const MAX_PODS: usize = 20;

/// Pods, and when the youngest of their containers started.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Started {
    pub(super) pods: usize,
    pub(super) last: Moment,
}

/// Nothing where one of them is not known in time.
pub(super) async fn last(ends: &Ends<'_>) -> Option<Started> {
    let look = async {
        let cluster = ends.cluster?;
        let pods = pods(ends).await?;
        let mut last: Option<Moment> = None;
        for (namespace, name) in &pods {
            let pod = cluster.ask(cluster.pods(namespace).get(name)).await.ok()?;
            last = last.max(Some(of_pod(&pod)?));
        }
        Some(Started { pods: pods.len(), last: last? })
    };
    tokio::time::timeout(NAMING, look).await.ok()?
}

/// Namespaces and names.
async fn pods(ends: &Ends<'_>) -> Option<Vec<(String, String)>> {
    let peer = &ends.aim.peer;
    let namespace = peer.namespace.clone()?;
    match peer.kind {
        PeerKind::Pod => Some(vec![(namespace, peer.name.clone())]),
        PeerKind::Service => {
            let all = endpoints(ends.cluster?, &namespace, &peer.name).await.ok()?;
            let named = all.into_iter().map(|one| one.pod.map(|pod| (pod.namespace, pod.name)));
            let mut pods: Vec<_> = named.collect::<Option<_>>()?;
            pods.sort();
            pods.dedup();
            (1..=MAX_PODS).contains(&pods.len()).then_some(pods)
        }
        PeerKind::Node
        | PeerKind::Workload(_)
        | PeerKind::Address
        | PeerKind::Host
        | PeerKind::Local => None,
    }
}

/// A container that was started again has read its files again.
fn of_pod(pod: &Pod) -> Option<Moment> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    let running = statuses.iter().filter_map(|status| status.state.as_ref()?.running.as_ref());
    let started = running.filter_map(|running| running.started_at.as_ref());
    started.map(|time| Moment::of(time.0)).max()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_youngest_container_counts() {
        let running = |at: &str| {
            json!({"name": "c", "image": "", "imageID": "", "ready": true,
            "restartCount": 0, "state": {"running": {"startedAt": at}}})
        };
        let of = |statuses: serde_json::Value| {
            let pod = json!({"metadata": {}, "status": {"containerStatuses": statuses}});
            of_pod(&serde_json::from_value(pod).unwrap())
        };
        let both = json!([running("1970-01-02T00:00:00Z"), running("1970-01-01T00:00:09Z")]);
        assert_eq!(of(both), Some(Moment(24 * 3600)));
        assert_eq!(of(json!([])), None);
    }
}
