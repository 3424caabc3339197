//! T31: without the API server nothing is allowed, said in time and in words; then all is as before.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use netdiag_tests::{Agent, Cluster, Netns, Node, lab::cgroup, turn, wait};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::door::{self, Answer, bearer};
use crate::team::Team;

const IN_TIME: Duration = Duration::from_secs(3);
const RECOVERED: Duration = Duration::from_secs(5);

#[test]
#[ignore = "needs a cluster: stops its API server"]
fn t31_without_the_api_server_nothing_starts() -> Result<()> {
    let _turn = turn::alone();
    let cluster = Cluster::with_agents()?;
    let team = Team::create(&cluster, &["basic"])?;
    let pod = cluster.pod("source").in_namespace(team.name()).on(Node::First).start()?;
    let agent = Agent::on(&cluster, Node::First)?;
    let inside = Netns::of_pod(&agent.pod)?;
    let tokens = [team.token(&cluster, &agent)?, team.token(&cluster, &agent)?];
    let request = door::from_pod(&pod, &door::one_ping(pod.ip()));
    assert!(ask(&inside, &tokens[0], &request)?.ran(), "the agent knows this token");
    let endless = door::from_pod(&pod, &json!({ "targets": [{ "host": pod.ip() }] }));
    let mut running = begin(&inside, &tokens[0], &endless)?;
    let mut buffer = [0; 4_096];
    let _ = running.read(&mut buffer)?;

    let stopped = Stopped::api_server()?;
    for (token, known) in tokens.iter().zip([true, false]) {
        let begin = Instant::now();
        let answer = ask(&inside, token, &request)?;
        println!("token known: {known}; {:.1?}: {}", begin.elapsed(), answer.text);
        assert_eq!((answer.status, answer.code().as_str()), (503, "apiServerUnreachable"));
        assert!(answer.text.contains("API server"), "in words: {answer:?}");
        assert!(begin.elapsed() <= IN_TIME, "{:?}", begin.elapsed());
    }
    let begin = Instant::now();
    let run = cluster.netdiag(["ping", &pod.target(), "-c1", "--request-timeout", "2s"])?.exits(2);
    println!("the plugin, {:.1?}: {}", begin.elapsed(), run.stderr.trim());
    assert!(run.stderr.contains("ND0002"), "{}", run.stderr);
    assert!(running.read(&mut buffer)? > 0, "what was allowed before goes on");
    drop(stopped);

    let begin = Instant::now();
    wait::until("it recovers", RECOVERED, || {
        let answer = ask(&inside, &tokens[1], &request)?;
        ensure!(answer.ran(), "{answer:?}");
        Ok(())
    })?;
    println!("recovered after {:.1?}", begin.elapsed());
    Ok(())
}

/// A request from within the agent pod: the way through the API server is what is gone.
fn begin(inside: &Netns, token: &str, request: &Value) -> Result<TcpStream> {
    inside.run(|| {
        let stream = TcpStream::connect(("127.0.0.1", 9443)).context("reach the agent")?;
        let mut stream = door::send(stream, "ping", &[bearer(token)], request)?;
        stream.flush()?;
        Ok(stream)
    })
}

fn ask(inside: &Netns, token: &str, request: &Value) -> Result<Answer> {
    let mut text = String::new();
    begin(inside, token, request)?.read_to_string(&mut text)?;
    Answer::parse(&text)
}

/// A process that neither runs nor ends, until drop.
struct Stopped(Pid);

impl Stopped {
    fn api_server() -> Result<Self> {
        let is_it = |pid: &i32| {
            let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.split('\0').next().is_some_and(|program| program.ends_with("/kube-apiserver"))
        };
        let pid = cgroup::processes().into_iter().find(is_it).context("no API server here")?;
        let stopped = Self(Pid::from_raw(pid));
        kill(stopped.0, Signal::SIGSTOP)?;
        Ok(stopped)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        // The cluster may be gone already.
        let _ = kill(self.0, Signal::SIGCONT);
    }
}
