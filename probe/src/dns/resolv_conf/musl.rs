//! A line as musl's `__get_resolv_conf` reads it.

use netdiag_wire::dns::ResolverSettings;

use super::{add_server, after, ignore, is_space, replace_search, words};

/// A longer one, with its line feed, does not fit musl's buffer and is passed over.
const MAX_LINE: usize = 254;
const MAX_NDOTS: u64 = 15;
const MAX_TIMEOUT: u64 = 60;
const MAX_ATTEMPTS: u64 = 10;

/// `length` is that of the whole line, of which a NUL may have cut `line`.
pub(super) fn line(length: usize, line: &[u8], settings: &mut ResolverSettings) {
    if line.is_empty() || line.starts_with(b";") || line.starts_with(b"#") {
        return;
    }
    let rest = |word| after(line, word, is_space);
    if length > MAX_LINE {
        ignore(line, settings);
    } else if let Some(rest) = rest("nameserver") {
        add_server(words(rest, is_space).next(), line, settings);
    } else if let Some(rest) = rest("domain").or_else(|| rest("search")) {
        // One list for both, and an empty one counts.
        replace_search(words(rest, is_space), settings);
    } else if let Some(rest) = rest("options") {
        options(rest, settings);
    } else {
        ignore(line, settings);
    }
}

/// musl searches the line for each of its three names.
fn options(rest: &[u8], settings: &mut ResolverSettings) {
    if let Some(ndots) = number(rest, "ndots:") {
        settings.ndots = ndots.min(MAX_NDOTS) as u8;
    }
    if let Some(seconds) = number(rest, "timeout:") {
        // With 0 it asks nobody.
        settings.timeout_seconds = seconds.min(MAX_TIMEOUT) as u8;
    }
    if let Some(attempts) = number(rest, "attempts:") {
        // It divides by this number; a process that dies of 0 asks nobody anything.
        settings.attempts = attempts.min(MAX_ATTEMPTS) as u8;
    }
    let known = ["ndots:", "timeout:", "attempts:"];
    for word in words(rest, is_space) {
        if !known.iter().any(|name| find(word, name).is_some()) {
            ignore(word, settings);
        }
    }
}

/// After the first place where the name stands.
fn number(text: &[u8], name: &str) -> Option<u64> {
    let digits = &text[find(text, name)? + name.len()..];
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(None, |number: Option<u64>, digit| {
        let number = number.unwrap_or(0);
        Some(number.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
    })
}

fn find(text: &[u8], name: &str) -> Option<usize> {
    text.windows(name.len()).position(|window| window == name.as_bytes())
}
