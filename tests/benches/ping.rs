//! `make bench`: netdiag's ping beside its classic peers in one run, as a table for the README.
//!
//! Each round runs every command once, so that a busy moment of the machine hits all alike.

#[path = "ping/agent.rs"]
mod agent;
#[path = "ping/contest.rs"]
mod contest;
#[path = "ping/samples.rs"]
mod samples;
#[path = "ping/worker.rs"]
mod worker;

use std::time::Duration;

use anyhow::Result;
use contest::{Contest, Entry, to_the_end};
use netdiag_tests::command::command;
use netdiag_tests::progress::{say, show};
use netdiag_tests::{Cluster, Node};
use samples::Samples;

const ROUNDS: usize = 25;
/// Starts are short, so more of them are needed and cost little.
const STARTS: usize = 50;

fn main() -> Result<()> {
    let cluster = Cluster::with_agents()?;
    let source = cluster.pod("foo").on(Node::First).start()?;
    let target = cluster.pod("bar").on(Node::Second).start()?;
    // The processes of a foreign cluster are out of reach.
    let at_rest = cluster.is_own().then(|| agent::at_rest(&cluster)).transpose()?;
    let contest = Contest { cluster: &cluster, source, target };
    say(&format!("{ROUNDS} rounds of {} commands", Entry::ALL.len()));
    let times = compete(&contest)?;
    say("starting plugins and workers");
    let (plugin, nothing) = plugin_starts(&cluster)?;
    let worker: Vec<Duration> = (0..ROUNDS)
        .map(|_| worker::start(&cluster, &contest.source, &contest.target))
        .collect::<Result<_>>()?;

    show("| what | median (middle half) of runs | beside `exec` | goal |");
    show("| --- | --- | --- | --- |");
    let exec = times[1].median();
    for (entry, samples) in Entry::ALL.iter().zip(&times) {
        let ratio = samples.median() / exec;
        show(&format!("| {} | {samples} | {ratio:.2} × | {} |", entry.title(), entry.goal()));
    }
    row("plugin start: `kubectl-netdiag version --client`", &plugin.to_string(), "20 ms");
    row("the same of `true`", &nothing.to_string(), "");
    row(
        "worker start: from the order to its first event",
        &Samples::of(&worker).to_string(),
        "5 ms",
    );
    if let Some(at_rest) = at_rest {
        row("agent at rest, front + broker: memory", &at_rest.memory(), "10 MiB");
        row("agent at rest, front + broker: CPU in a minute", &at_rest.cpu(), "1 m");
    }
    row("agent's image, compressed", &format!("{:.1} MB", agent::image_mb()?), "8 MB");
    Ok(())
}

fn row(what: &str, figure: &str, goal: &str) {
    show(&format!("| {what} | {figure} | | {goal} |"));
}

/// The times of each entry.
fn compete(contest: &Contest<'_>) -> Result<Vec<Samples>> {
    let mut times = vec![Vec::new(); Entry::ALL.len()];
    for round in 0..ROUNDS {
        for (entry, times) in Entry::ALL.iter().zip(&mut times) {
            if entry.is_in(round) {
                times.push(contest.time(*entry)?);
            }
        }
    }
    Ok(times.iter().map(|times| Samples::of(times)).collect())
}

/// The plugin, and a program that does nothing.
fn plugin_starts(cluster: &Cluster) -> Result<(Samples, Samples)> {
    let (mut plugin, mut nothing) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        plugin.push(to_the_end(cluster.netdiag_command(["version", "--client"])?)?);
        nothing.push(to_the_end(command("true"))?);
    }
    Ok((Samples::of(&plugin), Samples::of(&nothing)))
}
