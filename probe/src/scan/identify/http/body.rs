//! Where a body ends (RFC 9112, section 6.3).

use std::borrow::Cow;

use super::super::heard::contains;

/// What is there of the body, and whether that is all of it. One that only the end of the
/// connection would end is never whole.
pub(super) fn read<'a>(
    rest: &'a [u8],
    encoding: Option<&[u8]>,
    length: Option<usize>,
) -> (Cow<'a, [u8]>, bool) {
    if encoding.is_some_and(|encoding| contains(encoding, "chunked")) {
        let (body, is_whole) = chunks(rest);
        return (body.into(), is_whole);
    }
    match length {
        Some(length) => (rest[..rest.len().min(length)].into(), rest.len() >= length),
        None => (rest.into(), false),
    }
}

fn chunks(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some((length, chunk)) = chunk(rest) {
        if length == 0 {
            return (body, true);
        }
        let Some((whole, after)) = chunk.split_at_checked(length) else {
            body.extend_from_slice(chunk);
            return (body, false);
        };
        body.extend_from_slice(whole);
        rest = after.strip_prefix(b"\r\n").unwrap_or(after);
    }
    (body, false)
}

/// The length of the chunk that begins here, and what is behind its line.
fn chunk(rest: &[u8]) -> Option<(usize, &[u8])> {
    let end = rest.windows(2).take(64).position(|part| part == b"\r\n")?;
    let digits = rest[..end].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let length = usize::from_str_radix(str::from_utf8(&rest[..digits]).ok()?, 16).ok()?;
    Some((length, &rest[end + 2..]))
}
