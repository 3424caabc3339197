//! `make bench`: scans between pods on two nodes, by the whole command and by nmap in the same
//! pod's network.

#[path = "ping/samples.rs"]
mod samples;

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use netdiag_tests::command::command;
use netdiag_tests::progress::show;
use netdiag_tests::{Fault, Netns, Node, Pair};
use samples::Samples;
use serde_json::Value;

/// The scan that misses none of the open ports in all of these.
const ROUNDS: usize = 20;
/// nmap takes a second for every dozen ports that are silent.
const SILENT_ROUNDS: usize = 3;
const OPEN: u16 = 50;

fn main() -> Result<()> {
    let pair = Pair::start()?;
    let server = Netns::of_pod(&pair.server)?;
    let _listeners = server.run(listen)?;
    show("| what | median (middle half) of runs | beside it |");
    show("| --- | --- | --- |");
    row(&pair, "65,535 ports, 50 open", "-p-", ROUNDS, Some(usize::from(OPEN)))?;
    row(&pair, "65,535 ports by connecting", "-p- --connect", 5, Some(usize::from(OPEN)))?;
    let rule = format!("ip daddr {} drop", pair.server.ip());
    let _fault = Fault::rule(&pair.cluster, Node::Second, &rule)?;
    row(&pair, "512 ports, all silent", "-p 1-512", SILENT_ROUNDS, Some(0))
}

fn listen() -> Result<Vec<TcpListener>> {
    let ports = (0..OPEN).map(|n| 2_000 + n * 1_201);
    let all = IpAddr::from(Ipv4Addr::UNSPECIFIED);
    Ok(ports.map(|port| TcpListener::bind((all, port))).collect::<Result<_, _>>()?)
}

fn row(pair: &Pair, what: &str, flags: &str, rounds: usize, open: Option<usize>) -> Result<()> {
    let inside = Netns::of_pod(&pair.client)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        ours.push(netdiag(pair, flags, open)?);
        theirs.push(inside.run(|| nmap(pair, flags))?);
    }
    let (ours, theirs) = (Samples::of(&ours), Samples::of(&theirs));
    let ratio = theirs.median() / ours.median();
    let row = format!(
        "| {what}: all of `kubectl-netdiag scan` | {ours} | `nmap`: {theirs}; ours {ratio:.2} x as fast |"
    );
    show(&row);
    Ok(())
}

fn netdiag(pair: &Pair, flags: &str, open: Option<usize>) -> Result<Duration> {
    let begin = Instant::now();
    let run = pair.from_client(&format!("scan {} {flags} -o json", pair.server.target()))?;
    let took = begin.elapsed();
    let report: Value = serde_json::from_str(&run.stdout)?;
    let is_open = |port: &&Value| port["state"] == "open";
    let found = report["scan"]["ports"].as_array().map(|all| all.iter().filter(is_open).count());
    ensure!(found == open, "{found:?} open instead of {open:?}: {}", run.stdout);
    Ok(took)
}

/// As fast as it goes without losing ports: its own pace, no names, no discovery.
fn nmap(pair: &Pair, flags: &str) -> Result<Duration> {
    let address = pair.server.ip().to_string();
    let method = if flags.contains("--connect") { "-sT" } else { "-sS" };
    let ports = flags.strip_suffix(" --connect").unwrap_or(flags);
    let mut nmap = command("nmap");
    nmap.args(["-n", "-Pn", "-T4", method]).args(ports.split(' '));
    let begin = Instant::now();
    let output = nmap.arg(address).output()?;
    ensure!(output.status.success(), "{output:?}");
    Ok(begin.elapsed())
}
