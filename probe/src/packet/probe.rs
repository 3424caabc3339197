//! The probes of a trace as whole IP packets, and which probe an answer is about.
//!
//! Routers that spread load hash a packet's addresses, ports and, for ICMP, its checksum. So the
//! probes of a flow differ only where nobody hashes and where every answer shows it: IPv4's
//! identification (the whole IP header is always quoted), TCP's sequence number (within the 8
//! bytes behind it, and in the target's acknowledgement), the echo's sequence number with its
//! complement in the data, so that the checksum stays. IPv6 has no identification and hashes the
//! flow label: there UDP carries the number and its complement as data, as RFC 4443 has routers
//! quote what fits into 1,280 bytes.

use std::net::IpAddr;

use netdiag_wire::trace::TraceProtocol;
use pnet::packet::{
    icmp::IcmpTypes,
    icmpv6::Icmpv6Types,
    ip::{IpNextHeaderProtocol, IpNextHeaderProtocols},
    ipv4::{Ipv4Flags, MutableIpv4Packet},
    ipv6::MutableIpv6Packet,
    tcp::{MutableTcpPacket, TcpFlags, TcpPacket},
    udp::MutableUdpPacket,
    util,
};

use super::quoted::{self, Quoted, Rejection};

/// TCP numbers of neighbouring probes are so far apart, so that data in a SYN, which a RST may
/// acknowledge, is never taken for the next probe.
const STRIDE: u32 = 1 << 16;
/// Numbers that a trace can use: IPv4 gives its own identification to a packet that has 0.
pub(crate) const MAX_INDEX: u16 = u16::MAX - 1;

/// What all probes of a trace have in common.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) protocol: TraceProtocol,
    pub(crate) source: IpAddr,
    pub(crate) target: IpAddr,
    /// Of the target; 0 for ICMP.
    pub(crate) port: u16,
    /// Of flow 0; the others follow. For ICMP it is the identifier.
    pub(crate) first_port: u16,
    pub(crate) flows: u8,
    pub(crate) secret: Secret,
}

/// Random, so that nobody off the path can forge an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Secret {
    pub(crate) id: u16,
    pub(crate) seq: u32,
    pub(crate) token: [u8; 4],
}

/// One probe on its way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Tag {
    pub(crate) flow: u8,
    /// Counts the probes of the trace.
    pub(crate) index: u16,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope {
    pub(crate) ttl: u8,
    /// The whole packet; the smallest possible if this is less.
    pub(crate) size: u16,
    pub(crate) dont_fragment: bool,
}

impl Shape {
    pub(crate) fn packet(&self, tag: Tag, envelope: Envelope) -> Vec<u8> {
        let header = self.header();
        let transport = usize::from(envelope.size).saturating_sub(header).max(self.smallest());
        let mut packet = vec![0; header + transport];
        let (ip, rest) = packet.split_at_mut(header);
        self.fill(tag, rest);
        match (self.source, self.target) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                if let Some(mut ip) = MutableIpv4Packet::new(ip) {
                    ip.set_version(4);
                    ip.set_header_length(5);
                    ip.set_identification(self.id(tag.index));
                    ip.set_flags(if envelope.dont_fragment { Ipv4Flags::DontFragment } else { 0 });
                    ip.set_ttl(envelope.ttl);
                    ip.set_next_level_protocol(self.protocol_number());
                    ip.set_source(from);
                    ip.set_destination(to);
                    // Length and checksum are the kernel's (raw(7)).
                }
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                if let Some(mut ip) = MutableIpv6Packet::new(ip) {
                    ip.set_version(6);
                    ip.set_flow_label(u32::from_be_bytes(self.secret.token) & 0xf_ffff);
                    ip.set_payload_length(rest.len() as u16);
                    ip.set_next_header(self.protocol_number());
                    ip.set_hop_limit(envelope.ttl);
                    ip.set_source(from);
                    ip.set_destination(to);
                }
            }
            // The source comes from the route to the target.
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {}
        }
        packet
    }

    fn header(&self) -> usize {
        if self.target.is_ipv4() { 20 } else { 40 }
    }

    fn smallest(&self) -> usize {
        match (self.protocol, self.target) {
            (TraceProtocol::Udp, IpAddr::V4(_)) => 8,
            (TraceProtocol::Udp, IpAddr::V6(_)) => 8 + 8,
            (TraceProtocol::Tcp, _) => 20,
            (TraceProtocol::Icmp, _) => 8 + 6,
        }
    }

    pub(crate) fn protocol_number(&self) -> IpNextHeaderProtocol {
        match (self.protocol, self.target) {
            (TraceProtocol::Udp, _) => IpNextHeaderProtocols::Udp,
            (TraceProtocol::Tcp, _) => IpNextHeaderProtocols::Tcp,
            (TraceProtocol::Icmp, IpAddr::V4(_)) => IpNextHeaderProtocols::Icmp,
            (TraceProtocol::Icmp, IpAddr::V6(_)) => IpNextHeaderProtocols::Icmpv6,
        }
    }

    fn fill(&self, tag: Tag, transport: &mut [u8]) {
        match self.protocol {
            TraceProtocol::Udp => self.fill_udp(tag, transport),
            TraceProtocol::Tcp => self.fill_tcp(tag, transport),
            TraceProtocol::Icmp => self.fill_echo(tag, transport),
        }
    }

    fn fill_udp(&self, tag: Tag, transport: &mut [u8]) {
        let length = transport.len();
        if let Some(data) = transport.get_mut(8..16) {
            data.copy_from_slice(&self.signed(tag.index));
        }
        let Some(mut udp) = MutableUdpPacket::new(transport) else { return };
        udp.set_source(self.source_port(tag.flow));
        udp.set_destination(self.port);
        udp.set_length(length as u16);
        // 0 means "no checksum" (RFC 768).
        let checksum = match self.checksum(transport, 3) {
            0 => u16::MAX,
            other => other,
        };
        transport[6..8].copy_from_slice(&checksum.to_be_bytes());
    }

    fn fill_tcp(&self, tag: Tag, transport: &mut [u8]) {
        let Some(mut tcp) = MutableTcpPacket::new(transport) else { return };
        tcp.set_source(self.source_port(tag.flow));
        tcp.set_destination(self.port);
        tcp.set_sequence(self.seq(tag.index));
        tcp.set_data_offset(5);
        tcp.set_flags(TcpFlags::SYN);
        tcp.set_window(64_240);
        let checksum = self.checksum(transport, 8);
        transport[16..18].copy_from_slice(&checksum.to_be_bytes());
    }

    fn fill_echo(&self, tag: Tag, transport: &mut [u8]) {
        let [a, b] = self.source_port(tag.flow).to_be_bytes();
        let [c, d] = tag.index.to_be_bytes();
        let [t, u, v, w] = self.secret.token;
        let echo = [self.echo_kind(true), 0, 0, 0, a, b, c, d, !c, !d, t, u, v, w];
        transport[..echo.len()].copy_from_slice(&echo);
        let checksum = match self.target {
            IpAddr::V4(_) => util::checksum(transport, 1),
            IpAddr::V6(_) => self.checksum(transport, 1),
        };
        transport[2..4].copy_from_slice(&checksum.to_be_bytes());
    }

    fn echo_kind(&self, is_request: bool) -> u8 {
        match (self.target, is_request) {
            (IpAddr::V4(_), true) => IcmpTypes::EchoRequest.0,
            (IpAddr::V4(_), false) => IcmpTypes::EchoReply.0,
            (IpAddr::V6(_), true) => Icmpv6Types::EchoRequest.0,
            (IpAddr::V6(_), false) => Icmpv6Types::EchoReply.0,
        }
    }

    /// With the pseudo-header; `word` is where the checksum goes.
    fn checksum(&self, transport: &[u8], word: usize) -> u16 {
        let protocol = self.protocol_number();
        match (self.source, self.target) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                util::ipv4_checksum(transport, word, &[], &from, &to, protocol)
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                util::ipv6_checksum(transport, word, &[], &from, &to, protocol)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => 0,
        }
    }

    pub(crate) fn source_port(&self, flow: u8) -> u16 {
        self.first_port + u16::from(flow)
    }

    fn id(&self, index: u16) -> u16 {
        let id = (u32::from(self.secret.id) + u32::from(index)) % u32::from(u16::MAX);
        1 + id as u16
    }

    fn seq(&self, index: u16) -> u32 {
        self.secret.seq.wrapping_add(u32::from(index).wrapping_mul(STRIDE))
    }

    /// What a datagram socket sends in place of a packet: the data behind a UDP header.
    pub(crate) fn data(&self, index: u16, size: u16) -> Vec<u8> {
        let mut data = vec![0; usize::from(size).saturating_sub(self.header() + 8).max(8)];
        data[..8].copy_from_slice(&self.signed(index));
        data
    }

    pub(crate) fn index_of_data(&self, data: &[u8]) -> Option<u16> {
        self.index_of_signed(data)
    }

    /// What a datagram socket sends for an echo; the kernel sets identifier and checksum.
    pub(crate) fn echo(&self, tag: Tag, size: u16) -> Vec<u8> {
        let length = usize::from(size).saturating_sub(self.header()).max(self.smallest());
        let mut echo = vec![0; length];
        self.fill_echo(tag, &mut echo);
        echo
    }

    /// As much of [`Self::echo`] as routers quote.
    pub(crate) fn index_of_echo(&self, quoted: &[u8]) -> Option<u16> {
        let [kind, _, _, _, _, _, c, d] = *quoted.first_chunk()?;
        (kind == self.echo_kind(true)).then_some(u16::from_be_bytes([c, d]))
    }

    /// The target's answer to [`Self::echo`], whose identifier the kernel has checked.
    pub(crate) fn index_of_reply(&self, reply: &[u8]) -> Option<u16> {
        let index = u16::from_be_bytes(*reply.get(6..)?.first_chunk()?);
        let data = [index.to_be_bytes().map(|byte| !byte).as_slice(), &self.secret.token].concat();
        (reply.get(8..14)? == data).then_some(index)
    }

    /// A number, and what keeps the checksum the same whatever the number.
    fn signed(&self, index: u16) -> [u8; 8] {
        let ([t, u, v, w], [a, b]) = (self.secret.token, index.to_be_bytes());
        [t, u, v, w, a, b, !a, !b]
    }

    fn index_of_signed(&self, data: &[u8]) -> Option<u16> {
        let [.., a, b, _, _] = *data.get(..8)? else { return None };
        let index = u16::from_be_bytes([a, b]);
        (self.signed(index) == data[..8]).then_some(index)
    }

    /// An ICMP error, from its own header on, and the probe that it is about.
    pub(crate) fn rejected<'a>(&self, icmp: &'a [u8]) -> Option<(Tag, Rejection<'a>)> {
        let rejection = match self.target {
            IpAddr::V4(_) => quoted::v4(icmp),
            IpAddr::V6(_) => quoted::v6(icmp),
        }?;
        Some((self.quoted(&rejection.quoted)?, rejection))
    }

    /// The probe that an ICMP error is about. The target's address and port may be other ones:
    /// rewritten on the way, which is worth telling.
    fn quoted(&self, quoted: &Quoted<'_>) -> Option<Tag> {
        let [a, b, c, d, e, f, g, h] = *quoted.transport.first_chunk()?;
        if quoted.protocol != self.protocol_number() || quoted.from != self.source {
            return None;
        }
        if self.protocol == TraceProtocol::Icmp {
            let is_request = a == self.echo_kind(true) && b == 0;
            let flow = self.flow_of(u16::from_be_bytes([e, f])).filter(|_| is_request)?;
            let index = u16::from_be_bytes([g, h]);
            return self.is_ours(quoted, index).then_some(Tag { flow, index });
        }
        let is_rewritten = quoted.to != self.target;
        let flow = self.flow_of(u16::from_be_bytes([a, b]))?;
        if u16::from_be_bytes([c, d]) != self.port && !is_rewritten {
            return None;
        }
        let index = match (self.protocol, self.target) {
            (TraceProtocol::Tcp, _) => {
                let offset = u32::from_be_bytes([e, f, g, h]).wrapping_sub(self.secret.seq);
                (offset % STRIDE == 0).then_some((offset / STRIDE) as u16)?
            }
            (_, IpAddr::V4(_)) => self.index_of_id(quoted.id?),
            (_, IpAddr::V6(_)) => self.index_of_signed(quoted.transport.get(8..)?)?,
        };
        self.is_ours(quoted, index).then_some(Tag { flow, index })
    }

    /// IPv4's identification is right as well.
    fn is_ours(&self, quoted: &Quoted<'_>, index: u16) -> bool {
        quoted.id.is_none_or(|id| id == self.id(index))
    }

    fn index_of_id(&self, id: u16) -> u16 {
        let count = u32::from(u16::MAX);
        ((u32::from(id) + count - 1 + count - u32::from(self.secret.id) % count) % count) as u16
    }

    fn flow_of(&self, port: u16) -> Option<u8> {
        let flow = u8::try_from(port.checked_sub(self.first_port)?).ok()?;
        (flow < self.flows).then_some(flow)
    }

    /// The probe that an echo reply of the target answers.
    pub(crate) fn echoed(&self, icmp: &[u8]) -> Option<Tag> {
        let [kind, code, _, _, a, b, c, d, not_c, not_d, token @ ..] = icmp.first_chunk::<14>()?;
        let is_ours = (*kind, *code) == (self.echo_kind(false), 0)
            && [*not_c, *not_d] == [!c, !d]
            && *token == self.secret.token;
        let (a, b, c, d) = (*a, *b, *c, *d);
        let flow = self.flow_of(u16::from_be_bytes([a, b])).filter(|_| is_ours)?;
        Some(Tag { flow, index: u16::from_be_bytes([c, d]) })
    }

    /// The probe that a segment of the target answers, and whether the port is open. Its checksum
    /// is not looked at: between local interfaces it is left for hardware to fill in.
    pub(crate) fn segment(&self, bytes: &[u8]) -> Option<(Tag, bool)> {
        let tcp = TcpPacket::new(bytes).filter(|tcp| tcp.get_source() == self.port)?;
        let flow = self.flow_of(tcp.get_destination())?;
        let is_open = match tcp.get_flags() & (TcpFlags::SYN | TcpFlags::ACK | TcpFlags::RST) {
            flags if flags == TcpFlags::SYN | TcpFlags::ACK => true,
            flags if flags == TcpFlags::RST | TcpFlags::ACK => false,
            _ => return None,
        };
        let offset = tcp.get_acknowledgement().wrapping_sub(1).wrapping_sub(self.secret.seq);
        Some((Tag { flow, index: (offset / STRIDE) as u16 }, is_open))
    }

    /// The flow that a datagram of the target belongs to; which probe it answers, it does not say.
    pub(crate) fn datagram(&self, bytes: &[u8]) -> Option<u8> {
        let [a, b, c, d, ..] = *bytes else { return None };
        let is_from_target = u16::from_be_bytes([a, b]) == self.port && bytes.len() >= 8;
        self.flow_of(u16::from_be_bytes([c, d])).filter(|_| is_from_target)
    }
}

#[cfg(test)]
mod b6;
#[cfg(test)]
mod tests;
