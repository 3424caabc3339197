//! Records and the handshake messages in them, as far as they are in the clear.

use std::io;

use netdiag_wire::tls::{MAX_SAID, TlsEnd};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::answer::{Answer, Read};
use crate::end;

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
/// Longest record (RFC 8446, section 5.2).
const MAX_RECORD: usize = 16_384 + 256;
/// Longest flight that is read: a chain of certificates with many names.
const MAX_FLIGHT: usize = 1024 * 1024;

/// To the end of the server's first flight, or as far as it is in the clear.
pub(super) async fn flight<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Answer, TlsEnd> {
    let (mut messages, mut answer) = (Vec::new(), None);
    loop {
        let record = match record(stream).await {
            Ok(record) => record,
            // What was said before is an answer all the same.
            Err(end) => return answer.ok_or(end),
        };
        match record {
            (ALERT, body) => return answer.ok_or(alert(&body)),
            (HANDSHAKE, body) if messages.len() + body.len() <= MAX_FLIGHT => {
                messages.extend(body);
            }
            _ => return answer.ok_or(misbehaved("a record that is out of place")),
        }
        match Answer::read(&messages) {
            Ok(Read::Whole(whole)) => return Ok(whole),
            Ok(Read::Part(part)) => answer = part.or(answer),
            Err(why) => return Err(misbehaved(why)),
        }
    }
}

async fn record<S: AsyncRead + Unpin>(stream: &mut S) -> Result<(u8, Vec<u8>), TlsEnd> {
    let io = |cause: io::Error| end::of_io(&cause);
    let mut header = [0; 5];
    header[0] = stream.read_u8().await.map_err(io)?;
    header[1] = stream.read_u8().await.map_err(io)?;
    if !(20..=24).contains(&header[0]) || header[1] != 3 {
        return Err(plain_text(stream, &header[..2]).await);
    }
    stream.read_exact(&mut header[2..]).await.map_err(io)?;
    let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
    if length > MAX_RECORD {
        return Err(misbehaved("a record that is too long"));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.map_err(io)?;
    Ok((header[0], body))
}

/// What comes at once belongs to it.
async fn plain_text<S: AsyncRead + Unpin>(stream: &mut S, first: &[u8]) -> TlsEnd {
    let mut said = first.to_vec();
    let mut room = stream.take((MAX_SAID - said.len()) as u64);
    let _ = room.read_buf(&mut said).await;
    TlsEnd::PlainText { said: said.into() }
}

fn alert(body: &[u8]) -> TlsEnd {
    match body {
        [_, alert] => TlsEnd::Alert { alert: *alert },
        _ => misbehaved("an alert that is none"),
    }
}

fn misbehaved(why: &str) -> TlsEnd {
    TlsEnd::Misbehaved { why: why.into() }
}
