//! Nobody takes all: of TokenReviews (T15), of workers and connections (T17).

use std::time::Instant;

use jiff::Timestamp;
use serde_json::json;

use crate::{
    client,
    fixture::{Agent, UID, USER, jwt, node_ping},
};

#[tokio::test]
async fn t15_bogus_tokens_are_held_to_20_reviews_a_second() {
    let agent = Agent::start().await;
    let now = Timestamp::now().as_second();
    let own = format!("netdiag.dev/agent/{UID}");
    let started = Instant::now();
    for batch in 0..5 {
        let bogus = (0..50).map(|n| {
            let token =
                jwt(&json!({"aud": own, "iat": now, "exp": now + 600, "jti": batch * 100 + n}));
            let agent = &agent;
            async move { agent.ping(&token, &node_ping(&json!({}))).await.status }
        });
        for status in futures_util::future::join_all(bogus).await {
            assert!([401, 429].contains(&status), "{status}");
        }
    }
    let allowed = 20 + 20 * (started.elapsed().as_secs() as usize + 1);
    assert!(agent.api.count("tokenreviews") <= allowed, "{}", agent.api.count("tokenreviews"));
}

#[tokio::test]
async fn t17_one_token_runs_8_at_once_and_the_ninth_is_told_when_to_come() {
    let agent = Agent::start().await;
    agent.allow(&["nodes/ping", "destinations/loopback"]);
    let token = agent.token(USER);
    let endless = node_ping(&json!({"count": null})).to_string();
    let mut running = Vec::new();
    for _ in 0..8 {
        let (head, body) = client::open(agent.address, "/v1/ping", Some(&token), &endless).await;
        assert_eq!(head.status, 200);
        running.push(body);
    }
    let ninth = agent.ping(&token, &node_ping(&json!({}))).await;
    assert_eq!((ninth.status, ninth.code().as_str()), (429, "tooMany"));
    assert_eq!(ninth.headers["retry-after"], "1");
    assert_eq!(ninth.json()["retryAfterMs"], 1_000);

    running.pop();
    let next = agent.ping(&token, &node_ping(&json!({}))).await;
    assert_eq!(next.status, 200, "{}", next.body);
}

#[tokio::test]
async fn t17_a_crowd_does_not_starve_another_account() {
    let agent = Agent::start().await;
    agent.allow(&["nodes/ping", "destinations/loopback"]);
    let (greedy, modest) = (agent.token("greedy"), agent.token(USER));
    let slow = node_ping(&json!({"count": 10, "intervalUs": 200_000}));
    let crowd = futures_util::future::join_all((0..60).map(|_| agent.ping(&greedy, &slow)));
    let others = async {
        let mut refused = Vec::new();
        for _ in 0..20 {
            let answer = agent.ping(&modest, &node_ping(&json!({}))).await;
            refused.extend((answer.status != 200).then_some(answer.body));
        }
        refused
    };
    let (crowd, others) = tokio::join!(crowd, others);
    assert!(others.is_empty(), "{others:?}");
    let ran = crowd.iter().filter(|answer| answer.status == 200).count();
    let refused = crowd.iter().filter(|answer| answer.status == 429).count();
    assert!(ran >= 8 && ran + refused == 60, "{ran} ran, {refused} were refused");
}
