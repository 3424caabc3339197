//! ICMP errors taken apart: what they say, the packet that they quote, and their extensions.
//!
//! Nothing here knows what was sent; whether the quoted packet is ours is decided elsewhere.

use std::net::IpAddr;

use netdiag_wire::{IcmpError, trace::MplsLabel};
use pnet::packet::{
    icmp::{self, IcmpPacket},
    ip::{IpNextHeaderProtocol, IpNextHeaderProtocols},
    ipv4::Ipv4Packet,
    ipv6::{FragmentPacket, Ipv6Packet},
};

use super::{extensions, meaning};

/// Bytes of an ICMP header, and of that part of an error that precedes the quoted packet.
const HEADER: usize = 8;
/// RFC 792 promises so much of what follows the IP header.
const PROMISED: usize = 8;
/// IPv6 extension headers that are passed over, at most.
const MAX_HEADERS: usize = 8;

#[derive(Debug, PartialEq)]
pub(crate) struct Rejection<'a> {
    pub(crate) icmp: IcmpError,
    pub(crate) quoted: Quoted<'a>,
    pub(crate) labels: Vec<MplsLabel>,
}

/// The first bytes of a packet, as somebody on its way saw it.
#[derive(Debug, PartialEq)]
pub(crate) struct Quoted<'a> {
    pub(crate) from: IpAddr,
    pub(crate) to: IpAddr,
    pub(crate) protocol: IpNextHeaderProtocol,
    /// IPv4's identification.
    pub(crate) id: Option<u16>,
    /// At least 8 bytes.
    pub(crate) transport: &'a [u8],
}

/// `None` for an ICMP message that is no error, is damaged or quotes too little.
pub(crate) fn v4(bytes: &[u8]) -> Option<Rejection<'_>> {
    let message = IcmpPacket::new(bytes)?;
    if icmp::checksum(&message) != message.get_checksum() {
        return None;
    }
    let (kind, code) = (message.get_icmp_type().0, message.get_icmp_code().0);
    let rest: [u8; 4] = bytes.get(4..HEADER)?.try_into().ok()?;
    let icmp = meaning::of_v4(kind, code, u16::from_be_bytes([rest[2], rest[3]]).into())?;
    // RFC 4884, section 4: words of 32 bits.
    let body = extensions::split(bytes.get(HEADER..)?, usize::from(rest[1]) * 4);
    Some(Rejection { icmp, quoted: quoted4(body.quote)?, labels: body.labels })
}

/// ICMPv6 comes with a checksum that the kernel has verified.
pub(crate) fn v6(bytes: &[u8]) -> Option<Rejection<'_>> {
    let [kind, code, _, _, length, ..] = *bytes else { return None };
    let mtu = u32::from_be_bytes(bytes.get(4..HEADER)?.try_into().ok()?);
    let icmp = meaning::of_v6(kind, code, mtu)?;
    // RFC 4884, section 4: words of 64 bits, in these two types only.
    let length = if matches!(kind, 1 | 3) { usize::from(length) * 8 } else { 0 };
    let body = extensions::split(bytes.get(HEADER..)?, length);
    Some(Rejection { icmp, quoted: quoted6(body.quote)?, labels: body.labels })
}

pub(super) fn quoted4(bytes: &[u8]) -> Option<Quoted<'_>> {
    let ip = Ipv4Packet::new(bytes)?;
    let header = usize::from(ip.get_header_length()) * 4;
    // Only the first fragment has the ports.
    let is_whole = ip.get_version() == 4
        && header >= Ipv4Packet::minimum_packet_size()
        && ip.get_fragment_offset() == 0;
    let transport = bytes.get(header..).filter(|rest| is_whole && rest.len() >= PROMISED)?;
    Some(Quoted {
        from: ip.get_source().into(),
        to: ip.get_destination().into(),
        protocol: ip.get_next_level_protocol(),
        id: Some(ip.get_identification()),
        transport,
    })
}

pub(super) fn quoted6(bytes: &[u8]) -> Option<Quoted<'_>> {
    let ip = Ipv6Packet::new(bytes).filter(|ip| ip.get_version() == 6)?;
    let rest = bytes.get(Ipv6Packet::minimum_packet_size()..)?;
    let (protocol, transport) = skip_headers(ip.get_next_header(), rest)?;
    (transport.len() >= PROMISED).then(|| Quoted {
        from: ip.get_source().into(),
        to: ip.get_destination().into(),
        protocol,
        id: None,
        transport,
    })
}

/// Past what routers may have put between: options, routing headers, a fragment header.
fn skip_headers(
    mut next: IpNextHeaderProtocol,
    mut rest: &[u8],
) -> Option<(IpNextHeaderProtocol, &[u8])> {
    for _ in 0..MAX_HEADERS {
        let length = match next {
            IpNextHeaderProtocols::Hopopt
            | IpNextHeaderProtocols::Ipv6Opts
            | IpNextHeaderProtocols::Ipv6Route => (usize::from(*rest.get(1)?) + 1) * 8,
            IpNextHeaderProtocols::Ipv6Frag => {
                FragmentPacket::new(rest).filter(|f| f.get_fragment_offset() == 0)?;
                FragmentPacket::minimum_packet_size()
            }
            _ => return Some((next, rest)),
        };
        next = IpNextHeaderProtocol(*rest.first()?);
        rest = rest.get(length..)?;
    }
    None
}
