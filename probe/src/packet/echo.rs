//! Echo requests, and the comparison of a reply's data with what was sent.

use pnet::packet::{
    icmp::{self, IcmpPacket, IcmpTypes},
    icmpv6::{self, Icmpv6Types},
};

use super::Version;

pub(crate) const HEADER: usize = 8;

/// Random bytes at the start of the data (where iputils has its time stamp), so that a ping that
/// happens to use the same identifier is told apart.
pub(crate) type Token = [u8; 8];

/// The echo requests of one ping: the same data in each.
#[derive(Debug)]
pub(crate) struct Echo {
    packet: Vec<u8>,
}

impl Echo {
    /// Data as iputils has it: every byte is its own offset, behind the token.
    pub(crate) fn new(size: u16, token: Token) -> Self {
        let mut data: Vec<u8> = (0..size).map(|offset| offset as u8).collect();
        data.iter_mut().zip(token).for_each(|(byte, random)| *byte = random);
        Self { packet: [vec![0; HEADER], data].concat() }
    }

    pub(crate) fn data(&self) -> &[u8] {
        &self.packet[HEADER..]
    }

    /// The ICMP part of a request. ICMPv6's checksum needs the addresses and is the kernel's work.
    pub(crate) fn request(&mut self, version: Version, ident: u16, seq: u16) -> &[u8] {
        match version {
            Version::V4 => self.fill_v4(ident, seq),
            Version::V6 => self.fill_v6(ident, seq),
        }
        &self.packet
    }

    fn fill_v4(&mut self, ident: u16, seq: u16) {
        let checksum = {
            let Some(mut echo) =
                icmp::echo_request::MutableEchoRequestPacket::new(&mut self.packet)
            else {
                return;
            };
            echo.set_icmp_type(IcmpTypes::EchoRequest);
            echo.set_identifier(ident);
            echo.set_sequence_number(seq);
            IcmpPacket::new(&self.packet).map(|packet| icmp::checksum(&packet))
        };
        if let (Some(mut echo), Some(checksum)) =
            (icmp::MutableIcmpPacket::new(&mut self.packet), checksum)
        {
            echo.set_checksum(checksum);
        }
    }

    fn fill_v6(&mut self, ident: u16, seq: u16) {
        if let Some(mut echo) =
            icmpv6::echo_request::MutableEchoRequestPacket::new(&mut self.packet)
        {
            echo.set_icmpv6_type(Icmpv6Types::EchoRequest);
            echo.set_identifier(ident);
            echo.set_sequence_number(seq);
        }
    }

    /// Offset of the first byte that is not the one sent, or is missing, or is too many.
    pub(crate) fn wrong_byte(&self, data: &[u8]) -> Option<u16> {
        let sent = self.data();
        let same = sent.iter().zip(data).take_while(|(a, b)| a == b).count();
        let is_whole = same == sent.len() && same == data.len();
        (!is_whole).then(|| u16::try_from(same).unwrap_or(u16::MAX))
    }

    /// Whether it is another ping's. A token of which less than half is left is not a damaged one: of 8 random bytes of another
    /// ping, 4 are right once in 60 million times.
    pub(crate) fn is_foreign(&self, data: &[u8]) -> bool {
        const TOKEN: usize = size_of::<Token>();
        let (Some(sent), Some(got)) = (self.data().get(..TOKEN), data.get(..TOKEN)) else {
            return false;
        };
        sent.iter().zip(got).filter(|(a, b)| a == b).count() * 2 < TOKEN
    }
}
