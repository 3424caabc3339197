//! Each probe's own rights, by the agent that answers.

use serde_json::{Value, json};

use crate::{
    client,
    fixture::{Agent, USER},
};

fn of_node(probe: &Value) -> String {
    json!({"source": {"kind": "node", "name": "node-1"}, "probe": probe, "deadlineMs": 2_000})
        .to_string()
}

/// Status, missing right, and the last event's name. A denial is remembered, so what is allowed in
/// the meantime is for somebody else.
async fn ask(agent: &Agent, user: &str, word: &str, probe: &Value) -> (u16, Value, Value) {
    let token = agent.token(&format!("{USER}-{user}"));
    let path = format!("/v1/{word}");
    let answer = client::post(agent.address, &path, Some(&token), &of_node(probe)).await;
    if answer.status != 200 {
        return (answer.status, answer.json()["missing"]["right"].clone(), Value::Null);
    }
    let last = answer.events().pop().unwrap();
    (200, last["error"]["missing"]["right"].clone(), last["event"].clone())
}

#[tokio::test]
async fn each_probe_has_its_right_and_files_are_one_more() {
    let agent = Agent::start().await;
    let trace = json!({"host": "127.0.0.1", "protocol": "udp", "maxTtl": 1, "noNames": true});
    // Nobody listens there.
    let server = json!([{"host": "127.0.0.1", "port": 9}]);
    let ask_one = json!({"name": "a.", "types": ["A"], "mode": "ask", "servers": server});
    let walk = json!({"name": "localhost"});
    let end: Value = "end".into();

    for (word, probe) in [("trace", &trace), ("dns", &ask_one), ("dns", &walk)] {
        assert_eq!(ask(&agent, "a", word, probe).await, (403, word.into(), Value::Null), "{word}");
    }
    agent.allow(&["nodes/trace", "nodes/dns"]);
    for (word, probe) in [("trace", &trace), ("dns", &ask_one)] {
        let (status, missing, last) = ask(&agent, "b", word, probe).await;
        assert_eq!((status, missing), (200, "loopback".into()), "{word}: {last}");
    }
    assert_eq!(ask(&agent, "b", "dns", &walk).await, (403, "files".into(), Value::Null));
    agent.allow(&["destinations/loopback", "nodes/files"]);
    for (word, probe) in [("trace", &trace), ("dns", &ask_one)] {
        assert_eq!(ask(&agent, "c", word, probe).await, (200, Value::Null, end.clone()), "{word}");
    }
    agent.wait("the end lines", || agent.audit().len() == 3 + 2 * 2 + 1 + 2 * 2).await;
    let of_dns = |line: &&Value| line["probe"] == "dns" && line["audit"] == "start";
    let audit = agent.audit();
    let line = audit.iter().find(of_dns).unwrap();
    assert_eq!(line["targets"], json!(["a.", "127.0.0.1"]));
}

/// Without `processes` the list comes without them; the stream and the audit lines say so.
#[tokio::test]
async fn whose_the_sockets_are_is_a_right_that_a_list_can_do_without() {
    let agent = Agent::start().await;
    let probe = json!({"protocols": ["tcp"], "processes": true});
    let denied = ask(&agent, "a", "sockets", &probe).await;
    assert_eq!(denied, (403, "sockets".into(), Value::Null));
    agent.allow(&["nodes/sockets"]);
    let token = agent.token(&format!("{USER}-b"));
    let body = of_node(&probe);
    let answer = client::post(agent.address, "/v1/sockets", Some(&token), &body).await;
    let events = answer.events();
    assert_eq!((answer.status, &events[0]["event"]), (200, &"accepted".into()));
    assert_eq!(events[1]["event"], "skipped");
    assert_eq!(events[1]["missing"]["right"], "processes");
    let done = events.iter().find(|event| event["event"] == "done").unwrap();
    assert_eq!(done.get("processes"), None, "{done}");

    agent.allow(&["nodes/processes"]);
    let token = agent.token(&format!("{USER}-c"));
    let answer = client::post(agent.address, "/v1/sockets", Some(&token), &body).await;
    let events = answer.events();
    assert!(events.iter().all(|event| event["event"] != "skipped"), "{events:#?}");
    let done = events.iter().find(|event| event["event"] == "done").unwrap();
    assert!(done["processes"]["read"].is_u64(), "{done}");
    agent.wait("the end lines", || agent.audit().len() == 1 + 2 * 2).await;
    let granted = |line: &Value| line.get("granted").cloned();
    let granted: Vec<_> = agent.audit().iter().filter_map(granted).collect();
    assert_eq!(granted, [json!(["sockets"]), json!(["sockets", "processes"])]);
}
