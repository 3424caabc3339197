use pnet::packet::{Packet, ipv4::Ipv4Packet};

use super::*;

pub(super) const SECRET: Secret =
    Secret { id: 0xfff0, seq: 0xffff_0000, token: *b"\xa0\xa1\xa2\xa3" };

/// 10.9.1.2 to 10.9.2.2, or fd09:1::2 to fd09:2::2; two flows from port 41,001 on.
pub(super) fn shape(protocol: TraceProtocol, is_v6: bool) -> Shape {
    let (source, target) = match is_v6 {
        false => ("10.9.1.2", "10.9.2.2"),
        true => ("fd09:1::2", "fd09:2::2"),
    };
    let port = if protocol == TraceProtocol::Icmp { 0 } else { 33_434 };
    Shape {
        protocol,
        source: source.parse().unwrap(),
        target: target.parse().unwrap(),
        port,
        first_port: 41_001,
        flows: 2,
        secret: SECRET,
    }
}

pub(super) const ALL: [(TraceProtocol, bool); 6] = [
    (TraceProtocol::Udp, false),
    (TraceProtocol::Udp, true),
    (TraceProtocol::Tcp, false),
    (TraceProtocol::Tcp, true),
    (TraceProtocol::Icmp, false),
    (TraceProtocol::Icmp, true),
];

fn packet(shape: &Shape, index: u16, size: u16) -> Vec<u8> {
    shape.packet(Tag { flow: 0, index }, Envelope { ttl: 7, size, dont_fragment: true })
}

#[test]
fn probes_of_a_flow_differ_only_where_nobody_hashes() {
    for (protocol, is_v6) in ALL {
        let shape = shape(protocol, is_v6);
        let header = if is_v6 { 40 } else { 20 };
        // What Linux, Cisco and Juniper may hash: addresses, ports, flow label, ICMP's checksum.
        let hashed = |packet: &[u8]| match is_v6 {
            false => [&packet[12..20], &packet[header..header + 4]].concat(),
            true => [&packet[..4], &packet[8..40], &packet[header..header + 4]].concat(),
        };
        let first = packet(&shape, 0, 0);
        for index in [1, 2, 15, 16, 255, 256, 20_000, MAX_INDEX] {
            assert_eq!(hashed(&first), hashed(&packet(&shape, index, 0)), "{protocol:?} {index}");
        }
    }
}

#[test]
fn a_checksum_of_udp_is_the_same_for_every_probe() {
    for is_v6 in [false, true] {
        let shape = shape(TraceProtocol::Udp, is_v6);
        let at = if is_v6 { 46..48 } else { 26..28 };
        for size in [0, 60, 61, 1_500] {
            let first = packet(&shape, 0, size)[at.clone()].to_vec();
            assert_eq!(packet(&shape, 12_345, size)[at.clone()], first, "{size}");
            assert_ne!(first, [0, 0]);
        }
    }
}

#[test]
fn a_packet_is_as_long_as_asked_for() {
    for ((protocol, is_v6), smallest) in ALL.into_iter().zip([28, 56, 40, 60, 34, 54]) {
        let shape = shape(protocol, is_v6);
        for (size, length) in [(0, smallest), (28, smallest), (100, 100), (65_535, 65_535)] {
            assert_eq!(packet(&shape, 1, size).len(), length, "{protocol:?} {is_v6}");
        }
    }
}

#[test]
fn every_number_is_read_back_as_it_was_written() {
    for (protocol, is_v6) in ALL {
        let shape = shape(protocol, is_v6);
        for index in (0..=MAX_INDEX).step_by(97).chain([1, 14, 15, 16, MAX_INDEX]) {
            let bytes = packet(&shape, index, 0);
            let quoted = if is_v6 { quoted::quoted6(&bytes) } else { quoted::quoted4(&bytes) };
            let expected = Some(Tag { flow: 0, index });
            assert_eq!(shape.quoted(&quoted.unwrap()), expected, "{protocol:?} {index}");
        }
    }
}

#[test]
fn no_identification_is_zero() {
    let shape = shape(TraceProtocol::Udp, false);
    let zero = (0..=MAX_INDEX).find(|index| shape.id(*index) == 0);
    assert_eq!(zero, None, "the kernel would choose another");
    let packet = packet(&shape, 15, 0);
    assert_eq!(Ipv4Packet::new(&packet).unwrap().get_identification(), 1);
}

#[test]
fn a_segment_tells_which_syn_it_answers() {
    let shape = shape(TraceProtocol::Tcp, false);
    let segment = |flags: u8, acknowledged: u32| {
        let mut bytes = [0; 20];
        let mut tcp = MutableTcpPacket::new(&mut bytes).unwrap();
        tcp.set_source(33_434);
        tcp.set_destination(41_002);
        tcp.set_acknowledgement(acknowledged);
        tcp.set_flags(flags);
        tcp.packet().to_vec()
    };
    let ack = shape.seq(5).wrapping_add(1);
    let tag = Tag { flow: 1, index: 5 };
    assert_eq!(shape.segment(&segment(0x12, ack)), Some((tag, true)));
    assert_eq!(shape.segment(&segment(0x14, ack)), Some((tag, false)));
    assert_eq!(
        shape.segment(&segment(0x14, ack + 1_000)),
        Some((tag, false)),
        "of a SYN with data"
    );
    for (flags, what) in [(0x10, "ACK"), (0x02, "SYN"), (0x04, "RST"), (0x11, "FIN")] {
        assert_eq!(shape.segment(&segment(flags, ack)), None, "{what}");
    }
}
