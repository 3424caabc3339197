//! The library's errors as how an exchange ended.

use std::{error::Error, io};

use netdiag_wire::http::{HttpEnd, MAX_HEAD_BYTES};

use crate::meter::Reading;

/// Before the head was whole.
pub(crate) fn of_head(cause: &hyper::Error, reading: &Reading) -> HttpEnd {
    if is_reset(cause) {
        return HttpEnd::Reset;
    }
    if let Some(code) = refused(cause, reading) {
        return HttpEnd::Refused { code };
    }
    match reading.read {
        0 => HttpEnd::Empty,
        _ if cause.is_parse_too_large() && has_boundless_length(&reading.said) => {
            let why = "a Content-Length that no body can have".into();
            HttpEnd::Malformed { why, said: reading.said.clone().into() }
        }
        _ if cause.is_parse_too_large() || is_flood(cause, reading) => HttpEnd::HeadTooLong,
        _ if is_cut(cause) => HttpEnd::CutHead,
        _ => malformed(cause, reading),
    }
}

/// Within the body.
pub(crate) fn of_body(cause: &hyper::Error, expected: Option<u64>, reading: &Reading) -> HttpEnd {
    if is_reset(cause) {
        return HttpEnd::Reset;
    }
    if let Some(code) = refused(cause, reading) {
        return HttpEnd::Refused { code };
    }
    match is_cut(cause) {
        true => HttpEnd::CutBody { expected },
        false => malformed(cause, reading),
    }
}

fn malformed(cause: &hyper::Error, reading: &Reading) -> HttpEnd {
    let why = match cause.source() {
        Some(inner) => inner.to_string(),
        None => cause.to_string(),
    };
    HttpEnd::Malformed { why: why.into(), said: reading.said.clone().into() }
}

/// By the server; an error of HTTP/2 that we found ourselves is none.
fn refused(cause: &hyper::Error, reading: &Reading) -> Option<u32> {
    let error = chain(cause).find_map(|inner| inner.downcast_ref::<h2::Error>());
    let code = error.filter(|error| error.is_remote()).and_then(h2::Error::reason);
    match code {
        Some(code) => Some(code.into()),
        // It closed, and had told why.
        None => {
            io_error(cause)?;
            reading.frames.as_ref()?.goaway.filter(|code| *code != 0)
        }
    }
}

/// The library calls the two greatest numbers of 64 bits, which it has a use of its own for, a head
/// that is too long.
fn has_boundless_length(said: &[u8]) -> bool {
    said.split(|byte| *byte == b'\n').any(|line| {
        let text = String::from_utf8_lossy(line).to_ascii_lowercase();
        let length = text.strip_prefix("content-length:").map(|text| text.trim().parse::<u64>());
        length.is_some_and(|length| length.is_ok_and(|length| length > u64::MAX - 2))
    })
}

/// HTTP/2: more came than a head may have, and the library had enough of it.
fn is_flood(cause: &hyper::Error, reading: &Reading) -> bool {
    let is_http2 = chain(cause).any(|inner| inner.is::<h2::Error>());
    is_http2 && reading.read > MAX_HEAD_BYTES as u64
}

fn is_reset(cause: &hyper::Error) -> bool {
    io_error(cause).is_some_and(|cause| cause.kind() == io::ErrorKind::ConnectionReset)
}

/// HTTP/2 calls any end of the stream a broken pipe.
fn is_cut(cause: &hyper::Error) -> bool {
    let kinds = [io::ErrorKind::UnexpectedEof, io::ErrorKind::BrokenPipe];
    cause.is_incomplete_message()
        || io_error(cause).is_some_and(|cause| kinds.contains(&cause.kind()))
}

fn io_error(cause: &hyper::Error) -> Option<&io::Error> {
    chain(cause).find_map(|inner| match inner.downcast_ref::<h2::Error>() {
        Some(error) => error.get_io(),
        None => inner.downcast_ref(),
    })
}

fn chain<'a>(cause: &'a hyper::Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(cause.source(), |inner: &&'a (dyn Error + 'static)| (*inner).source())
}
