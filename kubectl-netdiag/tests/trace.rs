//! `trace` against an agent that says what a test wants.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    canned::{Agent, Canned, refusal},
    run::{Plugin, Run},
    stream::{ACCEPTED, stream},
};

const TRACE: &str = "trace shop/pod/foo --from node/node-1";
const STARTED: &str = r#""event":"started","host":"10.244.2.7","address":"10.244.2.7","source":"10.89.0.11","method":"raw","port":8080"#;
const FLOW: &str = r#""event":"flow","sourcePort":41001"#;
const END: &str = r#""event":"end","reason":"completed""#;
/// What the pod declares.
const POD: &str = "/api/v1/namespaces/shop/pods/foo";

fn hop(ttl: u8, address: &str, outcome: &str) -> String {
    let icmp = match outcome {
        "expired" => r#","icmp":{"meaning":"ttlExceeded","type":11,"code":0}"#,
        _ => "",
    };
    let answer =
        format!(r#"{{"address":"{address}","rttUs":300,"outcome":"{outcome}"{icmp},"ttl":63}}"#);
    format!(r#""event":"hop","ttl":{ttl},"answers":[{answer},{answer},{answer}]"#)
}

fn silent(ttl: u8) -> String {
    format!(
        r#""event":"hop","ttl":{ttl},"answers":[],"silent":3,"waitedUs":800000,"askedAgain":true"#
    )
}

fn reached() -> Vec<u8> {
    let hops = [hop(1, "10.89.0.12", "expired"), hop(2, "10.244.2.7", "open")];
    stream(&[ACCEPTED, STARTED, FLOW, &hops[0], &hops[1], END])
}

fn dead() -> Vec<u8> {
    let rest: Vec<String> = (2..=30).map(silent).collect();
    let first = hop(1, "10.89.0.11", "expired");
    let mut events = vec![ACCEPTED, STARTED, FLOW, &first];
    events.extend(rest.iter().map(String::as_str));
    events.push(END);
    stream(&events)
}

fn run(line: &str, agent: Agent) -> Run {
    let pod = json!({
        "metadata": {"namespace": "shop", "name": "foo", "uid": "pod-uid"},
        "spec": {"nodeName": "node-2", "containers": [{"name": "web", "ports": [
            {"name": "dns", "containerPort": 53, "protocol": "UDP"},
            {"name": "http", "containerPort": 8080},
        ]}]},
        "status": {"phase": "Running", "podIP": "10.244.2.7",
                   "conditions": [{"type": "Ready", "status": "True"}]},
    });
    let canned = Canned::with(agent, [(POD, 200, pod)]);
    Plugin::new(line).kubeconfig(&canned.kubeconfig()).run()
}

#[test]
fn a_path_that_is_there_exits_0() {
    let run = run(TRACE, Agent::Says(reached())).exits(0);
    assert_eq!(
        run.stdout,
        "node/node-1 (10.89.0.11) -> shop/pod/foo:8080 (10.244.2.7, node-2), TCP\n\
         HOP  ADDRESS     MS                   WHAT\n  \
           1  10.89.0.12  0.300  0.300  0.300  (unknown address)\n  \
           2  10.244.2.7  0.300  0.300  0.300  shop/pod/foo\n\
         \n\
         OK       reached in 2 hops, 0.300 ms\n"
    );
    assert_eq!(run.stderr, "");
}

#[test]
fn a_dead_path_exits_1_and_says_after_whom() {
    let run = run(TRACE, Agent::Says(dead())).exits(1);
    let rows = "   1  10.89.0.11  0.300  0.300  0.300  node-1\n\
                2-30  *                                silence\n";
    assert!(run.stdout.contains(rows), "{run:#?}");
    let verdict =
        "FAIL     ND0303  the path ends after hop 1, node-1; no answer from shop/pod/foo\n";
    assert!(run.stdout.contains(verdict), "{run:#?}");
    let next = "  next   kubectl netdiag trace shop/pod/foo:8080 --from node/node-2\n";
    assert!(run.stdout.contains(next), "{run:#?}");
}

#[test]
fn json_says_what_addresses_are_and_ndjson_ends_with_the_same() {
    let document: Value = serde_json::from_str(
        &run(&format!("{TRACE} -o json"), Agent::Says(dead())).exits(1).stdout,
    )
    .unwrap();
    assert_eq!(document["kind"], "TraceReport");
    assert_eq!(document["target"]["port"], 8080);
    assert_eq!(document["trace"]["flows"][0]["end"], json!({"kind": "silence", "afterTtl": 1}));
    assert_eq!(
        document["addresses"],
        json!([{"address": "10.89.0.11", "kind": "node", "what": "node-1"}])
    );
    let edges = document["trace"]["graph"]["edges"].as_array().unwrap();
    assert_eq!(edges.len(), 30, "{document:#}");
    let lines = run(&format!("{TRACE} -o ndjson"), Agent::Says(dead())).exits(1).stdout;
    let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(last["trace"], document["trace"]);
}

#[test]
fn what_was_saved_renders_with_its_names() {
    let saved = tempfile::TempDir::new().unwrap();
    for (form, name) in [("ndjson", "a.ndjson"), ("json", "a.json")] {
        let path = saved.path().join(name);
        let shown = run(TRACE, Agent::Says(dead())).exits(1).stdout;
        let document = run(&format!("{TRACE} -o {form}"), Agent::Says(dead())).exits(1).stdout;
        std::fs::write(&path, document).unwrap();
        let rendered = Plugin::new(&format!("render {}", path.display())).run().exits(1).stdout;
        let rows = |text: &str| -> Vec<String> {
            text.lines().take_while(|line| !line.is_empty()).map(str::to_owned).collect()
        };
        assert_eq!(rows(&rendered), rows(&shown), "{form}");
        let dot = Plugin::new(&format!("render {} -o dot", path.display())).run().exits(1).stdout;
        assert!(dot.starts_with("digraph trace {\n"), "{dot}");
    }
}

#[test]
fn dot_and_verdict_print_nothing_else() {
    let dot = run(&format!("{TRACE} -o dot"), Agent::Says(reached())).exits(0);
    assert!(dot.stdout.starts_with("digraph trace {\n"), "{dot:#?}");
    assert!(dot.stdout.ends_with("}\n"), "{dot:#?}");
    let verdict = run(&format!("{TRACE} -o verdict"), Agent::Says(reached())).exits(0);
    assert_eq!(verdict.stdout, "OK       reached in 2 hops, 0.300 ms\n");
    let quiet = run(&format!("{TRACE} --quiet"), Agent::Says(reached())).exits(0);
    assert_eq!((quiet.stdout, quiet.stderr), (String::new(), String::new()));
}

#[test]
fn an_agent_that_ends_in_the_middle_is_an_error_with_what_was_seen() {
    let first = hop(1, "10.89.0.11", "expired");
    let cut = stream(&[ACCEPTED, STARTED, FLOW, &first]);
    let run = run(TRACE, Agent::Says(cut)).exits(2);
    assert!(run.stdout.starts_with("node/node-1 (10.89.0.11) -> "), "{run:#?}");
    assert!(run.stdout.contains("  1  10.89.0.11  0.300  0.300  0.300  node-1\n"), "{run:#?}");
    assert!(
        run.stderr.starts_with("error    ND0006  cut off after 1 hop (1 answered): the agent on"),
        "{run:#?}"
    );
}

#[test]
fn an_older_agent_is_told_from_a_target_that_is_not_there() {
    let message = r#"{"code":"notFound","message":"this agent does not answer POST /v1/trace; its probes: ping"}"#;
    let run = run(TRACE, Agent::Says(refusal(404, "", message))).exits(2);
    assert!(
        run.stderr.starts_with(
            "error    ND0003  the agent on node-1 knows no trace: it is of another release\n"
        ),
        "{run:#?}"
    );
    assert!(run.stderr.contains("  next   kubectl netdiag version\n"), "{run:#?}");
}

#[test]
fn a_port_that_is_not_declared_lists_those_that_are() {
    let run = run("trace shop/pod/foo:web --from node/node-1", Agent::Says(reached())).exits(2);
    assert!(
        run.stderr.starts_with(
            "error    ND0030  shop/pod/foo has no such port \"web\"; it declares dns (53), http (8080)\n"
        ),
        "{run:#?}"
    );
}

#[test]
fn a_cluster_ip_that_was_typed_is_its_service() {
    let service = json!({
        "metadata": {"namespace": "shop", "name": "checkout"},
        "spec": {"clusterIP": "10.96.14.7", "clusterIPs": ["10.96.14.7"],
                 "ports": [{"name": "http", "port": 80}]},
    });
    let list = json!({"apiVersion": "v1", "kind": "ServiceList", "metadata": {},
                      "items": [service]});
    let started = r#""event":"started","host":"10.96.14.7","address":"10.96.14.7","source":"10.89.0.11","method":"raw","port":80"#;
    let answer = stream(&[ACCEPTED, started, FLOW, &hop(1, "10.96.14.7", "open"), END]);
    let canned = Canned::with(Agent::Says(answer), [("/api/v1/services", 200, list)]);
    let plugin = Plugin::new("trace 10.96.14.7 --from node/node-1");
    let run = plugin.kubeconfig(&canned.kubeconfig()).run().exits(0);
    let header = "node/node-1 (10.89.0.11) -> shop/svc/checkout:80 (10.96.14.7), TCP\n";
    assert!(run.stdout.starts_with(header), "{run:#?}");
}

/// SIGTERM ends it as Ctrl-C does.
#[test]
fn what_is_interrupted_keeps_its_verdict() {
    let first = hop(1, "10.89.0.11", "expired");
    let begun = stream(&[ACCEPTED, STARTED, FLOW, &first]);
    let heartbeat = "{\"at\":\"2026-11-22T03:07:11Z\",\"event\":\"heartbeat\"}\n";
    let agent = Agent::Floods(begun, heartbeat.as_bytes().to_vec());
    let canned = Canned::new(agent);
    let start = Instant::now();
    let plugin = Plugin::new(&format!("{TRACE} -T"));
    let run = plugin.kubeconfig(&canned.kubeconfig()).stopped_at("10.89.0.11  0.300").exits(1);
    assert!(start.elapsed() < Duration::from_secs(20), "{run:#?}");
    let verdict = "\nUNKNOWN  ND0309  cannot tell: so far it leads to hop 1, node-1, and it was \
                   stopped by Ctrl-C or SIGTERM\n";
    assert!(run.stdout.contains(verdict), "{run:#?}");
}
