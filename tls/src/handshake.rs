//! One handshake over a stream, and the little while after it in which a server may still object.

use std::{future::poll_fn, io, pin::Pin, task::Poll, time::Duration};

use netdiag_wire::{
    Untrusted,
    tls::{TlsAgreed, TlsEnd, TlsHandshake},
};
use rustls::{ClientConnection, HandshakeKind, ProtocolVersion};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    time::{Instant, timeout_at},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    Client, Shown, end, names,
    tap::{Passed, Tap},
};

/// Encrypted from here on.
pub type Stream<S> = TlsStream<Tap<S>>;

/// Who sends tickets does so at once.
const FOR_TICKETS: Duration = Duration::from_millis(20);

/// What was seen of a handshake.
#[derive(Debug)]
pub struct Observed<S> {
    /// Purpose and upgrade are the caller's to say.
    pub handshake: TlsHandshake,
    pub shown: Shown,
    /// Where the handshake was completed.
    pub stream: Option<Stream<S>>,
    passed: Passed,
}

impl Client {
    /// To its end, or as far as it comes until then.
    pub async fn handshake<S>(&self, stream: S, until: Instant) -> Observed<S>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.forget();
        let (start, passed) = (Instant::now(), Passed::default());
        let tap = Tap::new(stream, passed.clone());
        let connecting = TlsConnector::from(self.config.clone()).connect(self.name.clone(), tap);
        let shaken = timeout_at(until, connecting).await;
        let took_us = start.elapsed().as_micros() as u64;
        let (stream, end) = match shaken {
            Ok(Ok(stream)) => (Some(stream), TlsEnd::Well),
            Ok(Err(cause)) => (None, end::of(&cause, &passed.counted())),
            Err(_) => (None, end::silence(&passed.counted())),
        };
        let shown = self.anybody.take();
        let agreed = stream.as_ref().map(|stream| self.agreed(stream.get_ref().1, &shown));
        let asked = self.asked.take();
        let server_name = self.server_name();
        let handshake =
            TlsHandshake { server_name, took_us, agreed, asked, end, ..TlsHandshake::default() };
        let mut observed = Observed { handshake, shown, stream, passed };
        observed.count();
        observed
    }

    /// Whether the server sends tickets or objects: with TLS 1.3 it says so only now. May swallow
    /// the first byte of its data and may end the stream, so nothing is to come after it.
    pub async fn listen<S>(&self, observed: &mut Observed<S>, until: Instant)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Some(stream) = &mut observed.stream else { return };
        if stream.get_ref().1.protocol_version() == Some(ProtocolVersion::TLSv1_3) {
            let took = Duration::from_micros(observed.handshake.took_us);
            let is_asked = observed.handshake.asked.is_some();
            let heard = match self.heard(stream, Instant::now() + FOR_TICKETS.max(took)).await {
                None if is_asked => self.answer_to_the_end(stream, until).await,
                heard => heard,
            };
            if let Some(Err(cause)) = heard {
                observed.handshake.end = end::of(&cause, &observed.passed.counted());
            }
        }
        let (tickets, early_data_bytes) = self.sessions.take();
        if let Some(agreed) = &mut observed.handshake.agreed {
            (agreed.tickets, agreed.early_data_bytes) = (tickets, early_data_bytes);
        }
        observed.count();
    }

    /// Nothing: silence until then. Whoever sends a ticket has taken the client as it is.
    async fn heard<S>(&self, stream: &mut Stream<S>, until: Instant) -> Option<io::Result<()>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let has_ticket = || self.sessions.tickets() > 0;
        let heard = timeout_at(until, first_of(stream, has_ticket)).await.ok();
        if has_ticket() { Some(Ok(())) } else { heard }
    }

    /// A server reads the client's certificate before its close_notify: whoever objects to the one
    /// says so before he answers the other, however long he takes to look.
    async fn answer_to_the_end<S>(
        &self,
        stream: &mut Stream<S>,
        until: Instant,
    ) -> Option<io::Result<()>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let _ = timeout_at(until, stream.shutdown()).await;
        let heard = self.heard(stream, until).await;
        // That it closed as well is no objection.
        let is_alert =
            |cause: &io::Error| cause.get_ref().is_some_and(|cause| cause.is::<rustls::Error>());
        heard.filter(|heard| heard.as_ref().is_err_and(is_alert))
    }

    fn server_name(&self) -> Option<Untrusted> {
        let name = self.config.enable_sni.then(|| self.name.to_str().into_owned());
        name.map(Untrusted::from)
    }

    /// What is left of a handshake before.
    fn forget(&self) {
        self.anybody.take();
        self.asked.take();
        self.sessions.take();
    }

    fn agreed(&self, connection: &ClientConnection, shown: &Shown) -> TlsAgreed {
        let kind = connection.handshake_kind();
        let suite = connection.negotiated_cipher_suite().map(|suite| u16::from(suite.suite()));
        let group = connection.negotiated_key_exchange_group().map(|group| u16::from(group.name()));
        let version = connection.protocol_version().map(u16::from).unwrap_or_default();
        TlsAgreed {
            version: names::version(version).into(),
            cipher_suite: names::cipher_suite(suite.unwrap_or_default()).into(),
            group: group.map(|group| names::group(group).into()),
            alpn: connection.alpn_protocol().map(|chosen| chosen.to_vec().into()),
            resumed: kind == Some(HandshakeKind::Resumed),
            retried: kind == Some(HandshakeKind::FullWithHelloRetryRequest),
            tickets: 0,
            early_data_bytes: 0,
            signature: shown.scheme.map(|scheme| names::signature(u16::from(scheme)).into()),
            proven: shown.is_proven,
            refuted: shown.is_refuted,
        }
    }
}

impl<S> Observed<S> {
    fn count(&mut self) {
        let counted = self.passed.counted();
        self.handshake.read_bytes = counted.read;
        self.handshake.written_bytes = counted.written;
    }
}

/// Data, a ticket, or an end that is said. A ticket makes no data, but is taken in while data is
/// waited for.
async fn first_of<S>(stream: &mut Stream<S>, has_ticket: impl Fn() -> bool) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut byte = [0];
    poll_fn(|context| {
        let mut buffer = ReadBuf::new(&mut byte);
        match Pin::new(&mut *stream).poll_read(context, &mut buffer) {
            Poll::Pending if has_ticket() => Poll::Ready(Ok(())),
            polled => polled,
        }
    })
    .await
}

#[cfg(test)]
mod tests;
