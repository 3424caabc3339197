//! Ctrl-C, and an agent that dies in the middle.

use std::time::Duration;

use anyhow::Result;
use netdiag_tests::{Agent, Node, Pair, turn};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::lookup::policed;

const SOON: Duration = Duration::from_secs(20);

/// Its client's questions are answered by nobody.
fn silent() -> Result<Pair> {
    let pair = Pair::start()?;
    policed(&pair, "policyTypes: [Egress]")?;
    Ok(pair)
}

#[test]
#[ignore = "needs a cluster: interrupts a lookup"]
fn ctrl_c_prints_what_is_known() -> Result<()> {
    let _turn = turn::share();
    let pair = silent()?;
    let mut running = pair.start_from_client("dns kubernetes.default -o ndjson")?;
    running.wait_for(r#""outcome":"silence""#)?;
    running.signal(Signal::SIGINT)?;
    let run = running.finish(SOON)?.exits(1);
    let last: Value = serde_json::from_str(run.stdout.lines().last().unwrap_or_default())?;
    assert_eq!((&last["kind"], &last["dns"]["ended"]), (&"DnsReport".into(), &"cancelled".into()));
    Ok(())
}

#[test]
#[ignore = "needs a cluster: kills an agent"]
fn an_agent_killed_in_the_middle_keeps_what_was_seen() -> Result<()> {
    let _turn = turn::alone();
    let pair = silent()?;
    for role in ["front", "broker", "worker"] {
        let agent = Agent::on(&pair.cluster, Node::First)?;
        let mut running = pair.start_from_client("dns kubernetes.default -o ndjson")?;
        running.wait_for(r#""outcome":"silence""#)?;
        agent.kill(role)?;
        let run = running.finish(SOON)?.exits(2);
        println!("{role} killed: {}", run.stderr);
        let error: Value = serde_json::from_str(&run.stderr)?;
        assert_eq!(error["code"], "ND0006", "{error}");
        let message = error["message"].as_str().unwrap_or_default();
        assert!(message.starts_with("cut off after "), "{message}");
        agent.replace(&pair.cluster)?;
    }
    Ok(())
}
