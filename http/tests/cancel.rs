//! Whoever asks may go at any time, and then nothing of it stays.

use std::time::Duration;

use netdiag_http::Exchange;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
    time::timeout,
};

use crate::request;

/// The server says this and waits; asked at once, it sees the connection's end when the caller goes.
async fn gone_after(says: &[u8], alpn: Option<&'static [u8]>) {
    let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
    let (_, from) = mpsc::channel(1);
    let (told, mut heard) = mpsc::channel(64);
    let exchange = Exchange::new(&request()).unwrap();
    let running = tokio::spawn(async move { exchange.run(ours, alpn, from, &told).await });
    theirs.read_exact(&mut [0; 16]).await.unwrap();
    theirs.write_all(says).await.unwrap();
    // Until all that it said was taken, for time stands still.
    tokio::time::sleep(Duration::from_millis(1)).await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    let mut rest = Vec::new();
    timeout(Duration::from_secs(60), theirs.read_to_end(&mut rest)).await.unwrap().unwrap();
    while heard.recv().await.is_some() {}
}

#[tokio::test(start_paused = true)]
async fn at_every_step_the_connection_ends() {
    let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc";
    for length in 0..whole.len() {
        gone_after(&whole[..length], None).await;
    }
    let settings = b"\0\0\0\x04\0\0\0\0\0";
    let head = b"\0\0\x01\x01\x04\0\0\0\x01\x88";
    let whole = [&settings[..], head, b"\0\0\x03\0\0\0\0\0\x01abc"].concat();
    for length in 0..whole.len() {
        gone_after(&whole[..length], Some(b"h2")).await;
    }
}
