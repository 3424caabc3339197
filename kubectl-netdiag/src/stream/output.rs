//! stdout, written by a thread of its own: who reads it may be slow.

use std::{
    io::{self, Write},
    thread,
};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::shown::Shown;

/// Chunks that wait; then whoever has more waits.
const QUEUE: usize = 4;

/// How a peer's bytes are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Looks {
    AsTheyAre,
    /// Fit for a terminal.
    Escaped,
    /// Likewise, and refused where they are no text.
    Text,
}

pub(crate) struct Output {
    looks: Looks,
    shown: Shown,
    to: Option<mpsc::Sender<Bytes>>,
    written: oneshot::Receiver<io::Result<()>>,
}

impl Output {
    pub(crate) fn new(out: impl Write + Send + 'static, looks: Looks) -> Self {
        let (to, chunks) = mpsc::channel(QUEUE);
        let (sender, written) = oneshot::channel();
        thread::spawn(move || {
            // Where nobody asks any more, the process is about to end.
            let _ = sender.send(write(out, chunks));
        });
        Self { looks, shown: Shown::default(), to: Some(to), written }
    }

    pub(crate) async fn write(&mut self, bytes: Bytes) -> io::Result<()> {
        let bytes = match self.looks {
            Looks::AsTheyAre => bytes,
            Looks::Text if bytes.contains(&0) => return Err(io::ErrorKind::InvalidData.into()),
            Looks::Text | Looks::Escaped => self.shown.take(&bytes),
        };
        self.put(bytes).await
    }

    async fn put(&mut self, bytes: Bytes) -> io::Result<()> {
        let Some(to) = &self.to else { return Err(io::ErrorKind::BrokenPipe.into()) };
        match to.send(bytes).await {
            Ok(()) => Ok(()),
            Err(_) => self.end().await,
        }
    }

    /// Waits until everything is written.
    pub(crate) async fn finish(mut self) -> io::Result<()> {
        let rest = self.shown.finish();
        self.put(rest).await?;
        self.end().await
    }

    async fn end(&mut self) -> io::Result<()> {
        self.to = None;
        (&mut self.written).await.unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))
    }
}

fn write(mut out: impl Write, mut chunks: mpsc::Receiver<Bytes>) -> io::Result<()> {
    while let Some(chunk) = chunks.blocking_recv() {
        out.write_all(&chunk)?;
    }
    out.flush()
}
