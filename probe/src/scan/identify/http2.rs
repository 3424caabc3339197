//! HTTP/2 without any upgrade, and gRPC inside it.

use std::collections::HashMap;

use super::{
    bytes::Bytes,
    heard::{Heard, Match, Question, product_slash_version},
};

mod hpack;
mod huffman;

use hpack::{Field, Table};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// A server's first frame; RFC 9113 defines six settings, extensions a few more.
const MAX_SETTINGS: usize = 6 * 32;
/// What a client that says nothing accepts.
const MAX_FRAME: usize = 16_384;
/// Of one answer that are looked at.
const MAX_FRAMES: usize = 64;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PRIORITY: u8 = 32;

/// Streams of our two requests.
const HEALTH: u32 = 1;
const ROOT: u32 = 3;

/// A server may send its settings before it has heard anything.
pub(super) fn greeting(bytes: &[u8]) -> Heard {
    let mut frames = Bytes::new(bytes);
    match Frame::read(&mut frames) {
        Some(frame) if frame.is_settings() => Heard::Yes(Match::of("HTTP/2")),
        _ => Heard::No,
    }
}

/// gRPC's health check, which every server of gRPC answers with its own content type even where it
/// knows no such service, and `GET /` for the others.
pub(super) fn question(authority: &str, is_tls: bool) -> Question {
    let scheme = if is_tls { 0x87 } else { 0x86 };
    let mut get = vec![0x82, scheme, 0x84];
    literal(&mut get, 1, authority);
    let mut health = vec![0x83, scheme];
    literal(&mut health, 4, "/grpc.health.v1.Health/Check");
    literal(&mut health, 1, authority);
    literal(&mut health, 31, "application/grpc");
    health.extend_from_slice(b"\x00\x02te\x08trailers");
    let send = [
        PREFACE,
        &frame(SETTINGS, 0, 0, b""),
        &frame(HEADERS, END_HEADERS, HEALTH, &health),
        // One message, not compressed, of no bytes: the health of the server as a whole.
        &frame(DATA, END_STREAM, HEALTH, &[0; 5]),
        &frame(HEADERS, END_HEADERS | END_STREAM, ROOT, &get),
    ]
    .concat();
    Question::new(send, read)
}

/// A header without indexing whose name is in the static table.
fn literal(block: &mut Vec<u8>, index: u8, value: &str) {
    match index {
        0..=14 => block.push(index),
        _ => block.extend_from_slice(&[0x0f, index - 15]),
    }
    block.push(value.len() as u8);
    block.extend_from_slice(value.as_bytes());
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

struct Frame<'a> {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: &'a [u8],
}

impl<'a> Frame<'a> {
    fn read(bytes: &mut Bytes<'a>) -> Option<Self> {
        let mut ahead = *bytes;
        let length = ahead.be24()?;
        let (kind, flags, stream) = (ahead.u8()?, ahead.u8()?, ahead.u32()? & 0x7fff_ffff);
        let payload = ahead.take(length)?;
        *bytes = ahead;
        Some(Self { kind, flags, stream, payload })
    }

    fn is_settings(&self) -> bool {
        let length = self.payload.len();
        (self.kind, self.flags, self.stream) == (SETTINGS, 0, 0)
            && length.is_multiple_of(6)
            && length <= MAX_SETTINGS
    }

    /// Without padding and priority.
    fn headers(&self) -> Option<&'a [u8]> {
        let mut block = Bytes::new(self.payload);
        let padding = if self.flags & PADDED != 0 { usize::from(block.u8()?) } else { 0 };
        if self.flags & PRIORITY != 0 {
            block.take(5)?;
        }
        let length = block.rest().len().checked_sub(padding)?;
        block.take(length)
    }
}

/// What came on one stream.
#[derive(Default)]
struct Stream {
    fields: Vec<Field>,
    data: Vec<u8>,
    has_ended: bool,
}

impl Stream {
    fn field(&self, name: &str) -> Option<&[u8]> {
        let found = self.fields.iter().find(|(one, _)| one == name.as_bytes());
        found.map(|(_, value)| value.as_slice())
    }
}

fn read(bytes: &[u8]) -> Heard {
    let mut frames = Bytes::new(bytes);
    match Frame::read(&mut frames) {
        Some(first) if first.is_settings() => {}
        Some(_) => return Heard::No,
        None if is_no_settings(bytes) => return Heard::No,
        None => return Heard::More,
    }
    let (streams, has_ended) = streams(frames);
    let found = says(&streams);
    let is_over = |stream| streams.get(&stream).is_some_and(|one| one.has_ended);
    match has_ended || is_over(HEALTH) && is_over(ROOT) {
        true => Heard::Yes(found),
        false => Heard::Partly(found),
    }
}

/// As soon as it shows.
fn is_no_settings(bytes: &[u8]) -> bool {
    let settings = [&[0u8][..], &[0], &[], &[SETTINGS], &[0], &[0], &[0], &[0], &[0]];
    let is_other = |(byte, wanted): (&u8, &&[u8])| !wanted.is_empty() && !wanted.contains(byte);
    bytes.iter().zip(&settings).any(is_other)
}

/// The streams, and whether nothing more will come.
fn streams(mut frames: Bytes<'_>) -> (HashMap<u32, Stream>, bool) {
    let mut table = Table::default();
    let mut streams: HashMap<u32, Stream> = HashMap::new();
    let mut block = Vec::new();
    for _ in 0..MAX_FRAMES {
        let Some(frame) = Frame::read(&mut frames) else { return (streams, false) };
        let is_ours = matches!(frame.stream, HEALTH | ROOT);
        match frame.kind {
            GOAWAY => return (streams, true),
            _ if frame.payload.len() > MAX_FRAME => return (streams, true),
            DATA | HEADERS | RST_STREAM | CONTINUATION if is_ours => {}
            _ => continue,
        }
        let stream = streams.entry(frame.stream).or_default();
        match frame.kind {
            HEADERS => block = frame.headers().unwrap_or_default().to_vec(),
            CONTINUATION => block.extend_from_slice(frame.payload),
            DATA => stream.data.extend_from_slice(frame.payload),
            _ => stream.has_ended = true,
        }
        stream.has_ended |= matches!(frame.kind, HEADERS | DATA) && frame.flags & END_STREAM != 0;
        if matches!(frame.kind, HEADERS | CONTINUATION) && frame.flags & END_HEADERS != 0 {
            let Some(fields) = table.decode(&block) else { return (streams, true) };
            stream.fields.extend(fields);
        }
    }
    (streams, true)
}

fn says(streams: &HashMap<u32, Stream>) -> Match {
    let found = Match::of("HTTP/2");
    let health = streams.get(&HEALTH);
    let is_grpc = |stream: &&Stream| {
        stream.field("content-type").is_some_and(|kind| kind.starts_with(b"application/grpc"))
    };
    let server = |stream: &Stream| stream.field("server").map(product_slash_version);
    if let Some(health) = health.filter(is_grpc) {
        let found = found.and(server(health).unwrap_or_default());
        return found.and(Match::of("gRPC").info(health_says(health)));
    }
    found.and(streams.get(&ROOT).and_then(server).unwrap_or_default())
}

fn health_says(health: &Stream) -> &'static [u8] {
    match (health.field("grpc-status"), health.data.get(5..)) {
        (Some(b"0") | None, Some([8, 1, ..])) => b"health: serving",
        (Some(b"0") | None, Some([8, 2, ..])) => b"health: not serving",
        (Some(b"12"), _) => b"no health service",
        _ => b"",
    }
}
