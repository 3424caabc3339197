//! Names from the live cluster; whatever it does not tell is left out.

use std::collections::HashSet;

use clap_complete::CompletionCandidate;
use k8s_openapi::api::{
    apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet},
    batch::v1::Job,
    core::v1::{ConfigMap, Namespace, Node, Pod, Secret, Service},
};
use kube::{Api, Resource, ResourceExt, api::ListParams, core::NamespaceResourceScope};

use super::{MAX_LINES, candidate, wanted::Wanted};
use crate::{
    args::KubeFlags,
    cluster::{Cluster, Surroundings},
};

pub(super) fn find(
    flags: &KubeFlags,
    surroundings: &Surroundings,
    wanted: &[Wanted],
) -> Vec<CompletionCandidate> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return Vec::new();
    };
    runtime.block_on(async {
        // kube's client spawns a task as soon as it is made.
        let Ok(cluster) = Cluster::open(flags, surroundings) else { return Vec::new() };
        let asked = wanted.iter().map(|wanted| of(&cluster, wanted));
        futures_util::future::join_all(asked).await.into_iter().flatten().collect()
    })
}

async fn of(cluster: &Cluster, wanted: &Wanted) -> Vec<CompletionCandidate> {
    match wanted {
        Wanted::Namespaces { end } => {
            let namespaces: Api<Namespace> = cluster.namespaces();
            names(cluster, &namespaces, "", end).await
        }
        Wanted::Names { kind, namespace, begin } => {
            let namespace = namespace.as_deref().unwrap_or(&cluster.namespace);
            match *kind {
                "deploy" => own::<Deployment>(cluster, namespace, begin).await,
                "sts" => own::<StatefulSet>(cluster, namespace, begin).await,
                "ds" => own::<DaemonSet>(cluster, namespace, begin).await,
                "rs" => own::<ReplicaSet>(cluster, namespace, begin).await,
                "job" => own::<Job>(cluster, namespace, begin).await,
                "secret" => own::<Secret>(cluster, namespace, begin).await,
                "configmap" => own::<ConfigMap>(cluster, namespace, begin).await,
                "pod" => names::<Pod>(cluster, &cluster.pods(namespace), begin, "").await,
                "svc" => names::<Service>(cluster, &cluster.services(namespace), begin, "").await,
                "node" => names::<Node>(cluster, &cluster.nodes(), begin, "").await,
                _ => Vec::new(),
            }
        }
        Wanted::Ports { kind, namespace, name, begin } => {
            let namespace = namespace.as_deref().unwrap_or(&cluster.namespace);
            ports(cluster, kind, namespace, name, begin).await
        }
    }
}

/// Of a kind that lives in namespaces.
async fn own<K>(cluster: &Cluster, namespace: &str, begin: &str) -> Vec<CompletionCandidate>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + serde::de::DeserializeOwned
        + std::fmt::Debug,
{
    names::<K>(cluster, &cluster.namespaced(namespace), begin, "").await
}

/// Metadata alone: of a Secret nothing else is read.
async fn names<K>(
    cluster: &Cluster,
    api: &Api<K>,
    begin: &str,
    end: &str,
) -> Vec<CompletionCandidate>
where
    K: Resource<DynamicType = ()> + Clone + serde::de::DeserializeOwned + std::fmt::Debug,
{
    let how = ListParams::default().limit(MAX_LINES as u32);
    let list = cluster.ask(api.list_metadata(&how)).await;
    let items = list.map(|list| list.items).unwrap_or_default();
    items.iter().map(|one| candidate(format!("{begin}{}{end}", one.name_any()), "")).collect()
}

/// By name and by number, each saying the other.
async fn ports(
    cluster: &Cluster,
    kind: &str,
    namespace: &str,
    name: &str,
    begin: &str,
) -> Vec<CompletionCandidate> {
    let declared: Vec<(Option<String>, i32)> = match kind {
        "svc" => {
            let service = cluster.ask(cluster.services(namespace).get(name)).await.ok();
            let spec = service.and_then(|service| service.spec).unwrap_or_default();
            let ports = spec.ports.unwrap_or_default();
            ports.into_iter().map(|port| (port.name, port.port)).collect()
        }
        "pod" => {
            let pod = cluster.ask(cluster.pods(namespace).get(name)).await.ok();
            let containers = pod.and_then(|pod| pod.spec).map(|spec| spec.containers);
            let ports =
                containers.into_iter().flatten().flat_map(|one| one.ports.unwrap_or_default());
            ports.map(|port| (port.name, port.container_port)).collect()
        }
        _ => Vec::new(),
    };
    // A number may be declared twice, for TCP and UDP.
    let mut seen = HashSet::new();
    let both = declared.into_iter().flat_map(|(name, number)| {
        let named =
            name.clone().map(|name| candidate(format!("{begin}{name}"), number.to_string()));
        let numbered = candidate(format!("{begin}{number}"), name.unwrap_or_default());
        named.into_iter().chain([numbered])
    });
    both.filter(|one| seen.insert(one.get_value().to_owned())).collect()
}
