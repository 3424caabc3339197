//! Classic BPF for raw ICMP sockets: replies to our identifiers and errors that quote them.
//!
//! The parser checks everything again; the filter keeps other people's packets out of the buffer
//! and out of this process.

use std::ops::Range;

use nix::libc;
use socket2::{Protocol, SockFilter};

use crate::packet::Version;

const ACCEPT: u32 = u32::MAX;
const DROP: u32 = 0;

pub(super) fn program(version: Version, idents: &Range<u16>) -> Vec<SockFilter> {
    let code = match version {
        Version::V4 => v4(),
        Version::V6 => v6(),
    };
    encode(&[code, is_within(idents)])
}

/// ICMP errors that quote a packet of `protocol` from one of `ports`.
pub(super) fn errors(version: Version, protocol: Protocol, ports: &Range<u16>) -> Vec<SockFilter> {
    let protocol = i32::from(protocol) as u8;
    let code = match version {
        Version::V4 => [vec![ip_header_length(), byte_at_x(0)], errors4(protocol, 0)].concat(),
        Version::V6 => [vec![byte(0)], errors6(protocol, 0)].concat(),
    };
    encode(&[code, is_within(ports)])
}

/// Segments or datagrams to one of `ports`.
pub(super) fn to_ports(version: Version, ports: &Range<u16>) -> Vec<SockFilter> {
    let code = match version {
        Version::V4 => vec![ip_header_length(), half_at_x(2)],
        Version::V6 => vec![half(2)],
    };
    encode(&[code, is_within(ports)])
}

/// Resets that come from one of `ports`.
pub(super) fn resets_from(version: Version, ports: &[u16]) -> Vec<SockFilter> {
    const RST: u32 = 4;
    let (start, flags, port) = match version {
        Version::V4 => (vec![ip_header_length()], byte_at_x(13), half_at_x(0)),
        Version::V6 => (Vec::new(), byte(13), half(0)),
    };
    let is_reset =
        vec![flags, Op(libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K, 1, 0, RST), ret(DROP), port];
    // A verdict each: no jump over all of 128 ports would be within its 255 instructions.
    let accept = |port: &u16| vec![jump_unless((*port).into(), 1), ret(ACCEPT)];
    let is_ours = ports.iter().flat_map(accept).chain([ret(DROP)]).collect();
    encode(&[start, is_reset, is_ours])
}

fn encode(parts: &[Vec<Op>]) -> Vec<SockFilter> {
    parts.iter().flatten().map(|op| op.encode()).collect()
}

/// One instruction: code, jump if true, jump if false, operand.
#[derive(Clone, Copy)]
struct Op(u32, u8, u8, u32);

impl Op {
    fn encode(self) -> SockFilter {
        SockFilter::new(self.0 as u16, self.1, self.2, self.3)
    }
}

/// The packet begins with its IP header; X holds where the next header begins.
fn v4() -> Vec<Op> {
    let errors = errors4(libc::IPPROTO_ICMP as u8, 4);
    let reply = vec![jump_unless(0, 2), half_at_x(4), skip(errors.len())];
    [vec![ip_header_length(), byte_at_x(0)], reply, errors].concat()
}

fn ip_header_length() -> Op {
    Op(libc::BPF_LDX | libc::BPF_B | libc::BPF_MSH, 0, 0, 0)
}

/// From the ICMP type in the accumulator to the half word at `offset` behind the quoted IP header.
fn errors4(protocol: u8, offset: u32) -> Vec<Op> {
    [
        one_of(&[3, 5, 11, 12]),
        // Quoted: an IP header with that protocol; then X moves by that header's length.
        vec![byte_at_x(8 + 9)],
        one_of(&[protocol]),
        vec![
            byte_at_x(8),
            Op(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, 0, 0, 0xf),
            Op(libc::BPF_ALU | libc::BPF_LSH | libc::BPF_K, 0, 0, 2),
            Op(libc::BPF_ALU | libc::BPF_ADD | libc::BPF_X, 0, 0, 0),
            Op(libc::BPF_MISC | libc::BPF_TAX, 0, 0, 0),
            half_at_x(8 + offset),
        ],
    ]
    .concat()
}

/// The packet begins with its ICMPv6 header.
fn v6() -> Vec<Op> {
    let errors = errors6(libc::IPPROTO_ICMPV6 as u8, 4);
    // A redirect quotes behind options of any length.
    let redirect = vec![jump_unless(137, 1), ret(ACCEPT)];
    let reply = vec![jump_unless(129, 2), half(4), skip(redirect.len() + errors.len())];
    [vec![byte(0)], reply, redirect, errors].concat()
}

/// From the ICMPv6 type in the accumulator to the half word at `offset` behind the quoted headers.
fn errors6(protocol: u8, offset: u32) -> Vec<Op> {
    const IP: u32 = 8;
    const QUOTED: u32 = IP + 40;
    let fragment =
        [one_of(&[libc::IPPROTO_FRAGMENT as u8]), vec![half(QUOTED + 8 + offset)]].concat();
    [
        one_of(&[1, 2, 3, 4]),
        vec![
            byte(IP + 6),
            jump_unless(protocol.into(), 2),
            half(QUOTED + offset),
            skip(fragment.len()),
        ],
        fragment,
    ]
    .concat()
}

fn is_within(range: &Range<u16>) -> Vec<Op> {
    vec![
        Op(libc::BPF_ALU | libc::BPF_SUB | libc::BPF_K, 0, 0, range.start.into()),
        Op(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 0, 1, range.len() as u32),
        ret(DROP),
        ret(ACCEPT),
    ]
}

/// Drops the packet unless the accumulator is one of `values`.
fn one_of(values: &[u8]) -> Vec<Op> {
    let last = values.len();
    let jumps = values.iter().enumerate().map(|(index, value)| {
        Op(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, (last - index) as u8, 0, (*value).into())
    });
    jumps.chain([ret(DROP)]).collect()
}

fn jump_unless(value: u32, over: u8) -> Op {
    Op(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, over, value)
}

fn skip(instructions: usize) -> Op {
    Op(libc::BPF_JMP | libc::BPF_JA, 0, 0, instructions as u32)
}

fn ret(verdict: u32) -> Op {
    Op(libc::BPF_RET | libc::BPF_K, 0, 0, verdict)
}

fn byte(offset: u32) -> Op {
    Op(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, 0, 0, offset)
}

fn half(offset: u32) -> Op {
    Op(libc::BPF_LD | libc::BPF_H | libc::BPF_ABS, 0, 0, offset)
}

fn byte_at_x(offset: u32) -> Op {
    Op(libc::BPF_LD | libc::BPF_B | libc::BPF_IND, 0, 0, offset)
}

fn half_at_x(offset: u32) -> Op {
    Op(libc::BPF_LD | libc::BPF_H | libc::BPF_IND, 0, 0, offset)
}

#[cfg(test)]
mod tests {
    use socket2::{Domain, Socket, Type};

    use super::*;

    const IDENTS: Range<u16> = 0x1234..0x1236;
    const IP: [u8; 20] = *b"\x45\0\0\0\0\0\0\0\x40\x01\0\0\x0a\x09\x02\x02\x0a\x09\x01\x02";
    const IP_OPTIONS: [u8; 24] =
        *b"\x46\0\0\0\0\0\0\0\x40\x01\0\0\x0a\x09\x01\x02\x0a\x09\x02\x02\x94\x04\0\0";
    const IP6: [u8; 40] = [
        0x60, 0, 0, 0, 0, 0, 58, 64, 0xfd, 9, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0xfd, 9, 0,
        2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
    ];

    /// By the kernel's own interpreter: any socket takes a filter, and a Unix one needs no root.
    fn passes(version: Version, packet: &[u8]) -> bool {
        let (sender, receiver) =
            Socket::pair(Domain::UNIX, Type::DGRAM.nonblocking(), None).unwrap();
        receiver.attach_filter(&program(version, &IDENTS)).unwrap();
        sender.send(packet).unwrap();
        receiver.recv(&mut [std::mem::MaybeUninit::uninit(); 256]).is_ok()
    }

    fn echo(kind: u8, ident: u16) -> [u8; 8] {
        let [high, low] = ident.to_be_bytes();
        [kind, 0, 0, 0, high, low, 0, 1]
    }

    #[test]
    fn only_resets_from_the_ports_pass() {
        let passes = |version, packet: &[u8]| {
            let (sender, receiver) =
                Socket::pair(Domain::UNIX, Type::DGRAM.nonblocking(), None).unwrap();
            receiver.attach_filter(&resets_from(version, &[80, 443])).unwrap();
            sender.send(packet).unwrap();
            receiver.recv(&mut [std::mem::MaybeUninit::uninit(); 256]).is_ok()
        };
        for (port, flags, expected) in
            [(80_u16, 0x14, true), (443, 0x04, true), (443, 0x12, false), (81, 0x14, false)]
        {
            let mut segment = [0; 20];
            segment[..2].copy_from_slice(&port.to_be_bytes());
            segment[13] = flags;
            assert_eq!(passes(Version::V6, &segment), expected, "{port} {flags:#x}");
            let packet = [&IP_OPTIONS[..], &segment].concat();
            assert_eq!(passes(Version::V4, &packet), expected, "{port} {flags:#x}");
        }
        assert!(!passes(Version::V6, &[0; 13]), "too short");
        let many: Vec<u16> = (1..=128).collect();
        let (_, receiver) = Socket::pair(Domain::UNIX, Type::DGRAM, None).unwrap();
        receiver.attach_filter(&resets_from(Version::V4, &many)).unwrap();
    }

    #[test]
    fn only_replies_to_our_identifiers_pass() {
        for (kind, ident, expected) in [
            (0, 0x1233, false),
            (0, 0x1234, true),
            (0, 0x1235, true),
            (0, 0x1236, false),
            (8, 0x1234, false),
        ] {
            let packet = [&IP[..], &echo(kind, ident)].concat();
            assert_eq!(passes(Version::V4, &packet), expected, "type {kind}, {ident:#x}");
        }
        for (kind, ident, expected) in
            [(129, 0x1233, false), (129, 0x1234, true), (129, 0x1236, false), (128, 0x1234, false)]
        {
            assert_eq!(
                passes(Version::V6, &echo(kind, ident)),
                expected,
                "type {kind}, {ident:#x}"
            );
        }
    }

    #[test]
    fn errors_pass_that_quote_our_identifiers() {
        for (kind, expected) in
            [(3, true), (5, true), (11, true), (12, true), (4, false), (13, false)]
        {
            let packet = [&IP[..], &[kind, 0, 0, 0, 0, 0, 0, 0], &IP_OPTIONS, &echo(8, 0x1235)];
            assert_eq!(passes(Version::V4, &packet.concat()), expected, "type {kind}");
        }
        let another = [&IP[..], &[3, 0, 0, 0, 0, 0, 0, 0], &IP, &echo(8, 0x4321)].concat();
        assert!(!passes(Version::V4, &another));
        let mut udp = IP;
        udp[9] = 17;
        let udp = [&IP[..], &[3, 3, 0, 0, 0, 0, 0, 0], &udp, &echo(8, 0x1234)].concat();
        assert!(!passes(Version::V4, &udp));
    }

    #[test]
    fn ipv6_errors_pass_that_quote_our_identifiers() {
        for (kind, ident, expected) in
            [(1, 0x1234, true), (4, 0x1235, true), (1, 0x4321, false), (5, 0x1234, false)]
        {
            let packet = [&[kind, 0, 0, 0, 0, 0, 0, 0], &IP6[..], &echo(128, ident)].concat();
            assert_eq!(passes(Version::V6, &packet), expected, "type {kind}, {ident:#x}");
        }
        let mut fragmented = IP6;
        fragmented[6] = 44;
        let header = [58, 0, 0, 1, 0, 0, 0, 1];
        let packet = [&[2, 0, 0, 0, 0, 0, 5, 0], &fragmented[..], &header, &echo(128, 0x1234)];
        assert!(passes(Version::V6, &packet.concat()));
        assert!(passes(Version::V6, &[137; 40]), "a redirect quotes anywhere");
        assert!(!passes(Version::V6, &[1, 0, 0]), "too short");
    }
}
