//! ICMP (RFC 792) as a raw or a datagram socket receives it.

use std::net::Ipv4Addr;

use pnet::packet::{
    Packet,
    icmp::{
        IcmpPacket, IcmpTypes, checksum, echo_reply::EchoReplyPacket,
        echo_request::EchoRequestPacket,
    },
    ip::IpNextHeaderProtocols,
    ipv4::Ipv4Packet,
};

use super::{
    answer::{Answer, Quote},
    meaning,
};

/// Bytes of an ICMP header, and of that part of an error that precedes the quoted packet.
const HEADER: usize = 8;

/// An IPv4 packet taken apart; `None` unless it holds ICMP.
pub(crate) struct Datagram<'a> {
    pub(crate) from: Ipv4Addr,
    pub(crate) ttl: u8,
    pub(crate) icmp: &'a [u8],
}

impl<'a> Datagram<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (ip, icmp) = split(bytes)?;
        Some(Self { from: ip.get_source(), ttl: ip.get_ttl(), icmp })
    }
}

/// What an ICMP message says about an echo request; `None` when it says nothing about any.
pub(crate) fn answer(bytes: &[u8]) -> Option<Answer<'_>> {
    let icmp = IcmpPacket::new(bytes)?;
    let is_corrupt = checksum(&icmp) != icmp.get_checksum();
    if icmp.get_icmp_type() == IcmpTypes::EchoReply {
        let reply = EchoReplyPacket::new(bytes)?;
        let (ident, seq) = (reply.get_identifier(), reply.get_sequence_number());
        return Some(Answer::Reply { ident, seq, data: bytes.get(HEADER..)?, is_corrupt });
    }
    if is_corrupt {
        return None;
    }
    let quote = quote(bytes.get(HEADER..)?)?;
    let rest: [u8; 4] = bytes.get(4..HEADER)?.try_into().ok()?;
    if icmp.get_icmp_type() == IcmpTypes::RedirectMessage {
        return Some(Answer::Redirect { quote, gateway: Ipv4Addr::from(rest).into() });
    }
    let mtu = u32::from(u16::from_be_bytes([rest[2], rest[3]]));
    let (kind, code) = (icmp.get_icmp_type().0, icmp.get_icmp_code().0);
    Some(Answer::Rejection { quote, icmp: meaning::of_v4(kind, code, mtu)? })
}

fn quote(bytes: &[u8]) -> Option<Quote<'_>> {
    let (ip, icmp) = split(bytes)?;
    // Only the first fragment has the ICMP header.
    if ip.get_fragment_offset() != 0 {
        return None;
    }
    echo_quote(ip.get_destination(), icmp)
}

/// A quoted echo request, from its ICMP header on, as the error queue has it.
pub(crate) fn echo_quote(to: Ipv4Addr, icmp: &[u8]) -> Option<Quote<'_>> {
    let request = EchoRequestPacket::new(icmp)?;
    if request.get_icmp_type() != IcmpTypes::EchoRequest {
        return None;
    }
    Some(Quote {
        to: to.into(),
        ident: request.get_identifier(),
        seq: request.get_sequence_number(),
        data: icmp.get(HEADER..)?,
    })
}

/// The header and what follows it. pnet's own `payload` trusts the lengths in the packet.
fn split(bytes: &[u8]) -> Option<(Ipv4Packet<'_>, &[u8])> {
    let ip = Ipv4Packet::new(bytes)?;
    let header = usize::from(ip.get_header_length()) * 4;
    let is_icmp = ip.get_version() == 4
        && header >= Ipv4Packet::minimum_packet_size()
        && ip.get_next_level_protocol() == IpNextHeaderProtocols::Icmp;
    let rest = bytes.get(header..).filter(|_| is_icmp)?;
    debug_assert!(ip.packet().len() >= header);
    Some((ip, rest))
}
