//! Handshakes by the real, sandboxed worker: its right, its audit line, and what it may show.

use std::{net::TcpListener, sync::Arc, thread};

use netdiag_wire::tls::{TlsEvent, TlsFold};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::{
    client::{self, Answer},
    fixture::{Agent, USER},
};

async fn ask(agent: &Agent, user: &str, probe: &Value) -> Answer {
    let source = json!({"kind": "node", "name": "node-1"});
    let body = json!({"source": source, "probe": probe, "deadlineMs": 8_000}).to_string();
    let token = agent.token(&format!("{USER}-{user}"));
    client::post(agent.address, "/v1/tls", Some(&token), &body).await
}

/// Its port and its certificate; every connection gets a handshake.
fn server() -> (u16, Vec<u8>) {
    let made = rcgen::generate_simple_self_signed(["shop.test".to_owned()]).unwrap();
    let (der, key) = (made.cert.der().clone(), made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![der.clone()], key.try_into().unwrap())
        .unwrap();
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(config.clone()).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            thread::spawn(move || std::io::copy(&mut stream, &mut std::io::sink()));
        }
    });
    (port, der.to_vec())
}

#[tokio::test]
async fn tls_has_a_right_and_an_audit_line_with_its_target() {
    let agent = Agent::start().await;
    let to = json!({"host": "127.0.0.1", "port": 9});
    let refused = ask(&agent, "a", &to).await;
    assert_eq!((refused.status, &refused.json()["missing"]["right"]), (403, &"tls".into()));
    agent.allow(&["nodes/tls"]);
    let guarded = ask(&agent, "b", &to).await.events().pop().unwrap();
    assert_eq!(guarded["error"]["missing"]["right"], "loopback", "{guarded}");
    let bad = json!({"host": "127.0.0.1", "port": 9, "offer": {"serverName": "10.0.0.1"}});
    let bad = ask(&agent, "c", &bad).await.events().pop().unwrap();
    assert_eq!(bad["error"]["message"], "offer.serverName: not a host name", "{bad}");
    agent.wait("the end line", || agent.audit().len() == 5).await;
    let start = agent.audit().into_iter().find(|line| line["audit"] == "start").unwrap();
    assert_eq!((&start["probe"], &start["targets"]), (&"tls".into(), &json!(["127.0.0.1:9"])));
}

#[tokio::test]
async fn the_worker_shows_the_chain_and_resumes() {
    let agent = Agent::start().await;
    agent.allow(&["nodes/tls", "destinations/loopback"]);
    let (port, der) = server();
    let offer = json!({"serverName": "shop.test"});
    let probe = json!({"host": "127.0.0.1", "port": port, "offer": offer, "resume": true, "withoutName": true});
    let answer = ask(&agent, "a", &probe).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let events = answer.events();
    assert_eq!(events.last().unwrap()["event"], "end", "{}", answer.body);
    let mut fold = TlsFold::default();
    for event in events {
        if let Ok(event) = serde_json::from_value::<TlsEvent>(event) {
            fold.push(&event);
        }
    }
    let report = fold.report(None);
    let asked = report.asked.unwrap();
    assert_eq!(asked.certificates[0].as_bytes(), der);
    let agreed = asked.handshake.unwrap().agreed.unwrap();
    assert_eq!(agreed.version.as_bytes(), b"TLS 1.3");
    assert!(agreed.proven && agreed.tickets > 0 && !agreed.resumed, "{agreed:?}");
    let resumed = report.resumed.unwrap();
    assert!(resumed.handshake.unwrap().agreed.unwrap().resumed);
    assert_eq!(report.without_name.unwrap().certificates[0].as_bytes(), der);
}
