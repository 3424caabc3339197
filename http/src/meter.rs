//! A byte stream that counts what passes and notes when the first of an answer comes.
//!
//! A server may answer and close before it has read everything, and then writing fails while its
//! words still wait to be read. So once writing fails the rest is dropped, and reading tells how
//! the connection ended.

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

use crate::frames::Frames;

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
    /// A TLS alert that came instead of bytes.
    pub(crate) alert: Option<u8>,
    /// Where it is HTTP/2.
    pub(crate) frames: Option<Frames>,
}

#[derive(Debug)]
pub(crate) struct Metered<S> {
    stream: S,
    meter: Meter,
    /// Why nothing can be written any more.
    broken: Option<io::Error>,
}

impl Meter {
    pub(crate) fn reading(&self) -> MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn over<S>(&self, stream: S) -> Metered<S> {
        Metered { stream, meter: self.clone(), broken: None }
    }
}

impl<S> Metered<S> {
    /// The first failure is kept, and this one is none.
    fn keep<T>(&mut self, written: io::Result<T>, dropped: T) -> Poll<io::Result<T>> {
        Poll::Ready(Ok(written.unwrap_or_else(|cause| {
            self.broken.get_or_insert(cause);
            dropped
        })))
    }
}

fn alert(cause: &io::Error) -> Option<u8> {
    match cause.get_ref()?.downcast_ref()? {
        rustls::Error::AlertReceived(alert) => Some((*alert).into()),
        _ => None,
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        polled.inspect_err(|cause| self.meter.reading().alert = alert(cause))?;
        let came = &buffer.filled()[before..];
        if let Some(cause) = self.broken.take_if(|_| came.is_empty())
            && self.meter.reading().read == 0
        {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionReset, cause)));
        }
        let mut reading = self.meter.reading();
        if let Some(frames) = &mut reading.frames {
            frames.follow(came);
        }
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
        if self.broken.is_some() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        self.meter.reading().written += *written.as_ref().unwrap_or(&0) as u64;
        self.keep(written, bytes.len())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = ready!(Pin::new(&mut self.stream).poll_flush(context));
        self.keep(done, ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = ready!(Pin::new(&mut self.stream).poll_shutdown(context));
        self.keep(done, ())
    }
}
