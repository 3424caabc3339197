//! Message brokers: NATS, AMQP, Kafka, MQTT.

use serde_json::Value;

use super::{
    bytes::Bytes,
    greeting::line,
    heard::{Heard, Match, Question, between},
};

/// Longest frame or answer that is waited for.
const MAX_FRAME: usize = 65_536;

/// The server speaks first: `INFO {...}`.
pub(super) fn nats(bytes: &[u8]) -> Heard {
    let Some(info) = bytes.strip_prefix(b"INFO {") else { return Heard::No };
    let Some(line) = line(info) else { return Heard::More };
    let json = &bytes[b"INFO ".len()..b"INFO {".len() + line.len()];
    let Ok(info) = serde_json::from_slice::<Value>(json) else { return Heard::No };
    let text = |name: &str| info.get(name).and_then(Value::as_str).map(str::as_bytes);
    if text("server_id").is_none() {
        return Heard::No;
    }
    let found = Match::of("NATS").version(text("version").unwrap_or_default());
    let found = match text("go") {
        // The server in Go; only it says with what it was built.
        Some(_) => found.product(b"nats-server"),
        None => found,
    };
    Heard::Yes(found.info(text("server_name").unwrap_or_default()))
}

/// The header of AMQP 0-9-1; a server with another version answers with its own.
pub(super) fn amqp() -> Question {
    Question::new(b"AMQP\x00\x00\x09\x01", amqp_start)
}

/// A frame with connection.start, whose table says who it is.
fn amqp_start(bytes: &[u8]) -> Heard {
    if let Some(rest) = bytes.strip_prefix(b"AMQP") {
        return match rest {
            [0 | 2 | 3, 1, 0, 0, ..] => Heard::Yes(Match::of("AMQP 1.0")),
            [0, 0, 9, 1, ..] => Heard::Yes(Match::of("AMQP 0-9-1")),
            [_, _, _, _, ..] => Heard::Yes(Match::of("AMQP")),
            _ => Heard::More,
        };
    }
    let mut frame = Bytes::new(bytes);
    let start = (frame.u8(), frame.u16(), frame.u32());
    let length = match start {
        (Some(1), Some(0), Some(length)) if (length as usize) <= MAX_FRAME => length as usize,
        (None | Some(1), None | Some(0), None) => return Heard::More,
        _ => return Heard::No,
    };
    let Some(body) = frame.part(length) else { return Heard::More };
    Heard::from(amqp_properties(body))
}

fn amqp_properties(mut body: Bytes<'_>) -> Option<Match> {
    if body.take(4)? != [0, 10, 0, 10] {
        return None;
    }
    let (major, minor) = (body.u8()?, body.u8()?);
    let length = body.u32()? as usize;
    let mut table = body.part(length)?;
    let protocol = if (major, minor) == (0, 9) { "AMQP 0-9-1" } else { "AMQP" };
    let mut found = Match::of(protocol);
    while let Some((name, value)) = amqp_field(&mut table) {
        found = match name {
            b"product" => found.product(value),
            b"version" => found.version(value),
            b"cluster_name" => found.info(value),
            _ => found,
        };
    }
    Some(found)
}

/// A name and its value, empty for other than long strings and tables; ends at any other type.
fn amqp_field<'a>(table: &mut Bytes<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let length = table.u8()?;
    let name = table.take(length.into())?;
    match table.u8()? {
        b'S' => {
            let length = table.u32()? as usize;
            Some((name, table.take(length)?))
        }
        b'F' => {
            let length = table.u32()? as usize;
            table.take(length).map(|_| (name, &b""[..]))
        }
        b't' => table.take(1).map(|_| (name, &b""[..])),
        b'I' => table.take(4).map(|_| (name, &b""[..])),
        _ => None,
    }
}

/// ApiVersions, version 0, which needs no login.
pub(super) fn kafka() -> Question {
    Question::new(b"\x00\x00\x00\x11\x00\x12\x00\x00netd\x00\x07netdiag", kafka_versions)
}

/// Which requests it knows, each once and with its versions in order.
fn kafka_versions(bytes: &[u8]) -> Heard {
    let mut answer = Bytes::new(bytes);
    let Some(length) = answer.u32() else { return Heard::More };
    let length = length as usize;
    if !(10..=MAX_FRAME).contains(&length) {
        return Heard::No;
    }
    if bytes.get(4..8).is_some_and(|id| id != b"netd") {
        return Heard::No;
    }
    let Some(body) = answer.part(length) else { return Heard::More };
    Heard::from(kafka_list(body))
}

fn kafka_list(mut body: Bytes<'_>) -> Option<Match> {
    body.take(4)?;
    let error = body.u16()?;
    let count = body.u32()?;
    let mut known = 0;
    for _ in 0..count {
        let (_key, least, most) = (body.u16()?, body.u16()?, body.u16()?);
        if least > most {
            return None;
        }
        known += 1;
    }
    let is_right = body.is_empty() && error == 0 && known > 0;
    is_right.then(|| Match::of("Kafka").info(format!("{known} APIs").as_bytes()))
}

/// CONNECT with a clean session and no name: it leaves nothing behind.
pub(super) fn mqtt() -> Question {
    Question::new(b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x0a\x00\x00", mqtt_accepted)
}

fn mqtt_accepted(bytes: &[u8]) -> Heard {
    match bytes {
        [0x20, 2, 0, 0] => {
            // SUBSCRIBE: the broker's own version, which it holds ready.
            let topic = b"$SYS/broker/version";
            let mut send = vec![0x82, 5 + topic.len() as u8, 0, 1, 0, topic.len() as u8];
            send.extend_from_slice(topic);
            send.push(0);
            Heard::Ask(Match::of("MQTT 3.1.1"), Question::new(send, mqtt_version))
        }
        [0x20, 2, 0, 1] => Heard::Yes(Match::of("MQTT")),
        [0x20, 2, 0, 4 | 5] => Heard::Yes(Match::of("MQTT 3.1.1").info(b"asks for a login")),
        [0x20, 2, 0, 2 | 3] => Heard::Yes(Match::of("MQTT 3.1.1")),
        [] | [0x20] | [0x20, 2] | [0x20, 2, 0] => Heard::More,
        _ => Heard::No,
    }
}

/// `mosquitto version 2.0.11`, retained.
fn mqtt_version(bytes: &[u8]) -> Heard {
    let Some(at) = bytes.windows(19).position(|part| part == b"$SYS/broker/version") else {
        return Heard::More;
    };
    let text = &bytes[at + 19..];
    let length = at.checked_sub(3).and_then(|length| bytes.get(length)).copied();
    let Some(text) = length.and_then(|length| text.get(..usize::from(length).checked_sub(21)?))
    else {
        return Heard::More;
    };
    let text = [text, b"\0"].concat();
    match between(&text, " version ", "\0") {
        Some(version) => {
            let name = text.len() - version.len() - b" version \0".len();
            Heard::Yes(Match::default().product(&text[..name]).version(version))
        }
        None => Heard::Yes(Match::default().version(&text[..text.len() - 1])),
    }
}
