//! The pods of a Deployment, StatefulSet, DaemonSet, ReplicaSet or Job.

use std::fmt::Debug;

use k8s_openapi::{
    api::{
        apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet},
        batch::v1::Job,
        core::v1::Pod,
    },
    apimachinery::pkg::apis::meta::v1::LabelSelector,
};
use kube::{
    Resource, ResourceExt,
    api::ListParams,
    core::{NamespaceResourceScope, ObjectMeta, Selector},
};
use serde::de::DeserializeOwned;

use super::{Cluster, facts, targets::has_network};
use crate::{
    args::{Kind, Workload},
    code,
    finding::{Failure, Label, Object, Peer, PeerKind},
};

/// Pods of one list; a larger workload is known by its first ones.
const MAX_PODS: u32 = 1_000;

/// A workload and the pods that its selector finds, in the order of their names.
#[derive(Debug)]
pub(crate) struct Crew {
    pub(crate) peer: Peer,
    pub(crate) object: Object,
    pub(crate) pods: Vec<Pod>,
}

/// What of a workload says which pods are its own.
struct Owner {
    metadata: ObjectMeta,
    selector: Option<LabelSelector>,
}

impl Cluster {
    pub(crate) async fn crew(
        &self,
        namespace: &str,
        workload: Workload,
        name: &str,
    ) -> Result<Crew, Failure> {
        let Owner { metadata, selector } = self.owner(namespace, workload, name).await?;
        let what = format!("list the pods of {workload} {name}");
        let selector = Selector::try_from(selector.unwrap_or_default())
            .map_err(|error| Failure::new(code::API_SERVER, format!("cannot {what}: {error}")))?;
        let how = ListParams::default().labels_from(&selector).limit(MAX_PODS);
        let list = self.ask(self.pods(namespace).list(&how)).await;
        let mut pods = list.map_err(|refusal| refusal.failure(&what))?.items;
        // A Deployment's pods are its ReplicaSets'.
        if let (Some(uid), false) = (&metadata.uid, workload == Workload::Deployment) {
            pods.retain(|pod| pod.owner_references().iter().any(|owner| owner.uid == *uid));
        }
        pods.sort_by_key(ResourceExt::name_any);
        let object = Object {
            kind: workload.api_kind().into(),
            namespace: Some(namespace.to_owned()),
            name: name.to_owned(),
            resource_version: metadata.resource_version.unwrap_or_default(),
        };
        let peer = Peer {
            kind: PeerKind::Workload(workload),
            namespace: Some(namespace.to_owned()),
            name: name.to_owned(),
            uid: metadata.uid,
            ..Peer::default()
        };
        Ok(Crew { peer, object, pods })
    }

    async fn owner(
        &self,
        namespace: &str,
        workload: Workload,
        name: &str,
    ) -> Result<Owner, Failure> {
        let of = (namespace, workload, name);
        match workload {
            Workload::Deployment => {
                self.owner_of(of, |it: &Deployment| Some(it.spec.as_ref()?.selector.clone())).await
            }
            Workload::StatefulSet => {
                self.owner_of(of, |it: &StatefulSet| Some(it.spec.as_ref()?.selector.clone())).await
            }
            Workload::DaemonSet => {
                self.owner_of(of, |it: &DaemonSet| Some(it.spec.as_ref()?.selector.clone())).await
            }
            Workload::ReplicaSet => {
                self.owner_of(of, |it: &ReplicaSet| Some(it.spec.as_ref()?.selector.clone())).await
            }
            Workload::Job => self.owner_of(of, |it: &Job| it.spec.as_ref()?.selector.clone()).await,
        }
    }

    async fn owner_of<K>(
        &self,
        (namespace, workload, name): (&str, Workload, &str),
        selector: fn(&K) -> Option<LabelSelector>,
    ) -> Result<Owner, Failure>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + DeserializeOwned
            + Debug,
    {
        let (api, kind) = (self.namespaced::<K>(namespace), Kind::Workload(workload));
        let found = self.find(api, kind, Some(namespace), name).await?;
        Ok(Owner { selector: selector(&found), metadata: found.meta().clone() })
    }
}

impl Crew {
    /// A pod that stands for itself.
    pub(crate) fn of_pod(pod: Pod) -> Result<Self, Failure> {
        has_network(&pod)?;
        let known = facts::of_pod(&pod);
        let object = Object {
            kind: "Pod".into(),
            namespace: Some(known.namespace),
            name: known.name,
            resource_version: known.resource_version,
        };
        let peer = facts::pod_peer(&pod, known.addresses.first().copied());
        Ok(Self { peer, object, pods: vec![pod] })
    }

    /// The first one by name that is ready; else one that has a network at least. With words that
    /// say which it is.
    pub(crate) fn representative(&self) -> Result<(&Pod, String), Failure> {
        let who = self.peer.word();
        let fit: Vec<&Pod> = self.pods.iter().filter(|pod| has_network(pod).is_ok()).collect();
        let is_ready = |pod: &&Pod| {
            let facts = facts::of_pod(pod);
            facts.ready && !facts.terminating
        };
        let ready: Vec<&Pod> = fit.iter().copied().filter(is_ready).collect();
        match (&ready[..], &fit[..]) {
            ([only], _) => Ok((only, format!("the ready pod of {who}"))),
            ([first, ..], _) => Ok((first, format!("one of {} ready pods of {who}", ready.len()))),
            ([], [first, ..]) => Ok((first, format!("of {who}, none of whose pods is ready"))),
            ([], []) => Err(self.nobody()),
        }
    }

    /// None has a network.
    pub(crate) fn nobody(&self) -> Failure {
        let who = self.peer.word();
        let message = match self.pods.len() {
            0 => format!("{who} has no pods"),
            1 => format!("the pod of {who} has no network"),
            count => format!("none of the {count} pods of {who} has a network"),
        };
        let why = self.pods.first().and_then(|pod| has_network(pod).err());
        let why = why.map(|failure| Label::Seen(failure.message));
        let namespace = self.object.namespace.as_deref().unwrap_or_default();
        let describe = ["kubectl", "get", "pods", "-n", namespace, "-o", "wide"];
        let next = Label::Next(describe.map(str::to_owned).to_vec());
        Failure::new(code::NO_NETWORK, message).with(why).with(next)
    }
}
