//! T2: of all tokens, only the valid one for this agent starts anything.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use netdiag_tests::{Agent, Cluster, Node, Pod, turn, wait};
use serde_json::Value;

use crate::door::{self, Door, bearer};
use crate::forge::Jwt;
use crate::team::{Team, token};

/// Name, header lines, whether a probe may run.
type Row = (&'static str, Vec<String>, bool);

#[test]
#[ignore = "needs a cluster: shows every kind of token to an agent"]
fn t2_tokens() -> Result<()> {
    let _turn = turn::alone();
    let cluster = Cluster::with_agents()?;
    let team = Team::create(&cluster, &["basic"])?;
    let pod = cluster.pod("source").in_namespace(team.name()).on(Node::First).start()?;
    let agent = Agent::on(&cluster, Node::First)?;
    let door = Door::open(&cluster, &agent)?;
    let rows = rows(&cluster, &team, &agent)?;
    let request = door::from_pod(&pod, &door::one_ping(pod.ip()));

    // The way to the API server stands from here on: no row needs a worker to dial it.
    let valid = &rows.last().context("no rows")?.1;
    assert!(door.ask("ping", valid, &request)?.ran());
    let before = unauthenticated(&agent, &cluster)?;
    let mut refused = 0;
    for (name, headers, runs) in &rows {
        let workers = agent.at_rest()?;
        let answer = door.ask("ping", headers, &request)?;
        println!("{:>3} {:<16} {name}", answer.status, answer.code());
        if *runs {
            assert!(answer.ran(), "{name}: {answer:?}");
            wait::until("a worker ran", Duration::from_secs(5), || {
                ensure!(agent.workers()?.0 > workers.0, "none ended");
                Ok(())
            })?;
            continue;
        }
        assert_eq!((answer.status, answer.code().as_str()), (401, "unauthenticated"), "{name}");
        assert_eq!(agent.workers()?, workers, "{name}: no worker");
        refused += 1;
        wait::until("one audit line", Duration::from_secs(5), || {
            let lines = unauthenticated(&agent, &cluster)?.len() - before.len();
            ensure!(lines == refused, "{lines} audit lines after {refused} refusals");
            Ok(())
        })?;
    }
    println!(
        "{refused} tokens refused, {} accepted, 0 workers for those refused",
        rows.len() - refused
    );
    assert!(rows.len() >= 12);
    Ok(())
}

fn unauthenticated(agent: &Agent, cluster: &Cluster) -> Result<Vec<Value>> {
    let mut lines = agent.audit(cluster)?;
    lines.retain(|line| line["audit"] == "refused" && line["code"] == "unauthenticated");
    Ok(lines)
}

fn rows(cluster: &Cluster, team: &Team, agent: &Agent) -> Result<Vec<Row>> {
    let own = agent.audience();
    let valid = team.token(cluster, agent)?;
    let jwt = Jwt::parse(&valid)?;
    let other = Agent::on(cluster, Node::Second)?.audience();
    // Of another account, for the API server mints none of these of netdiag-user (T26).
    let mint = |words: &[&str]| -> Result<String> {
        let create = ["create", "token", "default", "-n", team.name()];
        Ok(cluster.kubectl(create.iter().chain(words))?.trim().to_owned())
    };
    let (for_own, for_other) = (format!("--audience={own}"), format!("--audience={other}"));
    let bound = ["--bound-object-kind=Node", "--bound-object-name=node-1"];
    let cut = valid.len() - 8;
    // Signed by the API server's own key: proves that what the rows below change is what counts.
    let resigned = jwt.clone().signed_by_the_cluster()?.text();

    let row = |name, token: String| (name, vec![bearer(&token)], false);
    Ok(vec![
        ("none", vec![], false),
        ("empty", vec!["authorization: Bearer ".into()], false),
        ("another scheme", vec![format!("authorization: Basic {valid}")], false),
        ("two headers", vec![bearer(&valid), bearer(&valid)], false),
        row("garbage", "garbage".into()),
        row("three parts of garbage", "a.b.c".into()),
        row("8,200 bytes", "x".repeat(8_200)),
        row(
            "expired, rightly signed",
            jwt.clone().lasting(1_200, 600)?.signed_by_the_cluster()?.text(),
        ),
        row("expired, wrongly signed", jwt.clone().lasting(1_200, 600)?.text()),
        row(
            "not valid yet, rightly signed",
            jwt.clone().lasting(-600, 600)?.signed_by_the_cluster()?.text(),
        ),
        row("a stranger's signature", jwt.clone().signed_by_a_stranger()?.text()),
        row("a cut signature", valid[..cut].into()),
        row(
            "claims changed after signing",
            jwt.clone().with("sub", "system:serviceaccount:kube-system:default").text(),
        ),
        row("alg none", jwt.unprotected().text()),
        row("alg none, a signature all the same", {
            let mut jwt = Jwt::parse(&valid)?.unprotected();
            jwt.signature = Jwt::parse(&valid)?.signature;
            jwt.text()
        }),
        row("audience of the API server", mint(&[])?),
        row("audience of the other agent", token(cluster, team.name(), "netdiag-user", &other)?),
        row("both agents' audiences", mint(&[&for_own, &for_other])?),
        row("30 days", mint(&[&for_own, "--duration=720h"])?),
        row("of a node, for the API server", mint(&bound)?),
        row("the agent's own", own_token(agent)?),
        row("of an account that is gone", orphaned(cluster, agent)?),
        row("of a pod that is gone", widowed(cluster, team, agent)?),
        ("valid, signed again by the API server's key", vec![bearer(&resigned)], true),
        ("valid", vec![bearer(&valid)], true),
    ])
}

/// What front itself shows to the API server.
fn own_token(agent: &Agent) -> Result<String> {
    let front = agent.process("front")?;
    let path = format!("/proc/{front}/root/var/run/secrets/kubernetes.io/serviceaccount/token");
    Ok(fs::read_to_string(&path).with_context(|| format!("read {path}"))?.trim().to_owned())
}

fn orphaned(cluster: &Cluster, agent: &Agent) -> Result<String> {
    let namespace = cluster.namespace();
    cluster.kubectl(["create", "serviceaccount", "gone", "-n", namespace])?;
    let token = token(cluster, namespace, "gone", &agent.audience())?;
    cluster.kubectl(["delete", "serviceaccount", "gone", "-n", namespace])?;
    Ok(token)
}

fn widowed(cluster: &Cluster, team: &Team, agent: &Agent) -> Result<String> {
    let pod: Pod = cluster.pod("gone").in_namespace(team.name()).start()?;
    let audience = format!("--audience={}", agent.audience());
    let bound = ["--bound-object-kind=Pod", "--bound-object-name=gone", &audience];
    // Tokens are bound to pods of their own ServiceAccount only.
    let create = ["create", "token", "default", "-n", team.name()];
    let token = cluster.kubectl(create.iter().chain(&bound))?.trim().to_owned();
    cluster.kubectl(["delete", "pod", &pod.name, "-n", team.name(), "--wait"])?;
    Ok(token)
}
