//! Addresses and autonomous systems (RFC 3779).

use std::net::{Ipv4Addr, Ipv6Addr};

use x509_parser::asn1_rs::{Any, Tag};

use super::{children, integer};

pub(super) fn addresses(any: &Any<'_>) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    for family in children(any.data) {
        let parts = children(family.data);
        let (id, choice) = (parts.first()?.data, parts.get(1)?);
        let name = match id.get(..2)? {
            [0, 1] => "IPv4",
            [0, 2] => "IPv6",
            _ => return None,
        };
        let further = id.get(2).map(|further| format!(" ({further})")).unwrap_or_default();
        if choice.tag() == Tag::Null {
            lines.push(format!("{name}{further}: inherit"));
            continue;
        }
        lines.push(format!("{name}{further}:"));
        for entry in children(choice.data) {
            lines.push(format!("  {}", block(&entry, name == "IPv6")?));
        }
    }
    Some(lines)
}

/// A prefix, or the first and the last address.
fn block(any: &Any<'_>, is_six: bool) -> Option<String> {
    if any.tag() == Tag::BitString {
        let (unused, bits) = any.data.split_first()?;
        let length = (bits.len() * 8).checked_sub(usize::from(*unused))?;
        return Some(format!("{}/{length}", address(bits, 0, is_six)?));
    }
    match children(any.data).as_slice() {
        [first, last] => {
            let (_, first) = first.data.split_first()?;
            let (unused, last) = last.data.split_first()?;
            // What is left out of the last address is ones.
            let mut last = last.to_vec();
            if let Some(byte) = last.last_mut() {
                *byte |= (1_u8.checked_shl(u32::from(*unused))?).wrapping_sub(1);
            }
            Some(format!("{}-{}", address(first, 0, is_six)?, address(&last, 0xff, is_six)?))
        }
        _ => None,
    }
}

fn address(bits: &[u8], rest: u8, is_six: bool) -> Option<String> {
    let mut bytes = [rest; 16];
    bytes.get_mut(..bits.len())?.copy_from_slice(bits);
    let [a, b, c, d, ..] = bytes;
    Some(match is_six {
        true => Ipv6Addr::from(bytes).to_string(),
        false => Ipv4Addr::new(a, b, c, d).to_string(),
    })
}

pub(super) fn systems(any: &Any<'_>) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    for part in children(any.data) {
        lines.push(match part.tag().0 {
            0 => "Autonomous System Numbers:".to_owned(),
            1 => "Routing Domain Identifiers:".to_owned(),
            _ => return None,
        });
        let choice = children(part.data).into_iter().next()?;
        if choice.tag() == Tag::Null {
            lines.push("  inherit".into());
            continue;
        }
        for entry in children(choice.data) {
            let ends = children(entry.data);
            lines.push(match ends.as_slice() {
                [first, last] if entry.tag() == Tag::Sequence => {
                    format!("  {}-{}", integer(first.data), integer(last.data))
                }
                _ => format!("  {}", integer(entry.data)),
            });
        }
    }
    Some(lines)
}
