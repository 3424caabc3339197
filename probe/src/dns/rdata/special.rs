//! Parts of records that no other type has.

use std::net::{Ipv4Addr, Ipv6Addr};

use netdiag_wire::dns::RecordType;

use super::{
    super::cursor::{Cursor, Fault},
    show::rest,
    text,
};

mod location;
mod time;

pub(super) use location::location;
pub(super) use time::time;

type Words = Vec<String>;

/// Letters and digits, as a property tag of CAA (RFC 8659, section 4.1).
pub(super) fn word(bytes: &[u8]) -> Result<String, Fault> {
    let is_word = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_alphanumeric);
    let text = str::from_utf8(bytes).ok().filter(|_| is_word);
    text.map(str::to_owned).ok_or("has a tag that is no word")
}

/// Numbers in hexadecimal, each of at least `digits`.
pub(super) fn joined<'a>(
    parts: impl Iterator<Item = &'a [u8]>,
    between: &str,
    digits: usize,
) -> String {
    let number = |part: &[u8]| part.iter().fold(0u32, |sum, byte| sum << 8 | u32::from(*byte));
    let words: Words = parts.map(|part| format!("{:0digits$x}", number(part))).collect();
    words.join(between)
}

/// RFC 4034, section 4.1.2.
pub(super) fn types(cursor: &mut Cursor<'_>, words: &mut Words) -> Result<(), Fault> {
    let mut next = 0;
    while cursor.left() > 0 {
        let window = u16::from(cursor.u8()?);
        let bitmap = cursor.counted()?;
        if window < next || !(1..=32).contains(&bitmap.len()) {
            return Err("has a bitmap of types that is none");
        }
        next = window + 1;
        for (byte, bits) in (0u16..).zip(bitmap) {
            let set = (0..8).filter(|bit| bits & 0x80 >> bit != 0);
            words.extend(set.map(|bit| RecordType(window << 8 | byte << 3 | bit).to_string()));
        }
    }
    Ok(())
}

/// RFC 4398, section 2.1.
pub(super) fn certificate_type(number: u16) -> String {
    let words = ["PKIX", "SPKI", "PGP", "IPKIX", "ISPKI", "IPGP", "ACPKIX", "IACPKIX"];
    match number {
        1..=8 => words[usize::from(number) - 1].into(),
        253 => "URI".into(),
        254 => "OID".into(),
        _ => number.to_string(),
    }
}

/// IANA's "DNS Security Algorithm Numbers", in dig's spelling.
pub(super) fn algorithm(number: u8) -> String {
    match number {
        1 => "RSAMD5",
        2 => "DH",
        3 => "DSA",
        5 => "RSASHA1",
        6 => "NSEC3DSA",
        7 => "NSEC3RSASHA1",
        8 => "RSASHA256",
        10 => "RSASHA512",
        12 => "ECCGOST",
        13 => "ECDSAP256SHA256",
        14 => "ECDSAP384SHA384",
        15 => "ED25519",
        16 => "ED448",
        252 => "INDIRECT",
        253 => "PRIVATEDNS",
        254 => "PRIVATEOID",
        number => return number.to_string(),
    }
    .into()
}

/// A protocol and its ports (RFC 1035, section 3.4.2).
pub(super) fn services(cursor: &mut Cursor<'_>, words: &mut Words) -> Result<(), Fault> {
    words.push(cursor.u8()?.to_string());
    for (byte, bits) in (0u32..).zip(cursor.rest()) {
        let set = (0..8).filter(|bit| bits & 0x80 >> bit != 0);
        words.extend(set.map(|bit| (byte * 8 + bit).to_string()));
    }
    Ok(())
}

/// RFC 3123.
pub(super) fn prefixes(cursor: &mut Cursor<'_>, words: &mut Words) -> Result<(), Fault> {
    while cursor.left() > 0 {
        let (family, length, bits) = (cursor.u16()?, cursor.u8()?, cursor.u8()?);
        let address = cursor.bytes(usize::from(bits & 0x7f))?;
        let address = match family {
            1 if length <= 32 => Ipv4Addr::from(padded(address)?).to_string(),
            2 if length <= 128 => Ipv6Addr::from(padded(address)?).to_string(),
            _ => return Err("has a prefix of an unknown family or length"),
        };
        let sign = if bits & 0x80 == 0 { "" } else { "!" };
        words.push(format!("{sign}{family}:{address}/{length}"));
    }
    Ok(())
}

/// With the zeros that were left out at the end.
pub(in crate::dns) fn padded<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Fault> {
    let mut whole = [0; N];
    let part = whole.get_mut(..bytes.len()).ok_or("has too long an address")?;
    part.copy_from_slice(bytes);
    Ok(whole)
}

/// RFC 8005, section 5.
pub(super) fn hip(cursor: &mut Cursor<'_>, words: &mut Words) -> Result<(), Fault> {
    let (tag_length, algorithm, key_length) = (cursor.u8()?, cursor.u8()?, cursor.u16()?);
    let (tag, key) = (cursor.bytes(tag_length.into())?, cursor.bytes(key_length.into())?);
    words.push(algorithm.to_string());
    words.push(text::unbroken_hex(tag));
    words.push(text::unbroken_base64(key));
    while cursor.left() > 0 {
        words.push(cursor.plain_name()?.to_string());
    }
    Ok(())
}

/// RFC 4025, section 2, behind the precedence.
pub(super) fn ipsec_gateway(cursor: &mut Cursor<'_>, words: &mut Words) -> Result<(), Fault> {
    let (kind, algorithm) = (cursor.u8()?, cursor.u8()?);
    words.extend([kind.to_string(), algorithm.to_string(), gateway(kind, cursor)?]);
    rest(cursor, text::base64, words)
}

/// RFC 8777, section 4, behind the precedence.
pub(super) fn relay(cursor: &mut Cursor<'_>, words: &mut Words) -> Result<(), Fault> {
    let bits = cursor.u8()?;
    let kind = bits & 0x7f;
    words.extend([(bits >> 7).to_string(), kind.to_string()]);
    let relay = gateway(kind, cursor)?;
    if kind != 0 {
        words.push(relay);
    }
    Ok(())
}

fn gateway(kind: u8, cursor: &mut Cursor<'_>) -> Result<String, Fault> {
    Ok(match kind {
        0 => ".".into(),
        1 => Ipv4Addr::from(cursor.array()?).to_string(),
        2 => Ipv6Addr::from(cursor.array()?).to_string(),
        3 => cursor.plain_name()?.to_string(),
        _ => return Err("has a gateway of an unknown kind"),
    })
}
