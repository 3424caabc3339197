//! Who passes and who does not: tokens (T2), rights (T4, T32), the API server gone (T31). The real
//! API server's part of T2 and T4 is played again in tests/.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    client,
    fixture::{Agent, UID, USER, jwt, merge, node_ping},
};

fn pod_ping(namespace: &str, name: &str) -> Value {
    json!({
        "source": {"kind": "pod", "namespace": namespace, "name": name},
        "probe": {"targets": [{"host": "10.244.1.7"}], "count": 1},
    })
}

fn pod(name: &str, part: &Value) -> Value {
    let mut pod = json!({
        "metadata": {"namespace": "shop", "name": name, "uid": "11111111-2222-3333-4444-555555555555"},
        "spec": {"nodeName": "node-1", "containers": []},
        "status": {"phase": "Running", "podIP": "10.244.1.7", "podIPs": [{"ip": "10.244.1.7"}]},
    });
    for (name, value) in part.as_object().into_iter().flatten() {
        merge(&mut pod[name], value);
    }
    pod
}

#[tokio::test]
async fn t2_only_a_token_for_this_agent_alone_passes() {
    let agent = Agent::start().await;
    agent.allow(&["nodes/ping", "destinations/loopback"]);
    let now = Timestamp::now().as_second();
    let own = format!("netdiag.dev/agent/{UID}");
    let token = |aud: Value, iat: i64, exp: i64| jwt(&json!({"aud": aud, "iat": iat, "exp": exp}));
    let other = "netdiag.dev/agent/00000000-0000-0000-0000-000000000000";
    // Those of a wrong shape are even accepted by the API server here: the shape alone refuses them.
    let shapes = [
        ("API audience", token(json!(["https://kubernetes.default.svc"]), now, now + 600)),
        ("another agent's audience", token(json!([other]), now, now + 600)),
        ("two audiences", token(json!([own, other]), now, now + 600)),
        ("no audience", token(json!([]), now, now + 600)),
        ("30 days", token(json!([own]), now, now + 2_592_000)),
        ("expired long ago", token(json!([own]), now - 9_000, now - 8_000)),
        ("four parts", format!("{}.x", token(json!([own]), now, now + 600))),
        ("no signature", token(json!([own]), now, now + 600).rsplit_once('.').unwrap().0.into()),
        ("garbage", "garbage".into()),
        ("the agent's own", "the-agents-own".into()),
    ];
    for (what, token) in &shapes {
        agent.accept(token, USER);
        let answer = agent.ping(token, &node_ping(&json!({}))).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "unauthenticated"), "{what}");
    }
    assert_eq!(agent.api.count("tokenreviews"), 0, "shapes need no review");

    let deleted = token(json!([own]), now, now + 601);
    let elsewhere = token(json!([own]), now, now + 602);
    agent.api.tell(|script| {
        let status =
            json!({"authenticated": true, "audiences": ["other"], "user": {"username": USER}});
        script.tokens.insert(elsewhere.clone(), status);
    });
    for token in [&deleted, &elsewhere] {
        assert_eq!(agent.ping(token, &node_ping(&json!({}))).await.status, 401);
    }
    let none =
        client::post(agent.address, "/v1/ping", None, &node_ping(&json!({})).to_string()).await;
    assert_eq!(none.status, 401);

    let valid = agent.ping(&agent.token(USER), &node_ping(&json!({}))).await;
    assert_eq!(valid.status, 200, "{}", valid.body);

    let refused = shapes.len() + 3;
    agent.wait("a line each", || agent.audit().len() == refused + 2).await;
    let audit = agent.audit();
    assert_eq!(audit.iter().filter(|line| line["audit"] == "refused").count(), refused);
    let written = agent.written();
    assert!(
        shapes.iter().all(|(_, token)| !token.contains('.') || !written.contains(token.as_str()))
    );
}

#[tokio::test]
async fn each_right_is_asked_for_and_named_when_missing() {
    let agent = Agent::start().await;
    let token = agent.token(USER);
    agent.api.tell(|script| {
        script.pods.insert("shop/foo".into(), pod("foo", &json!({})));
        script
            .pods
            .insert("shop/hosted".into(), pod("hosted", &json!({"spec": {"hostNetwork": true}})));
    });
    let missing = |answer: &client::Answer| {
        let body = answer.json();
        let part = |name: &str| body["missing"][name].as_str().unwrap_or("-").to_owned();
        assert_eq!(part("user"), USER);
        (answer.status, format!("{}/{} {}", part("resource"), part("right"), part("namespace")))
    };

    let node = agent.ping(&token, &node_ping(&json!({}))).await;
    assert_eq!(missing(&node), (403, "nodes/ping -".into()));
    let foo = agent.ping(&token, &pod_ping("shop", "foo")).await;
    assert_eq!(missing(&foo), (403, "pods/ping shop".into()));

    agent.allow(&["pods/ping shop"]);
    let mut fast = pod_ping("shop", "gone");
    fast["probe"]["intervalUs"] = 10_000.into();
    assert_eq!(missing(&agent.ping(&token, &fast).await), (403, "pods/fast-ping shop".into()));
    let hosted = agent.ping(&token, &pod_ping("shop", "hosted")).await;
    assert_eq!(missing(&hosted), (403, "nodes/ping -".into()));

    let review = agent.api.script.lock().unwrap().reviews[0].clone();
    assert_eq!((&review["user"], &review["uid"]), (&USER.into(), &"u-1".into()));
    assert_eq!(review["groups"], json!(["system:serviceaccounts", "system:authenticated"]));
    let id = format!("JTI={USER}");
    assert_eq!(review["extra"]["authentication.kubernetes.io/credential-id"], json!([id]));
}

#[tokio::test]
async fn t32_a_forbidden_namespace_tells_nothing_of_its_pods() {
    let agent = Agent::start().await;
    let token = agent.token(USER);
    agent.api.tell(|script| {
        script.pods.insert("shop/foo".into(), pod("foo", &json!({})));
    });
    let existing = agent.ping(&token, &pod_ping("shop", "foo")).await;
    let missing = agent.ping(&token, &pod_ping("shop", "bar")).await;
    assert_eq!((existing.status, &existing.body), (403, &missing.body));
    assert_eq!(agent.api.count("/pods/"), 0, "no pod was looked up");
}

#[tokio::test]
async fn t4_the_pod_is_the_api_servers_not_the_requests() {
    let agent = Agent::start().await;
    let token = agent.token(USER);
    agent.allow(&["pods/ping shop"]);
    let table = [
        ("elsewhere", json!({"spec": {"nodeName": "node-2"}}), 409, "wrongNode"),
        ("done", json!({"status": {"phase": "Succeeded"}}), 409, "podEnded"),
        ("broken", json!({"status": {"phase": "Failed", "reason": "Evicted"}}), 409, "podEnded"),
        (
            "waiting",
            json!({"status": {"phase": "Pending", "podIP": null, "podIPs": null}}),
            409,
            "podPending",
        ),
        // Running by the API, and yet no process on this machine is in such a pod's cgroup.
        ("ghost", json!({}), 404, "notFound"),
        (
            "forged",
            json!({"metadata": {"annotations": {
            "kubernetes.io/config.mirror": "x", "kubernetes.io/config.hash": "x"}}}),
            404,
            "notFound",
        ),
    ];
    for (name, part, status, code) in table {
        agent.api.tell(|script| {
            script.pods.insert(format!("shop/{name}"), pod(name, &part));
        });
        let answer = agent.ping(&token, &pod_ping("shop", name)).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{name}: {}",
            answer.body
        );
    }
    let gone = agent.ping(&token, &pod_ping("shop", "gone")).await;
    assert_eq!((gone.status, gone.code().as_str()), (404, "notFound"));

    let mut another = pod_ping("shop", "ghost");
    another["source"]["uid"] = "99999999-2222-3333-4444-555555555555".into();
    let another = agent.ping(&token, &another).await;
    assert_eq!((another.status, another.code().as_str()), (409, "uidMismatch"));
    let other_node = json!({"source": {"kind": "node", "name": "node-2"}, "probe": {"targets": [{"host": "a"}]}});
    assert_eq!(agent.ping(&token, &other_node).await.status, 403, "first the right, then the name");
}

#[tokio::test]
async fn absurd_requests_are_refused_by_field_and_start_nothing() {
    let agent = Agent::start().await;
    agent.allow(&["nodes/ping", "destinations/loopback"]);
    let token = agent.token(USER);
    let many: Vec<_> = (0..129).map(|n| json!({"host": format!("h{n}")})).collect();
    let table = [
        (json!({"targets": []}), "probe.targets: 0, must be 1 to 128"),
        (json!({"targets": many}), "probe.targets: 129, must be 1 to 128"),
        (json!({"targets": [{"host": ""}]}), "probe.host: 0 bytes, must be 1 to 253"),
        (
            json!({"targets": [{"host": "a".repeat(254)}]}),
            "probe.host: 254 bytes, must be 1 to 253",
        ),
        (json!({"intervalUs": 0}), "probe.intervalUs: 0, least 2000"),
        (json!({"intervalUs": 1_999}), "probe.intervalUs: 1999, least 2000"),
        (json!({"waitUs": 999}), "probe.waitUs: 999, must be 1000 to 3600000000"),
        (
            json!({"waitUs": 4_000_000_000_u32}),
            "probe.waitUs: 4000000000, must be 1000 to 3600000000",
        ),
        (json!({"size": 65_508}), "probe.size: 65508, must be 0 to 65507"),
        (json!({"count": 0}), "probe.count: "),
        (json!({"colour": "red"}), "probe.colour: unknown field `colour`"),
    ];
    for (part, said) in table {
        let answer = agent.ping(&token, &node_ping(&part)).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "badRequest"), "{said}");
        assert!(answer.json()["message"].as_str().unwrap().starts_with(said), "{}", answer.body);
    }
    let traversal = agent.ping(&token, &pod_ping("shop", "../../nodes/x")).await;
    assert!(traversal.body.contains("source.name: must be"), "{}", traversal.body);
    let big = client::post(agent.address, "/v1/ping", Some(&token), &" ".repeat(65_537)).await;
    assert_eq!((big.status, big.code().as_str()), (400, "badRequest"));
    assert_eq!(agent.api.count("subjectaccessreviews"), 0);
    assert_eq!(agent.workers(), 0);
}

#[tokio::test]
async fn t31_without_the_api_server_it_refuses_within_3_s_and_recovers() {
    let agent = Agent::start().await;
    agent.allow(&["nodes/ping", "destinations/loopback"]);

    agent.api.tell(|script| script.delay = Duration::from_secs(10));
    let asked = Instant::now();
    let slow = agent.ping(&agent.token(USER), &node_ping(&json!({}))).await;
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    assert_eq!((slow.status, slow.code().as_str()), (503, "apiServerUnreachable"));

    agent.api.tell(|script| (script.delay, script.broken) = (Duration::ZERO, Some(500)));
    let broken = agent.ping(&agent.token("another"), &node_ping(&json!({}))).await;
    assert_eq!((broken.status, broken.code().as_str()), (503, "apiServerUnreachable"));

    agent.api.tell(|script| script.broken = None);
    let well = agent.ping(&agent.token(USER), &node_ping(&json!({}))).await;
    assert_eq!(well.status, 200, "{}", well.body);
}
