//! T3: a token is worth nothing elsewhere, and is nowhere to be found afterwards.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use netdiag_tests::{Agent, Cluster, Node, Pod, command, lab::state, turn};
use serde_json::json;

use crate::door::{self, Door, bearer};
use crate::team::Team;

#[test]
#[ignore = "needs a cluster: replays a token"]
fn t3_a_token_is_worth_nothing_elsewhere() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let team = Team::create(&cluster, &["basic"])?;
    let pod = cluster.pod("source").in_namespace(team.name()).on(Node::First).start()?;
    let agents = [Agent::on(&cluster, Node::First)?, Agent::on(&cluster, Node::Second)?];
    let token = team.token(&cluster, &agents[0])?;
    let request = door::from_pod(&pod, &door::one_ping(pod.ip()));

    let door = Door::open(&cluster, &agents[0])?;
    assert!(door.ask_with(&token, "ping", &request)?.ran(), "good for the agent it names");
    let there = Door::open(&cluster, &agents[1])?.ask_with(&token, "ping", &request)?;
    assert_eq!((there.status, there.code().as_str()), (401, "unauthenticated"));
    let refused = at_the_api_server(&cluster, &token)?;
    assert!(refused.contains("Unauthorized"), "{refused}");

    // Processes are looked at while a worker of this token lives.
    let endless = door::from_pod(&pod, &json!({ "targets": [{ "host": pod.ip() }] }));
    let mut stream = door.begin("ping", &[bearer(&token)], &endless)?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    ensure!(head.ends_with(b"200"), "{}", String::from_utf8_lossy(&head));
    let signature = token.rsplit('.').next().context("a signature")?.to_owned();
    let secrets = [token, signature];
    let in_processes = in_processes(&agents, &secrets)?;
    drop(stream);
    let in_logs = in_logs(&cluster, &agents, &secrets)?;
    println!("replays refused: agent 401, API server 401; hits in {in_processes}, in {in_logs}");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: pings as loudly as can be"]
fn t3_the_plugin_prints_no_token() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let pod = cluster.pod("source").on(Node::First).start()?;
    let run = cluster.netdiag(["ping", &pod.target(), "--from", &pod.target(), "-c1", "-v=9"])?;
    let run = run.exits(0);
    let words = run.stdout + &run.stderr;
    // `{"alg":` and `{"typ":` in base64: how every token begins.
    assert!(!words.contains("eyJ"), "{words}");
    println!("{} bytes of output at -v=9, no token", words.len());
    Ok(())
}

/// A token as the only credential of a kubectl.
fn at_the_api_server(cluster: &Cluster, token: &str) -> Result<String> {
    let view = cluster.kubectl(["config", "view", "--raw", "--minify", "-o", "json"])?;
    let mut config: serde_json::Value = serde_json::from_str(&view)?;
    config["users"][0]["user"] = json!({ "token": token });
    let file = tempfile::NamedTempFile::new()?;
    serde_json::to_writer(&file, &config)?;
    // The last --kubeconfig counts.
    let mut kubectl = cluster.kubectl_command(["--kubeconfig"]);
    kubectl.arg(file.path()).args(["get", "pods", "-v=6"]);
    let refused = command::finish(kubectl).err().context("the API server takes the token")?;
    Ok(format!("{refused:#}"))
}

/// Command lines and environments of all processes of the agents, workers among them.
fn in_processes(agents: &[Agent], secrets: &[String]) -> Result<String> {
    let mut processes = 0;
    for pid in
        agents.iter().map(|agent| agent.pod.processes()).collect::<Result<Vec<_>>>()?.concat()
    {
        for file in ["environ", "cmdline"] {
            // Whoever ended meanwhile holds nothing any more.
            let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            assert_absent(&format!("{file} of {pid}"), &bytes, secrets);
        }
        processes += 1;
    }
    // Pause, broker and front of two agents, and one worker.
    ensure!(processes >= 7, "only {processes} processes");
    Ok(format!("{processes} processes: 0"))
}

/// What the agents, the API server with its audit log, the kubelets and the rest wrote.
fn in_logs(cluster: &Cluster, agents: &[Agent], secrets: &[String]) -> Result<String> {
    let mut bytes = 0;
    for Agent { pod: Pod { name, .. } } in agents {
        let log = cluster.kubectl(["logs", "-n", "netdiag", name, "--all-containers"])?;
        ensure!(log.contains(r#""audit":"#), "no log of {name}");
        assert_absent(name, log.as_bytes(), secrets);
        bytes += log.len();
    }
    let folders = [state::logs(), state::node_var(1).join("log"), state::node_var(2).join("log")];
    let files = folders.iter().map(|folder| below(folder)).collect::<Result<Vec<_>>>()?.concat();
    ensure!(files.contains(&state::audit_log()), "no audit log");
    for file in &files {
        let text = fs::read(file).unwrap_or_default();
        assert_absent(&file.display().to_string(), &text, secrets);
        bytes += text.len();
    }
    Ok(format!("{} files and {bytes} bytes of logs: 0", files.len()))
}

fn below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { files.extend(below(&path)?) } else { files.push(path) }
    }
    Ok(files)
}

#[track_caller]
fn assert_absent(place: &str, bytes: &[u8], secrets: &[String]) {
    for secret in secrets {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "a token, or its signature, in {place}");
    }
}
