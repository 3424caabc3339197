//! A probe with bytes in both directions: what the caller sends goes to a peer, and back.

use std::net::IpAddr;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{ProbeError, names::ResolverFiles};

/// Chunks that wait in one direction; then who sends them waits too.
pub const QUEUE: usize = 4;

/// The caller of a byte stream, whatever lies in between; both ways are bounded.
#[derive(Debug)]
pub struct Caller<E> {
    /// Its bytes; closed once it has sent its last one.
    pub from: mpsc::Receiver<Bytes>,
    pub to: mpsc::Sender<Outgoing<E>>,
}

/// What a caller is sent, in this order.
#[derive(Debug, PartialEq)]
pub enum Outgoing<E> {
    Event(E),
    /// At most [`netdiag_wire::frame::MAX_DATA_BYTES`], and never none.
    Data(Bytes),
    /// No data follows.
    End,
}

/// Nobody listens any more.
#[derive(Clone, Copy, Debug)]
pub struct HungUp;

impl<E> Caller<E> {
    pub async fn say(&self, event: E) -> Result<(), HungUp> {
        self.send(Outgoing::Event(event)).await
    }

    pub async fn send(&self, outgoing: Outgoing<E>) -> Result<(), HungUp> {
        self.to.send(outgoing).await.map_err(|_| HungUp)
    }
}

/// As [`crate::Probe`], with a caller who sends and receives bytes.
#[expect(async_fn_in_trait, reason = "a probe runs on the one thread that started it")]
pub trait StreamProbe {
    /// Whatever needs privilege to be opened.
    type Sockets: Send + 'static;
    type Event: Send + 'static;

    /// Checks the request and opens what it names; nothing from the network is read yet.
    fn open(&self) -> Result<Self::Sockets, ProbeError>;

    /// Runs until it is done or `stop` is cancelled; needs no privilege and opens no file.
    async fn run(
        &self,
        sockets: Self::Sockets,
        files: &ResolverFiles,
        destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
        caller: Caller<Self::Event>,
        stop: CancellationToken,
    ) -> Result<(), ProbeError>;
}
