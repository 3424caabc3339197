//! Objects that the command line names, and what to say when there is none.

use std::fmt::Debug;

use jiff::{Timestamp, tz::TimeZone};
use k8s_openapi::api::core::v1::{ContainerState, Node, Pod, Service};
use kube::{Api, ResourceExt, api::ListParams};
use serde::de::DeserializeOwned;

use super::{Cluster, Unanswered, bindings, facts};
use crate::{
    args::Kind,
    code,
    finding::{Failure, Label},
    near::distance,
};

/// Most names offered instead of one that is not there.
const MAX_OFFERED: usize = 5;

impl Cluster {
    pub(crate) async fn pod(&self, namespace: &str, name: &str) -> Result<Pod, Failure> {
        self.find(self.pods(namespace), Kind::Pod, Some(namespace), name).await
    }

    pub(crate) async fn node(&self, name: &str) -> Result<Node, Failure> {
        self.find(self.nodes(), Kind::Node, None, name).await
    }

    pub(crate) async fn service(&self, namespace: &str, name: &str) -> Result<Service, Failure> {
        self.find(self.services(namespace), Kind::Service, Some(namespace), name).await
    }

    pub(super) async fn find<K>(
        &self,
        api: Api<K>,
        kind: Kind,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<K, Failure>
    where
        K: kube::Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
    {
        match self.ask(api.get(name)).await {
            Ok(object) => Ok(object),
            Err(refusal) if refusal.is_not_found() => {
                Err(self.missing(&api, kind, namespace, name).await)
            }
            Err(refusal) => Err(self.may_not_read(&refusal, kind, namespace, name).await),
        }
    }

    /// ND0020 with the names that are there.
    async fn missing<K>(
        &self,
        api: &Api<K>,
        kind: Kind,
        namespace: Option<&str>,
        name: &str,
    ) -> Failure
    where
        K: kube::Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
    {
        if let Some(namespace) = namespace
            && let Err(refusal) = self.ask(self.namespaces().get_metadata(namespace)).await
            && refusal.is_not_found()
        {
            return Failure::new(code::NO_OBJECT, format!("no namespace \"{namespace}\""));
        }
        let list = self.ask(api.list_metadata(&ListParams::default().limit(500))).await;
        let names: Vec<String> = list.map_or_else(
            |_| Vec::new(),
            |list| list.items.iter().map(ResourceExt::name_any).collect(),
        );
        let place = namespace.map(|namespace| format!(" in {namespace}")).unwrap_or_default();
        let offer = offer(kind, name, &names);
        Failure::new(code::NO_OBJECT, format!("no {kind} \"{name}\"{place}{offer}"))
    }

    async fn may_not_read(
        &self,
        refusal: &Unanswered,
        kind: Kind,
        namespace: Option<&str>,
        name: &str,
    ) -> Failure {
        let failure = refusal.failure(&format!("read {kind} {name}"));
        if !refusal.is_forbidden() {
            return failure;
        }
        let user = self.user().await.unwrap_or_else(|| "USER".into());
        let command = match namespace {
            Some(namespace) => bindings::in_namespace(namespace, "--clusterrole=view", &user),
            None => bindings::everywhere("--clusterrole=netdiag-see-nodes", &user),
        };
        failure.with(Label::Admin(command))
    }
}

/// `; there are svc/checkout, svc/checkout-admin`: the nearest first.
fn offer(kind: Kind, wanted: &str, names: &[String]) -> String {
    let mut near: Vec<(usize, &String)> =
        names.iter().map(|name| (distance(wanted, name), name)).collect();
    near.sort();
    let shown = near.iter().take(MAX_OFFERED).map(|(_, name)| format!("{kind}/{name}"));
    let shown: Vec<_> = shown.collect();
    match (shown.as_slice(), names.len() - shown.len()) {
        ([], _) => String::new(),
        ([one], _) => format!("; there is {one}"),
        (some, 0) => format!("; there are {}", some.join(", ")),
        (some, more) => format!("; there are {} and {more} more", some.join(", ")),
    }
}

/// Refuses a pod that has no network: it ended, or has not begun.
pub(crate) fn has_network(pod: &Pod) -> Result<(), Failure> {
    let facts = facts::of_pod(pod);
    let who = format!("{}/pod/{}", facts.namespace, facts.name);
    match facts.phase.as_str() {
        "Succeeded" | "Failed" => {
            let how = if facts.phase == "Succeeded" { "completed" } else { "failed" };
            let at = ended_at(pod).map(|at| format!(" at {}", clock(at, Timestamp::now())));
            let message =
                format!("{who} has no network any more: it {how}{}", at.unwrap_or_default());
            Err(Failure::new(code::NO_NETWORK, message))
        }
        _ if facts.addresses.is_empty() => {
            let why = waiting_reason(pod).unwrap_or_else(|| facts.phase.clone());
            let place = match facts.node {
                Some(node) => format!("on {node}"),
                None => "on no node yet".into(),
            };
            let message = format!("{who} has no network yet: {why}, {place}");
            let next = ["kubectl", "describe", "pod", &facts.name, "-n", &facts.namespace];
            let next = Label::Next(next.map(str::to_owned).to_vec());
            Err(Failure::new(code::NO_NETWORK, message).with(next))
        }
        _ => Ok(()),
    }
}

/// `02:58:13 UTC`, with the date unless it is today's.
fn clock(at: Timestamp, now: Timestamp) -> String {
    let (at, now) = (at.to_zoned(TimeZone::UTC), now.to_zoned(TimeZone::UTC));
    let form = if at.date() == now.date() { "%H:%M:%S UTC" } else { "%F %H:%M:%S UTC" };
    at.strftime(form).to_string()
}

fn ended_at(pod: &Pod) -> Option<Timestamp> {
    let ended = states(pod).filter_map(|state| state.terminated.as_ref()?.finished_at.as_ref());
    ended.map(facts::instant).max()
}

fn waiting_reason(pod: &Pod) -> Option<String> {
    let waiting = states(pod).find_map(|state| state.waiting.as_ref()?.reason.clone());
    waiting.or_else(|| {
        let conditions = pod.status.as_ref()?.conditions.as_ref()?;
        let unmet = conditions.iter().find(|condition| condition.status == "False")?;
        unmet.reason.clone()
    })
}

fn states(pod: &Pod) -> impl Iterator<Item = &ContainerState> {
    let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    statuses.filter_map(|status| status.state.as_ref())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(status: &serde_json::Value) -> Pod {
        serde_json::from_value(json!({
            "metadata": {"namespace": "shop", "name": "job-x7"},
            "spec": {"containers": [], "nodeName": "node-2"},
            "status": status,
        }))
        .unwrap()
    }

    #[test]
    fn a_pod_that_ended_says_when() {
        let ended = json!({"phase": "Succeeded", "podIP": "10.244.1.9", "containerStatuses": [{
            "name": "a", "image": "", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"terminated": {"exitCode": 0, "finishedAt": "2026-01-02T02:58:13Z"}}}]});
        assert_eq!(
            has_network(&pod(&ended)).unwrap_err().message,
            "shop/pod/job-x7 has no network any more: it completed at 2026-01-02 02:58:13 UTC"
        );
    }

    #[test]
    fn a_pod_that_waits_says_for_what() {
        let pending = json!({"phase": "Pending", "containerStatuses": [{
            "name": "a", "image": "", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"waiting": {"reason": "ImagePullBackOff"}}}]});
        assert_eq!(
            has_network(&pod(&pending)).unwrap_err().message,
            "shop/pod/job-x7 has no network yet: ImagePullBackOff, on node-2"
        );
        assert_eq!(has_network(&pod(&json!({"phase": "Running", "podIP": "10.0.0.1"}))), Ok(()));
    }

    #[test]
    fn the_nearest_names_come_first() {
        let names = ["zebra", "checkout-admin", "checkout"].map(str::to_owned);
        assert_eq!(
            offer(Kind::Service, "chekout", &names),
            "; there are svc/checkout, svc/checkout-admin, svc/zebra"
        );
        assert_eq!(offer(Kind::Pod, "x", &[]), "");
    }
}
