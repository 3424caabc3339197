//! Parameters of SVCB and HTTPS records (RFC 9460).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{
    super::cursor::{Cursor, Fault},
    text,
};

pub(super) fn params(cursor: &mut Cursor<'_>, words: &mut Vec<String>) -> Result<(), Fault> {
    let mut next = 0u32;
    while cursor.left() > 0 {
        let key = cursor.u16()?;
        if u32::from(key) < next {
            return Err("has parameters out of order");
        }
        next = u32::from(key) + 1;
        let length = cursor.u16()?;
        let mut value = cursor.part(length.into())?;
        let shown = value_of(key, &mut value)?;
        if value.left() > 0 {
            return Err("has a parameter that is too long");
        }
        words.push(match shown {
            Some(shown) => format!("{}={shown}", name(key)),
            None => name(key),
        });
    }
    Ok(())
}

/// IANA's "Service Parameter Keys (SvcParamKeys)".
fn name(key: u16) -> String {
    match key {
        0 => "mandatory",
        1 => "alpn",
        2 => "no-default-alpn",
        3 => "port",
        4 => "ipv4hint",
        5 => "ech",
        6 => "ipv6hint",
        7 => "dohpath",
        key => return format!("key{key}"),
    }
    .into()
}

/// `None`: the key stands alone.
fn value_of(key: u16, value: &mut Cursor<'_>) -> Result<Option<String>, Fault> {
    let shown = match key {
        0 => list(value, |value| value.u16().map(name))?,
        1 => format!("\"{}\"", list(value, |value| value.counted().map(protocol))?),
        2 => return Ok(None),
        3 => value.u16()?.to_string(),
        4 => list(value, |value| Ok(Ipv4Addr::from(value.array()?).to_string()))?,
        5 => text::unbroken_base64(value.rest()),
        6 => list(value, |value| Ok(Ipv6Addr::from(value.array()?).to_string()))?,
        _ if value.left() == 0 => return Ok(None),
        _ => text::quoted(value.rest()),
    };
    Ok(Some(shown))
}

fn list(
    value: &mut Cursor<'_>,
    mut item: impl FnMut(&mut Cursor<'_>) -> Result<String, Fault>,
) -> Result<String, Fault> {
    let mut items = vec![item(value)?];
    while value.left() > 0 {
        items.push(item(value)?);
    }
    Ok(items.join(","))
}

/// The list is escaped, and then the text that it is in (RFC 9460, appendix A.1).
fn protocol(bytes: &[u8]) -> String {
    let escaped = bytes.iter().flat_map(|byte| match byte {
        b',' | b'\\' => vec![b'\\', *byte],
        _ => vec![*byte],
    });
    let quoted = text::quoted(&escaped.collect::<Vec<_>>());
    quoted.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned()
}
