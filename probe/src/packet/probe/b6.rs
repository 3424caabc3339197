//! ICMP errors as routers, and those who pretend to be routers, send them (B6): none of them is
//! ever about a probe that was not sent.

use std::{fs, ops::Range};

use pnet::packet::util;
use proptest::prelude::*;

use super::{
    tests::{ALL, shape},
    *,
};

/// Probes that were sent: even numbers by flow 0, odd ones by flow 1.
const SENT: Range<u16> = 0..10;

/// The probe that an error is about, as the engine has it, and how many labels come with it.
fn meant(shape: &Shape, icmp: &[u8]) -> Option<(u16, usize)> {
    let (tag, rejection) = shape.rejected(icmp)?;
    let is_sent = SENT.contains(&tag.index) && u16::from(tag.flow) == tag.index % 2;
    is_sent.then_some((tag.index, rejection.labels.len()))
}

fn probe(shape: &Shape, index: u16) -> Vec<u8> {
    let tag = Tag { flow: (index % 2) as u8, index };
    shape.packet(tag, Envelope { ttl: 1, size: 0, dont_fragment: false })
}

/// An error of that type with a right checksum.
fn error(head: [u8; 8], body: &[u8]) -> Vec<u8> {
    let mut bytes = [&head[..], body].concat();
    let checksum = util::checksum(&bytes, 1).to_be_bytes();
    bytes[2..4].copy_from_slice(&checksum);
    bytes
}

fn expired(is_v6: bool, body: &[u8]) -> Vec<u8> {
    error([if is_v6 { 3 } else { 11 }, 0, 0, 0, 0, 0, 0, 0], body)
}

fn changed(bytes: &[u8], changes: &[(usize, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    changes.iter().for_each(|(at, value)| bytes[*at] = *value);
    bytes
}

/// Where a byte is another one, and which.
type Changes = Vec<(usize, u8)>;

struct Case {
    what: String,
    shape: Shape,
    icmp: Vec<u8>,
    /// The probe, and the number of labels.
    expected: Option<(u16, usize)>,
}

fn table() -> Vec<Case> {
    let mut cases = short_quotes();
    cases.extend(forged4());
    cases.extend(forged6());
    cases.extend(messages());
    cases.extend(extended());
    cases
}

fn short_quotes() -> Vec<Case> {
    let mut cases = Vec::new();
    for (protocol, is_v6) in ALL {
        let shape = shape(protocol, is_v6);
        let whole = probe(&shape, 3);
        let header = if is_v6 { 40 } else { 20 };
        // UDP over IPv6 has its number behind the first 8 bytes.
        let enough = header + if is_v6 && protocol == TraceProtocol::Udp { 16 } else { 8 };
        let all = protocol == TraceProtocol::Udp && !is_v6;
        let lengths = if all { 0..=28 } else { header + 6..=header + 8 };
        for length in lengths.chain([enough, whole.len()]) {
            cases.push(Case {
                what: format!("{protocol:?} {is_v6}: {length} bytes quoted"),
                shape: shape.clone(),
                icmp: expired(is_v6, &whole[..length]),
                expected: (length >= enough).then_some((3, 0)),
            });
        }
    }
    cases
}

fn forged4() -> Vec<Case> {
    let udp = shape(TraceProtocol::Udp, false);
    let quote = probe(&udp, 2);
    let other = |index| probe(&udp, index)[4..6].to_vec();
    let id = |bytes: &[u8]| [(4, bytes[0]), (5, bytes[1])];
    // What was changed in the quoted packet, and whether it is ours still.
    let changes: Vec<(&str, Changes, Option<u16>)> = vec![
        ("nothing", vec![], Some(2)),
        ("TTL counted down", vec![(8, 0)], Some(2)),
        ("type of service", vec![(1, 0xb8)], Some(2)),
        ("header checksum", vec![(10, 0xff), (11, 0xff)], Some(2)),
        ("identification of another probe of the flow", id(&other(4)).to_vec(), Some(4)),
        ("identification of the other flow's probe", id(&other(3)).to_vec(), None),
        ("identification of the next probe to be sent", id(&other(10)).to_vec(), None),
        ("identification of a probe long after", id(&other(40_000)).to_vec(), None),
        ("identification 0", id(&[0, 0]).to_vec(), None),
        ("identification ffff", id(&[0xff, 0xff]).to_vec(), None),
        ("source address", vec![(15, 3)], None),
        ("source and target swapped", vec![(14, 2), (18, 1)], None),
        ("target rewritten", vec![(19, 9)], Some(2)),
        ("target and its port rewritten", vec![(19, 9), (23, 80)], Some(2)),
        ("target's port alone", vec![(23, 80)], None),
        ("source port of no flow", vec![(21, 0x2b)], None),
        ("source port below the first", vec![(21, 0x28)], None),
        ("source port of the other flow", vec![(21, 0x2a)], None),
        ("source port 0", vec![(20, 0), (21, 0)], None),
        ("TCP", vec![(9, 6)], None),
        ("ICMP", vec![(9, 1)], None),
        ("protocol 255", vec![(9, 255)], None),
        ("IP in IP", vec![(9, 4)], None),
        ("version 6", vec![(0, 0x65)], None),
        ("version 0", vec![(0, 0x05)], None),
        ("header of 16 bytes", vec![(0, 0x44)], None),
        ("header of 60 bytes", vec![(0, 0x4f)], None),
        ("header of 24 bytes, so that the ports are other ones", vec![(0, 0x46)], None),
        ("a later fragment", vec![(7, 1)], None),
        ("the first fragment", vec![(6, 0x20)], Some(2)),
        ("its last fragment, far behind", vec![(6, 0x1f), (7, 0xff)], None),
        ("length that lies", vec![(2, 0xff), (3, 0xff)], Some(2)),
        ("length 0", vec![(2, 0), (3, 0)], Some(2)),
    ];
    let case = |(what, changes, index): (&str, Changes, Option<u16>)| Case {
        what: format!("UDP quoted with another {what}"),
        shape: udp.clone(),
        icmp: expired(false, &changed(&quote, &changes)),
        expected: index.map(|index| (index, 0)),
    };
    let mut cases: Vec<Case> = changes.into_iter().map(case).collect();
    let options = [&changed(&quote[..20], &[(0, 0x46)]), &b"\x94\x04\0\0"[..], &quote[20..]];
    cases.push(Case {
        what: "router alert in the quoted header".into(),
        icmp: expired(false, &options.concat()),
        expected: Some((2, 0)),
        shape: udp,
    });
    cases.extend(forged_tcp());
    cases.extend(forged_echo());
    cases
}

fn forged_tcp() -> Vec<Case> {
    let tcp = shape(TraceProtocol::Tcp, false);
    let quote = probe(&tcp, 2);
    let next = probe(&tcp, 10);
    let changes: Vec<(&str, Changes)> = vec![
        ("sequence number one too high", vec![(27, quote[27].wrapping_add(1))]),
        ("sequence number of another probe", vec![(25, probe(&tcp, 4)[25])]),
        ("sequence number of one not sent", (24..28).map(|at| (at, next[at])).collect()),
        ("identification", vec![(5, quote[5] ^ 1)]),
        ("protocol UDP", vec![(9, 17)]),
        ("source port", vec![(21, 0x2a)]),
    ];
    let case = |(what, changes): (&str, Changes)| Case {
        what: format!("SYN quoted with another {what}"),
        shape: tcp.clone(),
        icmp: expired(false, &changed(&quote, &changes)),
        expected: None,
    };
    changes.into_iter().map(case).collect()
}

fn forged_echo() -> Vec<Case> {
    let mut cases = Vec::new();
    for is_v6 in [false, true] {
        let echo = shape(TraceProtocol::Icmp, is_v6);
        let quote = probe(&echo, 2);
        let at = if is_v6 { 40 } else { 20 };
        for (what, change) in [
            ("type: a reply", (at, if is_v6 { 129 } else { 0 })),
            ("type: an error", (at, 3)),
            ("code", (at + 1, 1)),
            ("identifier", (at + 5, 0x2b)),
            ("flow's identifier", (at + 5, 0x2a)),
            ("sequence number: not sent", (at + 7, 10)),
        ] {
            cases.push(Case {
                what: format!("echo quoted ({is_v6}) with another {what}"),
                shape: echo.clone(),
                icmp: expired(is_v6, &changed(&quote, &[change])),
                expected: None,
            });
        }
    }
    cases
}

fn forged6() -> Vec<Case> {
    let mut cases = Vec::new();
    for protocol in [TraceProtocol::Udp, TraceProtocol::Tcp] {
        let shape = shape(protocol, true);
        let quote = probe(&shape, 2);
        let number = shape.protocol_number().0;
        // Options, a routing header, a fragment header: next header, length, the rest.
        for (what, kind, count, expected) in [
            ("hop-by-hop options", 0, 1, true),
            ("destination options", 60, 2, true),
            ("a routing header", 43, 1, true),
            ("a fragment header", 44, 1, true),
            ("7 extension headers", 60, 7, true),
            ("30 extension headers", 60, 30, false),
            ("an authentication header", 51, 1, false),
            ("ESP", 50, 1, false),
            ("no next header", 59, 1, false),
        ] {
            let mut bytes = changed(&quote[..40], &[(6, kind)]);
            for place in 1..=count {
                let next = if place == count { number } else { kind };
                bytes.extend([next, 0, 0, 0, 0, 0, 0, 0]);
            }
            bytes.extend(&quote[40..]);
            cases.push(Case {
                what: format!("{protocol:?} behind {what}"),
                shape: shape.clone(),
                icmp: expired(true, &bytes),
                expected: expected.then_some((2, 0)),
            });
        }
        for (what, header) in [
            ("an extension header that is longer than the packet", [number, 255, 0, 0]),
            ("a later fragment's header", [number, 0, 0x10, 0x00]),
        ] {
            let kind = if header[1] == 255 { 60 } else { 44 };
            let start = changed(&quote[..40], &[(6, kind)]);
            let bytes = [&start[..], &header, &[0; 4], &quote[40..]].concat();
            let (icmp, what) = (expired(true, &bytes), format!("{protocol:?} behind {what}"));
            cases.push(Case { what, shape: shape.clone(), icmp, expected: None });
        }
        for (what, at) in [("source address", 23), ("source port", 41), ("version", 0)] {
            let icmp = expired(true, &changed(&quote, &[(at, 0x45)]));
            let what = format!("{protocol:?} over IPv6 with another {what}");
            cases.push(Case { what, shape: shape.clone(), icmp, expected: None });
        }
    }
    let udp = shape(TraceProtocol::Udp, true);
    let quote = probe(&udp, 2);
    for (what, at) in [("token", 48), ("number", 53), ("number's complement", 55)] {
        let icmp = expired(true, &changed(&quote, &[(at, quote[at] ^ 1)]));
        let what = format!("UDP over IPv6 with another {what}");
        cases.push(Case { what, shape: udp.clone(), icmp, expected: None });
    }
    cases
}

/// The same quote in messages of every kind.
fn messages() -> Vec<Case> {
    let mut cases = Vec::new();
    for (is_v6, errors) in [(false, &[3, 11, 12][..]), (true, &[1, 2, 3, 4])] {
        let shape = shape(TraceProtocol::Udp, is_v6);
        for kind in [0, 1, 2, 3, 4, 5, 8, 9, 11, 12, 13, 128, 129, 137, 255] {
            cases.push(Case {
                what: format!("ICMP type {kind}, IPv6 {is_v6}"),
                icmp: error([kind, 0, 0, 0, 0, 0, 0, 0], &probe(&shape, 2)),
                expected: errors.contains(&kind).then_some((2, 0)),
                shape: shape.clone(),
            });
        }
    }
    let shape = shape(TraceProtocol::Udp, false);
    let sound = expired(false, &probe(&shape, 2));
    let case = |what: &str, icmp: Vec<u8>| Case {
        what: what.into(),
        shape: shape.clone(),
        icmp,
        expected: None,
    };
    cases.extend([
        case("a wrong checksum", changed(&sound, &[(3, sound[3] ^ 1)])),
        case("a damaged quote", changed(&sound, &[(20, 1)])),
        case("checksum 0", changed(&sound, &[(2, 0), (3, 0)])),
        case("nothing at all", vec![]),
        case("one byte", vec![11]),
        case("a header without its last byte", sound[..7].to_vec()),
        case("64 KiB of the same byte", vec![11; 65_535]),
    ]);
    cases
}

/// A structure of RFC 4884 with these objects, and a right checksum.
fn extension(version: u8, objects: &[u8]) -> Vec<u8> {
    let mut bytes = [&[version << 4, 0, 0, 0], objects].concat();
    let checksum = util::checksum(&bytes, 1).to_be_bytes();
    bytes[2..4].copy_from_slice(&checksum);
    bytes
}

fn stack(depth: u8) -> Vec<u8> {
    let entries = (1..=depth).flat_map(|label| [0, label, u8::from(label == depth), 1]);
    [vec![0, 4 + depth * 4, 1, 1], entries.collect()].concat()
}

fn extended() -> Vec<Case> {
    let shape = shape(TraceProtocol::Udp, false);
    let mut quote = probe(&shape, 2);
    quote.resize(128, 0);
    let sound = extension(2, &stack(2));
    let structures: Vec<(&str, Vec<u8>, usize)> = vec![
        ("two labels", sound.clone(), 2),
        ("one label", extension(2, &stack(1)), 1),
        ("no label", extension(2, &stack(0)), 0),
        ("60 labels", extension(2, &stack(60)), 16),
        ("a wrong checksum", changed(&sound, &[(2, 1)]), 0),
        ("version 1", extension(1, &stack(2)), 0),
        (
            "an object of another class first",
            extension(2, &[&[0, 8, 2, 1, 9, 9, 9, 9][..], &stack(1)].concat()),
            1,
        ),
        ("30 objects of other classes", extension(2, &[0, 4, 9, 9].repeat(30)), 0),
        ("an object longer than the packet", extension(2, &[0xff, 0xff, 1, 1, 0, 1, 1, 1]), 0),
        ("an object of length 0", extension(2, &[0, 0, 1, 1, 0, 1, 1, 1]), 0),
        ("an object of length 3", extension(2, &[0, 3, 1, 1, 0, 1, 1, 1]), 0),
        ("half a label", extension(2, &[0, 6, 1, 1, 0, 1]), 0),
        ("a label and a half", extension(2, &[0, 10, 1, 1, 0, 1, 1, 1, 0, 1]), 1),
        ("a structure of three bytes", sound[..3].to_vec(), 0),
        ("a structure without objects", extension(2, &[]), 0),
        ("nothing behind the quote", vec![], 0),
    ];
    let mut cases = Vec::new();
    for (what, structure, labels) in structures {
        // With the length in words, and as routers did before there was one.
        for words in [32, 0] {
            cases.push(Case {
                what: format!("{what}, {words} words"),
                shape: shape.clone(),
                icmp: error([11, 0, 0, 0, 0, words, 0, 0], &[&quote[..], &structure].concat()),
                expected: Some((2, labels)),
            });
        }
    }
    for (words, expected) in [(1, None), (7, Some((2, 0))), (255, Some((2, 0)))] {
        cases.push(Case {
            what: format!("a quote said to be of {words} words"),
            shape: shape.clone(),
            icmp: error([11, 0, 0, 0, 0, words, 0, 0], &[&quote[..], &sound].concat()),
            expected,
        });
    }
    cases
}

#[test]
fn an_error_is_about_a_probe_that_was_sent_or_about_nothing() {
    let table = table();
    assert!(table.len() >= 80, "{}", table.len());
    for Case { what, shape, icmp, expected } in table {
        assert_eq!(meant(&shape, &icmp), expected, "{what}");
    }
}

/// What the table's errors were, and what a fuzzer found; each for every kind of trace.
#[test]
fn the_corpus_is_replayed() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/icmp_quote");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        ALL.iter().for_each(|(protocol, is_v6)| holds(&shape(*protocol, *is_v6), &bytes));
        count += 1;
    }
    assert!(count >= 80, "{count}");
}

/// Fuzz target 5: whatever comes, a match names a probe that was sent, and says so itself.
fn holds(shape: &Shape, icmp: &[u8]) {
    let Some((index, labels)) = meant(shape, icmp) else { return };
    assert!(SENT.contains(&index) && labels <= 16);
    let sent = probe(shape, index);
    let header = if shape.target.is_ipv4() { 20 } else { 40 };
    let ports = &sent[header..header + 2];
    assert!(
        shape.protocol == TraceProtocol::Icmp || icmp.windows(2).any(|window| window == ports),
        "a match without our port in it"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8 * ProptestConfig::default().cases))]

    #[test]
    fn no_bytes_match_what_was_not_sent(bytes: Vec<u8>, kind in 0..6_usize) {
        let (protocol, is_v6) = ALL[kind];
        let shape = shape(protocol, is_v6);
        holds(&shape, &bytes);
        holds(&shape, &expired(is_v6, &bytes));
    }

    /// Random bytes seldom come past the first header; a good error with a few bad ones does.
    #[test]
    fn no_damage_matches_what_was_not_sent(
        place in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        length in any::<prop::sample::Index>(),
        sealed: bool,
    ) {
        let table = table();
        let Case { shape, icmp, .. } = &table[place.index(table.len())];
        let mut bytes = icmp.clone();
        for (at, value) in changes {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
        }
        bytes.truncate(length.index(bytes.len() + 1));
        if sealed && bytes.len() >= 8 {
            bytes[2..4].fill(0);
            let head = *bytes.first_chunk().unwrap();
            bytes = error(head, &bytes[8..]);
        }
        holds(shape, &bytes);
    }
}
