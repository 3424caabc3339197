//! HPACK's Huffman code (RFC 7541, appendix B).

use std::sync::LazyLock;

const LONGEST: usize = 30;
const END: u16 = 256;

/// How many bits each byte takes, then the end. The code is canonical: in the order of length and
/// symbol it only counts up, so that the lengths say everything.
#[rustfmt::skip]
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
     6, 10, 10, 12, 13,  6,  8, 11, 10, 10,  8, 11,  8,  6,  6,  6,
     5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8, 15,  6, 12, 10,
    13,  6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,
     7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8, 13, 19, 13, 14,  6,
    15,  5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,
     6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// Symbols in the order of their codes, and for each length its first code and symbol.
struct Code {
    symbols: Vec<u16>,
    first: [(u32, usize, usize); LONGEST + 1],
}

static CODE: LazyLock<Code> = LazyLock::new(|| {
    let mut symbols: Vec<u16> = (0..=END).collect();
    symbols.sort_by_key(|symbol| (LENGTHS[usize::from(*symbol)], *symbol));
    let mut first = [(0, 0, 0); LONGEST + 1];
    let (mut code, mut at) = (0, 0);
    for (length, slot) in first.iter_mut().enumerate() {
        let count = LENGTHS.iter().filter(|one| usize::from(**one) == length).count();
        code <<= 1;
        *slot = (code, at, count);
        code += count as u32;
        at += count;
    }
    Code { symbols, first }
});

/// `None` for a code that does not end, or has the end in it.
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let (mut code, mut length) = (0u32, 0usize);
    let mut padding = true;
    for bit in bytes.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)) {
        code = code << 1 | u32::from(bit);
        padding &= bit == 1;
        length += 1;
        if length > LONGEST {
            return None;
        }
        let (first, at, count) = CODE.first[length];
        if let Some(offset) = code.checked_sub(first).filter(|at| (*at as usize) < count) {
            let symbol = CODE.symbols[at + offset as usize];
            text.push(u8::try_from(symbol).ok()?);
            (code, length, padding) = (0, 0, true);
        }
    }
    // The rest of the last byte is the beginning of the end.
    (length < 8 && padding).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7541, appendices C.4 and C.6.
    #[test]
    fn the_rfcs_examples_decode() {
        for (hex, text) in [
            ("f1e3c2e5f23a6ba0ab90f4ff", "www.example.com"),
            ("a8eb10649cbf", "no-cache"),
            ("25a849e95bb8e8b4bf", "custom-value"),
            ("aec3771a4b", "private"),
            ("d07abe941054d444a8200595040b8166e082a62d1bff", "Mon, 21 Oct 2013 20:13:21 GMT"),
            ("9d29ad171863c78f0b97c8e9ae82ae43d3", "https://www.example.com"),
        ] {
            let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
            assert_eq!(decode(&bytes).unwrap(), text.as_bytes());
        }
    }

    #[test]
    fn bad_padding_is_refused() {
        assert_eq!(decode(&[0xff; 4]), None);
        assert_eq!(decode(&[0b0001_1000]), None);
        assert_eq!(decode(&[]), Some(Vec::new()));
    }
}
