//! MySQL and its kin, PostgreSQL, MongoDB.

use super::{
    bytes::Bytes,
    heard::{Heard, Match, Question, contains},
};

/// Longest greeting or answer that is waited for.
const MAX_PACKET: usize = 65_536;

/// MariaDB hides its version behind one that old replicas take for MySQL's.
const REPLICATION_HACK: &[u8] = b"5.5.5-";

/// The server speaks first: a packet with its protocol and version, or why it does not want us.
pub(super) fn mysql(bytes: &[u8]) -> Heard {
    let mut packet = Bytes::new(bytes);
    let (Some(length), Some(number)) = (packet.le24(), packet.u8()) else { return Heard::No };
    if number != 0 || !(8..=1_024).contains(&length) {
        return Heard::No;
    }
    let Some(mut body) = packet.part(length) else {
        // Text that happens to begin like a length has no such number.
        let is_start = matches!(bytes.get(4), None | Some(10 | 0xff));
        return if is_start { Heard::More } else { Heard::No };
    };
    match body.u8() {
        Some(10) => Heard::from(mysql_greeting(body)),
        Some(0xff) => Heard::from(mysql_refusal(body)),
        _ => Heard::No,
    }
}

fn mysql_greeting(mut body: Bytes<'_>) -> Option<Match> {
    let version = body.until(0)?;
    // Thread id, the first part of a nonce, and a zero.
    body.take(12)?;
    if body.u8()? != 0 {
        return None;
    }
    let version = version.strip_prefix(REPLICATION_HACK).unwrap_or(version);
    let found = Match::of("MySQL");
    if let Some(at) = version.windows(8).position(|part| part == b"-MariaDB") {
        let rest = &version[at + 8..];
        let rest = rest.strip_prefix(b"-").unwrap_or(rest);
        return Some(found.product(b"MariaDB").version(&version[..at]).info(rest));
    }
    // Others that speak it have their name in the version: 8.0.11-TiDB-v7.5.0.
    match version.iter().any(u8::is_ascii_uppercase) {
        true => Some(found.version(version)),
        false => Some(found.product(b"MySQL").version(version)),
    }
}

fn mysql_refusal(mut body: Bytes<'_>) -> Option<Match> {
    body.take(2)?;
    let text = body.rest();
    let product = ["MariaDB", "MySQL"].into_iter().find(|name| contains(text, name))?;
    Some(Match::of("MySQL").product(product.as_bytes()).info(text))
}

/// SSLRequest: answered with one letter, whoever asks.
pub(super) fn postgres() -> Question {
    Question::new(b"\x00\x00\x00\x08\x04\xd2\x16\x2f", postgres_tls)
}

/// A version that no server has, so that it must refuse before anybody is named.
pub(super) fn postgres_start() -> Question {
    Question::new(b"\x00\x00\x00\x09\x00\xff\x00\x00\x00", postgres_error)
}

fn postgres_tls(bytes: &[u8]) -> Heard {
    match bytes {
        [] => Heard::More,
        [b'N'] => Heard::Ask(Match::default(), postgres_start()),
        // After S only TLS may follow: the rest is asked on a connection of its own.
        [b'S'] => Heard::Partly(Match::default().info(b"offers TLS")),
        [b'E', ..] => postgres_error(bytes),
        _ => Heard::No,
    }
}

/// ErrorResponse: fields of a letter and a string, severity and code among them.
fn postgres_error(bytes: &[u8]) -> Heard {
    let mut packet = Bytes::new(bytes);
    match packet.u8() {
        None => return Heard::More,
        Some(b'E') => {}
        Some(_) => return Heard::No,
    }
    let Some(length) = packet.u32() else { return Heard::More };
    let Some(length) = (length as usize).checked_sub(4).filter(|length| *length <= MAX_PACKET)
    else {
        return Heard::No;
    };
    let Some(mut body) = packet.part(length) else { return Heard::More };
    let mut fields = Vec::new();
    while let Some(kind) = body.u8().filter(|kind| *kind != 0) {
        let Some(value) = body.until(0) else { return Heard::No };
        fields.push((kind, value));
    }
    let field = |kind: u8| fields.iter().find(|(one, _)| *one == kind).map(|(_, value)| *value);
    let (Some(_), Some(_), Some(_)) = (field(b'S'), field(b'C'), field(b'M')) else {
        return Heard::No;
    };
    let found = Match::of("PostgreSQL");
    // The routine of its own source that refused; those who only speak the protocol have another.
    match field(b'R') {
        Some(b"ProcessStartupPacket") => Heard::Yes(found.product(b"PostgreSQL")),
        _ => Heard::Yes(found),
    }
}

/// OP_MSG, one section with one document.
fn mongo_message(id: u8, command: &str) -> Vec<u8> {
    let mut document = Vec::new();
    document.push(0x10);
    document.extend_from_slice(command.as_bytes());
    document.extend_from_slice(b"\0\x01\0\0\0\x02$db\0\x06\0\0\0admin\0\0");
    let mut message = Vec::new();
    message.extend_from_slice(&(16 + 4 + 1 + 4 + document.len() as u32).to_le_bytes());
    message.extend_from_slice(&[id, 0, 0, 0, 0, 0, 0, 0]);
    message.extend_from_slice(&2_013u32.to_le_bytes());
    message.extend_from_slice(b"\0\0\0\0\0");
    message.extend_from_slice(&(4 + document.len() as u32).to_le_bytes());
    message.extend_from_slice(&document);
    message
}

/// `hello`, then `buildInfo`; neither needs a login.
pub(super) fn mongo() -> Question {
    Question::new(mongo_message(1, "hello"), mongo_hello)
}

fn mongo_hello(bytes: &[u8]) -> Heard {
    match mongo_document(bytes) {
        Err(heard) => heard,
        Ok(document) if document.number("maxWireVersion").is_none() => Heard::No,
        Ok(_) => {
            let build = Question::new(mongo_message(2, "buildInfo"), mongo_build);
            Heard::Ask(Match::of("MongoDB"), build)
        }
    }
}

fn mongo_build(bytes: &[u8]) -> Heard {
    match mongo_document(bytes) {
        Err(heard) => heard,
        Ok(document) => {
            let version = document.text("version");
            // Others that speak it (FerretDB, DocumentDB) have no git version of MongoDB's shape.
            let is_mongod = document.text("gitVersion").is_some_and(|hash| hash.len() == 40);
            let found = Match::default().version(version.unwrap_or_default());
            Heard::Yes(if is_mongod { found.product(b"MongoDB") } else { found })
        }
    }
}

/// The fields of one reply.
struct Document<'a>(Vec<(&'a [u8], Value<'a>)>);

enum Value<'a> {
    Text(&'a [u8]),
    Number(u32),
    Other,
}

impl<'a> Document<'a> {
    fn text(&self, name: &str) -> Option<&'a [u8]> {
        self.0.iter().find_map(|(one, value)| match value {
            Value::Text(text) if *one == name.as_bytes() => Some(*text),
            _ => None,
        })
    }

    fn number(&self, name: &str) -> Option<u32> {
        self.0.iter().find_map(|(one, value)| match value {
            Value::Number(number) if *one == name.as_bytes() => Some(*number),
            _ => None,
        })
    }
}

fn mongo_document(bytes: &[u8]) -> Result<Document<'_>, Heard> {
    let mut message = Bytes::new(bytes);
    let Some(length) = message.le32() else { return Err(Heard::More) };
    let length = length as usize;
    if !(26..=MAX_PACKET).contains(&length) {
        return Err(Heard::No);
    }
    let header = (message.le32(), message.le32(), message.le32());
    match header {
        // Ours has the numbers 1 and 2; a reply says to which it is one.
        (Some(_), Some(1 | 2), Some(2_013)) => {}
        (Some(_), Some(_), Some(_)) => return Err(Heard::No),
        _ => return Err(Heard::More),
    }
    let Some(mut body) = message.part(length - 16) else { return Err(Heard::More) };
    body.take(5).ok_or(Heard::No)?;
    let length = body.le32().ok_or(Heard::No)? as usize;
    let part = length.checked_sub(4).and_then(|length| body.part(length));
    Ok(Document(fields(part.ok_or(Heard::No)?)))
}

/// BSON, top level only; ends at the first element that is none.
fn fields(mut document: Bytes<'_>) -> Vec<(&[u8], Value<'_>)> {
    let mut fields = Vec::new();
    while let Some((name, value)) = field(&mut document) {
        fields.push((name, value));
    }
    fields
}

fn field<'a>(document: &mut Bytes<'a>) -> Option<(&'a [u8], Value<'a>)> {
    let kind = document.u8()?;
    let name = document.until(0)?;
    let value = match kind {
        0x02 => {
            let length = document.le32()? as usize;
            let text = document.take(length)?;
            Value::Text(text.strip_suffix(b"\0")?)
        }
        0x10 => Value::Number(document.le32()?),
        0x03 | 0x04 => {
            let length = document.le32()? as usize;
            document.take(length.checked_sub(4)?)?;
            Value::Other
        }
        0x05 => {
            let length = document.le32()? as usize;
            document.take(length.checked_add(1)?)?;
            Value::Other
        }
        0x01 | 0x09 | 0x11 | 0x12 => document.take(8).map(|_| Value::Other)?,
        0x07 => document.take(12).map(|_| Value::Other)?,
        0x08 => document.take(1).map(|_| Value::Other)?,
        0x0a => Value::Other,
        _ => return None,
    };
    Some((name, value))
}

/// What mongod says to those who try HTTP.
pub(super) fn hints_mongo(bytes: &[u8]) -> bool {
    contains(bytes, "MongoDB over HTTP")
}
