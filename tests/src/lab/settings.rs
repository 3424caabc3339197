//! What one may choose about a cluster.

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

#[derive(Args, Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Settings {
    /// Number of nodes.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=9))]
    pub nodes: u8,

    /// How kube-proxy makes Services work.
    #[arg(long, value_enum, default_value_t = ProxyMode::Iptables)]
    pub proxy_mode: ProxyMode,

    /// Address families of pods, Services and nodes.
    #[arg(long, value_enum, default_value_t = IpFamilies::Ipv4)]
    pub ip_families: IpFamilies,

    /// How packets get from one node's pods to another's.
    #[arg(long, value_enum, default_value_t = PodNetwork::Routed)]
    pub pod_network: PodNetwork,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            nodes: 2,
            proxy_mode: ProxyMode::Iptables,
            ip_families: IpFamilies::Ipv4,
            pod_network: PodNetwork::Routed,
        }
    }
}

impl Settings {
    /// The numbers of the nodes, from 1.
    pub fn numbers(&self) -> impl Iterator<Item = u8> + use<> {
        1..=self.nodes
    }

    pub fn dual(&self) -> bool {
        self.ip_families == IpFamilies::Dual
    }

    /// The two families' values as Kubernetes writes them: `V4` or `V4,V6`.
    pub fn join(&self, v4: &str, v6: &str) -> String {
        if self.dual() { format!("{v4},{v6}") } else { v4.into() }
    }
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ProxyMode {
    Iptables,
    Nftables,
}

impl ProxyMode {
    pub fn word(self) -> &'static str {
        match self {
            Self::Iptables => "iptables",
            Self::Nftables => "nftables",
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum IpFamilies {
    Ipv4,
    Dual,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum PodNetwork {
    Routed,
    Vxlan,
}
