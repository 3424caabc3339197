//! A request's head, byte by byte, before any parser that is kinder: HTTP/1.1 exactly as RFC 9112
//! writes it, in bounded space and time. What two parsers could read in two ways is refused.

use std::{io, time::Duration};

use netdiag_wire::{ErrorBody, ErrorCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const MAX_BYTES: usize = 16 * 1024;
const MAX_FIELDS: usize = 64;
const TIMEOUT: Duration = Duration::from_secs(5);
const END: &[u8] = b"\r\n\r\n";

#[derive(Debug, thiserror::Error)]
pub(super) enum HeadError {
    #[error("read a request's head")]
    Read(#[from] io::Error),
    #[error("a request's head was not complete in time")]
    Slow,
    #[error("more than {MAX_BYTES} bytes of head, or {MAX_FIELDS} fields")]
    Large,
    #[error("{0}")]
    Malformed(&'static str),
}

/// The head as it came, with what was read of the body.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, HeadError> {
    let reading = async {
        let mut bytes = Vec::with_capacity(1_024);
        loop {
            let from = bytes.len().saturating_sub(END.len() - 1);
            if stream.read_buf(&mut bytes).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            if let Some(at) = find(&bytes[from..], END) {
                let end = from + at + END.len();
                return if end <= MAX_BYTES {
                    check(&bytes[..end]).map(|()| bytes)
                } else {
                    Err(HeadError::Large)
                };
            }
            if bytes.len() >= MAX_BYTES {
                return Err(HeadError::Large);
            }
            check_lines(&bytes)?;
        }
    };
    tokio::time::timeout(TIMEOUT, reading).await.map_err(|_| HeadError::Slow)?
}

/// Says why, as far as the client still listens, and nothing more.
pub(super) async fn refuse(stream: &mut (impl AsyncWrite + Unpin), error: &HeadError) {
    let status = match error {
        HeadError::Read(_) => return,
        HeadError::Slow => "408 Request Timeout",
        HeadError::Large => "431 Request Header Fields Too Large",
        HeadError::Malformed(_) => "400 Bad Request",
    };
    let body = ErrorBody::new(ErrorCode::BadRequest, error.to_string());
    let body = serde_json::to_string(&body).unwrap_or_default();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = tokio::time::timeout(TIMEOUT, stream.write_all(answer.as_bytes())).await;
}

fn check(head: &[u8]) -> Result<(), HeadError> {
    check_lines(head)?;
    let text = str::from_utf8(head).map_err(|_| HeadError::Malformed("not ASCII"))?;
    let mut lines = text.trim_end_matches("\r\n").split("\r\n");
    check_request_line(lines.next().unwrap_or_default())?;
    let fields: Vec<(&str, &str)> = lines.map(field).collect::<Result<_, _>>()?;
    if fields.len() > MAX_FIELDS {
        return Err(HeadError::Large);
    }
    check_framing(&fields)
}

/// Visible ASCII, space and tab; CR and LF only together.
fn check_lines(bytes: &[u8]) -> Result<(), HeadError> {
    let mut after_cr = false;
    for byte in bytes {
        match (after_cr, byte) {
            (true, b'\n') => after_cr = false,
            (true, _) => return Err(HeadError::Malformed("a CR without LF")),
            (false, b'\n') => return Err(HeadError::Malformed("a LF without CR")),
            (false, b'\r') => after_cr = true,
            (false, b'\t' | b' '..=b'~') => {}
            (false, _) => return Err(HeadError::Malformed("a byte that is no visible ASCII")),
        }
    }
    Ok(())
}

fn check_request_line(line: &str) -> Result<(), HeadError> {
    let parts: Vec<&str> = line.split(' ').collect();
    let [method, target, version] = parts[..] else {
        return Err(HeadError::Malformed("the request line is not METHOD PATH HTTP/1.1"));
    };
    if !is_token(method) {
        return Err(HeadError::Malformed("the method is no token"));
    }
    if !target.starts_with('/') || target.contains(['\t', '#', '\\', '"', '<', '>']) {
        return Err(HeadError::Malformed("the target is no path"));
    }
    if version != "HTTP/1.1" {
        return Err(HeadError::Malformed("only HTTP/1.1 is spoken here"));
    }
    Ok(())
}

fn field(line: &str) -> Result<(&str, &str), HeadError> {
    match line.split_once(':') {
        Some((name, value)) if is_token(name) => Ok((name, value.trim_matches([' ', '\t']))),
        _ => Err(HeadError::Malformed("a header field is not NAME: VALUE on one line")),
    }
}

/// One way only to know where the body ends.
fn check_framing(fields: &[(&str, &str)]) -> Result<(), HeadError> {
    let values = |name: &str| {
        fields.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| *v).collect()
    };
    let hosts: Vec<&str> = values("host");
    if hosts.len() != 1 {
        return Err(HeadError::Malformed("not exactly one Host"));
    }
    let (lengths, codings): (Vec<&str>, Vec<&str>) =
        (values("content-length"), values("transfer-encoding"));
    match (&*lengths, &*codings) {
        ([], []) => Ok(()),
        ([length], [])
            if length.bytes().all(|b| b.is_ascii_digit()) && length.parse::<u64>().is_ok() =>
        {
            Ok(())
        }
        ([], [coding]) if coding.eq_ignore_ascii_case("chunked") => Ok(()),
        _ => {
            Err(HeadError::Malformed("not one Content-Length, nor one Transfer-Encoding: chunked"))
        }
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    async fn judge(mut bytes: &[u8]) -> Result<usize, String> {
        read(&mut bytes).await.map(|head| head.len()).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_plain_request_passes_with_its_body() {
        let request = b"POST /v1/ping HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(judge(request).await, Ok(request.len()));
    }

    #[tokio::test]
    async fn a_head_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
        let head = |size: usize| {
            let rest = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n".len();
            format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(size - rest))
        };
        assert_eq!(judge(head(MAX_BYTES).as_bytes()).await, Ok(MAX_BYTES));
        let large = HeadError::Large.to_string();
        assert_eq!(judge(head(MAX_BYTES + 1).as_bytes()).await, Err(large));
    }

    #[tokio::test(start_paused = true)]
    async fn who_dribbles_is_cut_off() {
        let (mut client, mut server) = tokio::io::duplex(64);
        client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        assert!(matches!(read(&mut server).await, Err(HeadError::Slow)));
    }

    proptest! {
        #[test]
        fn no_bytes_panic_it(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = check(&bytes);
        }

        #[test]
        fn what_passes_is_visible_and_ends_its_lines(text in "GET /[ -~]{0,9} HTTP/1.1\r\nHost: a\r\n[ -~\r\n\t]{0,40}\r\n\r\n") {
            if check(text.as_bytes()).is_ok() {
                prop_assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
                prop_assert_eq!(text.matches('\r').count(), text.matches("\r\n").count());
            }
        }
    }
}
