//! T10: a file system that never answers holds neither a caller nor a worker.
//!
//! Seen to fail with the worker's alarm taken out (no end before the agent's own limit) and with
//! front's own deadline taken out (the worker's alarm ends it, after 5 s and not 1).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fixture::{Agent, USER, node_ping};

/// The last line, and when it came.
async fn last(agent: &Agent, token: &str, request: &Value) -> (Value, Duration) {
    let asked = Instant::now();
    let answer = agent.ping(token, request).await;
    let took = asked.elapsed();
    (answer.events().pop().unwrap(), took)
}

#[tokio::test]
async fn t10_a_dead_file_system_ends_in_time_and_words() {
    let agent = Agent::start().await;
    agent.allow(&["nodes/ping", "destinations/loopback"]);
    let token = agent.token(USER);
    let _server = agent.kill_resolv_conf();
    let mut request = node_ping(&json!({"targets": [{"host": "shop"}]}));

    let (error, took) = last(&agent, &token, &request).await;
    assert_eq!(error["error"]["code"], "workerDied", "{error}");
    let said = error["error"]["message"].as_str().unwrap();
    assert!(said.contains("within 5 s") && said.contains("file system"), "{said}");
    println!("t10: a dead file system: {said:?} after {took:?}");
    assert!(took < Duration::from_secs(8), "{took:?}");

    request["deadlineMs"] = 1_000.into();
    let (end, took) = last(&agent, &token, &request).await;
    assert_eq!((&end["event"], &end["reason"]), (&"end".into(), &"deadline".into()));
    println!("t10: with a deadline of 1 s: {end} after {took:?}");
    assert!(took < Duration::from_secs(4), "{took:?}");

    agent.wait("no worker is left", || agent.workers() == 0).await;
    // An address needs no file.
    let (end, _) = last(&agent, &token, &node_ping(&json!({}))).await;
    assert_eq!(end["reason"], "completed");
}
