//! What a proxy says to CONNECT.

use std::time::Duration;

use netdiag_http::tunnel;
use netdiag_wire::{
    http::{HttpField, HttpTunnel, HttpTunnelled, MAX_HEAD_BYTES},
    tls::MAX_SAID,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    time::Instant,
};

/// The proxy says this and stays; also what is left of it on the stream.
async fn proxied(says: &[u8]) -> (HttpTunnelled, Vec<u8>, DuplexStream) {
    let (mut ours, mut theirs) = tokio::io::duplex(64 * 1024);
    theirs.write_all(says).await.unwrap();
    let wish = HttpTunnel {
        authority: "web:443".into(),
        fields: vec![HttpField::new("Proxy-Authorization", "Basic YTpi")],
    };
    let tunnelled = tunnel(&mut ours, &wish, Instant::now() + Duration::from_secs(2)).await;
    let mut asked = vec![0; 1024];
    let count = theirs.read(&mut asked).await.unwrap();
    assert_eq!(
        std::str::from_utf8(&asked[..count]).unwrap(),
        "CONNECT web:443 HTTP/1.1\r\nHost: web:443\r\nProxy-Authorization: Basic YTpi\r\n\r\n"
    );
    drop(theirs);
    let mut left = Vec::new();
    ours.read_to_end(&mut left).await.unwrap();
    (tunnelled, left, ours)
}

#[tokio::test]
async fn what_follows_the_empty_line_is_the_other_ends() {
    let (tunnelled, left, _) = proxied(b"HTTP/1.1 200 OK\r\nVia: p\r\n\r\n220 mail\r\n").await;
    assert_eq!((tunnelled.status, tunnelled.said.as_bytes()), (Some(200), &b""[..]));
    assert_eq!(left, b"220 mail\r\n");
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_opens_nothing_is_quoted() {
    let long = [b"HTTP/1.1 407 Who\r\nA: ".as_slice(), &b"a".repeat(2 * MAX_HEAD_BYTES)].concat();
    for (says, status) in [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n".as_slice(), Some(407)),
        (b"HTTP/1.0 503 Busy\r\n\r\n", Some(503)),
        (b"HTTP/1.1 2OO OK\r\n\r\n", None),
        (b"HTTP/1.1 999 What\r\n\r\n", None),
        (b"SSH-2.0-OpenSSH_9.2\r\n", None),
        (b"", None),
        (&long, Some(407)),
    ] {
        let (tunnelled, ..) = proxied(says).await;
        assert_eq!(tunnelled.status, status);
        assert_eq!(tunnelled.said.as_bytes(), &says[..says.len().min(MAX_SAID)]);
    }
}

/// Only the empty line opens it.
#[tokio::test(start_paused = true)]
async fn a_head_without_an_end_is_no_tunnel() {
    let (tunnelled, ..) = proxied(b"HTTP/1.1 200 OK\r\nVia: p\r\n").await;
    assert_eq!(tunnelled.status, None);
}
