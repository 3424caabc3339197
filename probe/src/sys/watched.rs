//! Sockets that the runtime watches.

use std::{future::poll_fn, io, task::Poll};

use tokio::io::{Interest, unix::AsyncFd};

use super::raw::{self, Steady};

pub(crate) struct Watched<S: Steady> {
    socket: AsyncFd<S>,
    interest: Interest,
}

impl<S: Steady> Watched<S> {
    /// Must be called in the runtime that watches.
    pub(crate) fn new(socket: S) -> io::Result<Self> {
        // An entry in a datagram socket's error queue shows as an error only.
        Self::of(socket, Interest::READABLE | Interest::ERROR)
    }

    /// A connection that comes about shows as room to write.
    pub(crate) fn connecting(socket: S) -> io::Result<Self> {
        Self::of(socket, Interest::READABLE | Interest::WRITABLE | Interest::ERROR)
    }

    fn of(socket: S, interest: Interest) -> io::Result<Self> {
        Ok(Self { socket: raw::watch(socket, interest)?, interest })
    }

    pub(crate) fn socket(&self) -> &S {
        self.socket.get_ref()
    }
}

/// Until a socket has something; its readiness is then taken back, so it must be drained.
pub(crate) async fn readable<S: Steady>(sockets: &[Watched<S>]) {
    let mut waits: Vec<_> =
        sockets.iter().map(|one| Box::pin(one.socket.ready(one.interest))).collect();
    poll_fn(|context| {
        let mut polled = waits.iter_mut().map(|wait| wait.as_mut().poll(context));
        match polled.find(Poll::is_ready) {
            Some(Poll::Ready(Ok(mut guard))) => {
                guard.clear_ready();
                Poll::Ready(())
            }
            Some(_) => Poll::Ready(()),
            None => Poll::Pending,
        }
    })
    .await;
}
