//! `make bench`: a dead path, by the whole command and by traceroute in the same pod's network.

#[path = "ping/samples.rs"]
mod samples;

use std::time::{Duration, Instant};

use anyhow::Result;
use netdiag_tests::command::command;
use netdiag_tests::progress::show;
use netdiag_tests::{Fault, Netns, Node, Pair};
use samples::Samples;

/// traceroute takes half a minute for each.
const ROUNDS: usize = 3;

fn main() -> Result<()> {
    let pair = Pair::start()?;
    let to = pair.server.ip().to_string();
    let rule = format!("ip daddr {to} drop");
    let _fault = Fault::rule(&pair.cluster, Node::Second, &rule)?;
    let inside = Netns::of_pod(&pair.client)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        let run = pair.from_client(&format!("trace {to}"))?;
        ours.push(begin.elapsed());
        let _ = run.exits(1).says("ND0303");
        theirs.push(inside.run(|| traceroute(&to))?);
    }
    let (ours, theirs) = (Samples::of(&ours), Samples::of(&theirs));
    let ratio = ours.median() / theirs.median();
    show("| what | median (middle half) of runs | beside it | goal |");
    show("| --- | --- | --- | --- |");
    show(&format!(
        "| a path dead behind hop 2: all of `kubectl-netdiag trace` | {ours} | `traceroute`: {theirs}; ours {ratio:.3} x of it | at most 0.1 x |"
    ));
    Ok(())
}

/// As it is typed: three probes a hop, 30 hops, 5 s each.
fn traceroute(to: &str) -> Result<Duration> {
    let begin = Instant::now();
    let output = command("traceroute").args(["-n", to]).output()?;
    anyhow::ensure!(output.status.success(), "{output:?}");
    Ok(begin.elapsed())
}
