//! T4: who may probe from where, cell by cell, as RBAC has it and not as a request claims.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use netdiag_tests::lab::addresses::CLUSTER_DNS;
use netdiag_tests::{Agent, Cluster, Node, Pod, Run, User, turn, wait};
use serde_json::{Value, json};

use crate::door::{self, Door};
use crate::grant::Grant;
use crate::team::{self, Team};

/// A probe that is short, as it is typed and as it is asked for.
struct Probe {
    word: &'static str,
    /// TARGET stands for the target's address.
    words: &'static str,
    part: fn(IpAddr) -> Value,
}

/// Every probe that there is; the second dns needs the right `files` besides, and finds its answer in
/// the source's hosts file.
static PROBES: [Probe; 4] = [
    Probe { word: "ping", words: "TARGET -c1", part: door::one_ping },
    Probe {
        word: "trace",
        words: "TARGET -U -m4 --no-names",
        part: |to| json!({ "host": to, "protocol": "udp", "maxTtl": 4, "noNames": true }),
    },
    Probe {
        word: "dns",
        words: "kubernetes.default.svc.cluster.local @10.96.0.10",
        part: |_| {
            let name = "kubernetes.default.svc.cluster.local";
            json!({ "name": name, "mode": "ask", "servers": [{ "host": CLUSTER_DNS }] })
        },
    },
    Probe { word: "dns", words: "localhost", part: |_| json!({ "name": "localhost" }) },
];

/// Three teams; the third one's account has another right than these.
struct Office {
    cluster: Cluster,
    teams: [Team; 3],
    pods: [Pod; 3],
}

impl Office {
    fn open() -> Result<Self> {
        let cluster = Cluster::with_agents()?;
        let teams = [
            Team::create(&cluster, &["basic"])?,
            Team::create(&cluster, &["basic"])?,
            Team::create(&cluster, &["fast-ping"])?,
        ];
        let pod =
            |team: &Team, node| cluster.pod("source").in_namespace(team.name()).on(node).start();
        let pods = [
            pod(&teams[0], Node::First)?,
            pod(&teams[1], Node::Second)?,
            pod(&teams[2], Node::First)?,
        ];
        Ok(Self { cluster, teams, pods })
    }

    /// Someone who sees everything, reaches agents, and may act as these accounts.
    fn person(&self, name: &str, teams: &[usize]) -> Result<(User, Vec<Grant>)> {
        let user = self.cluster.user(&format!("{name}-{}", self.cluster.namespace()), &[])?;
        let grants = Vec::from(team::introduce(&self.cluster, &user.name)?);
        for &team in teams {
            self.teams[team].admit(&self.cluster, &user.name)?;
        }
        Ok((user, grants))
    }

    fn typed(&self, probe: &Probe, user: &User, from: &str) -> Result<Run> {
        let target = self.pods[0].ip().to_string();
        let words = format!("{} {} --from {from}", probe.word, probe.words);
        self.cluster.netdiag_as(user, words.replace("TARGET", &target).split(' '))
    }

    /// Every probe from every pod and from the agent's node.
    fn places(&self, agent: &Agent) -> Vec<(&'static Probe, Place)> {
        let places = |probe: &'static Probe| {
            let part = (probe.part)(self.pods[0].ip());
            let of_node = door::from_node(&agent.pod.node, &part);
            let of_pods = self.pods.iter().map(move |pod| Place {
                request: door::from_pod(pod, &part),
                is_here: pod.node == agent.pod.node,
            });
            let places = of_pods.chain([Place { request: of_node, is_here: true }]);
            places.map(move |place| (probe, place))
        };
        PROBES.iter().flat_map(places).collect()
    }
}

/// One source, as a request.
struct Place {
    request: Value,
    is_here: bool,
}

impl Place {
    /// Status and code.
    fn answer(&self, allowed: bool) -> (u16, &'static str) {
        match (allowed, self.is_here) {
            (true, true) => (200, ""),
            (true, false) => (409, "wrongNode"),
            (false, _) => (403, "forbidden"),
        }
    }
}

#[test]
#[ignore = "needs a cluster: three people probe from three namespaces and from nodes"]
fn t4_matrix() -> Result<()> {
    let _turn = turn::share();
    let office = Office::open()?;
    let cluster = &office.cluster;
    let alice = office.person("alice", &[0])?;
    let bob = office.person("bob", &[1, 2])?;
    let mut olga = office.person("olga", &[])?;
    let subject = format!("--user={}", olga.0.name);
    let words =
        ["rolebinding", &olga.0.name, "-n", "netdiag", "--clusterrole=netdiag-mint", &subject];
    olga.1.push(Grant::create(cluster, &words)?);

    let [a, b, c] = [0, 1, 2].map(|team| office.pods[team].target());
    let columns = [a.as_str(), &b, &c, "node/node-1", "node/node-2"];
    let rows = [
        (&alice.0, [true, false, false, false, false]),
        (&bob.0, [false, true, false, false, false]),
        (&olga.0, [true, true, true, true, true]),
    ];
    let mut cells = 0;
    for probe in &PROBES {
        for (user, expected) in rows {
            for (from, allowed) in columns.iter().zip(expected) {
                let run = office.typed(probe, user, from)?;
                let code = run.stderr.split_whitespace().find(|word| word.starts_with("ND00"));
                println!("{} {} from {from}: {:?} {code:?}", user.name, probe.word, run.code);
                let run = run.exits(if allowed { 0 } else { 2 });
                assert_eq!(run.stderr.contains("not allowed"), !allowed, "{}", run.stderr);
                cells += 1;
            }
        }
    }
    println!("{cells} cells by the plugin, each as RBAC has it");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: three accounts ask its agents without the plugin"]
fn t4_matrix_of_accounts() -> Result<()> {
    let _turn = turn::share();
    let office = Office::open()?;
    let teams = &office.teams;
    let accounts = [
        (teams[0].name(), "netdiag-user", [true, false, false, false]),
        (teams[1].name(), "netdiag-user", [false, true, false, false]),
        ("netdiag", "netdiag-operator", [true, true, true, true]),
    ];
    let mut cells = 0;
    for node in [Node::First, Node::Second] {
        let agent = Agent::on(&office.cluster, node)?;
        let door = Door::open(&office.cluster, &agent)?;
        for (namespace, account, expected) in accounts {
            let token = team::token(&office.cluster, namespace, account, &agent.audience())?;
            for (probe, place) in office.places(&agent) {
                let allowed = expected[cells % expected.len()];
                let answer = door.ask_with(&token, probe.word, &place.request)?;
                let said = (answer.status, answer.code());
                println!("{namespace}/{account}, {}: {said:?}", place.request["source"]);
                assert_eq!((said.0, &*said.1), place.answer(allowed));
                cells += 1;
            }
        }
    }
    println!("{cells} cells by the agents, each as RBAC has it");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: lies about a pod's UID and namespace"]
fn t4_a_uid_finds_no_pod() -> Result<()> {
    let _turn = turn::alone();
    let office = Office::open()?;
    let (cluster, [a, _, c]) = (&office.cluster, &office.pods);
    let agent = Agent::on(cluster, Node::First)?;
    let door = Door::open(cluster, &agent)?;
    let token = office.teams[0].token(cluster, &agent)?;
    let honest = door::from_pod(a, &door::one_ping(a.ip()));
    assert!(door.ask_with(&token, "ping", &honest)?.ran());

    let starts = || -> Result<usize> {
        let lines = agent.audit(cluster)?;
        let own = lines.iter().filter(|line| line["source"]["namespace"] == a.namespace);
        Ok(own.filter(|line| line["audit"] == "start").count())
    };
    wait::until("the honest start is written", Duration::from_secs(5), || {
        ensure!(starts()? == 1);
        Ok(())
    })?;
    let workers = agent.at_rest()?;
    let mut lie = honest;
    lie["source"]["uid"] = json!(c.uid);
    let answer = door.ask_with(&token, "ping", &lie)?;
    assert_eq!((answer.status, answer.code().as_str()), (409, "uidMismatch"));
    assert_eq!(agent.workers()?, workers, "no worker");
    assert_eq!(starts()?, 1, "no start line");

    // In a forbidden namespace, pods that are there and pods that are not answer alike.
    let mut there = lie;
    there["source"] = json!({ "kind": "pod", "namespace": c.namespace, "name": c.name });
    let mut missing = there.clone();
    missing["source"]["name"] = json!("missing");
    let mut bodies = Vec::new();
    for request in [there, missing] {
        let answer = door.ask_with(&token, "ping", &request)?;
        assert_eq!(answer.status, 403);
        bodies.push(answer.text.split("\r\n\r\n").nth(1).context("a body")?.to_owned());
    }
    assert_eq!(bodies[0], bodies[1]);
    println!("a foreign UID: 409 and no worker; a foreign namespace: 403, the same for any name");
    Ok(())
}
