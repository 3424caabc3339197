//! Whose TCP answered: by the TTL, the window and the options of a SYN-ACK.
//!
//! The rules come from the kernels' own documents: RFC 9293 and 7323 for the options, Linux
//! `net/ipv4/tcp_output.c` (tcp_synack_options, ip-sysctl.rst for the TTL of 64), FreeBSD tcp(4)
//! and `tcp_output.c` (tcp_addoptions), Microsoft's TCP/IP registry notes for the TTL of 128.

use std::net::IpAddr;

use netdiag_wire::scan::{Confidence, OsGuess};

use crate::packet::tcp_options::{self, TcpOption};

/// Hops that a TTL may have lost; more than that is a path that nobody has.
const MAX_HOPS: u8 = 32;

/// What a SYN-ACK shows of its sender.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in super::super) struct SynAck {
    pub(in super::super) ttl: u8,
    pub(in super::super) window: u16,
    /// As they came, at most 40 bytes.
    pub(in super::super) options: Vec<u8>,
}

pub(in super::super) fn guess(address: IpAddr, syn_ack: &SynAck) -> Option<OsGuess> {
    let options = tcp_options::read(&syn_ack.options)?;
    let (name, confidence) = family(start(syn_ack.ttl)?, syn_ack.window, &options)?;
    Some(OsGuess {
        address,
        name: name.into(),
        confidence,
        ttl: syn_ack.ttl,
        window: syn_ack.window,
        options: written(&options).into(),
    })
}

/// What the TTL was when the packet was sent: the next of those that systems begin with.
fn start(ttl: u8) -> Option<u8> {
    let start = [64, 128, 255].into_iter().find(|start| *start >= ttl)?;
    (start - ttl <= MAX_HOPS).then_some(start)
}

/// An answer has only options that were asked for, in the order of its kernel; each rule is one
/// order. The BSDs begin with the largest window that needs no scale, Linux does not.
fn family(start: u8, window: u16, options: &[TcpOption]) -> Option<(&'static str, Confidence)> {
    use Confidence::{High, Low, Medium};
    use TcpOption::{End, Mss, Nop, SackOk, Timestamp, WindowScale};
    let is_largest = window == u16::MAX;
    let guess = match (start, options) {
        (64, [Mss(_), SackOk, Timestamp, Nop, WindowScale(_)]) => {
            ("Linux", if is_largest { Medium } else { High })
        }
        (64, [Mss(_), Nop, Nop, SackOk, Nop, WindowScale(_)]) if !is_largest => ("Linux", Medium),
        (64, [Mss(_), Nop, Nop, SackOk]) if !is_largest => ("Linux", Medium),
        (64, [Mss(_), Nop, WindowScale(_), SackOk, Timestamp]) => {
            ("FreeBSD", if is_largest { High } else { Medium })
        }
        (64, [Mss(_), Nop, WindowScale(_), Nop, Nop, Timestamp, SackOk, End, ..]) => {
            ("macOS", High)
        }
        (64, [Mss(_), Nop, Nop, SackOk, Nop, WindowScale(_), Nop, Nop, Timestamp]) => {
            ("OpenBSD", Medium)
        }
        (128, [Mss(_), Nop, WindowScale(_), SackOk, Timestamp]) => ("Windows", High),
        (128, [Mss(_), Nop, WindowScale(_), Nop, Nop, SackOk]) => ("Windows", High),
        (128, [Mss(_), Nop, WindowScale(_)] | [Mss(_), Nop, Nop, SackOk] | [Mss(_)]) => {
            ("Windows", Low)
        }
        _ => return None,
    };
    Some(guess)
}

fn written(options: &[TcpOption]) -> String {
    let words = options.iter().map(|option| match option {
        TcpOption::Mss(_) => "mss".to_owned(),
        TcpOption::SackOk => "sok".to_owned(),
        TcpOption::Timestamp => "ts".to_owned(),
        TcpOption::Nop => "nop".to_owned(),
        TcpOption::WindowScale(_) => "ws".to_owned(),
        TcpOption::End => "eol".to_owned(),
        TcpOption::Other(kind) => format!("?{kind}"),
    });
    words.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MSS: &[u8] = &[2, 4, 5, 0xb4];
    const SACK_OK: &[u8] = &[4, 2];
    const NOP: &[u8] = &[1];
    const SCALE: &[u8] = &[3, 3, 7];
    const TIME: &[u8] = &[8, 10, 0, 0, 0, 1, 0, 0, 0, 2];

    fn guessed(ttl: u8, window: u16, options: &[&[u8]]) -> Option<(String, Confidence, String)> {
        let syn_ack = SynAck { ttl, window, options: options.concat() };
        let guess = guess([10, 9, 0, 2].into(), &syn_ack)?;
        Some((guess.name.to_string(), guess.confidence, guess.options.to_string()))
    }

    #[test]
    fn each_family_has_its_order() {
        for (ttl, window, options, name, confidence, shown) in [
            (
                62,
                65_160,
                &[MSS, SACK_OK, TIME, NOP, SCALE][..],
                "Linux",
                Confidence::High,
                "mss,sok,ts,nop,ws",
            ),
            (64, 64_240, &[MSS, NOP, NOP, SACK_OK], "Linux", Confidence::Medium, "mss,nop,nop,sok"),
            (
                55,
                65_535,
                &[MSS, NOP, SCALE, SACK_OK, TIME],
                "FreeBSD",
                Confidence::High,
                "mss,nop,ws,sok,ts",
            ),
            (
                120,
                65_535,
                &[MSS, NOP, SCALE, NOP, NOP, SACK_OK],
                "Windows",
                Confidence::High,
                "mss,nop,ws,nop,nop,sok",
            ),
        ] {
            let wanted = (name.to_owned(), confidence, shown.to_owned());
            assert_eq!(guessed(ttl, window, options), Some(wanted));
        }
    }

    #[test]
    fn what_fits_no_rule_is_not_guessed() {
        assert_eq!(guessed(255, 4_128, &[MSS]), None);
        assert_eq!(guessed(64, 65_160, &[MSS]), None);
        assert_eq!(guessed(20, 65_160, &[MSS, SACK_OK, TIME, NOP, SCALE]), None);
        assert_eq!(guessed(64, 65_160, &[]), None);
        for broken in [&[2u8, 0][..], &[2], &[2, 40, 0], &[8, 1]] {
            assert_eq!(guessed(64, 65_160, &[broken]), None);
        }
    }
}
