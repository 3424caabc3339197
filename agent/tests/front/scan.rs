//! T13: how fast a scan may be follows from what its caller shows over the target. Nothing here is
//! sent beyond loopback.

use std::time::Duration;

use netdiag_wire::scan::TARGET_TOKEN_HEADER;
use serde_json::{Value, json};

use crate::{
    client::{self, Answer},
    fixture::{Agent, USER, jwt},
};

const OWNER: &str = "system:serviceaccount:shop:netdiag-owner";

/// The node scans its own loopback; port 9 is nobody's.
fn scan(part: &Value) -> Value {
    let mut probe = json!({"targets": ["127.0.0.9"], "tcp": "9"});
    crate::fixture::merge(&mut probe, part);
    json!({"source": {"kind": "node", "name": "node-1"}, "probe": probe})
}

fn of_pod(name: &str) -> Value {
    json!({"kind": "pod", "namespace": "shop", "name": name})
}

fn pod(address: &str, host_network: bool, phase: &str) -> Value {
    json!({
        "metadata": {"namespace": "shop", "name": "foo", "uid": "u-7"},
        "spec": {"nodeName": "node-2", "hostNetwork": host_network, "containers": []},
        "status": {"phase": phase, "podIP": address, "podIPs": [{"ip": address}]},
    })
}

async fn start() -> Agent {
    let agent = Agent::start().await;
    agent.allow(&["nodes/scan", "destinations/loopback"]);
    agent.api.tell(|script| {
        for (name, pod) in [
            ("foo", pod("127.0.0.9", false, "Running")),
            ("other", pod("127.0.0.8", false, "Running")),
            ("hosted", pod("127.0.0.9", true, "Running")),
            ("done", pod("127.0.0.9", false, "Succeeded")),
        ] {
            script.pods.insert(format!("shop/{name}"), pod);
        }
        let address = |kind: &str, address: &str| json!({"type": kind, "address": address});
        let addresses = [
            address("InternalIP", "127.0.0.9"),
            address("Hostname", "127.0.0.7"),
            address("ExternalIP", "127.0.0.6"),
        ];
        let node = json!({"metadata": {"name": "node-2"}, "status": {"addresses": addresses}});
        script.nodes.insert("node-2".into(), node);
    });
    agent
}

async fn ask(agent: &Agent, target_token: Option<&str>, request: &Value) -> Answer {
    let token = agent.token(USER);
    let field = target_token.map(|token| (TARGET_TOKEN_HEADER, token));
    let fields: Vec<_> = field.into_iter().collect();
    let body = request.to_string();
    let opened = client::open_with(agent.address, "/v1/scan", Some(&token), &fields, &body).await;
    client::collect(opened).await
}

/// The lane of a scan that ran.
fn lane(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let events = answer.events();
    let started = events.iter().find(|event| event["event"] == "started");
    started.unwrap_or_else(|| panic!("{}", answer.body))["lane"].clone()
}

fn held() -> Value {
    json!({"lane": "held", "rate": 200, "hosts": 16})
}

fn full() -> Value {
    json!({"lane": "full"})
}

#[tokio::test]
async fn t13_full_speed_is_for_whom_shows_a_right_over_the_object_that_has_the_address() {
    let agent = start().await;
    let owner = agent.token(OWNER);
    let named = |object: Value| scan(&json!({"object": object}));
    let node = json!({"kind": "node", "name": "node-2"});

    // The source's own token is no right over the target.
    assert_eq!(lane(&ask(&agent, None, &named(of_pod("foo"))).await), held(), "no token");
    assert_eq!(lane(&ask(&agent, Some(&owner), &named(of_pod("foo"))).await), held(), "no right");
    assert_eq!(agent.api.count("/pods/"), 0, "no pod was looked up without the right");
    assert_eq!(lane(&ask(&agent, Some(&owner), &named(node.clone())).await), full());

    agent.allow(&["pods/scan shop"]);
    let owner = agent.token(&format!("{OWNER}-2"));
    for (what, object, part, want) in [
        ("the pod", of_pod("foo"), json!({}), full()),
        ("all ports", of_pod("foo"), json!({"tcp": "1-65535", "method": "connect"}), full()),
        ("two of its addresses", of_pod("foo"), json!({"targets": ["127.0.0.9/32"]}), full()),
        ("another pod", of_pod("other"), json!({}), held()),
        ("a pod that ended", of_pod("done"), json!({}), held()),
        ("no such pod", of_pod("gone"), json!({}), held()),
        ("a hostNetwork pod, with nodes/scan", of_pod("hosted"), json!({}), full()),
        (
            "a further address",
            of_pod("foo"),
            json!({"targets": ["127.0.0.9", "127.0.0.10"]}),
            held(),
        ),
        ("a name", of_pod("foo"), json!({"targets": ["localhost"]}), held()),
        ("ExternalIP", node.clone(), json!({"targets": ["127.0.0.6"]}), full()),
        ("Hostname", node.clone(), json!({"targets": ["127.0.0.7"]}), held()),
        ("no object", Value::Null, json!({}), held()),
    ] {
        let mut request = scan(&part);
        if !object.is_null() {
            request["probe"]["object"] = object;
        }
        assert_eq!(lane(&ask(&agent, Some(&owner), &request).await), want, "{what}");
    }
    let mut replaced = named(of_pod("foo"));
    replaced["probe"]["object"]["uid"] = "u-8".into();
    assert_eq!(lane(&ask(&agent, Some(&owner), &replaced).await), held(), "another pod by now");
}

#[tokio::test]
async fn t13_a_hostnetwork_pod_is_its_node() {
    let agent = Agent::start().await;
    agent.allow(&["pods/scan shop", "destinations/loopback"]);
    agent.api.tell(|script| {
        script.pods.insert("shop/hosted".into(), pod("127.0.0.9", true, "Running"));
    });
    let owner = agent.token(OWNER);
    let request = scan(&json!({"object": of_pod("hosted"), "tcp": "1-65535"}));
    // Whoever asks may scan from the node; the owner of the pod may not scan nodes.
    agent.api.tell(|script| {
        script.allowed.insert("nodes/scan".into());
    });
    assert_eq!(lane(&ask(&agent, Some(&owner), &request).await), full());
}

#[tokio::test]
async fn t13_a_wrong_target_token_is_refused_and_never_written() {
    let agent = start().await;
    agent.allow(&["pods/scan shop"]);
    let now = jiff::Timestamp::now().as_second();
    let other = "netdiag.dev/agent/00000000-0000-0000-0000-000000000000";
    let elsewhere = jwt(&json!({"aud": [other], "iat": now, "exp": now + 600, "sub": OWNER}));
    agent.accept(&elsewhere, OWNER);
    let own = agent.token(OWNER);
    let unknown = format!("{}x", own.clone());
    let request = scan(&json!({"object": of_pod("foo")}));
    for (what, token) in [
        ("another agent's audience", elsewhere.as_str()),
        ("nobody's", &unknown),
        ("garbage", "garbage"),
        ("the agent's own", "the-agents-own"),
    ] {
        let answer = ask(&agent, Some(token), &request).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "unauthenticated"), "{what}");
    }
    let token = agent.token(USER);
    let twice = [(TARGET_TOKEN_HEADER, own.as_str()), (TARGET_TOKEN_HEADER, own.as_str())];
    let body = request.to_string();
    let twice = client::open_with(agent.address, "/v1/scan", Some(&token), &twice, &body).await;
    assert_eq!(client::collect(twice).await.status, 401);
    assert_eq!(lane(&ask(&agent, Some(&own), &request).await), full());
    agent.wait("the end line", || agent.audit().len() == 5 + 2).await;
    let written = agent.written();
    for token in [&elsewhere, &own, &unknown] {
        assert!(!written.contains(token.as_str()), "a token was written");
    }
}

#[tokio::test]
async fn t13_beyond_the_slow_lane_the_bound_is_named_and_nothing_starts() {
    let agent = start().await;
    for (part, said) in [
        (
            json!({"tcp": "1-65535"}),
            "65,535 ports of a bare address: the limit is 1,024 (chart: limits.scan.ports)",
        ),
        (
            json!({"tcp": "1-65535", "object": of_pod("foo")}),
            "65,535 ports of pod shop/foo, over which you show no right scan: the limit is 1,024 (chart: limits.scan.ports)",
        ),
        (
            json!({"targets": ["127.1.0.0/27"], "discovery": "never"}),
            "ports of 30 addresses: the limit is 16 (chart: limits.scan.hosts)",
        ),
        (
            json!({"targets": ["127.1.0.0/21"]}),
            "2,046 addresses: the limit is 1,024 (chart: limits.scan.discovery)",
        ),
    ] {
        let answer = ask(&agent, None, &scan(&part)).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, "limitExceeded"), "{said}");
        assert_eq!(answer.json()["message"], said);
    }
    for (part, said) in [
        (
            json!({"targets": ["127.0.0.9/24"]}),
            "probe.targets: 127.0.0.9/24 has host bits set: the network is 127.0.0.0/24",
        ),
        (
            json!({"targets": ["10.0.0.0/8"]}),
            "probe.targets: 10.0.0.0/8 has 16777216 addresses, must be at most 65536",
        ),
        (json!({"tcp": "0"}), "probe.tcp: \"0\" is no port: must be 1 to 65535"),
        (json!({"object": {"kind": "node", "name": "../x"}}), "probe.object.name: must be"),
    ] {
        let answer = ask(&agent, None, &scan(&part)).await;
        assert_eq!(answer.status, 400, "{said}");
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with(said), "{message}");
    }
    assert_eq!(agent.started(), 0);
    assert_eq!(agent.workers(), 0);
}
#[tokio::test]
async fn t13_one_slow_scan_at_a_time_and_both_lanes_are_in_the_audit_line() {
    let agent = start().await;
    let slow = scan(&json!({"tcp": "1-1024", "rate": 1})).to_string();
    let token = agent.token(USER);
    let (head, running) = client::open(agent.address, "/v1/scan", Some(&token), &slow).await;
    assert_eq!(head.status, 200);

    let asked = std::time::Instant::now();
    let second = ask(&agent, None, &scan(&json!({}))).await;
    assert_eq!((second.status, second.code().as_str()), (429, "tooMany"));
    assert_eq!(second.headers["retry-after"], "1");
    assert!(asked.elapsed() >= Duration::from_secs(2));
    // The fast lane is another one.
    let owner = agent.token(OWNER);
    let node = json!({"kind": "node", "name": "node-2"});
    let fast = ask(&agent, Some(&owner), &scan(&json!({"object": node}))).await;
    assert_eq!(lane(&fast), full());

    drop(running);
    let next = ask(&agent, None, &scan(&json!({}))).await;
    assert_eq!(lane(&next), held());

    let audit = agent.audit();
    let started: Vec<&Value> = audit.iter().filter(|line| line["audit"] == "start").collect();
    let held = json!({"lane": "held", "rate": 200, "hosts": 16, "addresses": 1, "ports": 1024});
    assert_eq!(started[0]["scan"], held);
    assert_eq!(started[1]["scan"], json!({"lane": "full", "addresses": 1, "ports": 1}));
}
