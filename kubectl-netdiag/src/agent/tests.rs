use hyper::client::conn::http1::handshake;
use netdiag_wire::{
    Event, Line, Source,
    ping::{PingEvent, PingRequest},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n\r\n";
const HEARTBEAT: &[u8] = b"{\"at\":\"2026-11-22T03:07:11Z\",\"event\":\"heartbeat\"}\n";

/// A connection and the agent's end of it.
async fn connection() -> (Connection, DuplexStream) {
    let (ours, theirs) = duplex(1 << 20);
    let (sender, connection) = handshake(TokioIo::new(ours)).await.unwrap();
    tokio::spawn(connection);
    let agent = Agent {
        namespace: "netdiag".into(),
        name: "netdiag-x7k2p".into(),
        uid: "uid".into(),
        node: "node-1".into(),
        version: None,
    };
    let trouble = Box::pin(async { Some("the pod is gone\n".to_owned()) });
    (Connection { sender, trouble, agent, target_token: None }, theirs)
}

fn request() -> Request<PingRequest> {
    Request {
        source: Source::Node { name: "node-1".into() },
        deadline_ms: None,
        claimed_user: None,
        probe: PingRequest::to("10.244.2.7"),
    }
}

/// A stream that was asked for and accepted: its lines, the agent's end, what was asked.
async fn opened() -> (Lines, DuplexStream, String) {
    let (connection, mut agent) = connection().await;
    let (token, request) = ("minted".to_owned().into(), request());
    let body = serde_json::to_string(&request).unwrap();
    let answers = async {
        let mut read = Vec::new();
        while !read.ends_with(body.as_bytes()) {
            assert_ne!(agent.read_buf(&mut read).await.unwrap(), 0, "the write side was closed");
        }
        agent.write_all(HEAD).await.unwrap();
        String::from_utf8(read).unwrap()
    };
    match tokio::join!(connection.probe("ping", &token, &request), answers) {
        (Ok(Answer::Stream(lines)), asked) => (lines, agent, asked),
        (Ok(Answer::Refused { error, .. }), _) => panic!("{error:?}"),
        (Err(failure), _) => panic!("{failure}"),
    }
}

async fn next(lines: &mut Lines) -> Result<Option<Line<PingEvent>>, Broken> {
    lines.next().await
}

#[tokio::test]
async fn the_request_bears_the_token_and_the_body() {
    let (_lines, _agent, asked) = opened().await;
    assert!(asked.starts_with("POST /v1/ping HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("\r\nauthorization: Bearer minted\r\n"), "{asked}");
}

#[tokio::test(start_paused = true)]
async fn an_agent_without_a_heartbeat_is_given_up() {
    let (mut lines, mut agent, _) = opened().await;
    agent.write_all(HEARTBEAT).await.unwrap();
    let heartbeat = next(&mut lines).await.unwrap().unwrap();
    assert_eq!(heartbeat.event, Event::Heartbeat);
    let start = tokio::time::Instant::now();
    assert_eq!(next(&mut lines).await, Err(Broken::Silent));
    assert_eq!(start.elapsed(), PATIENCE);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_never_answers_is_given_up() {
    let (connection, _agent) = connection().await;
    let asked = connection.probe("ping", &"minted".to_owned().into(), &request()).await;
    let failure = asked.err().unwrap();
    assert_eq!(failure.code, Some(code::AGENT_ENDED));
    assert!(failure.message.ends_with("does not answer: no answer within 25 s"), "{failure}");
}

#[tokio::test]
async fn lines_arrive_whole_however_they_are_cut() {
    let (mut lines, mut agent, _) = opened().await;
    for byte in [HEARTBEAT, b"\n", HEARTBEAT].concat() {
        agent.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    drop(agent);
    assert_eq!(next(&mut lines).await.unwrap().unwrap().event, Event::Heartbeat);
    assert_eq!(next(&mut lines).await.unwrap().unwrap().event, Event::Heartbeat);
    assert_eq!(next(&mut lines).await, Ok(None));
}

#[tokio::test]
async fn a_stream_cut_within_a_line_tells_the_kubelets_reason() {
    let (mut lines, mut agent, _) = opened().await;
    agent.write_all(&HEARTBEAT[..20]).await.unwrap();
    drop(agent);
    let broken = next(&mut lines).await.unwrap_err();
    assert_eq!(broken, Broken::Closed(Some("the pod is gone".into())));
    assert_eq!(broken.to_string(), "the stream broke off: the pod is gone");
}
