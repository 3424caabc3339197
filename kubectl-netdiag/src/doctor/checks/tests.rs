use std::time::Duration;

use jiff::Timestamp;
use netdiag_wire::About;

use super::*;
use crate::cluster::agents::Agent;
use crate::finding::{Failure, worst};

const ASKER: Asker<'static> = Asker { user: "alice", namespace: "shop", agents: "netdiag" };

fn ready(node: &str, version: &str, problems: Vec<Problem>) -> Row {
    let about = About {
        version: version.into(),
        node: node.into(),
        agent: "netdiag-x7k2p".into(),
        kernel: "6.18".into(),
        now_at: Timestamp::UNIX_EPOCH,
        started_at: Timestamp::UNIX_EPOCH,
        probes: vec!["ping".into()],
        problems,
    };
    let agent = Agent {
        namespace: "netdiag".into(),
        name: "netdiag-x7k2p".into(),
        uid: "u-1".into(),
        node: node.into(),
        version: None,
    };
    let state = State::Ready {
        agent: agent.into(),
        about,
        took: Duration::from_millis(23),
        clock_off_ms: 12,
    };
    Row { node: node.into(), agent: Some("netdiag-x7k2p".into()), state }
}

fn survey(rows: Vec<Row>) -> Survey {
    Survey { rows, nodes_hidden: None, agents_hidden: None, is_installed: true }
}

fn access(account: Option<&str>, answer: Answer) -> Access {
    let account = account.map(|namespace| (namespace.into(), "netdiag-user".into()));
    Access { account, rights: vec![answer; RIGHTS.len()] }
}

fn all() -> Rights {
    let access = access(Some("shop"), Answer::Yes);
    Rights { reach: Answer::Yes, pods: access.clone(), nodes: access }
}

fn server() -> Server {
    Server { version: "v1.36.3".into(), took_ms: 12, clock_off_ms: Some(-400) }
}

/// The words of each block's first line, and the command below it.
fn said(survey: &Survey, rights: &Rights) -> Vec<String> {
    let say = |finding: Finding| {
        let code = finding.code.map(|code| format!(" {code}")).unwrap_or_default();
        let admin = finding.labels.iter().find_map(|label| match label {
            Label::Admin(command) => Some(format!(" | {}", command.join(" "))),
            _ => None,
        });
        format!("{:?}{code} {}{}", finding.severity, finding.summary, admin.unwrap_or_default())
    };
    let server = server();
    let mut found = findings(survey, rights, &server, &ASKER);
    found.push(of_server(survey, &server));
    found.into_iter().map(say).collect()
}

#[test]
fn a_healthy_cluster_is_two_lines() {
    let rows = ["node-1", "node-2"].map(|node| ready(node, version::PLUGIN, Vec::new()));
    let version = version::PLUGIN;
    assert_eq!(
        said(&survey(rows.into()), &all()),
        [
            format!(
                "Ok 2 of 2 nodes have a ready agent {version}; alice may use every probe in shop \
                 and on nodes"
            ),
            "Ok API server v1.36.3, 12 ms; its clock, the nodes' and this machine's agree within \
             1 s"
            .into(),
        ]
    );
}

#[test]
fn each_ill_node_is_named_with_what_ails_it() {
    let eacces = Problem { kind: ProblemKind::SecurityModule, message: "EACCES: AppArmor".into() };
    let none = State::None(Some("dedicated=gpu:NoSchedule".into()));
    let bad = Failure::new(code::FOREIGN_AGENT, "netdiag/pod/rogue is none");
    let rows = vec![
        ready("node-1", "9.9.0", Vec::new()),
        Row { node: "node-2".into(), agent: None, state: none },
        ready("node-3", version::PLUGIN, vec![eacces]),
        Row { node: "node-4".into(), agent: Some("rogue".into()), state: State::Bad(bad) },
    ];
    let survey = survey(rows);
    assert_eq!(
        said(&survey, &all())[..4],
        [
            "Warn ND0003 node-1's agent 9.9.0 is more than one minor release newer than the plugin",
            "Fail ND0001 node-2 has no agent: nothing can be sent from its pods",
            "Fail ND0005 node-3's agent cannot enter pods: EACCES: AppArmor",
            "Fail ND0004 netdiag/pod/rogue is none",
        ]
    );
    assert_eq!(worst(&findings(&survey, &all(), &server(), &ASKER)), Severity::Fail);
}

#[test]
fn what_the_user_lacks_is_skipped_with_the_command_that_gives_it() {
    let survey = survey(vec![ready("node-1", version::PLUGIN, Vec::new())]);
    for (rights, line) in [
        (
            Rights { reach: Answer::No, ..all() },
            "Skip ND0012 alice may not reach the agents in netdiag; an admin gives it by: | kubectl \
             create rolebinding netdiag-reach-alice -n netdiag --role=netdiag-reach --user=alice",
        ),
        (
            Rights { pods: access(None, Answer::No), ..all() },
            "Skip ND0011 alice may not probe from pods in shop; an admin gives it by: | kubectl \
             create rolebinding netdiag-mint-alice -n shop --clusterrole=netdiag-mint --user=alice",
        ),
        (
            Rights { nodes: access(None, Answer::No), ..all() },
            "Skip ND0011 alice may not probe from nodes; an admin gives it by: | kubectl create \
             rolebinding netdiag-mint-alice -n netdiag --clusterrole=netdiag-mint --user=alice",
        ),
        (
            Rights { pods: access(Some("shop"), Answer::No), ..all() },
            "Skip ND0012 not yours in shop: ping, trace, dns, connect, tls, sockets, files, scan, fast-ping, listen, processes; an admin \
             gives, for example, ping by: | kubectl create rolebinding netdiag-user-ping -n shop --clusterrole=netdiag-pods-ping \
             --serviceaccount=shop:netdiag-user",
        ),
        (
            Rights { pods: access(Some("shop"), Answer::Unknown), ..all() },
            "Skip ND0012 which probes are yours: you may not ask (SubjectAccessReview); a probe \
             tells",
        ),
    ] {
        let said = said(&survey, &rights);
        assert!(said.iter().any(|known| known == line), "{line}\n{said:#?}");
        assert_eq!(worst(&findings(&survey, &rights, &server(), &ASKER)), Severity::Ok);
    }
}

#[test]
fn a_cluster_without_netdiag_says_so_once() {
    let none = |node: &str| Row { node: node.into(), agent: None, state: State::None(None) };
    let mut survey = survey(vec![none("node-1"), none("node-2")]);
    survey.is_installed = false;
    let said = said(&survey, &all());
    let failed: Vec<_> = said.iter().filter(|line| line.starts_with("Fail")).collect();
    assert_eq!(
        failed,
        ["Fail ND0001 netdiag is not installed in namespace netdiag: no DaemonSet, no agent"]
    );
}

#[test]
fn clocks_that_differ_are_named() {
    let mut rows = vec![ready("node-1", version::PLUGIN, Vec::new())];
    if let State::Ready { clock_off_ms, .. } = &mut rows[0].state {
        *clock_off_ms = -90_300;
    }
    let said = said(&survey(rows), &all());
    let told = "Warn clocks differ from this machine's: node-1 90.3 s behind";
    assert!(said.iter().any(|line| line == told), "{said:#?}");
    assert_eq!(said.last().map(String::as_str), Some("Ok API server v1.36.3, 12 ms"));
}
