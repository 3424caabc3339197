//! Ends that come from outside: Ctrl-C, a peer that resets, an agent that is killed.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use netdiag_tests::{Agent, Node, Pair, turn, wait};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::serve::{Started, echo, exits, fed, netdiag, serve};

/// Has begun and waits for more; the agent runs one worker for it.
fn begun(pair: &Pair) -> Result<Started> {
    let port = serve(&pair.server, echo)?;
    let mut started = Started(netdiag(pair, port, &["-i"])?.spawn()?);
    let stdin = started.0.stdin.as_mut().context("no stdin")?;
    stdin.write_all(b"hello\n")?;
    let mut back = [0; 6];
    started.0.stdout.as_mut().context("no stdout")?.read_exact(&mut back)?;
    ensure!(back == *b"hello\n", "{back:?}");
    Ok(started)
}

fn ended(mut started: Started) -> Result<(Option<i32>, String)> {
    let status = wait::until("connect ends", Duration::from_secs(30), || {
        started.0.try_wait()?.context("it still runs")
    })?;
    let mut said = String::new();
    started.0.stderr.as_mut().context("no stderr")?.read_to_string(&mut said)?;
    Ok((status.code(), said))
}

#[test]
#[ignore = "needs a cluster: stops a session"]
fn ctrl_c_ends_it_and_its_worker() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let started = begun(&pair)?;
    kill(Pid::from_raw(started.0.id().try_into()?), Signal::SIGINT)?;
    let (code, said) = ended(started)?;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("ND0309") && said.contains("7 bytes received"), "{said}");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: kills an agent"]
fn a_killed_agent_is_an_error_and_no_end_of_the_bytes() -> Result<()> {
    let _turn = turn::alone();
    let pair = Pair::start()?;
    let started = begun(&pair)?;
    Agent::on(&pair.cluster, Node::First)?.kill("front")?;
    let (code, said) = ended(started)?;
    Agent::ready(&pair.cluster)?;
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("error    ND0006  cut off after 7 bytes received"), "{said}");
    Ok(())
}

fn reset(mut stream: TcpStream) {
    let _ = stream.write_all(&[b'x'; 1000]);
    let _ = stream.read(&mut [0]);
    // Unread data makes the close a reset.
    drop(stream);
}

#[test]
#[ignore = "needs a cluster: resets a connection"]
fn a_reset_is_a_finding_with_what_came_before() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let port = serve(&pair.server, reset)?;
    let output = fed(netdiag(&pair, port, &[])?, &[b'y'; 5000])?;
    let said = exits(&output, 1);
    assert!(said.contains("FAIL     ND0618  reset by the peer after "), "{said}");
    assert_eq!(output.stdout, [b'x'; 1000]);
    Ok(())
}
