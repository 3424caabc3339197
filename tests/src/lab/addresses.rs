//! The cluster's addresses: a plan that everything else is computed from.

use super::settings::Settings;

/// The API server's, on the bridge.
pub const CONTROL: &str = "10.89.0.1";
pub const CONTROL_V6: &str = "fd00:89::1";
/// The machine's own leg into the bridge, so that kubectl reaches the API server.
pub const HOST: &str = "10.89.0.254";
pub const API_SERVER: &str = "https://10.89.0.1:6443";

pub const PODS: &str = "10.244.0.0/16";
pub const PODS_V6: &str = "fd00:244::/32";
pub const SERVICES: &str = "10.96.0.0/16";
pub const SERVICES_V6: &str = "fd00:96::/112";
pub const KUBERNETES_SERVICE: &str = "10.96.0.1";
pub const CLUSTER_DNS: &str = "10.96.0.10";

pub fn node_name(number: u8) -> String {
    format!("node-{number}")
}

pub fn node(number: u8) -> String {
    format!("10.89.0.{}", 10 + number)
}

pub fn node_v6(number: u8) -> String {
    format!("fd00:89::{}", 10 + number)
}

pub fn pods(number: u8) -> String {
    format!("10.244.{number}.0/24")
}

pub fn pods_v6(number: u8) -> String {
    format!("fd00:244:{number}::/64")
}

/// The node's addresses as `--node-ip` takes them.
pub fn node_ips(settings: &Settings, number: u8) -> String {
    settings.join(&node(number), &node_v6(number))
}

/// The far end of the overlay on that node, used as a next hop only.
pub fn tunnel(number: u8) -> String {
    format!("10.244.{number}.0")
}

pub fn tunnel_v6(number: u8) -> String {
    format!("fd00:244:{number}::")
}

pub fn tunnel_mac(number: u8) -> String {
    format!("02:00:0a:f4:{number:02x}:00")
}
