//! What broker finds missing at start is named, and the break-glass mode needs no broker.

use std::{
    io::{BufReader, Read},
    process::{Command, Output, Stdio},
    thread,
};

use landlock::{AccessFs, Ruleset, RulesetAttr};
use netdiag_agent::{
    broker::selftest,
    ipc::{self, ANSWER_BYTES, Answer, Order, Refusal},
};
use netdiag_wire::{
    EndReason, Event,
    about::{Problem, ProblemKind},
    ping::PingEvent,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rustix::io::Errno;

use crate::{
    client::{AGENT, Broker, next, pod_order},
    node::{Pod, on_a_node},
};

fn problems(broker: &Broker) -> Vec<Problem> {
    let mut connection = broker.connect();
    ipc::send(&connection, &Order::SelfTest.encode().unwrap(), &[]).unwrap();
    let mut frame = [0; ANSWER_BYTES];
    connection.read_exact(&mut frame).unwrap();
    match Answer::decode(&frame).unwrap() {
        Answer::SelfTest { problems, errno } => selftest::problems(problems, errno),
        other => panic!("{other:?}"),
    }
}

#[expect(clippy::disallowed_methods, reason = "the test starts the binary under test")]
fn command(program: &str) -> Command {
    Command::new(program)
}

#[test]
fn nothing_is_missing_where_nothing_is() {
    on_a_node(|| assert_eq!(problems(&Broker::start()), []));
}

#[test]
fn a_missing_capability_is_named() {
    on_a_node(|| {
        for (dropped, named) in [("-net_raw", "CAP_NET_RAW"), ("-kill", "CAP_KILL")] {
            let mut without = command("setpriv");
            without.args(["--inh-caps=-all", &format!("--bounding-set={dropped}"), AGENT]);
            let found = problems(&Broker::started_by(without, 0));
            let [Problem { kind: ProblemKind::MissingCapability, message }] = &found[..] else {
                panic!("{found:#?}")
            };
            assert!(message.to_string().contains(named), "{message}");
        }
    });
}

#[test]
fn what_a_security_module_refuses_is_not_blamed_on_capabilities() {
    on_a_node(|| {
        // A Landlock domain may not look at processes outside of it, as AppArmor's default profile.
        let broker = thread::spawn(|| {
            let rules = Ruleset::default().handle_access(AccessFs::MakeBlock).unwrap();
            rules.create().unwrap().restrict_self().unwrap();
            Broker::started_by(command(AGENT), 0)
        });
        let broker = broker.join().unwrap();
        let found = problems(&broker);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(found[0].kind, ProblemKind::SecurityModule);
        assert!(found[0].message.to_string().contains("AppArmor"), "{found:#?}");
        let pod = Pod::start(1, &[[10, 244, 1, 7].into()]);
        let refusal = broker.refusal(&pod_order(&pod, &[[10, 244, 1, 7].into()]));
        assert_eq!(refusal, (Refusal::Permission, Errno::ACCESS.raw_os_error()));
    });
}

fn local(line: &str) -> Output {
    command(AGENT).arg("local").args(line.split(' ')).output().unwrap()
}

#[test]
fn root_on_the_node_needs_neither_front_nor_broker() {
    on_a_node(|| {
        let pod = Pod::start(1, &[[10, 244, 1, 7].into()]);
        let of_pod = format!("--pod {}", pod.uid);
        for (line, event) in [
            ("ping 127.0.0.1 -c 1".into(), "replied"),
            (format!("ping 10.244.1.7 -c 1 {of_pod}"), "replied"),
            (format!("trace 10.244.1.7 -q 1 --no-names {of_pod}"), "hop"),
            (format!("dns localhost {of_pod}"), "inHosts"),
            // Nobody listens there, which is an answer too.
            (format!("dns a. @10.244.1.7#9 {of_pod}"), "query"),
            (format!("connect 10.244.1.7 9 {of_pod}"), "attempt"),
            (format!("tls 10.244.1.7 9 {of_pod}"), "connection"),
            (format!("scan 10.244.1.7 -p 7-9 {of_pod}"), "rest"),
        ] {
            let output = local(&line);
            let lines = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success(), "{line}: {lines}");
            assert!(lines.contains(&format!(r#""event":"{event}""#)), "{line}: {lines}");
            assert!(lines.ends_with("\"event\":\"end\",\"reason\":\"completed\"}\n"), "{lines}");
        }
        let unresolved = local("ping name.invalid -c 1");
        assert_eq!(unresolved.status.code(), Some(2), "the probe could not be carried out");
        assert!(unresolved.stdout.starts_with(b"{\"at\":"), "said on stdout too");

        let unknown = local("ping 10.0.0.1 --pod 00000000-0000-4000-8000-00000000ffff");
        assert_eq!(unknown.status.code(), Some(2));
        let said = String::from_utf8(unknown.stderr).unwrap();
        assert!(said.contains("no process of pod 00000000"), "{said}");
    });
}

#[test]
fn ctrl_c_at_the_node_ends_with_a_report() {
    on_a_node(|| {
        let mut running = command(AGENT);
        let running = running.args(["local", "ping", "127.0.0.1"]).stdout(Stdio::piped());
        let mut running = running.spawn().unwrap();
        let mut lines = BufReader::new(running.stdout.take().unwrap());
        next(&mut lines, |event| {
            matches!(event, Event::Probe(PingEvent::Replied { .. })).then_some(())
        });
        kill(Pid::from_raw(running.id() as i32), Signal::SIGINT).unwrap();
        let reason = next(&mut lines, |event| match event {
            Event::End { reason } => Some(reason),
            _ => None,
        });
        assert_eq!(reason, EndReason::Cancelled);
        assert!(running.wait().unwrap().success());
    });
}
