//! What a service that listens on a UDP port by its number would answer.

use crate::scan::identify::{question, questions};

/// What fits the port, and the questions to services that may be at any.
pub(super) const KINDS: u8 = 4;

/// After silence a service that listens at another port than its own is asked.
pub(super) fn payload(port: u16, silences: u8) -> Vec<u8> {
    let usual = usual(port);
    match usize::from(silences) {
        0 => usual,
        silences => {
            let mut others = questions(port).filter(|question| *question != usual);
            others.nth(silences - 1).unwrap_or(usual.clone())
        }
    }
}

/// Empty where nothing is known that would fit.
fn usual(port: u16) -> Vec<u8> {
    if let Some(question) = question(port) {
        return question;
    }
    match port {
        // Portmapper (RFC 1833): call program 100000, version 2, procedure 0.
        111 => [
            &b"nd\0\x01\0\0\0\0\0\0\0\x02\0\x01\x86\xa0\0\0\0\x02\0\0\0\0"[..],
            &[0; 16],
        ]
        .concat(),
        // NetBIOS (RFC 1002): the status of any name.
        137 => [
            &b"nd\0\0\0\x01\0\0\0\0\0\0\x20CK"[..],
            &[b'A'; 30],
            b"\0\0\x21\0\x01",
        ]
        .concat(),
        1_900 => b"M-SEARCH * HTTP/1.1\r\nHost: 239.255.255.250:1900\r\nMan: \"ssdp:discover\"\r\nMX: 1\r\nST: ssdp:all\r\n\r\n".to_vec(),
        // STUN (RFC 8489): a binding request.
        3_478 | 19_302 => b"\0\x01\0\0\x21\x12\xa4\x42netdiag-scan".to_vec(),
        // Memcached: a header of 8 bytes before the text.
        11_211 => b"nd\0\0\0\x01\0\0version\r\n".to_vec(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_have_the_length_that_their_protocol_wants() {
        for (port, length) in [(111, 40), (137, 50), (3_478, 20), (11_211, 17), (123, 48), (9, 0)] {
            assert_eq!(payload(port, 0).len(), length, "{port}");
        }
    }

    #[test]
    fn behind_any_port_every_question_has_its_turn() {
        for port in [53, 123, 161, 9, 11_211] {
            let mut asked: Vec<_> = (0..KINDS).map(|silences| payload(port, silences)).collect();
            asked.sort();
            asked.dedup();
            assert!(questions(port).all(|question| asked.contains(&question)), "{port}");
        }
    }
}
