//! ICMPv6 (RFC 4443, RFC 4861) as a raw or a datagram socket receives it: without the IP header,
//! and with a checksum that the kernel has already verified.

use std::net::Ipv6Addr;

use pnet::packet::{
    icmpv6::{
        Icmpv6Packet, Icmpv6Types,
        echo_reply::EchoReplyPacket,
        echo_request::EchoRequestPacket,
        ndp::{NdpOptionTypes, RedirectPacket},
    },
    ip::IpNextHeaderProtocols,
    ipv6::{FragmentPacket, Ipv6Packet},
};

use super::{
    answer::{Answer, Quote},
    meaning,
};

/// Bytes of an ICMPv6 header, and of that part of an error that precedes the quoted packet.
const HEADER: usize = 8;

/// What an ICMPv6 message says about an echo request; `None` when it says nothing about any.
pub(crate) fn answer(bytes: &[u8]) -> Option<Answer<'_>> {
    let icmp = Icmpv6Packet::new(bytes)?;
    match icmp.get_icmpv6_type() {
        Icmpv6Types::EchoReply => {
            let reply = EchoReplyPacket::new(bytes)?;
            let (ident, seq) = (reply.get_identifier(), reply.get_sequence_number());
            Some(Answer::Reply { ident, seq, data: bytes.get(HEADER..)?, is_corrupt: false })
        }
        Icmpv6Types::Redirect => redirect(bytes),
        kind => {
            let mtu = u32::from_be_bytes(bytes.get(4..HEADER)?.try_into().ok()?);
            let icmp = meaning::of_v6(kind.0, icmp.get_icmpv6_code().0, mtu)?;
            Some(Answer::Rejection { quote: quote(bytes.get(HEADER..)?)?, icmp })
        }
    }
}

fn redirect(bytes: &[u8]) -> Option<Answer<'_>> {
    let gateway = RedirectPacket::new(bytes)?.get_target_addr().into();
    let mut options = bytes.get(RedirectPacket::minimum_packet_size()..)?;
    // Each option: type, length in units of 8 bytes, then its own part.
    while let [kind, units, ..] = *options {
        let (option, rest) = options.split_at_checked(usize::from(units) * 8)?;
        if kind == NdpOptionTypes::RedirectedHeader.0 {
            return Some(Answer::Redirect { quote: quote(option.get(8..)?)?, gateway });
        }
        options = rest.get(..).filter(|_| units > 0)?;
    }
    None
}

fn quote(bytes: &[u8]) -> Option<Quote<'_>> {
    let ip = Ipv6Packet::new(bytes)?;
    let mut rest = bytes.get(Ipv6Packet::minimum_packet_size()..)?;
    let mut next = ip.get_next_header();
    if next == IpNextHeaderProtocols::Ipv6Frag {
        let fragment = FragmentPacket::new(rest)?;
        // Only the first fragment has the ICMPv6 header.
        if fragment.get_fragment_offset() != 0 {
            return None;
        }
        next = fragment.get_next_header();
        rest = rest.get(FragmentPacket::minimum_packet_size()..)?;
    }
    if ip.get_version() != 6 || next != IpNextHeaderProtocols::Icmpv6 {
        return None;
    }
    echo_quote(ip.get_destination(), rest)
}

/// A quoted echo request, from its ICMPv6 header on, as the error queue has it.
pub(crate) fn echo_quote(to: Ipv6Addr, icmp: &[u8]) -> Option<Quote<'_>> {
    let request = EchoRequestPacket::new(icmp)?;
    if request.get_icmpv6_type() != Icmpv6Types::EchoRequest {
        return None;
    }
    Some(Quote {
        to: to.into(),
        ident: request.get_identifier(),
        seq: request.get_sequence_number(),
        data: icmp.get(HEADER..)?,
    })
}
