//! The underlay: a bridge, one network namespace for the control plane and one per node.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::addresses as plan;
use super::settings::{PodNetwork, Settings};
use crate::command::{command, finish, installed, run_words};

/// The control plane's namespace, which also holds the bridge.
pub const CONTROL: &str = "netdiag-control";
/// The machine's own leg into the bridge; the only thing in its own namespace.
const HOST_LEG: &str = "netdiag-host";

/// The namespace of a node.
pub fn of_node(number: u8) -> String {
    format!("netdiag-node-{number}")
}

/// The file that stands for a namespace.
pub fn file(namespace: &str) -> PathBuf {
    PathBuf::from("/run/netns").join(namespace)
}

/// Makes the bridge, the namespaces and the way between their pods.
pub fn create(settings: &Settings) -> Result<()> {
    load_modules();
    control()?;
    for number in settings.numbers() {
        node(number)?;
        match settings.pod_network {
            PodNetwork::Routed => routes(settings, number)?,
            PodNetwork::Vxlan => overlay(settings, number)?,
        }
    }
    Ok(())
}

/// Removes what [`create`] made, all of it or what is left of it.
pub fn remove() -> Result<()> {
    let listed = run_words("ip netns list")?;
    let ours = listed.lines().filter_map(|line| line.split_whitespace().next());
    for namespace in ours.filter(|name| name.starts_with("netdiag-")) {
        // Another mount namespace can keep a deleted namespace, and so its veth, alive.
        let links = in_namespace(namespace, "ip -o link show type veth").unwrap_or_default();
        for link in links.lines().filter_map(|line| line.split([':', '@']).nth(1)) {
            let _ = in_namespace(namespace, &format!("ip link del {}", link.trim()));
        }
        run_words(&format!("ip netns del {namespace}"))?;
    }
    if run_words(&format!("ip link show {HOST_LEG}")).is_ok() {
        run_words(&format!("ip link del {HOST_LEG}"))?;
    }
    Ok(())
}

/// The network interfaces and namespaces that are still there.
pub fn leftovers() -> Result<Vec<String>> {
    let mut found: Vec<String> = run_words("ip netns list")?
        .lines()
        .chain(run_words("ip -o link show")?.lines())
        .filter(|line| line.contains("netdiag-"))
        .map(Into::into)
        .collect();
    found.extend(
        run_words("ip route show")?
            .lines()
            .filter(|line| line.contains("10.89.0.") || line.contains("10.244."))
            .map(Into::into),
    );
    Ok(found)
}

/// Runs a command line in a network namespace.
///
/// By `nsenter`: `ip netns exec` mounts a new /sys, which hides the control groups.
pub fn in_namespace(namespace: &str, line: &str) -> Result<String> {
    let mut command = command("nsenter");
    command.arg(format!("--net={}", file(namespace).display())).args(line.split_whitespace());
    finish(command)
}

/// Built into some kernels, absent as modules from others: what is missing shows soon enough.
fn load_modules() {
    if installed("modprobe") {
        for module in ["overlay", "br_netfilter", "nf_conntrack", "vxlan"] {
            let _ = run_words(&format!("modprobe -q {module}"));
        }
    }
}

fn control() -> Result<()> {
    let host = plan::HOST;
    run_words(&format!("ip netns add {CONTROL}"))?;
    run_words(&format!("ip link add {HOST_LEG} type veth peer name host netns {CONTROL}"))?;
    run_words(&format!("ip addr add {host}/24 dev {HOST_LEG}"))?;
    run_words(&format!("ip link set {HOST_LEG} up"))?;
    // Frames between nodes are the underlay's affair; no firewall looks at them.
    setting(CONTROL, "net/bridge/bridge-nf-call-iptables", "0");
    setting(CONTROL, "net/bridge/bridge-nf-call-ip6tables", "0");
    let (v4, v6) = (plan::CONTROL, plan::CONTROL_V6);
    in_control(&[
        "ip link set lo up".into(),
        "ip link add br0 type bridge".into(),
        "ip link set host master br0 up".into(),
        format!("ip addr add {v4}/24 dev br0"),
        format!("ip addr add {v6}/64 dev br0 nodad"),
        "ip link set br0 up".into(),
    ])
}

fn node(number: u8) -> Result<()> {
    let namespace = of_node(number);
    let name = plan::node_name(number);
    run_words(&format!("ip netns add {namespace}"))?;
    in_control(&[
        format!("ip link add {name} type veth peer name eth0 netns {namespace}"),
        format!("ip link set {name} master br0 up"),
    ])?;
    let (v4, v6) = (plan::node(number), plan::node_v6(number));
    for line in [
        "ip link set lo up".into(),
        format!("ip addr add {v4}/24 dev eth0"),
        format!("ip addr add {v6}/64 dev eth0 nodad"),
        "ip link set eth0 up".into(),
        format!("ip route add default via {}", plan::CONTROL),
        format!("ip -6 route add default via {}", plan::CONTROL_V6),
    ] {
        in_namespace(&namespace, &line)?;
    }
    for (key, value) in [
        ("net/ipv4/ip_forward", "1"),
        ("net/ipv6/conf/all/forwarding", "1"),
        ("net/bridge/bridge-nf-call-iptables", "1"),
        ("net/bridge/bridge-nf-call-ip6tables", "1"),
    ] {
        setting(&namespace, key, value);
    }
    masquerade(&namespace)
}

/// What leaves the pod network bears the node's address, as every CNI does it.
fn masquerade(namespace: &str) -> Result<()> {
    let (v4, v6) = (plan::PODS, plan::PODS_V6);
    let rules = format!(
        "table inet pod-network {{
            chain postrouting {{
                type nat hook postrouting priority srcnat;
                ip saddr {v4} ip daddr != {v4} masquerade
                ip6 saddr {v6} ip6 daddr != {v6} masquerade
            }}
        }}"
    );
    let mut nft = command("nsenter");
    nft.arg(format!("--net={}", file(namespace).display())).args(["nft", "-f", "-"]);
    crate::command::feed(nft, rules.as_bytes())
        .context("masquerade what leaves the pod network")?;
    Ok(())
}

/// Pod ranges of the other nodes, by plain routes.
fn routes(settings: &Settings, number: u8) -> Result<()> {
    let namespace = of_node(number);
    for other in settings.numbers().filter(|&other| other != number) {
        let (range, via) = (plan::pods(other), plan::node(other));
        in_namespace(&namespace, &format!("ip route add {range} via {via}"))?;
        if settings.dual() {
            let (range, via) = (plan::pods_v6(other), plan::node_v6(other));
            in_namespace(&namespace, &format!("ip -6 route add {range} via {via}"))?;
        }
    }
    Ok(())
}

/// Pod ranges of the other nodes through VXLAN, the way flannel lays it out.
fn overlay(settings: &Settings, number: u8) -> Result<()> {
    let namespace = of_node(number);
    let run = |line: String| in_namespace(&namespace, &line);
    let (local, mac) = (plan::node(number), plan::tunnel_mac(number));
    run(format!("ip link add vxlan1 type vxlan id 1 dstport 4789 local {local} nolearning"))?;
    run(format!("ip link set vxlan1 address {mac} up"))?;
    run(format!("ip addr add {}/32 dev vxlan1", plan::tunnel(number)))?;
    for other in settings.numbers().filter(|&other| other != number) {
        let (via, mac) = (plan::tunnel(other), plan::tunnel_mac(other));
        run(format!("bridge fdb append {mac} dev vxlan1 dst {}", plan::node(other)))?;
        run(format!("ip neigh add {via} lladdr {mac} dev vxlan1 nud permanent"))?;
        run(format!("ip route add {} via {via} dev vxlan1 onlink", plan::pods(other)))?;
        if settings.dual() {
            let via = plan::tunnel_v6(other);
            run(format!("ip -6 neigh add {via} lladdr {mac} dev vxlan1 nud permanent"))?;
            run(format!("ip -6 route add {} via {via} dev vxlan1 onlink", plan::pods_v6(other)))?;
        }
    }
    Ok(())
}

fn in_control(lines: &[String]) -> Result<()> {
    lines.iter().try_for_each(|line| in_namespace(CONTROL, line).map(drop))
}

/// A sysctl of one namespace; one that this kernel lacks has nothing to set.
fn setting(namespace: &str, key: &str, value: &str) {
    let mut command = command("nsenter");
    let write = format!("echo {value} >/proc/sys/{key}");
    command.arg(format!("--net={}", file(namespace).display())).args(["sh", "-c", &write]);
    let _ = finish(command);
}
