//! Services over UDP, and DNS over TCP: each is one question and one answer.

use netdiag_wire::dns::{Class, RecordType};

use super::{
    bytes::Bytes,
    heard::{Heard, Match, Question, contains, product_slash_version},
};
use crate::dns::message::Message;

/// Of our questions, so that an answer to something else is not taken for theirs.
const ID: u16 = 0x6e64;
/// One question without recursion: TXT of a name in the class CHAOS.
const VERSION_BIND: &[u8] = b"\x6e\x64\0\0\0\x01\0\0\0\0\0\0\x07version\x04bind\0\0\x10\0\x03";

/// The question that the port suggests first, then the others.
pub(super) fn questions(port: u16) -> Vec<Question> {
    let mut questions = vec![dns(), ntp(), snmp()];
    match port {
        123 => questions.swap(0, 1),
        161 => questions.swap(0, 2),
        _ => {}
    }
    questions
}

/// `version.bind`, a name in a class of its own that servers answer by themselves.
pub(super) fn dns() -> Question {
    Question::new(VERSION_BIND, read_dns)
}

/// The same with its length before it.
pub(super) fn dns_over_tcp() -> Question {
    let length = VERSION_BIND.len() as u16;
    Question::new([&length.to_be_bytes()[..], VERSION_BIND].concat(), read_dns_over_tcp)
}

fn read_dns(bytes: &[u8]) -> Heard {
    Heard::from(dns_says(bytes))
}

fn read_dns_over_tcp(bytes: &[u8]) -> Heard {
    let mut answer = Bytes::new(bytes);
    let Some(length) = answer.u16() else { return Heard::More };
    // At least a header, and as soon as it shows, ours.
    if length < 12 || bytes.get(2..4).is_some_and(|id| id != ID.to_be_bytes()) {
        return Heard::No;
    }
    match answer.take(length.into()) {
        Some(message) => Heard::from(dns_says(message)),
        None => Heard::More,
    }
}

fn dns_says(bytes: &[u8]) -> Option<Match> {
    let message = Message::parse(bytes)?.message;
    let header = message.header;
    if header.id != ID || !header.flags.qr || header.opcode != 0 {
        return None;
    }
    let found = Match::of("DNS");
    let text = message
        .answer
        .iter()
        .find(|record| (record.kind, record.class) == (RecordType::TXT, Class::CH));
    let Some(text) = text.and_then(|record| {
        let length = usize::from(*record.data.first()?);
        record.data.get(1..1 + length)
    }) else {
        return Some(found);
    };
    Some(found.and(dns_version(text)))
}

/// `unbound 1.17.1`, `dnsmasq-2.90`; BIND gives the version alone, and no other does.
fn dns_version(text: &[u8]) -> Match {
    let is_bind = text.starts_with(b"9.") && text.get(2).is_some_and(u8::is_ascii_digit);
    if is_bind {
        return Match::default().product(b"BIND").version(text);
    }
    let digit = text.iter().position(u8::is_ascii_digit);
    match digit.filter(|at| *at > 1 && b" -/".contains(&text[*at - 1])) {
        Some(at) => {
            let version = &text[at..];
            let end = version.iter().position(u8::is_ascii_whitespace).unwrap_or(version.len());
            Match::default().product(&text[..at - 1]).version(&version[..end]).info(&version[end..])
        }
        None if contains(text, "/") => product_slash_version(text),
        None => Match::default().info(text),
    }
}

/// A client's request (RFC 5905, section 7.3) with a time stamp to know the answer by.
fn ntp() -> Question {
    let mut request = [0; 48];
    request[0] = 0x23;
    request[40..].copy_from_slice(b"netdiag1");
    Question::new(request, read_ntp)
}

fn read_ntp(bytes: &[u8]) -> Heard {
    let is_answer = bytes.len() >= 48 && bytes[0] & 7 == 4 && bytes[24..32] == *b"netdiag1";
    let version = bytes.first().map_or(0, |first| first >> 3 & 7);
    if !is_answer || !(1..=4).contains(&version) {
        return Heard::No;
    }
    let found = Match::of(&format!("NTPv{version}"));
    let stratum = match bytes[1] {
        0 | 16.. => "not synchronized".to_owned(),
        stratum => format!("stratum {stratum}"),
    };
    Heard::Yes(found.info(stratum.as_bytes()))
}

/// Discovery of the engine (RFC 3414, section 4): version 3, no user, no community, no guess.
fn snmp() -> Question {
    Question::new(
        b"\x30\x3a\x02\x01\x03\x30\x0f\x02\x02\x6e\x64\x02\x03\x00\xff\xe3\x04\x01\x04\x02\x01\x03\
        \x04\x10\x30\x0e\x04\x00\x02\x01\x00\x02\x01\x00\x04\x00\x04\x00\x04\x00\
        \x30\x12\x04\x00\x04\x00\xa0\x0c\x02\x02\x6e\x65\x02\x01\x00\x02\x01\x00\x30\x00",
        read_snmp,
    )
}

fn read_snmp(bytes: &[u8]) -> Heard {
    Heard::from(snmp_says(bytes))
}

fn snmp_says(bytes: &[u8]) -> Option<Match> {
    let mut message = Bytes::new(bytes).tagged(0x30)?;
    if message.tagged(0x02)?.rest() != [3] {
        return None;
    }
    let mut global = message.tagged(0x30)?;
    if global.tagged(0x02)?.rest() != ID.to_be_bytes() {
        return None;
    }
    let mut security = message.tagged(0x04)?.tagged(0x30)?;
    let engine = security.tagged(0x04)?.rest();
    let found = Match::of("SNMPv3");
    // The highest bit says that the enterprise's own number is what the rest is.
    let enterprise = engine.first_chunk().map(|first| u32::from_be_bytes(*first) & 0x7fff_ffff);
    Some(match enterprise {
        Some(8_072) => found.product(b"Net-SNMP"),
        Some(enterprise) => found.info(format!("enterprise {enterprise}").as_bytes()),
        None => found,
    })
}
