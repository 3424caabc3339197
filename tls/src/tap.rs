//! A byte stream that counts what passes, and keeps the first of what comes.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use netdiag_wire::tls::MAX_SAID;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Content types of TLS records (RFC 8446, section 5.1) and of heartbeats.
const RECORDS: std::ops::RangeInclusive<u8> = 20..=24;

/// What passed; it outlives a handshake that took the stream with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Passed(Arc<Mutex<Counted>>);

#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub(crate) read: u64,
    pub(crate) written: u64,
    /// At most [`MAX_SAID`] bytes.
    first: Vec<u8>,
}

#[derive(Debug)]
pub struct Tap<S> {
    stream: S,
    passed: Passed,
}

impl Passed {
    pub(crate) fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    /// What came first, where that is no record of TLS.
    pub(crate) fn plain_text(&self) -> Option<&[u8]> {
        let is_record = match self.first.as_slice() {
            [] => true,
            [kind] => RECORDS.contains(kind),
            [kind, major, ..] => RECORDS.contains(kind) && *major == 3,
        };
        (!is_record).then_some(&self.first)
    }
}

impl<S> Tap<S> {
    pub(crate) fn new(stream: S, passed: Passed) -> Self {
        Self { stream, passed }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let came = &buffer.filled()[before..];
        let mut counted = self.passed.counted();
        counted.read += came.len() as u64;
        let room = MAX_SAID - counted.first.len();
        counted.first.extend_from_slice(&came[..came.len().min(room)]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.passed.counted().written += written as u64;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
