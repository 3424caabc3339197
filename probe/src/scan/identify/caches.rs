//! Redis and memcached, which are asked on one connection: each answers the other's words with an
//! error.

use super::{
    greeting::line,
    heard::{Heard, Match, Question, contains},
};

/// To find out which of them it is.
pub(super) fn question() -> Question {
    Question::new("PING\r\n", pinged)
}

fn pinged(bytes: &[u8]) -> Heard {
    let Some(line) = line(bytes) else { return Heard::More };
    match line {
        b"+PONG" => Heard::Ask(Match::of("Redis"), Question::new("INFO server\r\n", redis_info)),
        b"ERROR" => Heard::Ask(Match::default(), Question::new("version\r\n", memcached)),
        _ => redis_refusal(bytes),
    }
}

/// Redis without leave: a password, protected mode, or too many clients.
pub(super) fn redis_refusal(bytes: &[u8]) -> Heard {
    if !bytes.starts_with(b"-") {
        return Heard::No;
    }
    let Some(line) = line(bytes) else { return Heard::More };
    match line {
        _ if line.starts_with(b"-NOAUTH") => {
            Heard::Yes(Match::of("Redis").info(b"asks for a password"))
        }
        _ if line.starts_with(b"-DENIED Redis") => {
            Heard::Yes(Match::of("Redis").info(b"protected mode"))
        }
        b"-ERR max number of clients reached" => Heard::Yes(Match::of("Redis").info(&line[1..])),
        _ => Heard::No,
    }
}

/// A bulk string of `name:value` lines.
fn redis_info(bytes: &[u8]) -> Heard {
    if bytes.starts_with(b"-") {
        return Heard::Yes(Match::default().info(bytes.get(1..).and_then(line).unwrap_or(b"")));
    }
    let length = line(bytes).and_then(|line| line.strip_prefix(b"$"));
    let length = length.and_then(|digits| str::from_utf8(digits).ok()?.parse::<usize>().ok());
    match length {
        Some(length) if bytes.len() < length.min(8_192) => return Heard::More,
        Some(_) => {}
        None => return Heard::More,
    }
    let value = |name: &str| {
        let mut lines = bytes.split(|byte| *byte == b'\n');
        lines.find_map(|line| line.strip_prefix(name.as_bytes())?.strip_prefix(b":"))
    };
    let product = value("server_name").unwrap_or(b"redis");
    let version = match product.eq_ignore_ascii_case(b"valkey") {
        true => value("valkey_version"),
        false => value("redis_version"),
    };
    Heard::from(version.map(|version| Match::default().product(product).version(version)))
}

fn memcached(bytes: &[u8]) -> Heard {
    let Some(line) = line(bytes) else { return Heard::More };
    let version = line.strip_prefix(b"VERSION ");
    Heard::from(
        version.map(|version| Match::of("memcached").product(b"memcached").version(version)),
    )
}

/// Whether an answer to an HTTP request looks like one of theirs.
pub(super) fn hints(bytes: &[u8]) -> bool {
    bytes.starts_with(b"ERROR\r\n")
        || bytes.starts_with(b"-ERR ") && contains(bytes, "command")
        || bytes.starts_with(b"-NOAUTH")
        || bytes.starts_with(b"-DENIED")
}
