//! What is created through the API before the cluster is of use: nodes, rights, CoreDNS.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::control_plane::kubectl;
use super::settings::Settings;
use super::{addresses as plan, state};
use crate::command::{command, feed};
use crate::parts::Parts;
use crate::wait;

const COREDNS: &str = include_str!("../../cluster/manifests/coredns.yaml");

/// Creates the node objects, so that each node's pod range is known before it registers.
pub fn create_nodes(settings: &Settings, parts: &Parts) -> Result<()> {
    let items: Vec<Value> = settings.numbers().map(|number| node(settings, number)).collect();
    apply(parts, &json!({ "apiVersion": "v1", "kind": "List", "items": items }).to_string())
}

/// Creates CoreDNS.
pub fn create_coredns(parts: &Parts) -> Result<()> {
    apply(parts, COREDNS)
}

/// Waits until nodes, Services and names work.
pub fn wait_ready(settings: &Settings, parts: &Parts) -> Result<()> {
    let minute = "--timeout=60s";
    kubectl(parts, &["wait", "node", "--all", "--for=condition=Ready", minute])?;
    for number in settings.numbers() {
        // The API server answers before the Service addresses work on a fresh node.
        wait::until("kube-proxy is ready", Duration::from_secs(30), || proxy_ready(number))?;
    }
    let dns = ["-n", "kube-system", "rollout", "status", "deployment/coredns", minute];
    kubectl(parts, &dns).context("CoreDNS")?;
    Ok(())
}

fn apply(parts: &Parts, manifest: &str) -> Result<()> {
    let mut apply = command(parts.program("kubectl"));
    apply.arg("--kubeconfig").arg(state::kubeconfig()).args(["apply", "-f", "-"]);
    feed(apply, manifest.as_bytes()).map(drop)
}

fn node(settings: &Settings, number: u8) -> Value {
    let name = plan::node_name(number);
    let ranges = settings.join(&plan::pods(number), &plan::pods_v6(number));
    let ranges: Vec<&str> = ranges.split(',').collect();
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": { "name": name, "labels": { "kubernetes.io/hostname": name } },
        "spec": { "podCIDR": ranges[0], "podCIDRs": ranges },
    })
}

fn proxy_ready(number: u8) -> Result<()> {
    let address = format!("{}:10256", plan::node(number)).parse()?;
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.lines().next().unwrap_or_default();
    ensure!(status.contains(" 200 "), "it said: {status}");
    Ok(())
}
