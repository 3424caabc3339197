//! Servers that speak first: SSH, mail, FTP.

use super::{
    brokers, caches, databases,
    heard::{Heard, Match, Question, contains, named_version, said},
    http2,
};

/// Names that greet without a version.
const PRODUCTS: [&str; 10] = [
    "Dovecot",
    "Postfix",
    "Exim",
    "Sendmail",
    "OpenSMTPD",
    "Cyrus",
    "Courier",
    "vsFTPd",
    "ProFTPD",
    "Pure-FTPd",
];
/// Lines that may stand before an SSH version (RFC 4253, section 4.2).
const MAX_LINES: usize = 32;

/// Any greeting that is known.
pub(super) fn read(bytes: &[u8]) -> Heard {
    let readers = [
        ssh,
        mail,
        imap,
        pop3,
        databases::mysql,
        brokers::nats,
        caches::redis_refusal,
        http2::greeting,
    ];
    readers.iter().map(|read| read(bytes)).find(|heard| *heard != Heard::No).unwrap_or(Heard::More)
}

/// What the protocol has for a farewell, so that the server need not log a lost connection.
pub(super) fn farewell(speaks: &[String]) -> &'static [u8] {
    match speaks.last().map(String::as_str) {
        Some("SMTP" | "FTP" | "POP3") => b"QUIT\r\n",
        Some("IMAP4rev1" | "IMAP") => b"a2 LOGOUT\r\n",
        Some("LDAP" | "LDAPv3") => b"\x30\x05\x02\x01\x02\x42\x00",
        Some("MQTT 3.1.1") => b"\xe0\x00",
        _ => b"",
    }
}

/// Without its end; `None` while it has none.
pub(super) fn line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some(bytes[..end].trim_ascii_end())
}

fn ssh(bytes: &[u8]) -> Heard {
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').take(MAX_LINES);
    let Some(start) = lines.find(|line| line.starts_with(b"SSH-")) else { return Heard::No };
    let Some(line) = line(start) else { return Heard::More };
    let mut parts = line[4..].splitn(2, |byte| *byte == b'-');
    let (Some(version), Some(software)) = (parts.next(), parts.next()) else { return Heard::No };
    let mut parts = software.splitn(2, |byte| *byte == b' ');
    let (software, comment) = (parts.next().unwrap_or(b""), parts.next().unwrap_or(b""));
    let mut parts = software.splitn(2, |byte| *byte == b'_');
    let (product, its_version) = (parts.next().unwrap_or(b""), parts.next().unwrap_or(b""));
    let version = version.get(..8).unwrap_or(version).escape_ascii();
    Heard::Yes(
        Match::of(&format!("SSH {version}")).product(product).version(its_version).info(comment),
    )
}

/// SMTP and FTP both begin with 220.
fn mail(bytes: &[u8]) -> Heard {
    if !bytes.starts_with(b"220") {
        return Heard::No;
    }
    let Some(text) = reply(bytes) else { return Heard::More };
    if contains(&text, "FTP") {
        return Heard::Yes(named(Match::of("FTP"), &text));
    }
    let host = text.split(u8::is_ascii_whitespace).find(|word| !word.is_empty());
    if contains(&text, "SMTP") {
        return Heard::Yes(named(Match::of("SMTP"), &text).info(host.unwrap_or(b"")));
    }
    let found = named(Match::default(), &text);
    Heard::Ask(found, Question::new("EHLO netdiag.invalid\r\n", after_hello))
}

/// FTP knows no EHLO.
fn after_hello(bytes: &[u8]) -> Heard {
    if reply(bytes).is_none() {
        return Heard::More;
    }
    match bytes {
        [b'2', b'5', b'0', ..] => Heard::Yes(Match::of("SMTP")),
        [b'5', b'0' | b'3', ..] => Heard::Yes(Match::of("FTP")),
        _ => Heard::No,
    }
}

/// The text of all lines of one reply (RFC 5321, section 4.2.1), once the last is there.
fn reply(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n').take(MAX_LINES) {
        let whole = self::line(line)?;
        text.extend_from_slice(whole.get(4..).unwrap_or(b""));
        text.push(b' ');
        let has_code = whole.len() >= 3 && whole[..3].iter().all(u8::is_ascii_digit);
        if has_code && whole.get(3) != Some(&b'-') {
            return Some(text);
        }
    }
    None
}

fn pop3(bytes: &[u8]) -> Heard {
    match (bytes.starts_with(b"+OK"), line(bytes)) {
        (false, _) => Heard::No,
        (true, None) => Heard::More,
        (true, Some(line)) => Heard::Yes(named(Match::of("POP3"), line)),
    }
}

fn imap(bytes: &[u8]) -> Heard {
    let starts = [&b"* OK"[..], b"* PREAUTH", b"* BYE"];
    if !starts.iter().any(|start| bytes.starts_with(start)) {
        return Heard::No;
    }
    let Some(line) = line(bytes) else { return Heard::More };
    let protocol = if contains(line, "IMAP4rev1") { "IMAP4rev1" } else { "IMAP" };
    let found = named(Match::of(protocol), line);
    // RFC 2971: who it is, asked without saying who we are.
    match contains(line, " ID ") && found.version.is_none() {
        true => Heard::Ask(found, Question::new("a1 ID NIL\r\n", imap_id)),
        false => Heard::Yes(found),
    }
}

/// `* ID ("name" "Dovecot" "version" "2.3")`
fn imap_id(bytes: &[u8]) -> Heard {
    if !bytes.windows(4).any(|part| part == b"a1 O" || part == b"a1 B" || part == b"a1 N") {
        return Heard::More;
    }
    let Some(start) = bytes.windows(5).position(|part| part == b"* ID ") else { return Heard::No };
    let Some(list) = line(&bytes[start..]) else { return Heard::No };
    let strings: Vec<&[u8]> = list.split(|byte| *byte == b'"').skip(1).step_by(2).collect();
    let value = |key: &[u8]| {
        let pair = strings.chunks_exact(2).find(|pair| pair[0].eq_ignore_ascii_case(key));
        pair.and_then(|pair| said(pair[1]))
    };
    let (product, version) = (value(b"name"), value(b"version"));
    Heard::Yes(Match { product, version, ..Match::default() })
}

/// With the product that the text names.
fn named(found: Match, text: &[u8]) -> Match {
    if let Some((product, version)) = named_version(text) {
        return found.product(product).version(version);
    }
    match PRODUCTS.iter().find(|product| contains(text, product)) {
        Some(product) => found.product(product.as_bytes()),
        None => found,
    }
}
