//! Header blocks of HTTP/2 (RFC 7541), as far as the few headers go that are looked at.

use std::collections::VecDeque;

use super::{super::bytes::Bytes, huffman};

/// What a client that says nothing offers (RFC 9113, section 6.5.2).
const TABLE_SIZE: usize = 4_096;
/// Fields of one block; the rest is not looked at.
const MAX_FIELDS: usize = 100;
const STATIC_ENTRIES: usize = 61;

/// Appendix A, without most values.
#[rustfmt::skip]
const NAMES: [&str; STATIC_ENTRIES] = [
    ":authority", ":method", ":method", ":path", ":path", ":scheme", ":scheme", ":status",
    ":status", ":status", ":status", ":status", ":status", ":status", "accept-charset",
    "accept-encoding", "accept-language", "accept-ranges", "accept",
    "access-control-allow-origin", "age", "allow", "authorization", "cache-control",
    "content-disposition", "content-encoding", "content-language", "content-length",
    "content-location", "content-range", "content-type", "cookie", "date", "etag", "expect",
    "expires", "from", "host", "if-match", "if-modified-since", "if-none-match", "if-range",
    "if-unmodified-since", "last-modified", "link", "location", "max-forwards",
    "proxy-authenticate", "proxy-authorization", "range", "referer", "refresh", "retry-after",
    "server", "set-cookie", "strict-transport-security", "transfer-encoding", "user-agent",
    "vary", "via", "www-authenticate",
];

pub(super) type Field = (Vec<u8>, Vec<u8>);

/// The decoder's state, which goes on from block to block of a connection.
#[derive(Default)]
pub(super) struct Table {
    entries: VecDeque<Field>,
    size: usize,
    most: Option<usize>,
}

impl Table {
    /// `None` where the block is no block.
    pub(super) fn decode(&mut self, block: &[u8]) -> Option<Vec<Field>> {
        let mut block = Bytes::new(block);
        let mut fields = Vec::new();
        while let Some(first) = block.u8() {
            let field = match first {
                0x80.. => Some(self.entry(integer(first, 7, &mut block)?)?),
                0x40..=0x7f => {
                    let field = self.literal(integer(first, 6, &mut block)?, &mut block)?;
                    self.insert(field.clone());
                    Some(field)
                }
                0x20..=0x3f => {
                    self.most = Some(integer(first, 5, &mut block)?.min(TABLE_SIZE));
                    self.evict();
                    None
                }
                0x00..=0x1f => {
                    let index = integer(first, 4, &mut block)?;
                    Some(self.literal(index, &mut block)?)
                }
            };
            fields.extend(field);
            if fields.len() > MAX_FIELDS {
                return None;
            }
        }
        Some(fields)
    }

    fn literal(&self, index: usize, block: &mut Bytes<'_>) -> Option<Field> {
        let name = match index {
            0 => string(block)?,
            index => self.entry(index)?.0,
        };
        Some((name, string(block)?))
    }

    fn entry(&self, index: usize) -> Option<Field> {
        match index {
            0 => None,
            1..=STATIC_ENTRIES => Some(static_entry(index)),
            index => self.entries.get(index - STATIC_ENTRIES - 1).cloned(),
        }
    }

    fn insert(&mut self, field: Field) {
        self.size += cost(&field);
        self.entries.push_front(field);
        self.evict();
    }

    fn evict(&mut self) {
        while self.size > self.most.unwrap_or(TABLE_SIZE) {
            let Some(oldest) = self.entries.pop_back() else { return };
            self.size -= cost(&oldest);
        }
    }
}

/// Section 4.1.
fn cost(field: &Field) -> usize {
    field.0.len() + field.1.len() + 32
}

fn integer(first: u8, bits: u32, block: &mut Bytes<'_>) -> Option<usize> {
    let most = (1usize << bits) - 1;
    let mut value = usize::from(first) & most;
    if value < most {
        return Some(value);
    }
    // Three more bytes say two million, which is more than any block has.
    for shift in [0, 7, 14] {
        let byte = block.u8()?;
        value += usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn string(block: &mut Bytes<'_>) -> Option<Vec<u8>> {
    let first = block.u8()?;
    let length = integer(first, 7, block)?;
    let bytes = block.take(length)?;
    if first & 0x80 == 0 { Some(bytes.to_vec()) } else { huffman::decode(bytes) }
}

/// Appendix A: the name, and the value where an answer may have it.
fn static_entry(index: usize) -> Field {
    let value = match index {
        8 => "200",
        9 => "204",
        10 => "206",
        11 => "304",
        12 => "400",
        13 => "404",
        14 => "500",
        _ => "",
    };
    (NAMES[index - 1].into(), value.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
    }

    fn value(fields: &[Field], name: &str) -> String {
        let found = fields.iter().find(|(one, _)| one == name.as_bytes()).unwrap();
        String::from_utf8(found.1.clone()).unwrap()
    }

    /// RFC 7541, C.6.1 and C.6.2: the second block refers to the first, whose entries leave a table of 256.
    #[test]
    fn blocks_refer_to_those_before() {
        let mut table = Table { most: Some(256), ..Table::default() };
        let first = table
            .decode(&hex(
                "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
            ))
            .unwrap();
        assert_eq!(value(&first, ":status"), "302");
        assert_eq!(value(&first, "location"), "https://www.example.com");
        assert_eq!(table.size, 222);
        let second = table.decode(&hex("4883640effc1c0bf")).unwrap();
        assert_eq!(value(&second, ":status"), "307");
        assert_eq!(value(&second, "location"), "https://www.example.com");
        assert_eq!(table.size, 222);
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for block in ["80", "ff", "ffffffffff7f", "4005", "bf", "40ffff", "0f"] {
            assert_eq!(Table::default().decode(&hex(block)), None, "{block}");
        }
        assert_eq!(Table::default().decode(&[0x88; MAX_FIELDS + 1]), None);
    }
}
