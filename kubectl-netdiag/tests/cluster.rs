//! `version`, `doctor` and `ping svc/NAME`, which look at the cluster and send nothing.

use serde_json::{Value, json};

use crate::{
    canned::{Agent, Canned, refusal, status},
    run::{Plugin, Run},
};

const AGENTS: &str = "/api/v1/namespaces/netdiag/pods";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the agent says of itself.
fn about(version: &str, problems: &Value) -> Agent {
    let body = json!({
        "version": version, "node": "node-1", "agent": "netdiag-x7k2p", "kernel": "6.18",
        "nowAt": "2026-11-22T03:07:11Z", "startedAt": "2026-11-22T03:00:00Z",
        "probes": ["ping"], "problems": problems,
    });
    Agent::Says(refusal(200, "", &body.to_string()))
}

fn api_server<'a>() -> [(&'a str, u16, Value); 4] {
    let info = json!({"major": "1", "minor": "36", "gitVersion": "v1.36.3", "gitCommit": "",
        "gitTreeState": "", "buildDate": "", "goVersion": "", "compiler": "", "platform": ""});
    let yes = json!({"metadata": {}, "spec": {}, "status": {"allowed": true}});
    [
        ("/version", 200, info),
        ("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", 201, yes.clone()),
        ("/apis/authorization.k8s.io/v1/subjectaccessreviews", 201, yes),
        (
            "/api/v1/namespaces/netdiag/serviceaccounts/netdiag-operator",
            200,
            json!({"metadata": {"name": "netdiag-operator"}}),
        ),
    ]
}

fn run(line: &str, agent: Agent, more: Option<(&str, u16, Value)>) -> Run {
    let canned = Canned::with(agent, api_server().into_iter().chain(more));
    Plugin::new(line).kubeconfig(&canned.kubeconfig()).run()
}

#[test]
fn version_names_every_agent_and_its_skew() {
    let same = run("version", about(VERSION, &json!([])), None).exits(0);
    let table = format!(
        "plugin {VERSION}\nNODE    AGENT          VERSION\nnode-1  netdiag-x7k2p  {VERSION}\n"
    );
    assert!(same.stdout.starts_with(&table), "{same:#?}");
    let newer = run("version --fail-on warn", about("9.9.0", &json!([])), None).exits(1);
    let skew = "WARN     ND0003  node-1's agent 9.9.0 is more than one minor release newer";
    assert!(newer.stdout.contains(skew), "{newer:#?}");
    let json = run("version -o json", about(VERSION, &json!([])), None).exits(0).stdout;
    let document: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(document["version"]["agents"][0]["version"], VERSION);
}

#[test]
fn doctor_tells_what_ails_an_agent() {
    let problem = json!([{"kind": "securityModule", "message": "open ns/net: EACCES"}]);
    let run = run("doctor", about(VERSION, &problem), None).exits(1);
    let line = "FAIL     ND0005  node-1's agent cannot enter pods: open ns/net: EACCES\n";
    assert!(run.stdout.contains(line), "{run:#?}");
}

#[test]
fn doctor_goes_on_where_agents_are_hidden() {
    let forbidden = (AGENTS, 403, status(403, "Forbidden", "no agents"));
    let run = run("doctor -o verdict", about(VERSION, &json!([])), Some(forbidden)).exits(0);
    let line = "SKIP     ND0012  agents: not allowed to reach the agents in namespace netdiag\n";
    assert!(run.stdout.contains(line), "{run:#?}");
}

#[test]
fn doctor_of_an_api_server_that_is_gone_is_an_error() {
    let run = Plugin::new("doctor --server https://127.0.0.1:1").run().exits(2);
    assert!(run.stderr.starts_with("error    ND0002  "), "{run:#?}");
}

#[test]
fn a_service_without_ports_and_an_agent_that_hangs_up_leave_the_verdict_open() {
    let service = json!({"metadata": {"namespace": "shop", "name": "web"},
        "spec": {"type": "ClusterIP", "clusterIP": "10.96.14.7", "clusterIPs": ["10.96.14.7"]}});
    let slices = json!({"metadata": {}, "items": [{"metadata": {}, "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.244.2.7"], "nodeName": "node-2",
            "targetRef": {"kind": "Pod", "namespace": "shop", "name": "foo"}}]}]});
    let canned = Canned::with(
        Agent::Says(Vec::new()),
        [
            ("/api/v1/namespaces/shop/services/web", 200, service),
            ("/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices", 200, slices),
        ],
    );
    let plugin = Plugin::new("ping svc/web --from node/node-1");
    let run = plugin.kubeconfig(&canned.kubeconfig()).run().exits(1);
    let line = "no echoes were sent: the agent on node-1 (netdiag-x7k2p) does not answer: ";
    assert!(run.stdout.contains(line), "{run:#?}");
    let line = "UNKNOWN  ND0901  nothing to ask: the Service declares no TCP or UDP port\n";
    assert!(run.stdout.ends_with(line), "{run:#?}");
}
