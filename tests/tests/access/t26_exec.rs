//! T26: nobody gets beside an agent by exec, attach or debug but the break-glass group, and nobody a
//! token that opens more than one agent; not an admin either. Seen to fail with both bindings of the
//! policies deleted: what is denied here was let through.

use std::time::Duration;

use anyhow::{Result, ensure};
use netdiag_tests::{Agent, Cluster, Node, command, turn, wait};

use crate::team::Team;

/// As somebody who may do everything, and is in this group besides.
fn kubectl_as(cluster: &Cluster, group: &str, words: &[&str]) -> Result<String> {
    let groups = ["--as=root-of-all", "--as-group=system:masters", group];
    command::finish(cluster.kubectl_command(groups.iter().chain(words)))
}

fn denied(outcome: Result<String>, words: &str) -> Result<()> {
    let Err(error) = outcome else { anyhow::bail!("it was let through") };
    let said = format!("{error:#}");
    ensure!(said.contains("ValidatingAdmissionPolicy") && said.contains(words), "{said}");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: tries to get into an agent"]
fn t26_only_the_break_glass_group_gets_into_an_agent() -> Result<()> {
    let _turn = turn::alone();
    let cluster = Cluster::with_agents()?;
    let pod = Agent::on(&cluster, Node::First)?.pod.name;
    let front = ["-n", "netdiag", &pod, "-c", "front"];
    let exec = [&["exec"], &front[..], &["--", "/netdiag-agent", "--version"]].concat();
    let attach = [&["attach"], &front[..], &["--pod-running-timeout=5s"]].concat();
    let debug = ["debug", "-n", "netdiag", &pod, "--image=netdiag-agent:0.1.0", "--", "/x"];
    let why = "only group netdiag-breakglass";
    // The API server looks at a policy that is new a moment later.
    wait::until("the policy is in force", Duration::from_secs(20), || {
        denied(kubectl_as(&cluster, "--as-group=admins", &exec), why)
    })?;
    for words in [&exec[..], &attach[..], &debug[..]] {
        denied(kubectl_as(&cluster, "--as-group=admins", words), why)?;
        println!("denied: {}", words[0]);
    }
    let said = kubectl_as(&cluster, "--as-group=netdiag-breakglass", &exec)?;
    ensure!(said.contains("netdiag-agent 0.1.0"), "{said}");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: asks for tokens"]
fn a_token_of_a_diagnostician_is_for_one_agent_and_an_hour() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let team = Team::create(&cluster, &[])?;
    let [one, two] = [Node::First, Node::Second].map(|node| Agent::on(&cluster, node));
    let [one, two] = [one?, two?].map(|agent| format!("--audience={}", agent.audience()));
    let mint = |words: &[&str]| {
        let create = ["create", "token", "netdiag-user", "-n", team.name()];
        cluster.kubectl(create.iter().chain(words))
    };
    let one_agent = "names one agent as its audience";
    wait::until("the policy is in force", Duration::from_secs(20), || {
        denied(mint(&[]), one_agent)
    })?;
    denied(mint(&[&one, &two]), one_agent)?;
    denied(mint(&["--audience=https://kubernetes.default.svc"]), one_agent)?;
    denied(mint(&["--audience=netdiag.dev/agent/"]), one_agent)?;
    denied(mint(&[&one, "--duration=2h"]), "lives 3600 s at most")?;
    ensure!(mint(&[&one, "--duration=600s"])?.starts_with("ey"), "the plugin's own is minted");
    // Another account's tokens are none of the chart's business.
    let other = ["create", "token", "default", "-n", team.name(), "--duration=2h"];
    ensure!(cluster.kubectl(other)?.starts_with("ey"), "any account's token");
    Ok(())
}
