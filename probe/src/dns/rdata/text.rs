//! Bytes as dig writes them.

use std::fmt::Write;

use data_encoding::{BASE32HEX_NOPAD, BASE64, HEXUPPER};

/// Characters between blanks in long data, as dig has them unless it is told otherwise.
const CHUNK: usize = 56;

/// As a `<character-string>` between quotes.
pub(super) fn quoted(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len() + 2);
    shown.push('"');
    for byte in bytes {
        match byte {
            b'"' | b'\\' => shown.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => shown.push(char::from(*byte)),
            _ => {
                let _ = write!(shown, "\\{byte:03}");
            }
        }
    }
    shown.push('"');
    shown
}

pub(super) fn hex(bytes: &[u8]) -> String {
    chunks(&HEXUPPER.encode(bytes))
}

pub(super) fn base64(bytes: &[u8]) -> String {
    chunks(&unbroken_base64(bytes))
}

pub(super) fn unbroken_base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

pub(in crate::dns) fn unbroken_hex(bytes: &[u8]) -> String {
    HEXUPPER.encode(bytes)
}

pub(in crate::dns) fn from_hex(text: &str) -> Option<Vec<u8>> {
    HEXUPPER.decode(text.to_ascii_uppercase().as_bytes()).ok()
}

pub(super) fn base32(bytes: &[u8]) -> String {
    BASE32HEX_NOPAD.encode(bytes)
}

fn chunks(ascii: &str) -> String {
    let mut shown = String::with_capacity(ascii.len() + ascii.len() / CHUNK);
    for (index, character) in ascii.chars().enumerate() {
        if index > 0 && index.is_multiple_of(CHUNK) {
            shown.push(' ');
        }
        shown.push(character);
    }
    shown
}
