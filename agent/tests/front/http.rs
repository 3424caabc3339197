//! Exchanges by the real, sandboxed worker: the rights, the audit line, and when the request goes.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    duplex::{Duplex, Piece},
    fixture::{Agent, USER},
};

async fn ask(agent: &Agent, user: &str, to: SocketAddr, with_body: bool) -> Duplex {
    let fields = json!([
        {"name": "Host", "value": "web"},
        {"name": "Authorization", "value": "Basic c2VjcmV0"},
        {"name": "Content-Length", "value": "5"},
    ]);
    let mut probe = json!({"host": to.ip().to_string(), "port": to.port(), "method": "POST",
        "target": "/reset?token=c2VjcmV0", "fields": fields});
    if with_body {
        probe["withBody"] = true.into();
    }
    let line = json!({"source": {"kind": "node", "name": "node-1"}, "probe": probe});
    let token = agent.token(&format!("{USER}-{user}"));
    Duplex::at(agent.address, "http", &token, format!("{line}\n")).await
}

/// Answers one request of 5 bytes.
async fn server() -> (SocketAddr, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"hello") {
            asked.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(b"HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\ndone").await.unwrap();
        String::from_utf8(asked).unwrap()
    });
    (address, asked)
}

async fn pieces(stream: &mut Duplex) -> (Vec<Value>, Vec<u8>) {
    let (mut events, mut body) = (Vec::new(), Vec::new());
    while let Some(piece) = stream.next().await {
        match piece {
            Piece::Event(event) => events.push(event),
            Piece::Data(data) => body.extend_from_slice(&data),
            Piece::End => {}
        }
    }
    (events, body)
}

#[tokio::test]
async fn a_body_is_a_right_of_its_own() {
    let agent = Agent::start().await;
    let (to, _asked) = server().await;
    for (user, rights, missing) in
        [("a", [].as_slice(), "http"), ("b", &["nodes/http"], "http-body")]
    {
        agent.allow(rights);
        let refused = ask(&agent, user, to, true).await;
        assert_eq!(refused.status, 403, "{missing}");
    }
    let mut guarded = ask(&agent, "c", to, false).await;
    let (events, _) = pieces(&mut guarded).await;
    assert_eq!(events.last().unwrap()["error"]["missing"]["right"], "loopback", "{events:?}");
}

#[tokio::test]
async fn the_request_goes_with_the_callers_first_bytes() {
    let agent = Agent::start().await;
    agent.allow(&["nodes/http", "nodes/http-body", "destinations/loopback"]);
    for with_body in [false, true] {
        let (to, asked) = server().await;
        let mut stream = ask(&agent, "a", to, with_body).await;
        let mut named = Vec::new();
        while named.last() != Some(&json!("connection")) {
            named.push(stream.event().await["event"].take());
        }
        assert_eq!(named, ["accepted", "reaching", "connection"]);
        assert!(!asked.is_finished());
        stream.send_data(b"hello").await;
        stream.end().await;
        let (events, body) = pieces(&mut stream).await;
        let words: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
        assert_eq!(words, ["sending", "answer", "over", "end"], "{events:?}");
        assert_eq!(events[1]["status"], 201);
        assert_eq!((&events[2]["sentBytes"], &events[2]["bodyBytes"]), (&json!(5), &json!(4)));
        assert_eq!(body, if with_body { b"done".as_slice() } else { b"" });
        let asked = asked.await.unwrap();
        assert!(
            asked.starts_with("POST /reset?token=c2VjcmV0 HTTP/1.1\r\nHost: web\r\n"),
            "{asked}"
        );
    }
    agent.wait("four audit lines", || agent.audit().len() == 4).await;
    for line in agent.audit() {
        let line = line.to_string();
        assert!(!line.contains("c2VjcmV0") && !line.contains("reset"), "{line}");
    }
    let start = agent.audit().remove(0);
    assert_eq!(start["probe"], "http");
    assert!(start["targets"][0].as_str().unwrap().starts_with("127.0.0.1:"), "{start}");
}
