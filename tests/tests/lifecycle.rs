//! Clusters of every shape come up, and nothing of them stays behind, crash or not.
//!
//! Takes the machine's one cluster down: `cargo test -p netdiag-tests --test lifecycle`, by name only.

use std::process::Child;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use netdiag_tests::command::{command, finish};
use netdiag_tests::lab::settings::{ProxyMode, Settings};
use netdiag_tests::lab::{cgroup, cleanup, start, state};
use netdiag_tests::{Cluster, Node, wait};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// One machine holds one cluster, so the tests of this file take turns.
static TURN: Mutex<()> = Mutex::new(());

/// What CI's machines take, with room for a slow one.
const UP_WITHIN: Duration = Duration::from_secs(30);

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    settings: Settings,
}

#[test]
fn nftables_dual_stack_and_vxlan_come_up() -> Result<()> {
    shape("--proxy-mode nftables --ip-families dual --pod-network vxlan", 2)
}

#[test]
fn nftables_and_dual_stack_come_up_routed() -> Result<()> {
    shape("--proxy-mode nftables --ip-families dual", 2)
}

#[test]
fn three_nodes_come_up_on_vxlan() -> Result<()> {
    shape("--nodes 3 --pod-network vxlan", 1)
}

#[test]
fn killed_half_way_it_leaves_nothing() -> Result<()> {
    let _turn = turn()?;
    for moment in ["underlay", "control plane", "nodes"] {
        let mut up = up_until(moment)?;
        kill(Pid::from_raw(up.id().try_into()?), Signal::SIGKILL)?;
        up.wait()?;
        finish(cluster("down"))?;
        ensure!(cleanup::leftovers()?.is_empty(), "{moment}: {:?}", cleanup::leftovers()?);
    }
    Ok(())
}

#[test]
fn interrupted_half_way_it_starts_anew() -> Result<()> {
    let _turn = turn()?;
    let mut up = up_until("control plane")?;
    kill(Pid::from_raw(up.id().try_into()?), Signal::SIGINT)?;
    up.wait()?;
    start::up(&Settings::default())?;
    cleanup::down()
}

#[test]
fn another_checkout_is_told_whose_cluster_it_is() -> Result<()> {
    let _turn = turn()?;
    start::up(&Settings::default())?;
    let note = state::root().join("owner.json");
    let ours = std::fs::read_to_string(&note)?;
    let checkout = netdiag_tests::environment::checkout();
    std::fs::write(&note, ours.replace(&checkout.display().to_string(), "/usr"))?;
    let refused = start::up(&Settings::default()).err().context("it was let through")?;
    assert!(format!("{refused:#}").contains("the checkout /usr has a test cluster running"));
    cleanup::down()
}

/// Starts that cluster in time, pings and traces across it over every family, and stops it.
fn shape(flags: &str, families: usize) -> Result<()> {
    let _turn = turn()?;
    let settings = Line::try_parse_from(["shape"].into_iter().chain(flags.split(' ')))?.settings;
    let begin = Instant::now();
    start::up(&settings)?;
    ensure!(begin.elapsed() < UP_WITHIN, "up only after {:?}", begin.elapsed());
    let outcome = pods_reach_each_other(families).and_then(|()| services_are_told(&settings));
    cleanup::down()?;
    outcome
}

/// What carries Services is told from the nodes' own facts, and an echo becomes what is said of it.
fn services_are_told(settings: &Settings) -> Result<()> {
    let cluster = Cluster::with_agents()?;
    let client = cluster.pod("client").on(Node::First).start()?;
    let mode = settings.proxy_mode;
    let run = cluster.netdiag(["doctor"])?.exits(0);
    let _ = run.says(&format!("OK       Services are carried by kube-proxy ({}) on ", mode.word()));
    let ping = ["ping", "default/svc/kubernetes", "--icmp", "-c", "2", "-W", "1", "-o", "ndjson"];
    let run = cluster.netdiag(ping.iter().copied().chain(["--from", &client.target()]))?;
    let is_rejected = run.stdout.contains(r#""meaning":"portUnreachable""#);
    ensure!(is_rejected == (mode == ProxyMode::Nftables), "{}", run.stdout);
    Ok(())
}

fn pods_reach_each_other(families: usize) -> Result<()> {
    let cluster = Cluster::with_agents()?;
    let client = cluster.pod("client").on(Node::First).start()?;
    let server = cluster.pod("server").on(Node::Second).start()?;
    assert_eq!(server.ips.len(), families);
    for ip in &server.ips {
        let address = ip.to_string();
        let exec = ["exec", "-n", &client.namespace, "client", "--"];
        let ping = ["ping", "-c", "1", "-w", "5", &address];
        cluster.kubectl(exec.iter().chain(&ping))?;
        // An overlay is one hop, as a route is.
        let run = cluster.netdiag(["trace", &address, "--from", &client.target()])?.exits(0);
        println!("{}", run.stdout);
        let _ = run.says("\nOK       reached in 3 hops, ");
    }
    let exec = ["exec", "-n", &client.namespace, "client", "--"];
    let lookup = ["nslookup", "kubernetes.default.svc.cluster.local", "10.96.0.10"];
    let said = cluster.kubectl(exec.iter().chain(&lookup))?;
    assert!(said.contains("10.96.0.1\n"), "{said}");
    Ok(())
}

/// A start of a cluster, come as far as `moment`.
fn up_until(moment: &str) -> Result<Child> {
    let log = tempfile::NamedTempFile::new()?;
    let mut up = cluster("up");
    let child = up.stdout(std::process::Stdio::null()).stderr(log.reopen()?).spawn()?;
    wait::until(&format!("{moment} shows"), UP_WITHIN, || {
        let said = std::fs::read_to_string(log.path())?;
        ensure!(said.contains(moment), "so far: {said}");
        Ok(())
    })?;
    Ok(child)
}

fn cluster(verb: &str) -> std::process::Command {
    let mut cluster = command(env!("CARGO_BIN_EXE_cluster"));
    cluster.arg(verb);
    cluster
}

/// Waits for this test's turn and a machine without a cluster.
fn turn() -> Result<MutexGuard<'static, ()>> {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    netdiag_tests::lab::owner::check()?;
    cleanup::down()?;
    ensure!(cgroup::processes().is_empty(), "processes are left");
    Ok(turn)
}
