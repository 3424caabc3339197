//! What becomes of an agent's answer: lines, verdict, errors, exit code.

use serde_json::Value;

use crate::{
    canned::{Agent, Canned, STREAM, refusal},
    run::{Plugin, Run},
};

const PING: &str = "ping shop/pod/foo --from node/node-1 -c 2";

/// An event stream of these lines, each with its instant.
pub(crate) fn stream(events: &[&str]) -> Vec<u8> {
    let lines: String = events.iter().map(|event| line(event)).collect();
    format!("{STREAM}{lines}").into_bytes()
}

pub(crate) fn line(event: &str) -> String {
    format!("{{\"at\":\"2026-11-22T03:07:11Z\",{event}}}\n")
}

pub(crate) const ACCEPTED: &str = concat!(
    r#""event":"accepted","probeId":"p1","agent":"netdiag-x7k2p","node":"node-1","version":""#,
    env!("CARGO_PKG_VERSION"),
    "\""
);
const STARTED: &str = r#""event":"started","host":"10.244.2.7","address":"10.244.2.7","source":"10.89.0.11","socket":"raw""#;
const END: &str = r#""event":"end","reason":"completed""#;

fn sent(seq: u32) -> String {
    format!(r#""event":"sent","seq":{seq}"#)
}

fn replied(seq: u32) -> String {
    format!(
        r#""event":"replied","seq":{seq},"address":"10.244.2.7","bytes":64,"ttl":63,"rttUs":412"#
    )
}

fn silence(seq: u32) -> String {
    format!(r#""event":"silence","seq":{seq},"waitedUs":1000000"#)
}

fn run(line: &str, answer: Vec<u8>) -> Run {
    let canned = Canned::new(Agent::Says(answer));
    Plugin::new(line).kubeconfig(&canned.kubeconfig()).run()
}

fn two_replies() -> Vec<u8> {
    stream(&[ACCEPTED, STARTED, &sent(1), &replied(1), &sent(2), &replied(2), END])
}

#[test]
fn a_ping_that_is_well_exits_0_and_says_nothing_on_stderr() {
    let run = run(PING, two_replies()).exits(0);
    assert_eq!(
        run.stdout,
        "node/node-1 (10.89.0.11) -> shop/pod/foo (10.244.2.7, node-2)\n\
         64 bytes from 10.244.2.7: icmp_seq=1 ttl=63 time=0.412 ms\n\
         64 bytes from 10.244.2.7: icmp_seq=2 ttl=63 time=0.412 ms\n\
         \n\
         OK       2 of 2 echoes replied, rtt min/avg/max/stddev 0.412/0.412/0.412/0.000 ms\n"
    );
    assert_eq!(run.stderr, "");
}

#[test]
fn silence_exits_1_and_some_loss_exits_as_told() {
    let lost = stream(&[ACCEPTED, STARTED, &sent(1), &silence(1), &sent(2), &silence(2), END]);
    let all = run(PING, lost).exits(1);
    assert!(all.stdout.contains("\nFAIL     ND0302  silence: 0 of 2"), "{all:#?}");
    let some = || stream(&[ACCEPTED, STARTED, &sent(1), &silence(1), &sent(2), &replied(2), END]);
    let well = run(PING, some()).exits(0);
    assert!(well.stdout.contains("\nWARN     ND0301  1 of 2 echoes lost (50 %)"), "{well:#?}");
    run(&format!("{PING} --fail-on warn"), some()).exits(1);
}

#[test]
fn quiet_prints_nothing_and_verdict_one_line() {
    let quiet = run(&format!("{PING} --quiet"), two_replies()).exits(0);
    assert_eq!((quiet.stdout, quiet.stderr), (String::new(), String::new()));
    let verdict = run(&format!("{PING} -o verdict"), two_replies()).exits(0);
    assert!(verdict.stdout.starts_with("OK       2 of 2"), "{verdict:#?}");
    assert_eq!(verdict.stdout.lines().count(), 1);
}

#[test]
fn the_last_line_of_ndjson_is_the_document_of_json() {
    let lines = run(&format!("{PING} -o ndjson"), two_replies()).exits(0).stdout;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<_> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    let wanted = ["accepted", "started", "sent", "replied", "sent", "replied", "end"];
    assert_eq!(events, wanted);
    let document: Value =
        serde_json::from_str(&run(&format!("{PING} -o json"), two_replies()).exits(0).stdout)
            .unwrap();
    let last = lines.last().unwrap();
    assert_eq!((&last["kind"], &last["ping"]), (&document["kind"], &document["ping"]));
    assert_eq!(document["target"]["uid"], "pod-uid");
    assert_eq!(document["verdict"], "ok");
}

#[test]
fn a_stream_that_breaks_off_is_an_error_with_what_was_seen() {
    let cut = || stream(&[ACCEPTED, STARTED, &sent(1), &replied(1), &sent(2)]);
    let seen = run(PING, cut()).exits(2);
    assert!(seen.stdout.contains("icmp_seq=1"), "{seen:#?}");
    assert!(
        seen.stderr.starts_with("error    ND0006  cut off after 2 of 2 echoes (1 replied)"),
        "{seen:#?}"
    );
    let json = run(&format!("{PING} -o json"), cut()).exits(2);
    assert_eq!(json.stdout, "");
    let error: Value = serde_json::from_str(&json.stderr).unwrap();
    assert_eq!((&error["kind"], &error["code"]), (&"Error".into(), &"ND0006".into()));
}

#[test]
fn a_busy_agent_is_asked_once_more() {
    let busy = refusal(429, "retry-after: 0\r\n", r#"{"code":"tooMany","message":"50 running"}"#);
    let canned = Canned::new(Agent::Turns(vec![busy.clone(), two_replies()]));
    let run = Plugin::new(PING).kubeconfig(&canned.kubeconfig()).run().exits(0);
    assert_eq!(run.stderr, "the agent on node-1 is busy; asking again in 0 s\n");
    let canned = Canned::new(Agent::Turns(vec![busy.clone(), busy]));
    let run = Plugin::new(PING).kubeconfig(&canned.kubeconfig()).run().exits(2);
    assert!(run.stderr.contains("error    ND0014  50 running"), "{run:#?}");
}

#[test]
fn an_agent_two_releases_away_is_told_of() {
    let accepted = ACCEPTED.replace(env!("CARGO_PKG_VERSION"), "9.9.0");
    let run = run(PING, stream(&[&accepted, STARTED, &sent(1), &replied(1), END])).exits(0);
    let told = "agent 9.9.0 on node-1 is more than one minor release newer than the plugin\n";
    assert_eq!(run.stderr, told);
}

#[test]
fn what_a_newer_agent_adds_is_passed_over() {
    let newer = [r#""event":"teleported","seq":1,"mood":{"deep":[1,2]}"#, r#""event":"heartbeat""#];
    let all = [ACCEPTED, STARTED, newer[0], newer[1], &sent(1), &replied(1), END];
    let run = run(PING, stream(&all)).exits(0);
    assert!(run.stdout.contains("something newer"), "{run:#?}");
}
