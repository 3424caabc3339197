//! Every missing right is named with the command that gives it, and that command gives it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use netdiag_tests::{Cluster, Node, Run, User, turn, wait};

use crate::grant::Grant;
use crate::team::Team;

/// A denial is remembered for 5 s.
const SOON: Duration = Duration::from_secs(12);

/// Someone at a terminal with an administrator within earshot.
struct Desk<'a> {
    cluster: &'a Cluster,
    user: User,
    grants: Vec<Grant>,
    /// Codes and commands, in order.
    told: Vec<String>,
}

impl<'a> Desk<'a> {
    /// A person with no right at all.
    fn of(cluster: &'a Cluster, name: &str) -> Result<Self> {
        let user = cluster.user(&format!("{name}-{}", cluster.namespace()), &[])?;
        Ok(Self { cluster, user, grants: Vec::new(), told: Vec::new() })
    }

    fn run(&self, words: &[&str]) -> Result<Run> {
        self.cluster.netdiag_as(&self.user, words)
    }

    /// Expects `code` and the rule, does what the output tells an admin, and waits for the effect.
    fn is_told(&mut self, words: &[&str], code: &str, rule: &str) -> Result<Run> {
        let run = self.run(words)?.exits(2);
        let said = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(code), "{code} is wanted in: {}", run.stderr);
        assert!(said.contains(rule), "{rule:?} is wanted in: {}", run.stderr);
        let command = advice(&run.stderr)?;
        self.told.push(format!("{code}: {}", command.join(" ")));
        self.grants.push(Grant::create(self.cluster, &words_of(&command)?)?);
        wait::until("the command works", SOON, || {
            let run = self.run(words)?;
            ensure!(!run.stderr.contains(rule), "{}", run.stderr);
            Ok(run)
        })
    }
}

#[test]
#[ignore = "needs a cluster: a tenant gets one right after the other"]
fn each_missing_right_of_a_tenant_is_named() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let team = Team::create(&cluster, &[])?;
    let place = team.name();
    let pod = cluster.pod("foo").in_namespace(place).on(Node::First).start()?;
    let host = cluster.pod("on-host").in_namespace(place).on(Node::First).host_network().start()?;
    // The second one meets what was created for the first.
    let mut desks = Vec::new();
    for name in ["dora", "erik"] {
        let mut desk = Desk::of(&cluster, name)?;
        let ping = ["ping", &pod.target(), "--from", &pod.target(), "-c1"];
        let _ = desk.is_told(&ping, "ND0012", "read pod foo")?.exits(2);
        let _ = desk.is_told(&ping, "ND0012", "reach the agents")?.exits(2);
        let mut run =
            desk.is_told(&ping, "ND0011", "mint the token of serviceaccount netdiag-user")?;
        if name == "dora" {
            let rule = format!("not allowed: ping from pods in {place}");
            run = desk.is_told(&ping, "ND0010", &rule)?;
        }
        let _ = run.exits(0);
        let to_node = ["ping", "node/node-1", "--from", &pod.target(), "-c1"];
        let _ = desk.is_told(&to_node, "ND0012", "read node node-1")?.exits(0);
        if name == "dora" {
            let on_host = ["ping", &pod.target(), "--from", &host.target(), "-c1"];
            let _ = desk.is_told(&on_host, "ND0010", "create nodes/ping")?.exits(0);
            let walk = ["dns", "localhost", "--from", &pod.target()];
            let rule = format!("not allowed: dns from pods in {place}");
            let _ = desk.is_told(&walk, "ND0010", &rule)?.exits(2);
            let _ = desk.is_told(&walk, "ND0010", "create pods/files")?.exits(0);
            let fast = ["ping", &pod.target(), "--from", &pod.target(), "-c1", "-i0.01"];
            let _ = desk.is_told(&fast, "ND0010", "create pods/fast-ping")?.exits(0);
        } else {
            // What dora's team was given is given to the team.
            let _ = desk.run(&ping)?.exits(0);
        }
        println!("{name} was told:\n{}", desk.told.join("\n"));
        desks.push(desk);
    }
    Ok(())
}

#[test]
#[ignore = "needs a cluster: an operator gets one right after the other"]
fn each_missing_right_of_an_operator_is_named() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let pod = cluster.pod("foo").on(Node::Second).start()?;
    let mut desks = Vec::new();
    for name in ["olga", "otto"] {
        let mut desk = Desk::of(&cluster, name)?;
        let ping = ["ping", &pod.ip().to_string(), "--from", "node/node-1", "-c1"];
        let _ = desk.is_told(&ping, "ND0012", "reach the agents")?.exits(2);
        let rule = "mint the token of serviceaccount netdiag-operator";
        let _ = desk.is_told(&ping, "ND0011", rule)?.exits(0);
        if name == "olga" {
            let loopback = ["ping", "127.0.0.1", "--from", "node/node-1", "-c1"];
            let _ = desk.is_told(&loopback, "ND0010", "create destinations/loopback")?.exits(0);
        }
        println!("{name} was told:\n{}", desk.told.join("\n"));
        desks.push(desk);
    }
    Ok(())
}

/// The words of the `kubectl create …` that an admin is told to type.
fn advice(output: &str) -> Result<Vec<String>> {
    let mut lines = output.lines().map(str::trim).skip_while(|line| !line.starts_with("admin "));
    let mut command = String::new();
    loop {
        let line = lines.next().with_context(|| format!("no command for an admin in: {output}"))?;
        command.push_str(line.trim_end_matches('\\'));
        command.push(' ');
        if !line.ends_with('\\') {
            break;
        }
    }
    Ok(command.split_whitespace().skip(1).map(str::to_owned).collect())
}

/// Without `kubectl create`.
fn words_of(command: &[String]) -> Result<Vec<&str>> {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let rest = words.strip_prefix(&["kubectl", "create"]);
    Ok(rest.with_context(|| format!("not what kubectl creates: {words:?}"))?.to_vec())
}
