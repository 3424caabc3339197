//! The objects by which a cluster says what carries its Services; each may be hidden or not there.

use std::fmt::Debug;

use k8s_openapi::api::{apps::v1::DaemonSet, core::v1::ConfigMap};
use kube::{
    Api,
    api::{ApiResource, DynamicObject},
    core::GroupVersionKind,
};
use serde::de::DeserializeOwned;

use super::Cluster;
use crate::{
    data_plane::{Objects, Settings},
    finding::Object,
};

const SYSTEM: &str = "kube-system";
/// Of the project's own manifests, and of OpenShift.
const OVN: [&str; 2] = ["ovn-kubernetes", "openshift-ovn-kubernetes"];

/// One object, or whether it is hidden.
enum Read<T> {
    There(Box<T>),
    Absent,
    Hidden,
}

impl Cluster {
    /// At most six requests.
    pub(crate) async fn network_objects(&self) -> Objects {
        let (kube_proxy, cilium, antrea, calico, ovn, openshift) = tokio::join!(
            self.settings("kube-proxy"),
            self.settings("cilium-config"),
            self.settings("antrea-config"),
            self.felix(),
            self.ovn_set(OVN[0]),
            self.ovn_set(OVN[1]),
        );
        let hidden = [
            (kube_proxy.is_hidden(), "ConfigMap kube-system/kube-proxy"),
            (cilium.is_hidden(), "ConfigMap kube-system/cilium-config"),
            (antrea.is_hidden(), "ConfigMap kube-system/antrea-config"),
            (calico.is_hidden(), "FelixConfiguration default"),
            (ovn.is_hidden() || openshift.is_hidden(), "the DaemonSet of OVN-Kubernetes"),
        ];
        Objects {
            kube_proxy: kube_proxy.there().map(of_config_map),
            cilium: cilium.there().map(of_config_map),
            antrea: antrea.there().map(of_config_map),
            calico: calico.there().and_then(|felix| of_felix(&felix)),
            ovn: ovn
                .there()
                .or_else(|| openshift.there())
                .map(|set| object("DaemonSet", &set.metadata)),
            hidden: hidden.into_iter().filter(|(is, _)| *is).map(|(_, what)| what).collect(),
        }
    }

    async fn settings(&self, name: &str) -> Read<ConfigMap> {
        self.read(&self.namespaced(SYSTEM), name).await
    }

    async fn ovn_set(&self, namespace: &str) -> Read<DaemonSet> {
        self.read(&self.namespaced(namespace), "ovnkube-node").await
    }

    async fn felix(&self) -> Read<DynamicObject> {
        let kind = GroupVersionKind::gvk("crd.projectcalico.org", "v1", "FelixConfiguration");
        let resource = ApiResource::from_gvk_with_plural(&kind, "felixconfigurations");
        self.read(&Api::all_with(self.client.clone(), &resource), "default").await
    }

    /// An API server that does not answer hides it as well.
    async fn read<K>(&self, api: &Api<K>, name: &str) -> Read<K>
    where
        K: Clone + DeserializeOwned + Debug,
    {
        match self.ask(api.get(name)).await {
            Ok(object) => Read::There(Box::new(object)),
            Err(refusal) if refusal.is_not_found() => Read::Absent,
            Err(_) => Read::Hidden,
        }
    }
}

impl<T> Read<T> {
    fn is_hidden(&self) -> bool {
        matches!(self, Self::Hidden)
    }

    fn there(self) -> Option<T> {
        match self {
            Self::There(object) => Some(*object),
            Self::Absent | Self::Hidden => None,
        }
    }
}

fn of_config_map(map: ConfigMap) -> Settings {
    let object = object("ConfigMap", &map.metadata);
    Settings { data: map.data.unwrap_or_default(), object }
}

fn of_felix(felix: &DynamicObject) -> Option<(bool, Object)> {
    let is_on = felix.data.pointer("/spec/bpfEnabled")?.as_bool()?;
    Some((is_on, object("FelixConfiguration", &felix.metadata)))
}

fn object(
    kind: &str,
    metadata: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta,
) -> Object {
    Object {
        kind: kind.into(),
        namespace: metadata.namespace.clone(),
        name: metadata.name.clone().unwrap_or_default(),
        resource_version: metadata.resource_version.clone().unwrap_or_default(),
    }
}
