//! The SYNs of a scan, the RSTs that take them back, and what answers them.
//!
//! Nothing is kept of a SYN: its sequence number is a keyed hash of whom it asks, and whatever
//! answers it bears that number.

use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    ops::Range,
};

use netdiag_wire::IcmpError;
use pnet::packet::{
    ip::IpNextHeaderProtocols,
    ipv4::{Ipv4Flags, MutableIpv4Packet},
    ipv6::MutableIpv6Packet,
    tcp::{MutableTcpPacket, TcpFlags, TcpPacket},
    util,
};

use super::{Version, quoted};

const TTL: u8 = 64;
const TCP: usize = 20;
/// As Linux has them, which firewalls know: MSS, SACK permitted, time stamps, window scale 7.
const OPTIONS: [u8; 20] = [2, 4, 0, 0, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];
const WINDOW: u16 = 64_240;

/// What all SYNs of a scan have in common.
#[derive(Debug)]
pub(crate) struct Syns {
    ports: Range<u16>,
    key: RandomState,
}

/// Whom a packet goes from and to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) source: IpAddr,
    pub(crate) target: IpAddr,
    pub(crate) port: u16,
}

/// A segment that answers a SYN.
#[derive(Debug, PartialEq)]
pub(crate) struct Reply<'a> {
    pub(crate) port: u16,
    pub(crate) is_open: bool,
    pub(crate) window: u16,
    pub(crate) options: &'a [u8],
}

/// An ICMP error about a SYN.
#[derive(Debug, PartialEq)]
pub(crate) struct Rejected {
    pub(crate) target: IpAddr,
    pub(crate) port: u16,
    pub(crate) icmp: IcmpError,
}

impl Syns {
    /// From these ports, a target's port always from the same one.
    pub(crate) fn new(ports: Range<u16>) -> Self {
        Self { ports, key: RandomState::new() }
    }

    pub(crate) fn syn(&self, way: Way) -> Vec<u8> {
        self.segment(way, TcpFlags::SYN)
    }

    /// In the SYN's own direction: routers forget it, and the target as well.
    pub(crate) fn reset(&self, way: Way) -> Vec<u8> {
        self.segment(way, TcpFlags::RST)
    }

    fn segment(&self, way: Way, flags: u8) -> Vec<u8> {
        let is_syn = flags == TcpFlags::SYN;
        let length = if is_syn { TCP + OPTIONS.len() } else { TCP };
        let header = if way.target.is_ipv4() { 20 } else { 40 };
        let mut packet = vec![0; header + length];
        let (ip, segment) = packet.split_at_mut(header);
        fill_ip(way, ip, length as u16);
        if is_syn {
            segment[TCP..].copy_from_slice(&OPTIONS);
            let mss: u16 = if way.target.is_ipv4() { 1_460 } else { 1_440 };
            segment[TCP + 2..TCP + 4].copy_from_slice(&mss.to_be_bytes());
        }
        if let Some(mut tcp) = MutableTcpPacket::new(segment) {
            tcp.set_source(self.source_port(way.port));
            tcp.set_destination(way.port);
            tcp.set_sequence(self.seq(way.target, way.port).wrapping_add(u32::from(!is_syn)));
            tcp.set_data_offset((length / 4) as u8);
            tcp.set_flags(flags);
            tcp.set_window(if is_syn { WINDOW } else { 0 });
        }
        let checksum = checksum(way, segment);
        segment[16..18].copy_from_slice(&checksum.to_be_bytes());
        packet
    }

    fn source_port(&self, port: u16) -> u16 {
        self.ports.start + port % self.ports.len() as u16
    }

    fn seq(&self, target: IpAddr, port: u16) -> u32 {
        self.key.hash_one((target, port)) as u32
    }

    /// A segment that came from `target`. Its checksum is not looked at: between local interfaces
    /// it is left for hardware to fill in.
    pub(crate) fn reply<'a>(&self, target: IpAddr, bytes: &'a [u8]) -> Option<Reply<'a>> {
        let tcp = TcpPacket::new(bytes)?;
        let is_open = match tcp.get_flags() & (TcpFlags::SYN | TcpFlags::ACK | TcpFlags::RST) {
            flags if flags == TcpFlags::SYN | TcpFlags::ACK => true,
            flags if flags == TcpFlags::RST | TcpFlags::ACK => false,
            _ => return None,
        };
        let port = tcp.get_source();
        let is_ours = tcp.get_destination() == self.source_port(port)
            && tcp.get_acknowledgement().wrapping_sub(1) == self.seq(target, port);
        let end = usize::from(tcp.get_data_offset()) * 4;
        let options = bytes.get(TCP..end).unwrap_or_default();
        is_ours.then(|| Reply { port, is_open, window: tcp.get_window(), options })
    }

    /// An ICMP message, from its own header on, if it is an error about one of our SYNs.
    pub(crate) fn rejected(&self, version: Version, icmp: &[u8]) -> Option<Rejected> {
        let rejection = match version {
            Version::V4 => quoted::v4(icmp),
            Version::V6 => quoted::v6(icmp),
        }?;
        let quoted = rejection.quoted;
        let [a, b, c, d, seq @ ..] = *quoted.transport.first_chunk::<8>()?;
        let port = u16::from_be_bytes([c, d]);
        let is_ours = quoted.protocol == IpNextHeaderProtocols::Tcp
            && u16::from_be_bytes([a, b]) == self.source_port(port)
            && u32::from_be_bytes(seq) == self.seq(quoted.to, port);
        is_ours.then_some(Rejected { target: quoted.to, port, icmp: rejection.icmp })
    }
}

fn fill_ip(way: Way, header: &mut [u8], length: u16) {
    match (way.source, way.target) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let Some(mut ip) = MutableIpv4Packet::new(header) else { return };
            ip.set_version(4);
            ip.set_header_length(5);
            // Not zero, which the kernel would replace; nothing of it is ever fragmented.
            ip.set_identification(1);
            ip.set_flags(Ipv4Flags::DontFragment);
            ip.set_ttl(TTL);
            ip.set_next_level_protocol(IpNextHeaderProtocols::Tcp);
            ip.set_source(from);
            ip.set_destination(to);
            // Length and checksum are the kernel's (raw(7)).
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let Some(mut ip) = MutableIpv6Packet::new(header) else { return };
            ip.set_version(6);
            ip.set_payload_length(length);
            ip.set_next_header(IpNextHeaderProtocols::Tcp);
            ip.set_hop_limit(TTL);
            ip.set_source(from);
            ip.set_destination(to);
        }
        // The source comes from the route to the target.
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {}
    }
}

fn checksum(way: Way, segment: &[u8]) -> u16 {
    let tcp = IpNextHeaderProtocols::Tcp;
    match (way.source, way.target) {
        (IpAddr::V4(from), IpAddr::V4(to)) => util::ipv4_checksum(segment, 8, &[], &from, &to, tcp),
        (IpAddr::V6(from), IpAddr::V6(to)) => util::ipv6_checksum(segment, 8, &[], &from, &to, tcp),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use proptest::prelude::*;

    use super::*;

    const PORTS: Range<u16> = 40_000..40_004;

    fn way(port: u16) -> Way {
        Way { source: [10, 9, 1, 2].into(), target: [10, 9, 2, 2].into(), port }
    }

    fn answer(syns: &Syns, port: u16, flags: u8) -> Vec<u8> {
        let syn = syns.syn(way(port));
        let mut segment = vec![0; TCP];
        let asked = TcpPacket::new(&syn[20..]).unwrap();
        let mut tcp = MutableTcpPacket::new(&mut segment).unwrap();
        tcp.set_source(asked.get_destination());
        tcp.set_destination(asked.get_source());
        tcp.set_acknowledgement(asked.get_sequence().wrapping_add(1));
        tcp.set_flags(flags);
        tcp.set_data_offset(5);
        segment
    }

    #[test]
    fn only_an_answer_to_our_syn_is_one() {
        let syns = Syns::new(PORTS);
        let target = way(0).target;
        for port in [1, 80, u16::MAX] {
            let open = answer(&syns, port, TcpFlags::SYN | TcpFlags::ACK);
            let closed = answer(&syns, port, TcpFlags::RST | TcpFlags::ACK);
            assert!(syns.reply(target, &open).unwrap().is_open);
            assert!(!syns.reply(target, &closed).unwrap().is_open);
            assert_eq!(syns.reply([10, 9, 2, 3].into(), &open), None);
            assert_eq!(Syns::new(PORTS).reply(target, &open), None, "another key");
            assert_eq!(syns.reply(target, &answer(&syns, port, TcpFlags::ACK)), None);
            let syn = syns.syn(way(port));
            assert_eq!(syns.reply(target, &syn[20..]), None, "the SYN itself");
        }
    }

    #[test]
    fn a_rejection_names_the_port_that_was_asked() {
        let syns = Syns::new(PORTS);
        let syn = syns.syn(way(80));
        let mut error = [&[3, 13, 0, 0, 0, 0, 0, 0], &syn[..28]].concat();
        let sum = util::checksum(&error, 1);
        error[2..4].copy_from_slice(&sum.to_be_bytes());
        let rejected = syns.rejected(Version::V4, &error).unwrap();
        assert_eq!((rejected.target, rejected.port), (way(80).target, 80));
        assert_eq!(Syns::new(PORTS).rejected(Version::V4, &error), None);
    }

    /// What nobody answers to a scan is never taken for an answer.
    fn is_ignored(bytes: &[u8]) {
        let syns = Syns::new(PORTS);
        for target in [way(0).target, [0xfd09, 2, 0, 0, 0, 0, 0, 2].into()] {
            assert_eq!(syns.reply(target, bytes), None);
        }
        for version in [Version::V4, Version::V6] {
            assert_eq!(syns.rejected(version, bytes), None);
        }
    }

    #[test]
    fn the_corpus_is_ignored() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/icmp_quote");
        let mut files = 0;
        for file in fs::read_dir(corpus).unwrap() {
            is_ignored(&fs::read(file.unwrap().path()).unwrap());
            files += 1;
        }
        assert!(files > 10, "{files}");
    }

    proptest! {
        #[test]
        fn no_bytes_are_an_answer(bytes: Vec<u8>) {
            is_ignored(&bytes);
        }

        /// Random bytes seldom come past the first check; a good answer with a few bad ones does.
        #[test]
        fn no_damage_makes_it_panic(
            changes in prop::collection::vec((0..TCP, any::<u8>()), 1..5),
            length in 0..=TCP,
        ) {
            let syns = Syns::new(PORTS);
            let mut segment = answer(&syns, 80, TcpFlags::SYN | TcpFlags::ACK);
            changes.iter().for_each(|&(at, value)| segment[at] = value);
            syns.reply(way(0).target, &segment[..length]);
        }
    }
}
