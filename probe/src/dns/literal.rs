//! Addresses as the C library writes them, which is more than dotted decimal.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// inet_aton(3): one to four numbers, each decimal, octal or hexadecimal; the last one fills up.
pub(super) fn inet_aton(text: &[u8]) -> Option<Ipv4Addr> {
    let mut parts = Vec::new();
    for part in text.split(|byte| *byte == b'.') {
        parts.push(number(part)?);
    }
    let (last, bytes) = parts.split_last().filter(|(_, bytes)| bytes.len() < 4)?;
    let room = 1_u64 << (8 * (4 - bytes.len()));
    if *last >= room || bytes.iter().any(|byte| *byte > 255) {
        return None;
    }
    let high = bytes.iter().enumerate().map(|(at, byte)| byte << (24 - 8 * at)).sum::<u64>();
    Some(Ipv4Addr::from_bits((high + last) as u32))
}

/// As strtoul(3) with base 0, without sign and blanks.
fn number(text: &[u8]) -> Option<u64> {
    let text = str::from_utf8(text).ok()?;
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    // `from_str_radix` would take a sign.
    let is_digit = |c: char| c.is_digit(radix);
    u64::from_str_radix(digits, radix).ok().filter(|_| digits.chars().all(is_digit))
}

/// inet_pton(3).
pub(super) fn inet_pton(text: &[u8]) -> Option<IpAddr> {
    str::from_utf8(text).ok()?.parse().ok()
}

/// `fe80::1%eth0` without its zone, which is an interface's name.
pub(super) fn v6_without_zone(text: &[u8]) -> Option<Ipv6Addr> {
    let address = text.split(|byte| *byte == b'%').next()?;
    str::from_utf8(address).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_address_is_that_address() {
        for (text, address) in [
            ("10.0.0.1", Some("10.0.0.1")),
            ("127.1", Some("127.0.0.1")),
            ("10.1.258", Some("10.1.1.2")),
            ("2130706433", Some("127.0.0.1")),
            ("0x7f.1", Some("127.0.0.1")),
            ("0177.0.0.01", Some("127.0.0.1")),
            ("0", Some("0.0.0.0")),
            ("255.255.255.255", Some("255.255.255.255")),
            ("4294967296", None),
            ("256.1.1.1", None),
            ("1.2.3.256", None),
            ("1.2.3.4.5", None),
            ("1.2.3", Some("1.2.0.3")),
            ("08.1.1.1", None),
            ("+1.1.1.1", None),
            ("1..1", None),
            ("", None),
            ("0x", None),
            ("1.2.3.4 ", None),
            ("::1", None),
        ] {
            let wanted = address.map(|address| address.parse().unwrap());
            assert_eq!(inet_aton(text.as_bytes()), wanted, "{text:?}");
        }
    }
}
