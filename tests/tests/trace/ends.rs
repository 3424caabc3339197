//! A trace that is stopped, cut off, or run again and again.

use std::time::Duration;

use anyhow::Result;
use netdiag_tests::{Agent, Fault, Node, Pair, turn};
use nix::sys::signal::Signal;
use serde_json::Value;

const SOON: Duration = Duration::from_secs(10);

#[test]
#[ignore = "needs a cluster: stops a trace"]
fn ctrl_c_keeps_what_was_seen() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let rule = format!("ip daddr {} drop", pair.server.ip());
    let _fault = Fault::rule(&pair.cluster, Node::Second, &rule)?;
    let mut trace = pair.start_from_client(&format!("trace {} -w 20", pair.server.target()))?;
    trace.wait_for("gateway of its pods\n")?;
    trace.signal(Signal::SIGINT)?;
    let run = trace.finish(SOON)?;
    println!("{}", run.stdout);
    let _ = run.exits(1).says("\n\n");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: kills an agent"]
fn a_killed_agent_is_named() -> Result<()> {
    let _turn = turn::alone();
    let pair = Pair::start()?;
    let rule = format!("ip daddr {} drop", pair.server.ip());
    let _fault = Fault::rule(&pair.cluster, Node::Second, &rule)?;
    let agent = Agent::on(&pair.cluster, Node::First)?;
    let mut trace = pair.start_from_client(&format!("trace {} -w 20", pair.server.target()))?;
    trace.wait_for("gateway of its pods\n")?;
    agent.kill("front")?;
    let run = trace.finish(SOON)?.exits(2);
    println!("{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("error    ND0006  cut off after "), "{}", run.stderr);
    assert!(run.stderr.contains(&format!("the agent on {} ended", pair.client.node)));
    Agent::ready(&pair.cluster)
}

#[test]
#[ignore = "needs a cluster: traces ten times in a row"]
fn ten_in_a_row_find_the_end_ten_times() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    for _ in 0..10 {
        let run = pair.from_client(&format!("trace {} -U -o json", pair.server.target()))?;
        let report: Value = run.exits(0).json();
        let hops = report["trace"]["hops"].as_array().map_or(0, Vec::len);
        assert_eq!(hops, 3, "{report:#}");
        // A router that has said enough may be silent, but not the end, and not its distance.
        let end = &report["trace"]["flows"][0]["end"];
        assert_eq!((&end["kind"], &end["hops"]), (&"reached".into(), &3.into()), "{report:#}");
    }
    Ok(())
}
