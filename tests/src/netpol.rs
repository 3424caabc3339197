//! A stand-in for a NetworkPolicy enforcer, since no real one can be built from modules here.
//!
//! It turns NetworkPolicy objects into one nftables table, the same on every node, and does so
//! again whenever a policy, a pod or a namespace changes. It knows selectors, `ipBlock` and
//! numbered ports; it does not know named ports.

mod rules;
mod selector;

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::command::{command, feed, finish};
use crate::lab::{network, owner::Note, state};
use crate::parts::Parts;
use crate::progress::say;
use crate::wait;

/// Changes come in bursts; one look serves them all.
const BURST: Duration = Duration::from_millis(50);

/// Enforces policies until the cluster is gone.
pub fn run() -> Result<()> {
    let parts = Parts::build()?;
    let nodes = Note::read().context("no cluster is up")?.settings.nodes;
    let (changed, changes) = channel();
    for kind in ["networkpolicies", "pods", "namespaces"] {
        let (parts, changed) = (parts.clone(), changed.clone());
        std::thread::spawn(move || watch(&parts, kind, &changed));
    }
    loop {
        match settled(&changes).and_then(|()| enforce(&parts, nodes)) {
            Ok(()) => {}
            Err(error) => say(&format!("netpol-stand-in: {error:#}")),
        }
    }
}

/// Waits for a change and for the end of the burst that it comes in.
fn settled(changes: &Receiver<()>) -> Result<()> {
    changes.recv()?;
    loop {
        match changes.recv_timeout(BURST) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout) => return Ok(()),
            Err(RecvTimeoutError::Disconnected) => anyhow::bail!("nobody watches any more"),
        }
    }
}

/// Says that something changed, for every line of a watch that never ends.
fn watch(parts: &Parts, kind: &str, changed: &Sender<()>) {
    loop {
        let started = wait::until("watch", Duration::from_secs(600), || start_watch(parts, kind));
        let Ok(mut child) = started else { return };
        let lines = child.stdout.take().map(BufReader::new);
        for _ in lines.into_iter().flat_map(BufRead::lines).map_while(Result::ok) {
            if changed.send(()).is_err() {
                return;
            }
        }
        // The API server ends every watch after a while.
        let _ = child.wait();
    }
}

fn start_watch(parts: &Parts, kind: &str) -> Result<Child> {
    let mut kubectl = kubectl(parts, &["get", kind, "-A", "--watch", "-o", "name"]);
    Ok(kubectl.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?)
}

/// Writes the rules of this moment to every node.
fn enforce(parts: &Parts, nodes: u8) -> Result<()> {
    let list =
        finish(kubectl(parts, &["get", "networkpolicies,pods,namespaces", "-A", "-o", "json"]))?;
    let list: Value = serde_json::from_str(&list)?;
    let objects = list["items"].as_array().map_or(&[][..], Vec::as_slice);
    let table = rules::table(objects)?;
    for number in 1..=nodes {
        let mut nft = command("nsenter");
        nft.arg(format!("--net={}", network::file(&network::of_node(number)).display()));
        nft.args(["nft", "-f", "-"]);
        feed(nft, table.as_bytes()).with_context(|| format!("node {number}: {table}"))?;
    }
    Ok(())
}

fn kubectl(parts: &Parts, args: &[&str]) -> std::process::Command {
    let mut kubectl = command(parts.program("kubectl"));
    kubectl.arg("--kubeconfig").arg(state::kubeconfig()).args(args);
    kubectl
}
