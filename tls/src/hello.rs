//! A ClientHello of our own making, and what a server answers to it: for what the library does not
//! speak, and to find out what a server takes.
//!
//! No key is ever agreed on: the connection ends with the server's first flight.

use netdiag_wire::tls::TlsEnd;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout_at},
};

mod answer;
mod client;
mod record;
mod suites;

pub use answer::Answer;
pub use client::{Hello, SSL3, TLS10, TLS11, TLS12, TLS13};
pub use suites::suites_of;

/// What the server makes of it, `until` then.
pub async fn ask<S>(mut stream: S, hello: &Hello, until: Instant) -> Result<Answer, TlsEnd>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let asked = async {
        let sent = match stream.write_all(&hello.encode()).await {
            Ok(()) => stream.flush().await,
            refused => refused,
        };
        // A server that has reset the connection may have said why before.
        let heard = record::flight(&mut stream).await;
        sent.map_err(|cause| crate::end::of_io(&cause)).and(heard)
    };
    timeout_at(until, asked).await.unwrap_or(Err(TlsEnd::Silence))
}
