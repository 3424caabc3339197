//! `POST /v1/facts`: a fixed list of what the agent can say of its node, for whoever may send any
//! probe from a pod of that node or from the node itself. Answered by one [`NodeFacts`] as JSON.
//!
//! Typed values only. What could not be learned is absent, and [`NodeFacts::not_known`] says why.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Untrusted;

/// The agent answers from what it learned up to this long ago.
pub const KEPT: std::time::Duration = std::time::Duration::from_secs(5);
/// Most interfaces that are listed.
pub const MAX_INTERFACES: usize = 256;

/// Takes no options: the list is fixed.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FactsRequest {}

/// What a worker in the node's namespace says, and nothing else.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "camelCase")]
pub enum FactsEvent {
    Facts(NodeFacts),
    #[serde(other)]
    Unknown,
}

/// What a node's agent knows of its node.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeFacts {
    /// The kernel's release.
    pub kernel: Untrusted,
    /// The node's clock when these were read.
    pub now_at: Timestamp,
    /// `net.ipv4.ip_forward`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_forward_v4: Option<bool>,
    /// `net.ipv6.conf.all.forwarding`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_forward_v6: Option<bool>,
    /// In the kernel's order, at most [`MAX_INTERFACES`].
    pub interfaces: Vec<Interface>,
    /// Further interfaces, only counted.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub more_interfaces: u32,
    pub kube_proxy: KubeProxy,
    pub not_known: Vec<NotKnown>,
}

/// A network interface of the node; not its addresses.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Interface {
    pub name: Untrusted,
    /// As the kernel names it (`IFLA_INFO_KIND`): `veth`, `bridge`, `vxlan`, `dummy`; absent: a
    /// device of the machine, or loopback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Untrusted>,
}

/// A sync that is under way takes less.
const BEHIND_MS: i64 = 5_000;

/// What kube-proxy says of itself on the node's loopback.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KubeProxy {
    /// `/proxyMode`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<ProxyMode>,
    /// Its metrics, one a family where it tells the families apart.
    pub syncs: Vec<ProxySync>,
    /// Attempts to write the rules that failed, since it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_syncs: Option<u64>,
    /// Whether `/healthz` on port 10256 answers 200. Its times are no evidence: while all is well
    /// they are the time of the question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthy: Option<bool>,
}

/// How kube-proxy makes Services' addresses work.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ProxyMode {
    Iptables,
    Nftables,
    Ipvs,
    /// A mode of a newer kube-proxy, or of a newer agent.
    #[serde(other)]
    Unknown,
}

/// When kube-proxy wrote its rules (Unix seconds in its metrics).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProxySync {
    /// `IPv4` or `IPv6`; absent where its metrics do not tell them apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<ProxyFamily>,
    /// `sync_proxy_rules_last_timestamp_seconds`: absent before the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Timestamp>,
    /// `sync_proxy_rules_last_queued_timestamp_seconds`: the last change that asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum ProxyFamily {
    #[serde(rename = "IPv4")]
    V4,
    #[serde(rename = "IPv6")]
    V6,
    #[serde(other, rename = "unknown")]
    Unknown,
}

/// A fact that could not be had.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NotKnown {
    pub fact: Fact,
    pub why: Untrusted,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Fact {
    IpForwardV4,
    IpForwardV6,
    Interfaces,
    ProxyMode,
    ProxySyncs,
    ProxyHealth,
    #[serde(other)]
    Unknown,
}

impl NodeFacts {
    /// Why that fact is not there.
    pub fn why_not(&self, fact: Fact) -> Option<&Untrusted> {
        self.not_known.iter().find(|unknown| unknown.fact == fact).map(|unknown| &unknown.why)
    }
}

impl KubeProxy {
    /// A change has been waiting for longer than a sync takes.
    pub fn behind(&self, now: Timestamp) -> Option<&ProxySync> {
        self.syncs.iter().find(|sync| sync.behind_ms(now).is_some_and(|ms| ms > BEHIND_MS))
    }

    /// When it wrote its rules last, of whatever family.
    pub fn last_at(&self) -> Option<Timestamp> {
        self.syncs.iter().filter_map(|sync| sync.last_at).max()
    }
}

impl ProxySync {
    /// How long a change has been waiting, in ms; absent where none does or it cannot be told.
    pub fn behind_ms(&self, now: Timestamp) -> Option<i64> {
        let (queued, last) = (self.queued_at?, self.last_at?);
        (queued > last).then(|| now.as_millisecond() - queued.as_millisecond())
    }
}

#[cfg(test)]
mod tests;
