//! A connection through a proxy (RFC 9110, section 9.3.6).

use netdiag_wire::{
    http::{HttpTunnel, HttpTunnelled, MAX_HEAD_BYTES},
    tls::MAX_SAID,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout_at},
};

/// Of a head.
const END: &[u8] = b"\r\n\r\n";

/// Asks for it; on a 2xx the stream is that of the other end.
pub async fn tunnel<S>(stream: &mut S, wish: &HttpTunnel, until: Instant) -> HttpTunnelled
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let start = Instant::now();
    let mut came = Vec::new();
    let _ = timeout_at(until, ask(stream, wish, &mut came)).await;
    let is_whole = came.ends_with(END);
    // A 2xx opens nothing before its empty line.
    let status = status(&came).filter(|status| is_whole || status / 100 != 2);
    let is_open = status.is_some_and(|status| status / 100 == 2);
    came.truncate(if is_open { 0 } else { MAX_SAID });
    let took_us = start.elapsed().as_micros() as u64;
    HttpTunnelled { took_us, status, said: came.into() }
}

/// To the empty line, byte by byte: what follows is the other end's.
async fn ask<S>(stream: &mut S, wish: &HttpTunnel, came: &mut Vec<u8>) -> std::io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut head = format!("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n", wish.authority).into_bytes();
    for field in &wish.fields {
        head.extend_from_slice(field.name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(field.value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    stream.write_all(&head).await?;
    stream.flush().await?;
    while came.len() < MAX_HEAD_BYTES && !came.ends_with(END) {
        came.push(stream.read_u8().await?);
    }
    Ok(())
}

fn status(head: &[u8]) -> Option<u16> {
    let line = head.strip_prefix(b"HTTP/1.")?.get(2..5)?;
    std::str::from_utf8(line).ok()?.parse().ok().filter(|status| (100..600).contains(status))
}
