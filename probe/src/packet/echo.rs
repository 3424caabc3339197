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

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: Token = *b"\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7";

    #[test]
    fn a_request_has_the_classic_pattern_behind_the_token() {
        let mut echo = Echo::new(12, TOKEN);
        let expected =
            b"\x08\x00\x45\x24\x12\x34\x00\x01\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\x08\x09\x0a\x0b";
        assert_eq!(echo.request(Version::V4, 0x1234, 1), expected);
        let expected =
            b"\x80\x00\x00\x00\x12\x34\x00\x02\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\x08\x09\x0a\x0b";
        assert_eq!(Echo::new(12, TOKEN).request(Version::V6, 0x1234, 2), expected);
    }

    #[test]
    fn the_checksum_of_each_request_is_its_own() {
        let mut echo = Echo::new(0, TOKEN);
        assert_eq!(echo.request(Version::V4, 0, 1), b"\x08\x00\xf7\xfe\x00\x00\x00\x01");
        assert_eq!(echo.request(Version::V4, 0, 2), b"\x08\x00\xf7\xfd\x00\x00\x00\x02");
    }

    #[test]
    fn the_first_wrong_byte_is_found() {
        let echo = Echo::new(12, TOKEN);
        let mut data = echo.data().to_vec();
        assert_eq!(echo.wrong_byte(&data), None);
        data[9] ^= 1;
        assert_eq!(echo.wrong_byte(&data), Some(9));
        assert_eq!(echo.wrong_byte(&echo.data()[..11]), Some(11));
        assert_eq!(echo.wrong_byte(&[echo.data(), b"x"].concat()), Some(12));
    }

    #[test]
    fn a_damaged_token_is_ours_and_another_one_is_not() {
        let echo = Echo::new(12, TOKEN);
        let mut data = echo.data().to_vec();
        data[..4].fill(0);
        assert!(!echo.is_foreign(&data));
        data[4] = 0;
        assert!(echo.is_foreign(&data));
        assert!(!echo.is_foreign(b"short"));
        assert!(!Echo::new(4, TOKEN).is_foreign(b"whatever"));
    }
}
