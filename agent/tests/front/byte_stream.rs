//! `POST /v1/connect/stream` from the request's line to the last frame.

use std::{net::SocketAddr, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    duplex::{Duplex, Piece},
    fixture::{Agent, USER},
};

const RIGHTS: [&str; 2] = ["nodes/connect", "destinations/loopback"];
const CHUNK: usize = 64 * 1024;

fn line(to: SocketAddr) -> String {
    let probe = json!({"host": to.ip().to_string(), "port": to.port()});
    format!("{}\n", json!({"source": {"kind": "node", "name": "node-1"}, "probe": probe}))
}

/// A connected stream, the peer's end of it, and the agent between.
async fn connected(flags: &[&str]) -> (Agent, Duplex, TcpStream) {
    let agent = Agent::start_with(flags).await;
    agent.allow(&RIGHTS);
    let token = agent.token(USER);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stream =
        Duplex::open(agent.address, &token, line(listener.local_addr().unwrap())).await;
    assert_eq!(stream.content_type, "application/vnd.netdiag.stream");
    assert_eq!(stream.event().await["event"], "accepted");
    let connected = stream.event().await;
    assert_eq!(connected["event"], "connected", "{connected}");
    assert_eq!(connected["remote"], listener.local_addr().unwrap().to_string());
    let (peer, from) = listener.accept().await.unwrap();
    assert_eq!(connected["local"], from.to_string());
    (agent, stream, peer)
}

async fn closed(stream: &mut Duplex) -> Value {
    let mut closed = stream.event().await;
    closed.as_object_mut().unwrap().remove("at");
    assert_eq!(stream.event().await["reason"], "completed");
    assert_eq!(stream.next().await, None);
    closed
}

#[tokio::test]
async fn the_caller_ends_first_and_still_hears_the_answer() {
    let (agent, mut stream, mut peer) = connected(&[]).await;
    stream.send_data(b"GET / HTTP/1.0\r\n\r\n").await;
    stream.end().await;
    let mut asked = Vec::new();
    peer.read_to_end(&mut asked).await.unwrap();
    assert_eq!(asked, b"GET / HTTP/1.0\r\n\r\n");
    peer.write_all(b"HTTP/1.0 200 OK\r\n\r\n\xff\x00").await.unwrap();
    drop(peer);
    assert_eq!(stream.data().await, b"HTTP/1.0 200 OK\r\n\r\n\xff\x00");
    let want = json!({"event": "closed", "sent": 18, "received": 21, "end": "finished"});
    assert_eq!(closed(&mut stream).await, want);
    agent.wait("two audit lines", || agent.audit().len() == 2).await;
    let end = agent.audit().pop().unwrap();
    assert_eq!(end["probe"], "connect");
    // The frames, with their heads.
    assert_eq!(end["bytesFromCaller"], 18 + 5 + 5);
    assert!(end["bytes"].as_u64() > Some(21));
}

#[tokio::test]
async fn the_peer_ends_first_and_still_hears_the_caller() {
    let (_agent, mut stream, mut peer) = connected(&[]).await;
    peer.write_all(b"bye").await.unwrap();
    peer.shutdown().await.unwrap();
    assert_eq!(stream.data().await, b"bye");
    stream.send_data(b"last words").await;
    stream.end().await;
    let mut heard = Vec::new();
    peer.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"last words");
    assert_eq!(closed(&mut stream).await["end"], "finished");
}

#[tokio::test]
async fn a_reset_is_told_after_what_came_before_it() {
    let (_agent, mut stream, mut peer) = connected(&[]).await;
    peer.write_all(b"oops").await.unwrap();
    assert_eq!(stream.next().await, Some(Piece::Data("oops".into())));
    peer.set_zero_linger().unwrap();
    drop(peer);
    let want = json!({"event": "closed", "sent": 0, "received": 4, "end": "reset"});
    assert_eq!(closed(&mut stream).await, want);
}

#[tokio::test]
async fn who_hangs_up_kills_the_worker() {
    let (agent, stream, mut peer) = connected(&[]).await;
    assert_eq!(agent.workers(), 1);
    drop(stream);
    agent.wait("the worker is gone", || agent.workers() == 0).await;
    // FIN or RST, as what was under way wants it.
    let _ = peer.read_to_end(&mut Vec::new()).await;
    agent.wait("the end line", || agent.audit().len() == 2).await;
    assert_eq!(agent.audit()[1]["outcome"], json!({"ended": "cancelled"}));
}

#[tokio::test]
async fn the_limit_ends_a_stream_that_waits() {
    let (_agent, mut stream, _peer) = connected(&["--max-duration", "600ms"]).await;
    let cut_off = stream.event().await;
    assert_eq!((&cut_off["event"], &cut_off["end"]), (&"closed".into(), &"cutOff".into()));
    assert_eq!(stream.event().await["reason"], "limit");
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn a_peer_that_does_not_read_holds_the_caller_back() {
    let (agent, stream, mut peer) = connected(&[]).await;
    let before = agent.front_rss_kib();
    let chunk = vec![7; CHUNK];
    let mut sent = 0;
    while tokio::time::timeout(Duration::from_millis(500), stream.send_data(&chunk)).await.is_ok() {
        sent += CHUNK;
        assert!(sent < 64 << 20, "nobody holds the caller back");
    }
    let grown = agent.front_rss_kib().saturating_sub(before);
    assert!(grown < 4 * 1024, "front grew by {grown} KiB");
    let mut read = 0;
    let mut buffer = vec![0; CHUNK];
    while read < sent {
        let some = peer.read(&mut buffer).await.unwrap();
        assert!(buffer[..some].iter().all(|byte| *byte == 7));
        read += some;
    }
}

#[tokio::test]
async fn a_caller_that_does_not_read_holds_the_peer_back_and_loses_nothing() {
    let (agent, mut stream, mut peer) = connected(&[]).await;
    let before = agent.front_rss_kib();
    let chunk = vec![9; CHUNK];
    let mut sent = 0;
    while tokio::time::timeout(Duration::from_millis(500), peer.write_all(&chunk)).await.is_ok() {
        sent += CHUNK;
        assert!(sent < 64 << 20, "nobody holds the peer back");
    }
    let grown = agent.front_rss_kib().saturating_sub(before);
    assert!(grown < 4 * 1024, "front grew by {grown} KiB");
    drop(peer);
    stream.end().await;
    let data = stream.data().await;
    // The chunk that was held back may be there in part.
    assert!((sent..sent + CHUNK).contains(&data.len()), "{} of {sent}", data.len());
    assert_eq!(closed(&mut stream).await["end"], "finished");
}

#[tokio::test]
async fn what_is_no_byte_stream_is_refused() {
    let agent = Agent::start().await;
    agent.allow(&RIGHTS);
    let token = agent.token(USER);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let good = line(listener.local_addr().unwrap());
    for (sent, message) in [
        (&b"\0\0\0\x01e"[..], "body: a Event frame of 0 bytes"),
        (b"\0\0\0\x03e{}", "body: an event frame"),
        (b"\0\0\0\x00", "body: a frame without a kind"),
        (b"\0\0\0\x02xx", "body: a frame of unknown kind 0x78"),
        (b"\xff\xff\xff\xffd", "body: a frame of more than 65537 bytes"),
        (b"\0\0\0\x01z\0\0\0\x02dd", "body: a frame after the END"),
    ] {
        let mut stream = Duplex::open(agent.address, &token, good.clone()).await;
        assert_eq!(stream.event().await["event"], "accepted");
        assert_eq!(stream.event().await["event"], "connected");
        stream.send(sent).await;
        let mut last = stream.event().await;
        while last["event"] == "closed" {
            last = stream.event().await;
        }
        assert_eq!((&last["event"], &last["error"]["message"]), (&"error".into(), &message.into()));
    }
    for head in [format!("{}{}", good.trim(), " ".repeat(70_000)), "{}\n".into()] {
        let refused = Duplex::open(agent.address, &token, head).await;
        assert_eq!(refused.status, 400);
    }
}

#[tokio::test]
async fn a_refusal_and_a_denial_are_told() {
    let agent = Agent::start().await;
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let denied = Duplex::open(agent.address, &agent.token("other"), line(free)).await;
    assert_eq!(denied.status, 403);
    agent.allow(&RIGHTS);
    let mut stream = Duplex::open(agent.address, &agent.token(USER), line(free)).await;
    stream.event().await;
    let refused = stream.event().await;
    assert_eq!(refused["outcome"], "refused", "{refused}");
    assert_eq!(stream.event().await["reason"], "completed");
}
