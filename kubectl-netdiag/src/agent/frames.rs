//! A byte stream with an agent: frames of bounded length both ways; the agent is not trusted.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, stream};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use netdiag_wire::{
    Line,
    frame::{Kind, LENGTH_BYTES, MAX_DATA_BYTES, MAX_FRAME_BYTES},
};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    RequestBody,
    body::{AnswerBody, Broken},
    lines::{MAX_RUN, parse},
};

/// Chunks that wait for the agent; then whoever sends them waits.
const QUEUE: usize = 4;

/// What an agent sends in a byte stream.
#[derive(Debug, PartialEq)]
pub(crate) enum Piece<E> {
    Event(Line<E>),
    Data(Bytes),
    /// No data follows.
    End,
}

/// The agent's frames as they come.
pub(crate) struct Frames {
    body: AnswerBody,
    buffer: BytesMut,
    /// Bytes of events; data is what the stream is for.
    events: u64,
}

impl Frames {
    pub(super) fn new(body: AnswerBody) -> Self {
        Self { body, buffer: BytesMut::new(), events: 0 }
    }

    /// The next piece; `None` where the stream ends between two. Cancel-safe.
    pub(crate) async fn next<E: DeserializeOwned>(&mut self) -> Result<Option<Piece<E>>, Broken> {
        loop {
            if let Some((kind, carried)) = self.take()? {
                return self.piece(kind, carried).map(Some);
            }
            match self.body.next().await? {
                Some(data) => self.buffer.extend_from_slice(&data),
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(self.body.broke_off().await),
            }
        }
    }

    fn take(&mut self) -> Result<Option<(Kind, Bytes)>, Broken> {
        let Some(length) = self.buffer.first_chunk() else { return Ok(None) };
        let length = u32::from_be_bytes(*length) as usize;
        if length > MAX_FRAME_BYTES {
            return Err(Broken::Protocol(format!("a frame of {length} bytes")));
        }
        if self.buffer.len() < LENGTH_BYTES + length {
            return Ok(None);
        }
        self.buffer.advance(LENGTH_BYTES);
        let mut frame = self.buffer.split_to(length).freeze();
        let kind = Kind::of(&frame).map_err(|error| Broken::Protocol(error.to_string()))?;
        frame.advance(1);
        Ok(Some((kind, frame)))
    }

    fn piece<E: DeserializeOwned>(
        &mut self,
        kind: Kind,
        carried: Bytes,
    ) -> Result<Piece<E>, Broken> {
        Ok(match kind {
            Kind::Data => Piece::Data(carried),
            Kind::End => Piece::End,
            Kind::Event => {
                self.events += carried.len() as u64;
                if self.events > MAX_RUN {
                    let message = format!("more than {} MiB of events", MAX_RUN >> 20);
                    return Err(Broken::Protocol(message));
                }
                Piece::Event(parse(&carried)?)
            }
        })
    }
}

/// Bytes to the agent; dropped without an END, the stream is broken off and not ended.
#[derive(Clone, Debug)]
pub(crate) struct Upload(mpsc::Sender<Outgoing>);

#[derive(Debug)]
pub(crate) enum Outgoing {
    Data(Bytes),
    End,
}

impl Upload {
    /// And who takes what is sent.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Outgoing>) {
        let (sender, chunks) = mpsc::channel(QUEUE);
        (Self(sender), chunks)
    }

    /// To a probe of this process; broken off, it is stopped.
    pub(crate) fn here(to_probe: mpsc::Sender<Bytes>, stop: CancellationToken) -> Self {
        let (upload, mut chunks) = Self::new();
        tokio::spawn(async move {
            loop {
                match chunks.recv().await {
                    Some(Outgoing::Data(bytes)) => drop(to_probe.send(bytes).await),
                    Some(Outgoing::End) => return,
                    None => return stop.cancel(),
                }
            }
        });
        upload
    }

    /// False where nobody takes them any more.
    pub(crate) async fn send(&self, mut bytes: Bytes) -> bool {
        while !bytes.is_empty() {
            let chunk = bytes.split_to(bytes.len().min(MAX_DATA_BYTES));
            if self.0.send(Outgoing::Data(chunk)).await.is_err() {
                return false;
            }
        }
        true
    }

    /// No more follows.
    pub(crate) async fn end(self) {
        // An agent that has gone needs none.
        let _ = self.0.send(Outgoing::End).await;
    }
}

/// A request's body: its line, then whatever is sent.
pub(super) fn upload(line: Bytes) -> (Upload, RequestBody) {
    let (upload, chunks) = Upload::new();
    (upload, StreamBody::new(frames(line, chunks)).boxed_unsync())
}

enum Step {
    Line(Bytes),
    Data,
    Over,
}

fn frames(
    line: Bytes,
    chunks: mpsc::Receiver<Outgoing>,
) -> impl Stream<Item = io::Result<Frame<Bytes>>> {
    stream::unfold((Step::Line(line), chunks), |(step, mut chunks)| async {
        let (frame, step) = match step {
            Step::Line(line) => (Ok(line), Step::Data),
            Step::Data => match chunks.recv().await {
                Some(Outgoing::Data(bytes)) => (Ok(framed(Kind::Data, &bytes)), Step::Data),
                Some(Outgoing::End) => (Ok(framed(Kind::End, &[])), Step::Over),
                None => (Err(io::ErrorKind::UnexpectedEof.into()), Step::Over),
            },
            Step::Over => return None,
        };
        Some((frame.map(Frame::data), (step, chunks)))
    })
}

fn framed(kind: Kind, carried: &[u8]) -> Bytes {
    [&kind.head(carried.len())[..], carried].concat().into()
}
