//! A line as musl's `__get_resolv_conf` reads it.

use netdiag_wire::dns::ResolverSettings;

use super::{add_server, after, ignore, is_comment, is_space, replace_search, words};

/// A longer one, its line feed with it, does not fit musl's buffer.
const MAX_LINE: usize = 255;
const MAX_NDOTS: u64 = 15;
const MAX_TIMEOUT: u64 = 60;
const MAX_ATTEMPTS: u64 = 10;

/// A line that does not fit is passed over; one with a NUL in it as well, and with it the next one:
/// musl finds no line feed in it and so reads on to one.
pub(super) fn read(contents: &[u8], settings: &mut ResolverSettings) {
    let mut lines = contents.split_inclusive(|byte| *byte == b'\n');
    while let Some(whole) = lines.next() {
        let is_cut = whole.contains(&0) && whole.ends_with(b"\n");
        if is_cut || whole.len() > MAX_LINE || (whole.len() == MAX_LINE && !whole.ends_with(b"\n"))
        {
            ignore(whole, settings);
        } else {
            line(whole.split(|byte| *byte == 0).next().unwrap_or_default(), settings);
        }
        if is_cut {
            lines.by_ref().take(1).for_each(|next| ignore(next, settings));
        }
    }
}

/// The line feed is a blank: `search` alone on its line empties the list.
fn line(line: &[u8], settings: &mut ResolverSettings) {
    if line.trim_ascii().is_empty() || is_comment(line) {
        return;
    }
    let rest = |word| after(line, word, is_space);
    if let Some(rest) = rest("nameserver") {
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
