//! The library's errors as how an exchange ended.

use std::{error::Error, io};

use netdiag_wire::http::HttpEnd;

use crate::meter::Reading;

/// Before the head was whole.
pub(crate) fn of_head(cause: &hyper::Error, reading: &Reading) -> HttpEnd {
    if is_reset(cause) {
        return HttpEnd::Reset;
    }
    if let Some(refused) = refused(cause) {
        return refused;
    }
    match reading.read {
        0 => HttpEnd::Empty,
        _ if cause.is_parse_too_large() => HttpEnd::HeadTooLong,
        _ if cause.is_incomplete_message() => HttpEnd::CutHead,
        _ => malformed(cause, reading),
    }
}

/// Within the body.
pub(crate) fn of_body(cause: &hyper::Error, expected: Option<u64>, reading: &Reading) -> HttpEnd {
    if is_reset(cause) {
        return HttpEnd::Reset;
    }
    if let Some(refused) = refused(cause) {
        return refused;
    }
    let is_cut = cause.is_incomplete_message()
        || io_error(cause).is_some_and(|cause| cause.kind() == io::ErrorKind::UnexpectedEof);
    match is_cut {
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
fn refused(cause: &hyper::Error) -> Option<HttpEnd> {
    let error = chain(cause).find_map(|inner| inner.downcast_ref::<h2::Error>())?;
    let code = error.reason().filter(|_| error.is_remote())?;
    Some(HttpEnd::Refused { code: code.into() })
}

fn is_reset(cause: &hyper::Error) -> bool {
    io_error(cause).is_some_and(|cause| {
        matches!(cause.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
    })
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
