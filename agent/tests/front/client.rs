//! HTTP as a plugin speaks it, and bytes as nobody should.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, body::Incoming, client::conn::http1, http::response::Parts};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().into()
    }

    pub(crate) fn events(&self) -> Vec<Value> {
        self.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

pub(crate) async fn post(
    address: SocketAddr,
    path: &str,
    token: Option<&str>,
    body: &str,
) -> Answer {
    collect(open(address, path, token, body).await).await
}

/// Everything of an answer that has begun.
pub(crate) async fn collect((head, mut incoming): (Parts, Incoming)) -> Answer {
    let mut collected = Vec::new();
    while let Some(frame) = timeout(PATIENCE, incoming.frame()).await.expect("an answer in time") {
        collected.extend_from_slice(&frame.unwrap().into_data().unwrap_or_default());
    }
    Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        body: String::from_utf8(collected).unwrap(),
    }
}

/// The answer's head, and its body as it comes; dropping the body hangs up.
pub(crate) async fn open(
    address: SocketAddr,
    path: &str,
    token: Option<&str>,
    body: &str,
) -> (Parts, Incoming) {
    open_with(address, path, token, &[], body).await
}

/// With further header fields.
pub(crate) async fn open_with(
    address: SocketAddr,
    path: &str,
    token: Option<&str>,
    fields: &[(&str, &str)],
    body: &str,
) -> (Parts, Incoming) {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let method = if body.is_empty() { "GET" } else { "POST" };
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap();
    let answer = timeout(PATIENCE, sender.send_request(request)).await.expect("an answer in time");
    answer.unwrap().into_parts()
}

/// Sends `bytes`, keeps its side open as a plugin does, and reads to the end.
pub(crate) async fn raw(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let (mut reader, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
    let mut answer = Vec::new();
    // A server that has refused resets what comes after; that is an answer too.
    let both = async { tokio::join!(reader.read_to_end(&mut answer), writer.write_all(bytes)) };
    let _ = timeout(PATIENCE, both).await.expect("closed in time");
    answer
}
