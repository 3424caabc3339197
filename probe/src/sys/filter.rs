//! Classic BPF for raw ICMP sockets: replies to our identifiers and errors that quote them.
//!
//! The parser checks everything again; the filter keeps other people's packets out of the buffer
//! and out of this process.

use std::ops::Range;

use nix::libc;
use socket2::SockFilter;

use crate::packet::Version;

const ACCEPT: u32 = u32::MAX;
const DROP: u32 = 0;

pub(super) fn program(version: Version, idents: &Range<u16>) -> Vec<SockFilter> {
    let code = match version {
        Version::V4 => v4(),
        Version::V6 => v6(),
    };
    [code, ident_in(idents)].concat().into_iter().map(Op::encode).collect()
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
    let ip_header_length = Op(libc::BPF_LDX | libc::BPF_B | libc::BPF_MSH, 0, 0, 0);
    let errors = [
        one_of(&[3, 5, 11, 12]),
        // Quoted: an IP header whose protocol is ICMP; then X moves by that header's length.
        vec![byte_at_x(8 + 9)],
        one_of(&[libc::IPPROTO_ICMP as u8]),
        vec![
            byte_at_x(8),
            Op(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, 0, 0, 0xf),
            Op(libc::BPF_ALU | libc::BPF_LSH | libc::BPF_K, 0, 0, 2),
            Op(libc::BPF_ALU | libc::BPF_ADD | libc::BPF_X, 0, 0, 0),
            Op(libc::BPF_MISC | libc::BPF_TAX, 0, 0, 0),
            half_at_x(8 + 4),
        ],
    ]
    .concat();
    let reply = vec![jump_unless(0, 2), half_at_x(4), skip(errors.len())];
    [vec![ip_header_length, byte_at_x(0)], reply, errors].concat()
}

/// The packet begins with its ICMPv6 header.
fn v6() -> Vec<Op> {
    const IP: u32 = 8;
    const QUOTED: u32 = IP + 40;
    let fragment = [one_of(&[libc::IPPROTO_FRAGMENT as u8]), vec![half(QUOTED + 8 + 4)]].concat();
    let errors = [
        one_of(&[1, 2, 3, 4]),
        vec![
            byte(IP + 6),
            jump_unless(libc::IPPROTO_ICMPV6 as u32, 2),
            half(QUOTED + 4),
            skip(fragment.len()),
        ],
        fragment,
    ]
    .concat();
    // A redirect quotes behind options of any length.
    let redirect = vec![jump_unless(137, 1), ret(ACCEPT)];
    let reply = vec![jump_unless(129, 2), half(4), skip(redirect.len() + errors.len())];
    [vec![byte(0)], reply, redirect, errors].concat()
}

fn ident_in(idents: &Range<u16>) -> Vec<Op> {
    vec![
        Op(libc::BPF_ALU | libc::BPF_SUB | libc::BPF_K, 0, 0, idents.start.into()),
        Op(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 0, 1, idents.len() as u32),
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
