//! One node: its own namespaces with containerd, kubelet and kube-proxy inside.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::pki::{Authority, Pair};
use super::settings::{PodNetwork, Settings};
use super::{addresses as plan, cgroup, daemon, images, kubeconfig, network, pki, state};
use crate::command::command;
use crate::environment::checkout;
use crate::parts::Parts;

/// Writes a node's files: what an installer would have left there.
pub fn prepare(settings: &Settings, authority: &Authority, proxy: &Pair, number: u8) -> Result<()> {
    let name = plan::node_name(number);
    let var = state::node_var(number);
    for folder in ["run", "tmp", "log/pods", "lib/kubelet/manifests", "lib/cni/net.d"] {
        fs::create_dir_all(var.join(folder))?;
    }
    let files = var.join("lib/kubelet");
    let pair = authority.kubelet(settings, number)?;
    kubeconfig::write(&files.join("kubeconfig"), &name, &pair)?;
    kubeconfig::write(&files.join("proxy.kubeconfig"), "kube-proxy", proxy)?;
    for (from, to) in [
        (&pki::ca_path(), "ca.crt"),
        (&pair.certificate, "kubelet.crt"),
        (&pair.key, "kubelet.key"),
    ] {
        fs::copy(from, files.join(to)).with_context(|| format!("copy {}", from.display()))?;
    }
    state::write(&files.join("config.yaml"), kubelet_config(&name).to_string())?;
    state::write(&files.join("proxy.yaml"), proxy_config(settings).to_string())?;
    state::write(&files.join("containerd.toml"), containerd_config())?;
    state::write(&files.join("resolv.conf"), format!("nameserver {}\n", plan::CONTROL))?;
    state::write(&files.join("hosts"), hosts(settings))?;
    state::write(&var.join("lib/cni/net.d/10-bridge.conflist"), cni(settings, number).to_string())
}

/// Starts the node's first process and, through it, its daemons.
pub fn start(settings: &Settings, parts: &Parts, group: &Path, number: u8) -> Result<()> {
    let name = plan::node_name(number);
    let net = format!("--net={}", network::file(&network::of_node(number)).display());
    let script = checkout().join("tests/cluster/node.sh");
    let ips = plan::node_ips(settings, number);
    let var = state::node_var(number);
    let mut args: Vec<&OsStr> =
        ["nsenter", &net, "unshare", "-m", "-p", "-u", "-i", "-f"].map(OsStr::new).to_vec();
    args.extend(["--mount-proc", "--kill-child", "sh"].map(OsStr::new));
    args.extend([script.as_os_str(), OsStr::new(&name), OsStr::new(&ips), var.as_os_str()]);
    let folders = ["kubernetes", "containerd", "cni"];
    args.extend(folders.map(|part| parts.folder(part).as_os_str()));
    let pid = daemon::spawn(&name, group, args)?;
    state::write(&state::node_pid(number), pid.to_string())
}

/// A command that runs in all of a node's namespaces.
pub fn enter<A: AsRef<OsStr>>(number: u8, words: impl IntoIterator<Item = A>) -> Result<Command> {
    let outer = fs::read_to_string(state::node_pid(number))
        .with_context(|| format!("there is no node {number}"))?;
    // `unshare` waits in the old namespaces; its child is the node's first process.
    let children = format!("/proc/{outer}/task/{outer}/children");
    let init = fs::read_to_string(&children).with_context(|| format!("node {number} is gone"))?;
    let init = init.split_whitespace().next().with_context(|| format!("node {number} ended"))?;
    let mut enter = command("nsenter");
    enter.args(["-t", init, "-m", "-u", "-i", "-n", "-p", "--", "env"]).arg(
        "PATH=/run/parts/kubernetes:/run/parts/containerd:\
         /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    );
    enter.args(words);
    Ok(enter)
}

fn kubelet_config(name: &str) -> Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": { "enabled": false },
            "webhook": { "enabled": true },
            "x509": { "clientCAFile": "/var/lib/kubelet/ca.crt" },
        },
        "authorization": { "mode": "Webhook" },
        "tlsCertFile": "/var/lib/kubelet/kubelet.crt",
        "tlsPrivateKeyFile": "/var/lib/kubelet/kubelet.key",
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "staticPodPath": "/var/lib/kubelet/manifests",
        // Static pods of a test come and go with it.
        "fileCheckFrequency": "1s",
        "clusterDNS": [plan::CLUSTER_DNS],
        "clusterDomain": "cluster.local",
        "resolvConf": "/etc/resolv.conf",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroup::of_node(name),
        "failCgroupV1": false,
        "failSwapOn": false,
        "maxPods": 250,
        // Images are imported once and never pulled: none may be collected, full disk or not.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {
            "imagefs.available": "0%",
            "memory.available": "50Mi",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
        },
    })
}

fn proxy_config(settings: &Settings) -> Value {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": settings.proxy_mode.word(),
        "clusterCIDR": settings.join(plan::PODS, plan::PODS_V6),
        "clientConnection": { "kubeconfig": "/var/lib/kubelet/proxy.kubeconfig" },
        "healthzBindAddress": "0.0.0.0:10256",
        // The table's size belongs to the machine, not to a namespace.
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpCloseWaitTimeout": "0s",
            "tcpEstablishedTimeout": "0s",
        },
    })
}

fn containerd_config() -> String {
    let pause = images::PAUSE;
    format!(
        r#"version = 3
root = "/var/lib/containerd"
state = "/run/containerd"

[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "{pause}"

# Without CAP_SYS_RESOURCE, as in many CI machines, a lower oom_score_adj is refused.
[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true

[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["/run/parts/cni"]
conf_dir = "/var/lib/cni/net.d"
"#
    )
}

fn cni(settings: &Settings, number: u8) -> Value {
    let mut ranges = vec![json!([{ "subnet": plan::pods(number) }])];
    let mut routes = vec![json!({ "dst": "0.0.0.0/0" })];
    if settings.dual() {
        ranges.push(json!([{ "subnet": plan::pods_v6(number) }]));
        routes.push(json!({ "dst": "::/0" }));
    }
    let mtu = match settings.pod_network {
        PodNetwork::Routed => 1500,
        PodNetwork::Vxlan => 1450,
    };
    json!({
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "cni0",
                "isGateway": true,
                "hairpinMode": true,
                "mtu": mtu,
                "ipam": { "type": "host-local", "ranges": ranges, "routes": routes },
            },
            { "type": "portmap", "capabilities": { "portMappings": true } },
        ],
    })
}

fn hosts(settings: &Settings) -> String {
    let nodes = settings.numbers().map(|n| format!("{} {}\n", plan::node(n), plan::node_name(n)));
    std::iter::once("127.0.0.1 localhost\n".into()).chain(nodes).collect()
}
