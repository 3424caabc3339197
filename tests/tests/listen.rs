//! `listen` on a real cluster: who comes is named, and nothing stays behind.

use std::{
    io::Read,
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    time::Duration,
};

use anyhow::{Result, ensure};
use netdiag_tests::{Netns, Pair, Running, turn, wait};
use nix::sys::signal::Signal;

const PORT: u16 = 9999;
/// For a listener to end, once it has a reason.
const ENDS: Duration = Duration::from_secs(10);
/// For its port to be free after that.
const FREE: Duration = Duration::from_secs(1);

/// `listen 9999 --from SERVER FLAGS`, once it listens.
fn listening(pair: &Pair, flags: &str) -> Result<Running> {
    let line = format!("listen {PORT} --from {} {flags}", pair.server.target());
    let mut running = pair.cluster.netdiag_start(line.split_whitespace())?;
    running.wait_for("; Ctrl-C ends\n")?;
    Ok(running)
}

/// Connects from the client's own network; its address there and what it was told.
fn visit(pair: &Pair) -> Result<(SocketAddr, String)> {
    let to = SocketAddr::new(pair.server.ip(), PORT);
    Netns::of_pod(&pair.client)?.run(|| {
        let mut stream = TcpStream::connect(to)?;
        stream.shutdown(std::net::Shutdown::Write)?;
        let mut told = String::new();
        stream.read_to_string(&mut told)?;
        Ok((stream.local_addr()?, told))
    })
}

/// Nobody listens in the server's network any more.
fn is_free(pair: &Pair) -> Result<()> {
    let namespace = Netns::of_pod(&pair.server)?;
    wait::until("the port is free", FREE, || {
        namespace.run(|| Ok(TcpListener::bind(("0.0.0.0", PORT)).map(drop)?))
    })
}

#[test]
#[ignore = "needs a cluster: connects to a listener in a pod"]
fn who_connects_is_told_by_name() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    // The second run finds the port free, though the first one's connection is in TIME-WAIT.
    for _ in 0..2 {
        let running = listening(&pair, "")?;
        let (from, _) = visit(&pair)?;
        let run = running.finish(ENDS)?.exits(0);
        let (server, ip, node) = (pair.server.target(), pair.server.ip(), &pair.server.node);
        let run = run.says(&format!("{server} ({ip}, {node}) listens on TCP *:{PORT}; Ctrl-C"));
        let run = run.says("\nOK       1 connection in ");
        let row = run.stdout.lines().find(|line| line.starts_with(&format!("{from}  ")));
        let row = row.unwrap_or_default();
        assert!(row.contains(" UTC  MSS ") && row.contains(", TTL 62  "), "{}", run.stdout);
        assert!(row.contains(&format!("  {}", pair.client.target())), "{}", run.stdout);
    }
    Ok(())
}

#[test]
#[ignore = "needs a cluster: reads a listener's document"]
fn the_document_has_the_address_that_arrived() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    // Under -o json nothing is printed before the end: the port itself tells.
    let line = format!("listen {PORT} --from {} -k -o json", pair.server.target());
    let running = pair.cluster.netdiag_start(line.split_whitespace())?;
    let mut from = None;
    wait::until("it listens", ENDS, || {
        from = Some(visit(&pair)?.0);
        Ok(())
    })?;
    running.signal(Signal::SIGINT)?;
    let document: serde_json::Value = running.finish(ENDS)?.exits(0).json();
    assert_eq!(document["kind"], "ListenReport");
    let accepted = &document["listen"]["accepted"];
    assert_eq!(accepted.as_array().map(Vec::len), Some(1), "{document}");
    let ip = from.map(|from| from.ip().to_string());
    assert_eq!(accepted[0]["from"]["address"].as_str(), ip.as_deref(), "{document}");
    assert_eq!(accepted[0]["ttl"], 62, "{document}");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: answers connections in a pod"]
fn with_keep_each_gets_the_answer() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let mut running = listening(&pair, "-k --answer pong")?;
    for _ in 0..3 {
        let (from, told) = visit(&pair)?;
        assert_eq!(told, "pong");
        running.wait_for(&format!("{from}  "))?;
    }
    running.signal(Signal::SIGINT)?;
    let _ = running.finish(ENDS)?.exits(0).says("\nOK       3 connections in ");
    is_free(&pair)
}

#[test]
#[ignore = "needs a cluster: sends datagrams to a pod"]
fn datagrams_are_told_by_sender() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let mut running = listening(&pair, "--udp")?;
    let to = SocketAddr::new(pair.server.ip(), PORT);
    let from = Netns::of_pod(&pair.client)?.run(|| {
        let socket = UdpSocket::bind(("0.0.0.0", 0))?;
        socket.connect(to)?;
        socket.send(b"ping")?;
        Ok(socket.local_addr()?)
    })?;
    running.wait_for(&format!("{from}  "))?;
    running.signal(Signal::SIGINT)?;
    let _ = running.finish(ENDS)?.exits(0).says("  TTL 62  ").says("\nOK       1 sender in ");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: ends listeners in a pod"]
fn nothing_listens_after_ctrl_c_or_a_kill() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let running = listening(&pair, "")?;
    running.signal(Signal::SIGINT)?;
    let _ = running.finish(ENDS)?.exits(1).says("UNKNOWN  ND0623  nobody came in ");
    is_free(&pair)?;
    // Dropped, it is killed.
    drop(listening(&pair, "")?);
    is_free(&pair)
}

#[test]
#[ignore = "needs a cluster: takes a pod's port"]
fn a_port_in_use_and_port_0_are_errors() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let bind = || Ok(TcpListener::bind(("0.0.0.0", PORT))?);
    let _taken = Netns::of_pod(&pair.server)?.run(bind)?;
    let listen = |port: u16| {
        let (port, from) = (port.to_string(), pair.server.target());
        pair.cluster.netdiag(["listen", &port, "--from", &from])
    };
    let run = listen(PORT)?.exits(2);
    let said = format!("port {PORT} is in use: a process of uid 0 has 0.0.0.0:{PORT}");
    assert!(run.stderr.contains("ND0622") && run.stderr.contains(&said), "{}", run.stderr);
    let run = listen(0)?.exits(2);
    assert!(run.stderr.contains("0: the port must be 1 to 65535"), "{}", run.stderr);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: an account that may connect and not listen"]
fn the_right_to_listen_is_one_of_its_own() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let (cluster, place) = (&pair.cluster, pair.cluster.namespace());
    cluster.kubectl(["create", "serviceaccount", "narrow", "-n", place])?;
    let subject = format!("--serviceaccount={place}:narrow");
    let role = "--clusterrole=netdiag-pods-connect";
    cluster.kubectl(["create", "rolebinding", "narrow", "-n", place, role, &subject])?;
    let (port, from, account) = (PORT.to_string(), pair.server.target(), format!("{place}/narrow"));
    let run = cluster.netdiag(["listen", &port, "--from", &from, "--service-account", &account])?;
    let run = run.exits(2);
    let said = format!("not allowed: listen from pods in {place}");
    ensure!(run.stderr.contains(&said), "{}", run.stderr);
    Ok(())
}
