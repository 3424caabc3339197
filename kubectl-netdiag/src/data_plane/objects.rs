//! What the cluster's objects say of its data plane, as far as they may be read.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Clue, Evidence, Kind, Weight};
use crate::finding::Object;

/// What was read; absent: it is not there, or may not be read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Objects {
    /// ConfigMap kube-system/kube-proxy.
    pub(crate) kube_proxy: Option<Settings>,
    /// ConfigMap kube-system/cilium-config.
    pub(crate) cilium: Option<Settings>,
    /// ConfigMap kube-system/antrea-config.
    pub(crate) antrea: Option<Settings>,
    /// FelixConfiguration `default`: `bpfEnabled`.
    pub(crate) calico: Option<(bool, Object)>,
    /// DaemonSet of OVN-Kubernetes' nodes.
    pub(crate) ovn: Option<Object>,
    /// What may not be read.
    pub(crate) hidden: Vec<&'static str>,
}

/// A ConfigMap.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) data: BTreeMap<String, String>,
    pub(crate) object: Object,
}

/// Of KubeProxyConfiguration.
#[derive(Deserialize)]
struct ProxyConfiguration {
    #[serde(default)]
    mode: String,
}

/// Of antrea-agent.conf.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AntreaAgent {
    antrea_proxy: AntreaProxy,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AntreaProxy {
    proxy_all: bool,
}

pub(super) fn clues(objects: &Objects) -> Vec<Clue> {
    let known = [
        objects.kube_proxy.as_ref().and_then(of_kube_proxy),
        objects.cilium.as_ref().and_then(of_cilium),
        objects.antrea.as_ref().and_then(of_antrea),
        objects.calico.as_ref().and_then(|(is_on, object)| {
            is_on.then(|| configured(Kind::CalicoEbpf, "bpfEnabled: true", object))
        }),
        objects.ovn.as_ref().map(|set| configured(Kind::OvnKubernetes, "its DaemonSet", set)),
    ];
    let hidden = objects.hidden.iter().map(|what| Clue {
        kind: Kind::Unknown,
        weight: Weight::Silent,
        evidence: Evidence::seen(format!("you may not read {what}")),
    });
    known.into_iter().flatten().chain(hidden).collect()
}

fn configured(kind: Kind, text: &str, object: &Object) -> Clue {
    let evidence = Evidence { text: text.into(), object: Some(object.clone()) };
    Clue { kind, weight: Weight::Configured, evidence }
}

/// An empty mode is iptables on Linux (`cmd/kube-proxy/app/server_linux.go`).
fn of_kube_proxy(settings: &Settings) -> Option<Clue> {
    let text = settings.data.get("config.conf")?;
    let mode = serde_saphyr::from_str::<ProxyConfiguration>(text).ok()?.mode;
    let (kind, said) = match mode.as_str() {
        "" => (Kind::KubeProxyIptables, "no mode, which is iptables"),
        "iptables" => (Kind::KubeProxyIptables, "mode: iptables"),
        "nftables" => (Kind::KubeProxyNftables, "mode: nftables"),
        "ipvs" => (Kind::KubeProxyIpvs, "mode: ipvs"),
        _ => return None,
    };
    Some(configured(kind, said, &settings.object))
}

/// `strict` until Cilium 1.14, `true` since.
fn of_cilium(settings: &Settings) -> Option<Clue> {
    let replaces = settings.data.get("kube-proxy-replacement")?;
    let is_on = matches!(replaces.as_str(), "true" | "strict");
    is_on.then(|| {
        configured(Kind::Cilium, &format!("kube-proxy-replacement: {replaces}"), &settings.object)
    })
}

fn of_antrea(settings: &Settings) -> Option<Clue> {
    let text = settings.data.get("antrea-agent.conf")?;
    let agent: AntreaAgent = serde_saphyr::from_str(text).ok()?;
    let said = "antreaProxy.proxyAll: true";
    agent.antrea_proxy.proxy_all.then(|| configured(Kind::Antrea, said, &settings.object))
}
