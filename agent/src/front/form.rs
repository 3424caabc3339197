//! How a probe's request and answer lie in their bodies: one JSON and event lines, or frames.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use netdiag_wire::{ErrorBody, MAX_LINE_BYTES, Request, frame};
use serde::de::DeserializeOwned;
use tokio_util::codec::{Decoder, LinesCodec, LinesCodecError};

use super::body::{self, Upload};
use crate::frames::{self, Frame, Garbled};

pub(crate) trait Form: 'static {
    const CONTENT_TYPE: &'static str;
    /// Pieces that wait for a slow caller; then the worker waits too.
    const QUEUE: usize;
    /// Whether a caller may take its time with what came before the last line: bytes are read by a
    /// pipe's other end, events are not.
    const IS_PATIENT: bool;
    /// Of what a worker writes.
    type Decoder: Decoder<Item = Piece, Error = Garbled> + Default + Send + Unpin;

    /// The request, and what follows it.
    fn read<P: DeserializeOwned + Send>(
        body: Body,
    ) -> impl Future<Output = Result<(Request<P>, Option<Upload>), ErrorBody>> + Send;

    /// A [`netdiag_wire::Line`] as it is sent.
    fn event(json: Vec<u8>) -> Bytes;
}

/// What a worker writes.
#[derive(Debug)]
pub(crate) enum Piece {
    /// A [`netdiag_wire::Line`], to be read and written anew.
    Event(Bytes),
    /// Of bounded length, and nothing that front looks into.
    Frame(Bytes),
}

/// Event lines behind a JSON.
pub(crate) struct Lines(LinesCodec);

/// Frames behind a line of JSON, and frames back.
#[derive(Default)]
pub(crate) struct Frames(frames::Frames);

impl Form for Lines {
    const CONTENT_TYPE: &'static str = "application/x-ndjson";
    const QUEUE: usize = 64;
    const IS_PATIENT: bool = false;
    type Decoder = Self;

    async fn read<P: DeserializeOwned + Send>(
        body: Body,
    ) -> Result<(Request<P>, Option<Upload>), ErrorBody> {
        Ok((body::read(body).await?, None))
    }

    fn event(mut json: Vec<u8>) -> Bytes {
        json.push(b'\n');
        json.into()
    }
}

impl Form for Frames {
    const CONTENT_TYPE: &'static str = frame::CONTENT_TYPE;
    const QUEUE: usize = 4;
    const IS_PATIENT: bool = true;
    type Decoder = Self;

    async fn read<P: DeserializeOwned + Send>(
        body: Body,
    ) -> Result<(Request<P>, Option<Upload>), ErrorBody> {
        let (request, upload) = body::read_line(body).await?;
        Ok((request, Some(upload)))
    }

    fn event(json: Vec<u8>) -> Bytes {
        Frame::new(frame::Kind::Event, &json).whole()
    }
}

impl Default for Lines {
    fn default() -> Self {
        Self(LinesCodec::new_with_max_length(MAX_LINE_BYTES))
    }
}

impl Decoder for Lines {
    type Item = Piece;
    type Error = Garbled;

    fn decode(&mut self, from: &mut BytesMut) -> Result<Option<Piece>, Garbled> {
        piece(self.0.decode(from))
    }

    fn decode_eof(&mut self, from: &mut BytesMut) -> Result<Option<Piece>, Garbled> {
        piece(self.0.decode_eof(from))
    }
}

fn piece(line: Result<Option<String>, LinesCodecError>) -> Result<Option<Piece>, Garbled> {
    match line {
        Ok(line) => Ok(line.map(|line| Piece::Event(line.into()))),
        Err(LinesCodecError::MaxLineLengthExceeded) => Err(Garbled::TooLong),
        Err(LinesCodecError::Io(cause)) => Err(Garbled::Io(cause)),
    }
}

impl Decoder for Frames {
    type Item = Piece;
    type Error = Garbled;

    fn decode(&mut self, from: &mut BytesMut) -> Result<Option<Piece>, Garbled> {
        let frame = self.0.decode(from)?;
        Ok(frame.map(|frame| match frame.kind {
            frame::Kind::Event => Piece::Event(frame.carried()),
            frame::Kind::Data | frame::Kind::End => Piece::Frame(frame.whole()),
        }))
    }
}
