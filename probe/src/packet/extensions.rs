//! What may follow the quoted packet in an ICMP error: RFC 4884's extensions, of which the label
//! stacks of RFC 4950 are read.

use netdiag_wire::trace::MplsLabel;
use pnet::packet::util;

/// Where routers that know no length field put their extensions (RFC 4884, section 5).
const CLASSIC_OFFSET: usize = 128;
const HEADER: usize = 4;
const VERSION: u8 = 2;
/// A label stack as deep as this is somebody's joke.
const MAX_LABELS: usize = 16;

pub(super) struct Body<'a> {
    pub(super) quote: &'a [u8],
    pub(super) labels: Vec<MplsLabel>,
}

/// `length` is what the error says of its quote, in bytes; 0 where it says nothing.
pub(super) fn split(body: &[u8], length: usize) -> Body<'_> {
    let offset = if length == 0 { CLASSIC_OFFSET } else { length };
    match body.split_at_checked(offset) {
        Some((quote, structure)) if length > 0 || is_sound(structure) => {
            Body { quote, labels: labels(structure) }
        }
        _ => Body { quote: body, labels: Vec::new() },
    }
}

/// Bytes of a long quote are not taken for extensions.
fn is_sound(structure: &[u8]) -> bool {
    structure.len() >= HEADER
        && structure[0] >> 4 == VERSION
        && util::checksum(structure, 1) == sum(structure)
}

fn sum(structure: &[u8]) -> u16 {
    u16::from_be_bytes([structure[2], structure[3]])
}

fn labels(structure: &[u8]) -> Vec<MplsLabel> {
    if !is_sound(structure) {
        return Vec::new();
    }
    let mut rest = &structure[HEADER..];
    while let [high, low, class, kind, ..] = *rest {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some((object, later)) = rest.split_at_checked(length).filter(|_| length >= HEADER)
        else {
            break;
        };
        if (class, kind) == (1, 1) {
            return object[HEADER..]
                .as_chunks::<4>()
                .0
                .iter()
                .take(MAX_LABELS)
                .map(label)
                .collect();
        }
        rest = later;
    }
    Vec::new()
}

fn label(entry: &[u8; 4]) -> MplsLabel {
    let bits = u32::from_be_bytes(*entry);
    MplsLabel {
        label: bits >> 12,
        traffic_class: (bits >> 9 & 7) as u8,
        bottom: bits >> 8 & 1 == 1,
        ttl: bits as u8,
    }
}
