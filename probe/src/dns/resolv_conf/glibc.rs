//! A line as glibc's `res_vinit_1` and `res_setoptions` read it.

use netdiag_wire::dns::ResolverSettings;

use super::{add_server, after, ignore, is_comment, replace_search, words};

const MAX_NDOTS: i32 = 15;
const MAX_TIMEOUT: i32 = 30;
const MAX_ATTEMPTS: i32 = 5;

pub(super) fn read(contents: &[u8], settings: &mut ResolverSettings) {
    for whole in contents.split(|byte| *byte == b'\n') {
        // A string ends at its first NUL in C.
        line(whole.split(|byte| *byte == 0).next().unwrap_or_default(), settings);
    }
}

/// Only at column 1 is a keyword one, and a comment's sign too.
fn line(line: &[u8], settings: &mut ResolverSettings) {
    if line.is_empty() || is_comment(line) {
        return;
    }
    let rest = |word| after(line, word, is_blank);
    if let Some(rest) = rest("nameserver") {
        add_server(words(rest, is_blank).next(), line, settings);
    } else if let Some(rest) = rest("domain") {
        search(words(rest, is_blank).take(1), settings);
    } else if let Some(rest) = rest("search") {
        search(words(rest, is_blank), settings);
    } else if let Some(rest) = rest("options") {
        words(rest, is_blank).for_each(|word| option(word, settings));
    } else {
        // `sortlist` among them, which getaddrinfo does not heed.
        ignore(line, settings);
    }
}

fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The last line that has a word wins.
fn search<'a>(domains: impl Iterator<Item = &'a [u8]>, settings: &mut ResolverSettings) {
    let mut domains = domains.peekable();
    if domains.peek().is_some() {
        replace_search(domains, settings);
    }
}

/// glibc compares beginnings: `rotated` is `rotate`.
fn option(word: &[u8], settings: &mut ResolverSettings) {
    let number = |name: &str| word.strip_prefix(name.as_bytes()).map(atoi);
    if let Some(ndots) = number("ndots:") {
        // A field of 4 bits: a negative number wraps around in it.
        settings.ndots = (ndots.min(MAX_NDOTS) & MAX_NDOTS) as u8;
    } else if let Some(seconds) = number("timeout:") {
        // Where it waits, `send_dg` waits a second at least.
        settings.timeout_seconds = seconds.clamp(1, MAX_TIMEOUT) as u8;
    } else if let Some(attempts) = number("attempts:") {
        // With 0 it asks nobody.
        settings.attempts = attempts.clamp(0, MAX_ATTEMPTS) as u8;
    } else if !word.starts_with(b"no-reload") {
        // That one is about the file, which is read once here.
        match flag(word, settings) {
            Some(flag) => *flag = true,
            None => ignore(word, settings),
        }
    }
}

fn flag<'a>(word: &[u8], settings: &'a mut ResolverSettings) -> Option<&'a mut bool> {
    let flags = [
        ("rotate", &mut settings.rotate),
        ("edns0", &mut settings.edns0),
        ("single-request-reopen", &mut settings.single_request_reopen),
        ("single-request", &mut settings.single_request),
        ("no_tld_query", &mut settings.no_tld_query),
        ("no-aaaa", &mut settings.no_aaaa),
        ("use-vc", &mut settings.use_vc),
        ("trust-ad", &mut settings.trust_ad),
    ];
    let spelt = word.strip_prefix(b"no-tld-query").map_or(word, |_| b"no_tld_query");
    flags.into_iter().find(|(name, _)| spelt.starts_with(name.as_bytes())).map(|(_, flag)| flag)
}

/// atoi(3) on a machine with 64 bits: read as a long, of which the lower half is kept.
fn atoi(text: &[u8]) -> i32 {
    let text = text.trim_ascii_start();
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] => (1, digits),
        digits => (1, digits),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    let add = |number: i64, digit: &u8| {
        number.saturating_mul(10).saturating_add(sign * i64::from(digit - b'0'))
    };
    digits.fold(0, add) as i32
}
