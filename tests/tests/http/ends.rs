//! Ends that come from outside: Ctrl-C, an agent that is killed, a deadline.

use std::time::Duration;

use anyhow::Result;
use netdiag_tests::{Agent, Netns, Node, Pair, turn, wait};
use nix::sys::signal::Signal;

use crate::web::{Asked, serve};

const SOON: Duration = Duration::from_secs(20);

fn hanging(pair: &Pair, asked: &Asked) -> Result<netdiag_tests::Running> {
    let line = format!("http {}:8080/hang", pair.server.target());
    let running = pair.start_from_client(&line)?;
    wait::until("the request is there", SOON, || {
        anyhow::ensure!(asked.count() == 1, "{} requests", asked.count());
        Ok(())
    })?;
    Ok(running)
}

#[test]
#[ignore = "needs a cluster: stops a request"]
fn ctrl_c_and_a_deadline_tell_what_is_known() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let asked = serve(&Netns::of_pod(&pair.server)?, "0.0.0.0:8080")?;
    let running = hanging(&pair, &asked)?;
    running.signal(Signal::SIGINT)?;
    let run = running.finish(SOON)?.exits(1);
    let _ = run.says("\nUNKNOWN  ND0309  cannot tell: it was stopped by Ctrl-C or SIGTERM\n");
    let run = pair.from_client(&format!("http {}:8080/hang -m 2", pair.server.target()))?.exits(1);
    let _ = run.says("\nFAIL     ND0811  ").says("and answered nothing in time\n");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: kills an agent"]
fn a_killed_agent_is_an_error() -> Result<()> {
    let _turn = turn::alone();
    let pair = Pair::start()?;
    let asked = serve(&Netns::of_pod(&pair.server)?, "0.0.0.0:8080")?;
    let running = hanging(&pair, &asked)?;
    Agent::on(&pair.cluster, Node::First)?.kill("front")?;
    let run = running.finish(SOON)?.exits(2);
    Agent::ready(&pair.cluster)?;
    assert!(
        run.stderr.contains("error    ND0006  cut off after an unfinished answer"),
        "{}",
        run.stderr
    );
    Ok(())
}
