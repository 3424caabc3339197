//! EDNS options as dig writes them.

use std::{
    fmt::Write,
    net::{Ipv4Addr, Ipv6Addr},
};

use super::{
    cursor::{Cursor, Fault},
    rdata,
};

pub(super) const NSID: u16 = 3;
pub(super) const CLIENT_SUBNET: u16 = 8;
const EXPIRE: u16 = 9;
pub(super) const COOKIE: u16 = 10;
const KEEPALIVE: u16 = 11;
const PADDING: u16 = 12;
const KEY_TAG: u16 = 14;
pub(super) const EXTENDED_ERROR: u16 = 15;

/// What of a cookie the client made.
pub(super) const CLIENT_COOKIE: usize = 8;

pub(super) fn show(code: u16, data: &[u8], sent: Option<&[u8]>) -> String {
    let mut cursor = Cursor::new(data);
    let shown = match code {
        COOKIE => Ok(cookie(data, sent)),
        CLIENT_SUBNET => subnet(&mut cursor),
        KEEPALIVE => cursor.u16().map(|tenths| format!("{}.{} secs", tenths / 10, tenths % 10)),
        EXPIRE => cursor.u32().map(|seconds| seconds.to_string()),
        KEY_TAG => key_tags(&mut cursor),
        PADDING => Ok(format!("({} bytes)", cursor.rest().len())),
        _ => Ok(bytes(cursor.rest())),
    };
    match shown {
        Ok(shown) if cursor.left() == 0 || code == COOKIE => shown,
        _ => bytes(data),
    }
}

/// Each byte, and all of them as text: `67 70 ("gp")`.
fn bytes(data: &[u8]) -> String {
    let mut shown = String::with_capacity(4 * data.len());
    data.iter().for_each(|byte| {
        let _ = write!(shown, "{byte:02x} ");
    });
    if !data.is_empty() {
        let text = data.iter().map(|byte| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '.',
        });
        let _ = write!(shown, "(\"{}\")", text.collect::<String>());
    }
    shown
}

/// Whether the server gave back the client's part and added its own (RFC 7873).
fn cookie(data: &[u8], sent: Option<&[u8]>) -> String {
    let verdict = match sent.and_then(|sent| sent.get(..CLIENT_COOKIE)) {
        None => "",
        Some(sent) if !data.starts_with(sent) => " (bad)",
        Some(sent) if data == sent => " (echoed)",
        Some(_) => " (good)",
    };
    format!("{}{verdict}", rdata::unbroken_hex(data).to_ascii_lowercase())
}

/// Address, bits that were sent and bits that the answer is good for (RFC 7871, section 6).
fn subnet(cursor: &mut Cursor<'_>) -> Result<String, Fault> {
    let (family, source, scope) = (cursor.u16()?, cursor.u8()?, cursor.u8()?);
    let address = cursor.rest();
    let address = match family {
        1 => Ipv4Addr::from(rdata::padded(address)?).to_string(),
        2 => Ipv6Addr::from(rdata::padded(address)?).to_string(),
        _ => return Err("is of an unknown family"),
    };
    Ok(format!("{address}/{source}/{scope}"))
}

fn key_tags(cursor: &mut Cursor<'_>) -> Result<String, Fault> {
    let mut tags = vec![cursor.u16()?.to_string()];
    while cursor.left() > 0 {
        tags.push(cursor.u16()?.to_string());
    }
    Ok(tags.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_shown_as_dig_shows_them() {
        let sent = [1, 2, 3, 4, 5, 6, 7, 8];
        for (code, data, expected) in [
            (NSID, &b"gpdns"[..], r#"67 70 64 6e 73 ("gpdns")"#),
            (NSID, b"", ""),
            (CLIENT_SUBNET, b"\0\x01\x18\0\x0a\x01\x02", "10.1.2.0/24/0"),
            (CLIENT_SUBNET, b"\0\x02\x20\x10\x20\x01\x0d\xb8", "2001:db8::/32/16"),
            (CLIENT_SUBNET, b"\0\x07\x18\0", r#"00 07 18 00 ("....")"#),
            (COOKIE, b"\x01\x02\x03\x04\x05\x06\x07\x08", "0102030405060708 (echoed)"),
            (COOKIE, b"\x01\x02\x03\x04\x05\x06\x07\x08\xaa", "0102030405060708aa (good)"),
            (COOKIE, b"\x09", "09 (bad)"),
            (KEEPALIVE, b"\0\x64", "10.0 secs"),
            (PADDING, b"\0\0\0", "(3 bytes)"),
            (65_001, b"\x1b[", r#"1b 5b (".[")"#),
        ] {
            assert_eq!(show(code, data, Some(&sent)), expected);
        }
    }
}
