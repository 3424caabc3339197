//! `scan` against an agent that says what a test wants.

use serde_json::{Value, json};

use crate::{
    canned::{Agent, Canned, refusal},
    run::{Plugin, Run},
    stream::{ACCEPTED, stream},
};

const SCAN: &str = "scan shop/pod/foo -p 1-1024,8080,9090 --from node/node-1";
const STARTED: &str = r#""event":"started","method":"syn","lane":{"lane":"full"},"addresses":1,"tcpPorts":1026,"udpPorts":0,"source":"10.89.0.11""#;
const HOST: &str = r#""event":"host","address":"10.244.2.7","isUp":true"#;
const OPEN: &str = r#""event":"port","address":"10.244.2.7","protocol":"tcp","port":8080,"state":"open","why":"synAck","ttl":62,"rttUs":412"#;
const UNDECLARED: &str = r#""event":"port","address":"10.244.2.7","protocol":"tcp","port":1000,"state":"open","why":"synAck","ttl":62,"rttUs":412"#;
const REST: &str = r#""event":"rest","address":"10.244.2.7","protocol":"tcp","state":"closed","why":"rst","ports":"1-999,1001-1024,9090""#;
const PROGRESS: &str = r#""event":"progress","done":400,"total":1026,"open":1"#;
const DONE: &str = r#""event":"done","tookUs":410000,"askedAgain":12,"sent":1038"#;
const END: &str = r#""event":"end","reason":"completed""#;
const POD: &str = "/api/v1/namespaces/shop/pods/foo";
const SERVICES: &str = "/api/v1/namespaces/shop/services";

/// On a node without an agent: whose the ports are cannot be told.
fn pod() -> Value {
    json!({
        "metadata": {"namespace": "shop", "name": "foo", "uid": "pod-uid",
                     "labels": {"app": "foo"}},
        "spec": {"nodeName": "node-2", "containers": [{"name": "web", "ports": [
            {"name": "http", "containerPort": 8080},
            {"name": "metrics", "containerPort": 9090},
        ]}]},
        "status": {"phase": "Running", "podIP": "10.244.2.7",
                   "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

fn run(line: &str, agent: Agent) -> Run {
    let services = json!({"metadata": {}, "items": [{
        "metadata": {"namespace": "shop", "name": "foo"},
        "spec": {"clusterIPs": ["10.96.14.7"], "selector": {"app": "foo"},
                 "ports": [{"name": "web", "port": 80, "targetPort": "http"}]},
    }]});
    let all = json!({"metadata": {}, "items": [pod()]});
    let overrides = [(POD, 200, pod()), (SERVICES, 200, services), ("/api/v1/pods", 200, all)];
    let canned = Canned::with(agent, overrides);
    Plugin::new(line).kubeconfig(&canned.kubeconfig()).run()
}

fn whole() -> Agent {
    Agent::Says(stream(&[ACCEPTED, STARTED, HOST, OPEN, UNDECLARED, REST, DONE, END]))
}

#[test]
fn ports_stand_beside_what_the_cluster_knows_of_them() {
    let run = run(SCAN, whole()).exits(0);
    assert_eq!(
        run.stdout,
        "node/node-1 (10.89.0.11) -> shop/pod/foo (10.244.2.7, node-2)\n\
         TCP 1-1024,8080,9090 at full speed: a pod of shop, where you hold pods/scan\n\
         PORT      STATE   WHY      PROCESS (PID)  DECLARED  LED TO BY\n\
         1000/tcp  open    syn-ack  ?              -         -\n\
         8080/tcp  open    syn-ack  ?              http      svc/foo:web\n\
         9090/tcp  closed  rst      ?              metrics   -\n\
         not shown: 1,023 closed (rst). Took 0.410 s; 12 ports asked again.\n\
         \n\
         WARN     ND0604  9090 (metrics) is declared, but nobody listens\n\
         WARN     ND0605  1000 is open and declared nowhere\n  \
           next   kubectl netdiag sockets shop/pod/foo -l -p\n\
         SKIP     processes: no agent on node-2\n"
    );
    assert_eq!(run.stderr, "");
}

#[test]
fn json_has_the_declared_name_and_the_services_beside_each_port() {
    let json = run(&format!("{SCAN} -o json"), whole()).exits(0).stdout;
    let document: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(document["kind"], "ScanReport");
    let ports = document["scan"]["ports"].as_array().unwrap();
    let undeclared = ports.iter().filter(|port| port.get("declaredAs").is_none());
    assert_eq!(undeclared.map(|port| &port["port"]).collect::<Vec<_>>(), [1_000]);
    assert_eq!(ports[1]["declaredAs"], "http");
    assert_eq!(ports[1]["ledToBy"], json!(["svc/foo:web"]));
    let lines = run(&format!("{SCAN} -o ndjson"), whole()).exits(0).stdout;
    let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(last["scan"], document["scan"]);
    assert_eq!(lines.lines().filter(|line| line.contains(r#""event":"port""#)).count(), 2);
}

#[test]
fn a_bare_address_beyond_the_limit_is_told_whose_it_is() {
    let said = "65,535 ports of a bare address: the limit is 1,024 (chart: limits.scan.ports)";
    let body = json!({"code": "limitExceeded", "message": said}).to_string();
    let refused = || Agent::Says(refusal(422, "", &body));
    let run = run("scan 10.244.2.7 -p- --from node/node-1", refused()).exits(2);
    assert_eq!(run.stdout, "");
    assert_eq!(
        run.stderr,
        format!(
            "error    ND0040  {said}\n  \
             note   the address is shop/pod/foo: named so, there is no limit for whoever holds pods/scan in shop\n  \
             next   kubectl netdiag scan shop/pod/foo -p- --from node/node-1\n"
        )
    );
}

#[test]
fn an_agent_that_ends_in_the_middle_leaves_what_was_found() {
    let cut = Agent::Says(stream(&[ACCEPTED, STARTED, HOST, OPEN, PROGRESS]));
    let run = run(SCAN, cut).exits(2);
    assert!(run.stdout.contains("\n8080/tcp  open   syn-ack"), "{run:#?}");
    let error =
        "error    ND0006  cut off after 400 of 1,026 ports (1 open): the agent on node-1 ended";
    assert!(run.stderr.starts_with(error), "{run:#?}");
}

#[test]
fn a_saved_scan_is_the_screen_it_was() {
    let canned = Canned::with(whole(), [(POD, 200, pod())]);
    let line = format!("{SCAN} -o ndjson");
    let saved = Plugin::new(&line).kubeconfig(&canned.kubeconfig()).run().exits(0).stdout;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("scan.ndjson");
    std::fs::write(&path, saved).unwrap();
    let canned = Canned::with(whole(), [(POD, 200, pod())]);
    let shown = Plugin::new(SCAN).kubeconfig(&canned.kubeconfig()).run().exits(0).stdout;
    let again = Plugin::new(&format!("render {}", path.display())).run().exits(0).stdout;
    let rows = |text: &str| {
        let rows = text.lines().filter(|line| line.contains("/tcp") || line.starts_with("WARN"));
        rows.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(rows(&shown), rows(&again));
    assert_eq!(rows(&again).len(), 5);
}
