//! `connect --listen`: what was sent beside what arrived.

use std::{net::TcpListener, time::Duration};

use anyhow::Result;
use netdiag_tests::{Fault, Netns, Node, Pair, Run, turn, wait};

const PORT: u16 = 9999;
/// For the listener's port to be free once the command has ended.
const FREE: Duration = Duration::from_secs(2);

fn connect(pair: &Pair, flags: &str) -> Result<Run> {
    pair.from_client(&format!("connect {}:{PORT} --listen {flags}", pair.server.target()))
}

/// Nobody listens in the server's network any more.
fn is_free(pair: &Pair) -> Result<()> {
    let namespace = Netns::of_pod(&pair.server)?;
    wait::until("the port is free", FREE, || {
        namespace.run(|| Ok(TcpListener::bind(("0.0.0.0", PORT)).map(drop)?))
    })
}

#[test]
#[ignore = "needs a cluster: connects to a listener of ours"]
fn what_arrives_as_it_was_sent_is_well() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let (client, server) = (pair.client.ip(), pair.server.ip());
    let run = connect(&pair, "")?.exits(0);
    let run = run
        .says(&format!("\nsent     {client}:"))
        .says(&format!(" -> {server}:{PORT}   TCP, MSS "));
    let run = run.says(&format!("\narrived  {client}:")).says(", TTL 62\n");
    let _ = run.says("\nOK       connected, and arrived as it was sent\n");
    is_free(&pair)?;
    let run = connect(&pair, "--udp")?.exits(0);
    let run = run.says(&format!(" -> {server}:{PORT}   UDP, TTL 62\n"));
    let _ = run.says("\nOK       answered, and arrived as it was sent\n");
    is_free(&pair)
}

#[test]
#[ignore = "needs a cluster: a node rewrites sources"]
fn a_rewritten_source_is_named() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let matches = format!("ip daddr {} tcp dport {PORT}", pair.server.ip());
    let _fault = Fault::masquerade(&pair.cluster, Node::First, &matches)?;
    let run = connect(&pair, "")?.exits(0);
    let (place, node) = (pair.server.target(), &pair.client.node);
    let run =
        run.says(&format!("\nWARN     ND0310  connected, but rewritten on the way: {place} sees "));
    let run = run.says(&format!(" ({node}), not the client\n"));
    let _ = run.says(" by label does not match this traffic\n");
    let run = connect(&pair, "-o json")?.exits(0);
    let document: serde_json::Value = run.json();
    let sent = &document["connect"]["attempts"][0]["local"];
    let arrived = &document["listen"]["accepted"][0]["from"]["address"];
    assert!(sent.as_str().unwrap_or_default().starts_with(&pair.client.ip().to_string()));
    assert_ne!(arrived.as_str(), Some(pair.client.ip().to_string().as_str()), "{document}");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: a node sends connections elsewhere"]
fn somebody_else_who_answers_is_told_apart() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let other = pair.cluster.pod("other").on(Node::Second).distroless(8080).start()?;
    let matches = format!("ip daddr {} tcp dport {PORT}", pair.server.ip());
    let to = format!("{}:8080", other.ip());
    let _fault = Fault::redirect(&pair.cluster, Node::First, &matches, &to)?;
    let run = connect(&pair, "")?.exits(1).says("\narrived  nothing\n");
    let _ = run.says("\nFAIL     ND0314  ");
    is_free(&pair)
}

#[test]
#[ignore = "needs a cluster: a node drops, rejects and resets"]
fn what_does_not_arrive_is_said_to_be_lost() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let place = pair.server.target();
    {
        let rule = format!("ip daddr {} drop", pair.server.ip());
        let _fault = Fault::rule(&pair.cluster, Node::Second, &rule)?;
        let run = connect(&pair, "-w 1")?.exits(1).says("\narrived  nothing\n");
        let run = run.says("\nFAIL     ND0302  silence from ");
        let _ =
            run.says(&format!("the listener in {place} saw no connection: the SYN or its answer"));
        let run = connect(&pair, "--udp -w 1")?.exits(1);
        let _ = run.says(&format!("FAIL     ND0302  the datagram did not arrive at {place}"));
    }
    let rule = format!("ip daddr {} tcp dport {PORT} reject with tcp reset", pair.server.ip());
    let _fault = Fault::rule(&pair.cluster, Node::Second, &rule)?;
    let run = connect(&pair, "")?.exits(1);
    let _ = run.says("FAIL     ND0304  refused by somebody on the way: ");
    is_free(&pair)
}

#[test]
#[ignore = "needs a cluster: takes the port before"]
fn a_port_that_is_taken_there_and_a_bad_target_are_errors() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let bind = || Ok(TcpListener::bind(("0.0.0.0", PORT))?);
    let _taken = Netns::of_pod(&pair.server)?.run(bind)?;
    let run = connect(&pair, "")?.exits(2);
    let said = format!("port {PORT} is in use: a process of uid 0 has 0.0.0.0:{PORT}");
    assert!(run.stderr.contains("ND0622") && run.stderr.contains(&said), "{}", run.stderr);
    let run = pair.from_client("connect svc/kubernetes:443 -n default --listen")?.exits(2);
    assert!(run.stderr.contains("a Service has no network of its own"), "{}", run.stderr);
    // A privileged port needs nothing more.
    let run = pair.from_client(&format!("connect {}:80 --listen", pair.server.target()))?.exits(0);
    let _ = run.says("\nOK       connected, and arrived as it was sent\n");
    Ok(())
}
