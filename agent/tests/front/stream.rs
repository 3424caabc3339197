//! A probe from the request to its last line, its audit lines and its worker's end.

use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use serde_json::json;

use crate::{
    client::{self, open},
    fixture::{Agent, Silent, USER, node_ping},
};

const NODE_RIGHTS: [&str; 2] = ["nodes/ping", "destinations/loopback"];

#[tokio::test]
async fn a_ping_has_its_events_and_two_audit_lines() {
    let agent = Agent::start().await;
    agent.allow(&NODE_RIGHTS);
    let token = agent.token(USER);

    let answer = agent.ping(&token, &node_ping(&json!({}))).await;

    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.headers["content-type"], "application/x-ndjson");
    let events = answer.events();
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["accepted", "started", "sent", "replied", "end"], "{}", answer.body);
    assert_eq!(
        (&events[0]["agent"], &events[0]["node"]),
        (&"netdiag-x7k2p".into(), &"node-1".into())
    );
    assert_eq!(events[4]["reason"], "completed");

    agent.wait("two audit lines", || agent.audit().len() == 2).await;
    let audit = agent.audit();
    let of = |field: &str| [audit[0][field].clone(), audit[1][field].clone()];
    assert_eq!(of("audit"), ["start", "end"]);
    assert_eq!(of("seq"), [1, 2]);
    assert_eq!(of("probeId"), [events[0]["probeId"].clone(), events[0]["probeId"].clone()]);
    assert_eq!(of("user"), [USER, USER]);
    let id = format!("JTI={USER}");
    assert_eq!(of("credentialId"), [id.as_str(), id.as_str()]);
    assert_eq!(audit[1]["outcome"], json!({"ended": "completed"}));
    assert_eq!(audit[1]["bytes"], answer.body.len());
    assert!(!agent.written().contains(token.rsplit('.').next().unwrap()), "the token was written");
}

#[tokio::test]
async fn hanging_up_ends_the_worker_and_is_recorded() {
    let agent = Agent::start().await;
    agent.allow(&NODE_RIGHTS);
    let token = agent.token(USER);
    let endless = node_ping(&json!({"count": null})).to_string();

    let (_, mut body) = open(agent.address, "/v1/ping", Some(&token), &endless).await;
    body.frame().await.unwrap().unwrap();
    assert_eq!(agent.workers(), 1);
    let hung_up = Instant::now();
    drop(body);

    agent.wait("the worker is gone", || agent.workers() == 0).await;
    assert!(hung_up.elapsed() < Duration::from_secs(5));
    agent.wait("the end line", || agent.audit().len() == 2).await;
    assert_eq!(agent.audit()[1]["outcome"], json!({"ended": "cancelled"}));
}

#[tokio::test]
async fn a_deadline_ends_an_endless_ping() {
    let agent = Agent::start_with(&["--max-duration", "600ms"]).await;
    agent.allow(&NODE_RIGHTS);
    let token = agent.token(USER);
    let mut wish = node_ping(&json!({"count": null}));
    let limited = agent.ping(&token, &wish).await.events();
    assert_eq!(limited.last().unwrap()["reason"], "limit");
    wish["deadlineMs"] = 300.into();
    let wished = agent.ping(&token, &wish).await.events();
    assert_eq!(wished.last().unwrap()["reason"], "deadline");
}

#[tokio::test]
async fn a_terminated_agent_says_draining_and_leaves() {
    let mut agent = Agent::start().await;
    agent.allow(&NODE_RIGHTS);
    let token = agent.token(USER);
    let endless = node_ping(&json!({"count": null})).to_string();
    let (_, mut body) = open(agent.address, "/v1/ping", Some(&token), &endless).await;
    body.frame().await.unwrap().unwrap();

    agent.terminate();
    let rest = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();

    assert!(rest.trim_end().lines().last().unwrap().contains(r#""reason":"draining""#), "{rest}");
    let status = tokio::task::spawn_blocking(move || (agent.ended(), agent)).await;
    let (status, agent) = status.unwrap();
    assert!(status.success());
    agent.wait("both audit lines are out", || agent.audit().len() == 2).await;
    assert_eq!(agent.audit()[1]["outcome"], json!({"ended": "draining"}));
}

#[tokio::test]
async fn about_needs_no_token_and_an_unknown_probe_names_the_known() {
    let agent = Agent::start().await;
    let about = client::post(agent.address, "/v1/about", None, "").await;
    assert_eq!((about.status, &about.json()["node"]), (200, &"node-1".into()));
    assert_eq!(
        about.json()["probes"],
        json!(["ping", "trace", "dns", "connect", "listen", "scan", "sockets", "tls", "http"])
    );

    for path in ["/v1/teleport", "/", "/metrics", "/v1/ping/", "/v2/ping"] {
        let answer = client::post(agent.address, path, None, "{}").await;
        let golden = format!(
            r#"{{"code":"notFound","message":"this agent does not answer POST {path}; its probes: ping, trace, dns, connect, listen, scan, sockets, tls, http"}}"#
        );
        assert_eq!((answer.status, answer.body), (404, golden));
    }
    let wrong_method = client::post(agent.address, "/v1/ping", None, "").await;
    assert_eq!(wrong_method.status, 404);
}

/// T28: lines go where nobody reads, the queue fills, and then nothing starts.
#[tokio::test]
async fn t28_without_an_audit_line_nothing_starts() {
    let (agent, unread) = Agent::start_unread(&[]).await;
    agent.allow(&NODE_RIGHTS);
    let token = agent.token(USER);
    // A pipe holds 64 KiB and the queue 1,000 lines; a refusal takes one of them.
    for _ in 0..2_000 {
        client::post(agent.address, "/v1/ping", None, "{}").await;
    }
    let answer = agent.ping(&token, &node_ping(&json!({}))).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "unavailable"), "{}", answer.body);
    assert_eq!(agent.workers(), 0);

    let reader = std::thread::spawn(move || std::io::copy(&mut { unread }, &mut std::io::sink()));
    let until = Instant::now() + Duration::from_secs(5);
    while agent.ping(&token, &node_ping(&json!({}))).await.status != 200 {
        assert!(Instant::now() < until, "it recovers once the lines are read");
    }
    drop(agent);
    reader.join().unwrap().unwrap();
}

/// With its Service rules flushed a node's packets to the API server's Service just vanish.
#[tokio::test]
async fn an_address_that_does_not_answer_costs_less_than_a_refusal() {
    let silent = Silent::new();
    let agent = Agent::start_with(&["--api-server", &silent.address.to_string()]).await;
    agent.allow(&NODE_RIGHTS);
    let answer = agent.ping(&agent.token(USER), &node_ping(&json!({}))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}
