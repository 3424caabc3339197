//! The worker's stream as front reads it: one event a line, each written at once.

use std::{
    io::{self, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
};

use jiff::Timestamp;
use netdiag_wire::{Event, Line};
use serde::Serialize;
use tokio::io::{Interest, unix::AsyncFd};

pub(super) struct Lines(UnixStream);

impl Lines {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self(stream)
    }

    /// Waits when front reads slowly, which holds the probe back: better than events in memory.
    pub(super) fn write<E: Serialize>(&self, event: Event<E>) -> io::Result<()> {
        let mut line = serde_json::to_vec(&Line { at: Timestamp::now(), event })?;
        line.push(b'\n');
        (&self.0).write_all(&line)
    }

    /// Ends when front has closed; after its order it writes nothing.
    pub(super) async fn closed(&self) -> io::Result<()> {
        readable(self.0.as_fd()).await
    }
}

#[expect(deprecated, reason = "its successor is unsafe for what a BorrowedFd already guarantees")]
pub(super) async fn readable(descriptor: BorrowedFd<'_>) -> io::Result<()> {
    let registered = AsyncFd::with_interest(descriptor, Interest::READABLE)?;
    registered.readable().await.map(|_| ())
}
