//! `audit who` names the person behind an agent's audit line, from the API server's real audit log.
//! Seen to fail with the annotation's name changed in `kubectl-netdiag/src/audit/lines.rs`: then
//! nobody is named, and the exit code is 1.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use netdiag_tests::{Agent, Cluster, Node, lab::state, turn, wait};
use serde_json::Value;

use crate::team::{Team, introduce};

#[test]
#[ignore = "needs a cluster: reads its audit log"]
fn audit_who_names_the_person_who_minted_a_probes_token() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let team = Team::create(&cluster, &["basic"])?;
    let pod = cluster.pod("source").in_namespace(team.name()).on(Node::First).start()?;
    let alice = cluster.user(&format!("alice@{}", team.name()), &["team-a"])?;
    team.admit(&cluster, &alice.name)?;
    let _reach = introduce(&cluster, &alice.name)?;
    let (to, from) = (pod.ip().to_string(), format!("{}/pod/source", team.name()));
    let ping = ["ping", &to, "--from", &from, "-c", "1"];
    let run = cluster.netdiag_as(&alice, ping)?.exits(0);
    ensure!(run.stdout.contains("1 of 1"), "{run:#?}");

    let agent = Agent::on(&cluster, Node::First)?;
    let of_team = |line: &Value| line["source"]["namespace"] == team.name();
    let line = agent.audit(&cluster)?.into_iter().find(of_team).context("no audit line")?;
    let word = |name: &str| line[name].as_str().with_context(|| format!("{name} of {line}"));
    let log = state::audit_log();
    let log = log.to_str().context("a path")?;
    for id in [word("probeId")?, word("credentialId")?] {
        wait::until("the audit log has the event", Duration::from_secs(10), || {
            let run = cluster.netdiag(["audit", "who", id, "--audit-log", log])?;
            let who = format!("{} minted {}", alice.name, line["credentialId"].as_str().unwrap());
            ensure!(run.stdout.contains(&who) && run.stdout.contains("team-a"), "{run:#?}");
            ensure!(run.stdout.contains(word("probeId")?), "{run:#?}");
            Ok(())
        })?;
    }
    let unknown = cluster.netdiag(["audit", "who", "p-0", "--audit-log", log])?.exits(2);
    ensure!(unknown.stderr.contains("no agent's log has this probe"), "{unknown:#?}");
    Ok(())
}
