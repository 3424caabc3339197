//! A byte stream that counts what passes and notes when the first of an answer comes.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use netdiag_wire::tls::MAX_SAID;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

/// Shared with the stream, which the connection takes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter(Arc<Mutex<Reading>>);

#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    pub(crate) read: u64,
    pub(crate) written: u64,
    /// When the first byte came.
    pub(crate) first: Option<Instant>,
    /// The first bytes that came.
    pub(crate) said: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Metered<S> {
    stream: S,
    meter: Meter,
}

impl Meter {
    pub(crate) fn reading(&self) -> MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn over<S>(&self, stream: S) -> Metered<S> {
        Metered { stream, meter: self.clone() }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let came = &buffer.filled()[before..];
        let mut reading = self.meter.reading();
        if !came.is_empty() {
            reading.first.get_or_insert_with(Instant::now);
        }
        reading.read += came.len() as u64;
        let room = MAX_SAID - reading.said.len();
        reading.said.extend_from_slice(&came[..came.len().min(room)]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.meter.reading().written += written as u64;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
