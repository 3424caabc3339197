//! A peer's bytes as a terminal may have them: lines and tabs as they are, what could steer it
//! escaped, however the bytes are cut into pieces.

use std::fmt::Write;

use bytes::Bytes;
use netdiag_wire::untrusted::is_hostile;

/// What of the last piece waits for the next: the begin of a character, a carriage return.
#[derive(Debug, Default)]
pub(super) struct Shown(Vec<u8>);

impl Shown {
    pub(super) fn take(&mut self, bytes: &[u8]) -> Bytes {
        self.0.extend_from_slice(bytes);
        let whole = self.0.len() - unfinished(&self.0);
        let rest = self.0.split_off(whole);
        escaped(&std::mem::replace(&mut self.0, rest))
    }

    /// What waited in vain.
    pub(super) fn finish(&mut self) -> Bytes {
        escaped(&std::mem::take(&mut self.0))
    }
}

/// How many bytes at the end could still become something else.
fn unfinished(bytes: &[u8]) -> usize {
    if bytes.last() == Some(&b'\r') {
        return 1;
    }
    let last = bytes.utf8_chunks().last();
    let invalid = last.map_or(&[][..], |chunk| chunk.invalid());
    let is_begun = |error: std::str::Utf8Error| error.error_len().is_none();
    match str::from_utf8(invalid) {
        Err(error) if is_begun(error) => invalid.len(),
        _ => 0,
    }
}

fn escaped(bytes: &[u8]) -> Bytes {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let mut chars = chunk.valid().chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\n' | '\t' => shown.push(c),
                '\r' if chars.peek() == Some(&'\n') => {}
                c if is_hostile(c) => {
                    let _ = write!(shown, "{}", c.escape_default());
                }
                c => shown.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_pieces(bytes: &[u8], step: usize) -> String {
        let mut shown = Shown::default();
        let mut text: Vec<u8> = bytes.chunks(step).flat_map(|piece| shown.take(piece)).collect();
        text.extend(shown.finish());
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn lines_stay_lines_and_what_steers_a_terminal_is_escaped() {
        let said = "220 Grüße\r\nä\tb\rc\x1b]52;c;cm0gLXJm\x07\u{9b}2J\u{202e}\r\n".as_bytes();
        let said = [said, b"\xff\xc3(\xe4\xb8"].concat();
        let want = "220 Grüße\nä\tb\\rc\\u{1b}]52;c;cm0gLXJm\\u{7}\\u{9b}2J\\u{202e}\n\
                    \\xff\\xc3(\\xe4\\xb8";
        for step in 1..said.len() {
            assert_eq!(in_pieces(&said, step), want, "{step}");
        }
    }

    #[test]
    fn a_prompt_without_a_line_end_is_shown_at_once() {
        assert_eq!(Shown::default().take(b"login: "), "login: ");
    }
}
