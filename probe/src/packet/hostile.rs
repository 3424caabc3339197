//! Tests: ICMP as routers, hosts and liars send it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netdiag_wire::{IcmpError, IcmpMeaning};
use pnet::packet::icmp::{IcmpPacket, checksum};
use proptest::prelude::*;

use super::{
    answer::{Answer, Quote},
    icmp4, icmp6,
};

const TO: Ipv4Addr = Ipv4Addr::new(10, 9, 2, 2);
const TO6: Ipv6Addr = Ipv6Addr::new(0xfd09, 2, 0, 0, 0, 0, 0, 2);

/// An echo request to 10.9.2.2, identifier 0x1234, sequence number 7, with the checksums of a
/// router that has rewritten the TTL and did not care.
const QUOTED: &[u8] =
    b"\x45\x00\x00\x54\x00\x01\x40\x00\x01\x01\xbe\xef\x0a\x09\x01\x02\x0a\x09\x02\x02\
    \x08\x00\xab\xcd\x12\x34\x00\x07";
const QUOTED6: &[u8] = b"\x60\x00\x00\x00\x00\x40\x3a\x01\
    \xfd\x09\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\
    \xfd\x09\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\
    \x80\x00\xab\xcd\x12\x34\x00\x07";

/// With the right checksum.
fn icmp(header: [u8; 8], rest: &[u8]) -> Vec<u8> {
    let mut bytes = [&header[..], rest].concat();
    let sum = checksum(&IcmpPacket::new(&bytes).unwrap());
    bytes[2..4].copy_from_slice(&sum.to_be_bytes());
    bytes
}

fn ttl_exceeded(quoted: &[u8]) -> Vec<u8> {
    icmp([11, 0, 0, 0, 0, 0, 0, 0], quoted)
}

fn changed(quoted: &[u8], changes: &[(usize, u8)]) -> Vec<u8> {
    let mut bytes = quoted.to_vec();
    changes.iter().for_each(|&(at, value)| bytes[at] = value);
    bytes
}

fn quote(to: impl Into<IpAddr>, data: &[u8]) -> Quote<'_> {
    Quote { to: to.into(), ident: 0x1234, seq: 7, data }
}

#[test]
fn eight_quoted_bytes_are_enough() {
    let bytes = ttl_exceeded(QUOTED);
    let Some(Answer::Rejection { quote: quoted, icmp }) = icmp4::answer(&bytes) else { panic!() };
    assert_eq!(quoted, quote(TO, b""));
    let meaning = IcmpMeaning::TtlExceeded;
    assert_eq!(icmp, IcmpError { meaning, kind: 11, code: 0, mtu: None });
}

#[test]
fn options_in_the_quoted_header_are_passed_over() {
    let header = changed(&QUOTED[..20], &[(0, 0x46)]);
    let bytes = ttl_exceeded(&[&header, &b"\x94\x04\x00\x00"[..], &QUOTED[20..], b"abc"].concat());
    let Some(Answer::Rejection { quote: quoted, .. }) = icmp4::answer(&bytes) else { panic!() };
    assert_eq!(quoted, quote(TO, b"abc"));
}

#[test]
fn the_mtu_of_both_families_is_read() {
    let bytes = icmp([3, 4, 0, 0, 0, 0, 0x05, 0x78], QUOTED);
    let Some(Answer::Rejection { icmp, .. }) = icmp4::answer(&bytes) else { panic!() };
    assert_eq!((icmp.meaning, icmp.mtu), (IcmpMeaning::FragmentationNeeded, Some(1400)));
    let bytes = [b"\x02\x00\x00\x00\x00\x00\x05\x00", QUOTED6].concat();
    let Some(Answer::Rejection { icmp, quote: quoted }) = icmp6::answer(&bytes) else { panic!() };
    assert_eq!((icmp.meaning, icmp.mtu), (IcmpMeaning::FragmentationNeeded, Some(1280)));
    assert_eq!(quoted, quote(TO6, b""));
}

#[test]
fn redirects_name_the_gateway() {
    let bytes = icmp([5, 1, 0, 0, 10, 9, 1, 254], QUOTED);
    let gateway = IpAddr::from([10, 9, 1, 254]);
    let redirect = Answer::Redirect { quote: quote(TO, b""), gateway };
    assert_eq!(icmp4::answer(&bytes), Some(redirect));

    let gateway: Ipv6Addr = "fe80::fe".parse().unwrap();
    let link_layer_address = b"\x02\x01\x02\x00\x00\x00\x00\x01";
    let bytes = [
        b"\x89\x00\x00\x00\x00\x00\x00\x00",
        &gateway.octets()[..],
        &TO6.octets()[..],
        link_layer_address,
        b"\x04\x07\x00\x00\x00\x00\x00\x00",
        QUOTED6,
    ]
    .concat();
    let redirect = Answer::Redirect { quote: quote(TO6, b""), gateway: gateway.into() };
    assert_eq!(icmp6::answer(&bytes), Some(redirect));
}

#[test]
fn a_fragmented_ipv6_request_is_recognised_by_its_first_fragment_only() {
    let header = changed(&QUOTED6[..40], &[(6, 44)]);
    for (offset, expected) in [(b"\x00\x01", true), (b"\x05\xa9", false)] {
        let fragment = [b"\x3a\x00", &offset[..], b"\x00\x00\x00\x01"].concat();
        let error = b"\x03\x00\x00\x00\x00\x00\x00\x00";
        let bytes = [&error[..], &header, &fragment, &QUOTED6[40..]].concat();
        assert_eq!(icmp6::answer(&bytes).is_some(), expected, "{offset:?}");
    }
}

#[test]
fn a_reply_with_a_wrong_checksum_is_corrupt_and_an_error_with_one_is_nothing() {
    let mut reply = icmp([0, 0, 0, 0, 0x12, 0x34, 0, 7], b"data");
    assert!(matches!(icmp4::answer(&reply), Some(Answer::Reply { is_corrupt: false, .. })));
    reply[9] ^= 1;
    assert!(matches!(icmp4::answer(&reply), Some(Answer::Reply { is_corrupt: true, .. })));
    assert_eq!(icmp4::answer(&changed(&ttl_exceeded(QUOTED), &[(35, 8)])), None);
}

#[test]
fn what_quotes_no_echo_request_is_nothing() {
    let hostile: &[(&str, Vec<u8>)] = &[
        ("nothing quoted", ttl_exceeded(b"")),
        ("seven bytes quoted", ttl_exceeded(&QUOTED[..27])),
        ("half an IP header", ttl_exceeded(&QUOTED[..12])),
        ("IP header shorter than 20", ttl_exceeded(&changed(QUOTED, &[(0, 0x41)]))),
        ("IP header longer than the packet", ttl_exceeded(&changed(QUOTED, &[(0, 0x4f)]))),
        ("IP version 6 in IPv4", ttl_exceeded(&changed(QUOTED, &[(0, 0x65)]))),
        ("UDP quoted", ttl_exceeded(&changed(QUOTED, &[(9, 17)]))),
        ("an echo reply quoted", ttl_exceeded(&changed(QUOTED, &[(20, 0)]))),
        ("a later fragment", ttl_exceeded(&changed(QUOTED, &[(7, 185)]))),
        ("source quench", icmp([4, 0, 0, 0, 0, 0, 0, 0], QUOTED)),
        ("timestamp reply", icmp([14, 0, 0, 0, 0x12, 0x34, 0, 7], b"")),
        ("an echo request", icmp([8, 0, 0, 0, 0x12, 0x34, 0, 7], b"")),
        ("seven bytes", vec![11; 7]),
        ("nothing", vec![]),
    ];
    for (what, bytes) in hostile {
        assert_eq!(icmp4::answer(bytes), None, "{what}");
    }
}

#[test]
fn what_quotes_no_echo_request_over_ipv6_is_nothing() {
    let error = b"\x03\x00\x00\x00\x00\x00\x00\x00";
    let hostile: &[(&str, Vec<u8>)] = &[
        ("nothing quoted", error.to_vec()),
        ("seven bytes quoted", [error, &QUOTED6[..47]].concat()),
        ("version 4", [&error[..], &changed(QUOTED6, &[(0, 0x45)])].concat()),
        ("TCP quoted", [&error[..], &changed(QUOTED6, &[(6, 6)])].concat()),
        ("an echo reply quoted", [&error[..], &changed(QUOTED6, &[(40, 129)])].concat()),
        ("a redirect with an option of no length", [&b"\x89"[..], &[0; 60]].concat()),
        ("a redirect without options", [&b"\x89"[..], &[0; 39]].concat()),
        ("neighbour solicitation", vec![135; 40]),
    ];
    for (what, bytes) in hostile {
        assert_eq!(icmp6::answer(bytes), None, "{what}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(bytes: Vec<u8>) {
        icmp4::answer(&bytes);
        icmp6::answer(&bytes);
        if let Some(ip) = icmp4::Datagram::parse(&bytes) {
            icmp4::answer(ip.icmp);
        }
    }

    /// Random bytes seldom come past the first byte; a good packet with a few bad ones does.
    #[test]
    fn no_damage_makes_a_parser_panic(
        changes in prop::collection::vec((0..56_usize, any::<u8>()), 1..5),
        length in 0..=56_usize,
    ) {
        let bytes = [b"\x03\x00\x00\x00\x00\x00\x00\x00", QUOTED6].concat();
        icmp6::answer(&changed(&bytes, &changes)[..length]);
        let quoted = changed(&[QUOTED, &[0; 28]].concat(), &changes);
        icmp4::answer(&ttl_exceeded(&quoted[..length]));
    }
}
