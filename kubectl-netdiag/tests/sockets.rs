//! `sockets` against an agent that says what a test wants, and on this machine.

use serde_json::{Value, json};

use crate::{
    canned::{Agent, Canned, status},
    run::{Plugin, Run},
    stream::{ACCEPTED, stream},
};

const DONE: &str = r#""event":"done","tookUs":950"#;
const END: &str = r#""event":"end","reason":"completed""#;
const ROUND: &str =
    r#""event":"round","round":1,"atUs":0,"tookUs":900,"sockets":2,"interrupted":0"#;
const PROCESS: &str =
    r#""event":"process","pid":4711,"containerPid":1,"name":"node","containerId":"8f3c""#;
const SKIPPED: &str = r#""event":"skipped","missing":{"resource":"pods","right":"processes","namespace":"shop","user":"u"}"#;
/// On loopback, and one whose queue is full.
const LISTENING: &str = concat!(
    r#""event":"sockets","round":1,"entries":["#,
    r#"{"protocol":"tcp","state":"listen","local":{"address":"127.0.0.1","port":8080},"acceptQueue":{"waiting":0,"limit":511},"uid":1000,"inode":4,"pids":[4711]},"#,
    r#"{"protocol":"tcp","state":"listen","local":{"address":"0.0.0.0","port":9000},"acceptQueue":{"waiting":129,"limit":128},"uid":1000,"inode":5,"pids":[4711]}]"#
);
const WELL: &str = concat!(
    r#""event":"sockets","round":1,"entries":["#,
    r#"{"protocol":"tcp","state":"established","local":{"address":"10.89.0.11","port":41822},"peer":{"address":"10.96.14.7","port":80},"receiveQueueBytes":0,"sendQueueBytes":0,"uid":0,"inode":6},"#,
    r#"{"protocol":"tcp","state":"established","local":{"address":"10.89.0.11","port":41823},"peer":{"address":"10.244.2.7","port":5432},"receiveQueueBytes":0,"sendQueueBytes":0,"uid":0,"inode":7}]"#
);

fn overflows(at_us: u32, count: u32) -> String {
    format!(
        r#""event":"counters","round":1,"atUs":{at_us},"counters":{{"TcpExt":{{"ListenOverflows":{count}}}}}"#
    )
}

fn full() -> Vec<u8> {
    let (before, after) = (overflows(0, 1_873), overflows(2_000_000, 1_914));
    stream(&[ACCEPTED, PROCESS, &before, LISTENING, ROUND, &after, DONE, END])
}

fn pod(name: &str) -> Value {
    json!({
        "metadata": {"namespace": "shop", "name": name, "uid": "pod-uid",
                     "labels": {"app": "checkout"}},
        "spec": {"nodeName": "node-1", "containers": [{"name": "app", "ports": [
            {"name": "http", "containerPort": 8080}]}]},
        "status": {"phase": "Running", "podIP": "10.244.1.7",
                   "conditions": [{"type": "Ready", "status": "True"}],
                   "containerStatuses": [{"name": "app", "image": "", "imageID": "", "ready": true,
                                          "restartCount": 0, "containerID": "containerd://8f3c"}]},
    })
}

fn services() -> Value {
    json!({"metadata": {}, "items": [{
        "metadata": {"namespace": "shop", "name": "checkout"},
        "spec": {"clusterIPs": ["10.96.14.7"], "selector": {"app": "checkout"},
                 "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
    }]})
}

fn db() -> Value {
    let mut pod = pod("db-1");
    pod["status"]["podIP"] = json!("10.244.2.7");
    pod["spec"]["nodeName"] = json!("node-2");
    json!({"metadata": {}, "items": [pod]})
}

fn slices() -> Value {
    let endpoint = |name: &str, address: &str| {
        json!({"addresses": [address], "nodeName": "node-1", "conditions": {"ready": true},
               "targetRef": {"kind": "Pod", "namespace": "shop", "name": name}})
    };
    json!({"metadata": {}, "items": [{"metadata": {}, "addressType": "IPv4", "endpoints": [
        endpoint("bar", "10.244.1.7"), endpoint("baz", "10.244.1.8"), endpoint("qux", "10.244.1.9"),
    ]}]})
}

fn run_with(line: &str, answer: Vec<u8>) -> Run {
    let token = json!({"metadata": {}, "spec": {"audiences": []},
        "status": {"token": "minted", "expirationTimestamp": "2026-11-22T04:00:00Z"}});
    let service = services()["items"][0].clone();
    let canned = Canned::with(
        Agent::Says(answer),
        [
            ("/api/v1/namespaces/shop/pods/bar", 200, pod("bar")),
            ("/api/v1/namespaces/shop/services", 200, services()),
            ("/api/v1/namespaces/shop/services/checkout", 200, service),
            ("/api/v1/services", 200, services()),
            ("/api/v1/pods", 200, db()),
            ("/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices", 200, slices()),
            ("/api/v1/namespaces/shop/serviceaccounts/netdiag-user/token", 201, token),
        ],
    );
    Plugin::new(line).kubeconfig(&canned.kubeconfig()).run()
}

#[test]
fn what_listens_is_shown_with_its_process_and_what_is_wrong_with_it() {
    let run = run_with("sockets pod/bar -l -p", full()).exits(1);
    assert_eq!(run.stderr, "");
    insta::assert_snapshot!(run.stdout, @r"
    shop/pod/bar (10.244.1.7, node-1): 2 listening sockets in its network namespace
    PROTO  LOCAL           ACCEPT QUEUE  PROCESS (PID)  UID
    tcp    127.0.0.1:8080         0/511  app/node (1)   1000
    tcp    0.0.0.0:9000         129/128  app/node (1)   1000

    FAIL     ND0603  accept queue full on 9000: 129 wait, the limit is 128; app/node (1) does not accept
      seen   TcpExt ListenOverflows 1,873 -> 1,914 in 2.00 s, in this pod's namespace
      means  clients see silence: their SYNs are dropped and sent again after 1, 3, 7 s
    WARN     ND0601  8080 listens on 127.0.0.1 only, but svc/checkout:http sends to 10.244.1.7:8080
      next   kubectl netdiag explain ND0603
    ");
}

#[test]
fn peers_are_named_and_a_well_table_exits_0() {
    let well = stream(&[ACCEPTED, WELL, ROUND, DONE, END]);
    let run = run_with("sockets node/node-1 -t", well.clone()).exits(0);
    insta::assert_snapshot!(run.stdout, @r"
    node/node-1 (10.89.0.11): 2 connected TCP sockets in its network namespace
    STATE        RECV-Q  SEND-Q  LOCAL             PEER             WHO THE PEER IS
    ESTABLISHED       0       0  10.89.0.11:41822  10.96.14.7:80    shop/svc/checkout:http
    ESTABLISHED       0       0  10.89.0.11:41823  10.244.2.7:5432  shop/pod/db-1 on node-2

    OK       2 connected sockets, none is stuck
    ");
    let plain = run_with("sockets node/node-1 -t --no-names", well).exits(0);
    assert!(!plain.stdout.contains("WHO THE PEER IS"), "{plain:#?}");
}

#[test]
fn processes_that_may_not_be_seen_are_skipped_with_a_true_admin_line() {
    let skipped = stream(&[ACCEPTED, SKIPPED, WELL, ROUND, DONE, END]);
    let run = run_with("sockets pod/bar -tp", skipped.clone()).exits(0);
    assert!(run.stdout.contains("  ?\n"), "{run:#?}");
    let block = "SKIP     processes: pods/processes not granted in shop\n  admin  kubectl create \
                 rolebinding netdiag-user-processes -n shop --clusterrole=netdiag-pods-processes \
                 --serviceaccount=shop:netdiag-user\n";
    assert!(run.stdout.contains(block), "{run:#?}");
    let json = run_with("sockets pod/bar -tp -o json", skipped).exits(0).stdout;
    let document: Value = serde_json::from_str(&json).unwrap();
    let summary = "processes: pods/processes not granted in shop";
    assert_eq!(document["skipped"][0]["summary"], summary);
    assert_eq!(document["verdict"], "ok");
}

#[test]
fn json_has_the_report_and_ndjson_ends_with_the_same() {
    let document: Value =
        serde_json::from_str(&run_with("sockets pod/bar -lp -o json", full()).exits(1).stdout)
            .unwrap();
    assert_eq!(document["kind"], "SocketsReport");
    assert_eq!(document["source"]["name"], "bar");
    assert_eq!(document["target"]["name"], "bar");
    assert_eq!(document["sockets"]["entries"][0]["acceptQueue"]["waiting"], 129);
    assert_eq!(document["findings"][0]["code"], "ND0603");
    let lines = run_with("sockets pod/bar -lp -o ndjson", full()).exits(1).stdout;
    let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(last["sockets"], document["sockets"]);
}

#[test]
fn what_was_saved_renders_with_its_names() {
    let saved = tempfile::TempDir::new().unwrap();
    let well = || stream(&[ACCEPTED, WELL, ROUND, DONE, END]);
    let lines = ["sockets pod/bar -l -p", "sockets node/node-1 -t"];
    for (line, answer, code) in [(lines[0], full(), 1), (lines[1], well(), 0)] {
        let shown = run_with(line, answer.clone()).exits(code).stdout;
        for form in ["ndjson", "json"] {
            let path = saved.path().join(form);
            let document = run_with(&format!("{line} -o {form}"), answer.clone()).exits(code);
            std::fs::write(&path, document.stdout).unwrap();
            let run = Plugin::new(&format!("render {}", path.display())).run().exits(code);
            let rows = |text: &str| -> Vec<String> {
                text.lines().take_while(|line| !line.is_empty()).map(str::to_owned).collect()
            };
            assert_eq!(rows(&run.stdout), rows(&shown), "{form}");
        }
    }
}

#[test]
fn events_alone_render_as_well() {
    let saved = tempfile::TempDir::new().unwrap();
    let path = saved.path().join("events.ndjson");
    let lines = run_with("sockets pod/bar -lp -o ndjson", full()).exits(1).stdout;
    let events: Vec<&str> = lines.lines().filter(|line| !line.contains("apiVersion")).collect();
    std::fs::write(&path, events.join("\n")).unwrap();
    let run = Plugin::new(&format!("render {}", path.display())).run().exits(1);
    assert!(run.stdout.starts_with("node/node-1: 2 listening sockets"), "{run:#?}");
    assert!(run.stdout.contains("129/128  node (1)"), "{run:#?}");
}

#[test]
fn rounds_are_shown_one_after_the_other() {
    let again = LISTENING.replace(r#""round":1"#, r#""round":2"#).replace(":129", ":140");
    let second = ROUND.replace(r#""round":1"#, r#""round":2"#);
    let rounds = stream(&[ACCEPTED, PROCESS, LISTENING, ROUND, &again, &second, DONE, END]);
    let run = run_with("sockets pod/bar -l -p --watch --count 2", rounds).exits(1);
    let rows: Vec<&str> = run.stdout.lines().filter(|line| line.contains(":9000")).collect();
    assert!(rows[0].contains("129/128  app/node (1)"), "{run:#?}");
    assert!(rows[1].contains("140/128  +11  app/node (1)"), "{run:#?}");
    let head = "\n\n03:07:11 UTC: 2 listening sockets in its network namespace\n";
    assert!(run.stdout.contains(head), "{run:#?}");
}

#[test]
fn a_service_is_answered_with_its_pods() {
    let run = run_with("sockets svc/checkout", Vec::new()).exits(2);
    insta::assert_snapshot!(run.stderr, @r"
    error    ND0030  sockets shop/svc/checkout: a Service has no sockets, its pods have; all of them at once is not in this release
      next   kubectl netdiag sockets shop/pod/bar -l
      next   kubectl netdiag sockets shop/pod/baz -l
      note   it has 1 more pod
    ");
    let run = run_with("sockets svc/chekout", Vec::new()).exits(2);
    assert!(run.stderr.starts_with("error    ND0020  no svc \"chekout\" in shop"), "{run:#?}");
}

#[test]
fn no_agent_offers_no_other_place() {
    // Another node's sockets would not be those that were asked for.
    let gone = ("/api/v1/namespaces/netdiag/pods", 200, json!({"metadata": {}, "items": []}));
    let canned = Canned::with(Agent::Says(Vec::new()), [gone]);
    let run = Plugin::new("sockets node/node-1").kubeconfig(&canned.kubeconfig()).run().exits(2);
    assert!(run.stderr.starts_with("error    ND0001  "), "{run:#?}");
    assert!(!run.stderr.contains("--from"), "{run:#?}");
}

#[test]
fn what_the_cluster_will_not_tell_leaves_the_table_without_names() {
    let well = stream(&[ACCEPTED, WELL, ROUND, DONE, END]);
    let no = |path: &'static str| (path, 403, status(403, "Forbidden", "no"));
    let refused =
        [no("/api/v1/services"), no("/api/v1/namespaces/shop/services"), no("/api/v1/pods")];
    let canned = Canned::with(Agent::Says(well), refused);
    let run = Plugin::new("sockets node/node-1 -t").kubeconfig(&canned.kubeconfig()).run().exits(0);
    assert!(run.stdout.contains("10.96.14.7:80    (unknown address)\n"), "{run:#?}");
}
