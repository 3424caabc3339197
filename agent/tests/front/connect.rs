//! Checks of ports by the real, sandboxed worker: its right, its audit line, and what each kernel
//! call of it comes to behind the filter.

use std::{
    io::Write,
    net::{TcpListener, UdpSocket},
    thread,
};

use serde_json::{Value, json};

use crate::{
    client::{self, Answer},
    fixture::{Agent, USER},
};

async fn ask(agent: &Agent, user: &str, probe: &Value) -> Answer {
    let source = json!({"kind": "node", "name": "node-1"});
    let body = json!({"source": source, "probe": probe, "deadlineMs": 5_000}).to_string();
    let token = agent.token(&format!("{USER}-{user}"));
    client::post(agent.address, "/v1/connect", Some(&token), &body).await
}

fn to(port: u16) -> Value {
    json!({"targets": [{"host": "127.0.0.1", "port": port}]})
}

/// The attempts of a check that ran to its end.
fn attempts(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let events = answer.events();
    assert_eq!(events.last().unwrap()["event"], "end", "{}", answer.body);
    events.into_iter().filter(|event| event["event"] == "attempt").collect()
}

/// Of this machine's own loopback, which the agent's node has as well.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn connect_has_a_right_and_an_audit_line_with_its_targets() {
    let agent = Agent::start().await;
    let refused = ask(&agent, "a", &to(9)).await;
    assert_eq!((refused.status, &refused.json()["missing"]["right"]), (403, &"connect".into()));
    agent.allow(&["nodes/connect"]);
    // The node's own addresses need one more.
    let guarded = ask(&agent, "b", &to(9)).await.events().pop().unwrap();
    assert_eq!(guarded["error"]["missing"]["right"], "loopback", "{guarded}");
    let bad = ask(&agent, "c", &to(0)).await;
    assert_eq!(bad.status, 400, "{}", bad.body);
    assert!(bad.body.contains("probe.port: 0, must be 1 to 65535"), "{}", bad.body);
    agent.wait("the end line", || agent.audit().len() == 4).await;
    let start = agent.audit().into_iter().find(|line| line["audit"] == "start").unwrap();
    assert_eq!((&start["probe"], &start["targets"]), (&"connect".into(), &json!(["127.0.0.1:9"])));
}

#[tokio::test]
async fn what_the_worker_may_still_do_suffices_for_every_outcome() {
    let agent = Agent::start().await;
    agent.allow(&["nodes/connect", "destinations/loopback"]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"220 ready\r\n");
        }
    });
    let connected = &attempts(&ask(&agent, "a", &to(taken)).await)[0];
    assert_eq!(
        (&connected["outcome"], &connected["banner"]),
        (&"connected".into(), &"220 ready\r\n".into())
    );

    // The TTL is from the raw socket that was opened before everything was dropped.
    let refused = &attempts(&ask(&agent, "a", &to(free_port())).await)[0];
    assert_eq!(
        (&refused["outcome"], &refused["ttl"]),
        (&"refused".into(), &64.into()),
        "{refused}"
    );

    let mut marked = to(taken);
    crate::fixture::merge(
        &mut marked,
        &json!({"count": 3, "intervalUs": 10_000, "tos": 16, "bannerUs": 0}),
    );
    assert_eq!(attempts(&ask(&agent, "a", &marked).await).len(), 3);

    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let udp = |port| {
        let mut probe = to(port);
        crate::fixture::merge(&mut probe, &json!({"protocol": "udp", "waitUs": 200_000}));
        probe
    };
    let silence = &attempts(&ask(&agent, "a", &udp(silent.local_addr().unwrap().port())).await)[0];
    assert_eq!(
        (&silence["outcome"], &silence["sent"]),
        (&"silence".into(), &1.into()),
        "{silence}"
    );
    let rejected = &attempts(&ask(&agent, "a", &udp(free_port())).await)[0];
    assert_eq!((&rejected["outcome"], &rejected["by"]), (&"rejected".into(), &"127.0.0.1".into()));
}

/// A listener whose queue is full drops SYNs: silence, and the SYNs are counted behind the filter.
#[tokio::test]
async fn silence_is_counted_in_syns_by_the_worker_too() {
    let agent = Agent::start().await;
    agent.allow(&["nodes/connect", "destinations/loopback"]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let address = listener.local_addr().unwrap();
    let _first = std::net::TcpStream::connect(address).unwrap();
    let mut probe = to(address.port());
    crate::fixture::merge(&mut probe, &json!({"waitUs": 1_300_000}));
    let silence = &attempts(&ask(&agent, "a", &probe).await)[0];
    assert_eq!(
        (&silence["outcome"], &silence["sent"]),
        (&"silence".into(), &2.into()),
        "{silence}"
    );
}
