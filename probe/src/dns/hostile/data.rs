//! Data that do not fit their type.

use super::{
    Row,
    build::{OWNER, data, kind, record},
};

/// A record of this type with these data, in the answer to a question for an address.
fn broken(kind: u16, bytes: &[u8]) -> Vec<u8> {
    data(kind, bytes)
}

pub(super) fn rows() -> Vec<Row> {
    [simple(), texts(), dnssec(), services(), odd()].concat()
}

fn simple() -> Vec<Row> {
    vec![
        (
            "an address of 5 bytes",
            broken(kind::A, &[1; 5]),
            "Malformed [1, 0, 0]: answer record 1 of 1 (A) has data beyond what its type has",
        ),
        (
            "an IPv6 address of 15 bytes",
            broken(kind::AAAA, &[1; 15]),
            "Malformed [1, 0, 0]: answer record 1 of 1 (AAAA) ends too early",
        ),
        (
            "MX without a name",
            broken(kind::MX, &[0, 10]),
            "Malformed [1, 0, 0]: answer record 1 of 1 (MX) ends too early",
        ),
        (
            "MX with half a number",
            broken(kind::MX, &[0]),
            "Malformed [1, 0, 0]: answer record 1 of 1 (MX) ends too early",
        ),
        (
            "SOA without its numbers",
            broken(kind::SOA, &[0, 0]),
            "Malformed [1, 0, 0]: answer record 1 of 1 (SOA) ends too early",
        ),
        (
            "SOA with one number more",
            broken(kind::SOA, &[0; 26]),
            "Malformed [1, 0, 0]: answer record 1 of 1 (SOA) has data beyond what its type has",
        ),
        (
            "NS and something",
            broken(kind::NS, b"\x02ns\0x"),
            "Malformed [1, 0, 0]: answer record 1 of 1 (NS) has data beyond what its type has",
        ),
        ("SRV to a pointer", broken(33, &[&[0; 6], OWNER].concat()), "NoData [1, 0, 0]"),
        (
            "DNAME to a pointer",
            broken(39, OWNER),
            "Malformed [1, 0, 0]: answer record 1 of 1 (DNAME) has a compression pointer where none is allowed",
        ),
        (
            "NAPTR with a text beyond its end",
            broken(35, &[0, 1, 0, 1, 1, b'S', 9, b'x']),
            "Malformed [1, 0, 0]: answer record 1 of 1 (NAPTR) ends too early",
        ),
    ]
}

fn texts() -> Vec<Row> {
    vec![
        ("TXT with ESC", broken(kind::TXT, b"\x0a\x1b]52;c;AA\x07"), "NoData [1, 0, 0]"),
        (
            "TXT with every byte",
            broken(kind::TXT, &[&[255][..], &(0..255).collect::<Vec<u8>>()].concat()),
            "NoData [1, 0, 0]",
        ),
        (
            "TXT without a text",
            broken(kind::TXT, &[]),
            "Malformed [1, 0, 0]: answer record 1 of 1 (TXT) ends too early",
        ),
        ("TXT of empty texts", broken(kind::TXT, &[0; 50]), "NoData [1, 0, 0]"),
        (
            "TXT beyond its end",
            broken(kind::TXT, &[9, b'x']),
            "Malformed [1, 0, 0]: answer record 1 of 1 (TXT) ends too early",
        ),
        (
            "HINFO with one text",
            broken(13, b"\x01x"),
            "Malformed [1, 0, 0]: answer record 1 of 1 (HINFO) ends too early",
        ),
        (
            "CAA without a tag",
            broken(257, &[0, 0]),
            "Malformed [1, 0, 0]: answer record 1 of 1 (CAA) has a tag that is no word",
        ),
        (
            "CAA with ESC in its tag",
            broken(257, b"\0\x02\x1b[x"),
            "Malformed [1, 0, 0]: answer record 1 of 1 (CAA) has a tag that is no word",
        ),
        ("URI without a text", broken(256, &[0, 1, 0, 1]), "NoData [1, 0, 0]"),
    ]
}

fn dnssec() -> Vec<Row> {
    let signature =
        |signer: &[u8]| broken(46, &[&[0, 1, 8, 2][..], &[0; 14], signer, b"sig"].concat());
    vec![
        (
            "RRSIG by a pointer",
            signature(OWNER),
            "Malformed [1, 0, 0]: answer record 1 of 1 (RRSIG) has a compression pointer where none is allowed",
        ),
        ("RRSIG without a signature", broken(46, &[0; 19]), "NoData [1, 0, 0]"),
        (
            "RRSIG that is cut",
            broken(46, &[0; 17]),
            "Malformed [1, 0, 0]: answer record 1 of 1 (RRSIG) ends too early",
        ),
        ("DS without a digest", broken(43, &[0, 1, 8, 2]), "NoData [1, 0, 0]"),
        ("DNSKEY without a key", broken(48, &[1, 0, 3, 8]), "NoData [1, 0, 0]"),
        ("NSEC without types", broken(47, &[0]), "NoData [1, 0, 0]"),
        (
            "NSEC with an empty window",
            broken(47, &[0, 0, 0]),
            "Malformed [1, 0, 0]: answer record 1 of 1 (NSEC) has a bitmap of types that is none",
        ),
        (
            "NSEC with a window of 33 bytes",
            broken(47, &[&[0, 0, 33][..], &[1; 33]].concat()),
            "Malformed [1, 0, 0]: answer record 1 of 1 (NSEC) has a bitmap of types that is none",
        ),
        (
            "NSEC with windows out of order",
            broken(47, &[0, 1, 1, 1, 0, 1, 1]),
            "Malformed [1, 0, 0]: answer record 1 of 1 (NSEC) has a bitmap of types that is none",
        ),
        (
            "NSEC of every type",
            broken(
                47,
                &[
                    vec![0],
                    (0..=255)
                        .flat_map(|window| [&[window, 32][..], &[0xff; 32]].concat())
                        .collect(),
                ]
                .concat(),
            ),
            "NoData [1, 0, 0]",
        ),
        (
            "NSEC3 with a salt beyond its end",
            broken(50, &[1, 0, 0, 1, 200, 1]),
            "Malformed [1, 0, 0]: answer record 1 of 1 (NSEC3) ends too early",
        ),
    ]
}

fn services() -> Vec<Row> {
    let https = |params: &[u8]| broken(65, &[&[0, 1, 0][..], params].concat());
    vec![
        ("HTTPS without parameters", https(&[]), "NoData [1, 0, 0]"),
        (
            "HTTPS to a pointer",
            broken(65, &[&[0, 1], OWNER].concat()),
            "Malformed [1, 0, 0]: answer record 1 of 1 (HTTPS) has a compression pointer where none is allowed",
        ),
        (
            "a parameter beyond its end",
            https(&[0, 3, 0, 9, 1]),
            "Malformed [1, 0, 0]: answer record 1 of 1 (HTTPS) ends too early",
        ),
        (
            "parameters out of order",
            https(&[0, 3, 0, 2, 1, 1, 0, 1, 0, 2, 1, b'h']),
            "Malformed [1, 0, 0]: answer record 1 of 1 (HTTPS) has parameters out of order",
        ),
        (
            "a parameter twice",
            https(&[0, 3, 0, 2, 1, 1, 0, 3, 0, 2, 1, 1]),
            "Malformed [1, 0, 0]: answer record 1 of 1 (HTTPS) has parameters out of order",
        ),
        (
            "a port of three bytes",
            https(&[0, 3, 0, 3, 1, 1, 1]),
            "Malformed [1, 0, 0]: answer record 1 of 1 (HTTPS) has a parameter that is too long",
        ),
        (
            "half an address",
            https(&[0, 4, 0, 2, 10, 0]),
            "Malformed [1, 0, 0]: answer record 1 of 1 (HTTPS) ends too early",
        ),
        (
            "an empty list of protocols",
            https(&[0, 1, 0, 0]),
            "Malformed [1, 0, 0]: answer record 1 of 1 (HTTPS) ends too early",
        ),
        ("a protocol with ESC", https(&[0, 1, 0, 3, 2, 0x1b, b'[']), "NoData [1, 0, 0]"),
        ("a key without a name", https(&[0xff, 0xff, 0, 1, 0x1b]), "NoData [1, 0, 0]"),
    ]
}

fn odd() -> Vec<Row> {
    vec![
        (
            "LOC of version 1",
            broken(29, &[1; 16]),
            "Malformed [1, 0, 0]: answer record 1 of 1 (LOC) is of an unknown version",
        ),
        (
            "LOC in space",
            broken(29, &[&[0, 0x12, 0x12, 0x12][..], &[0xff; 12]].concat()),
            "Malformed [1, 0, 0]: answer record 1 of 1 (LOC) is no place on earth",
        ),
        (
            "LOC of a size that is none",
            broken(29, &[&[0, 0xff, 0x12, 0x12][..], &[0x80; 12]].concat()),
            "Malformed [1, 0, 0]: answer record 1 of 1 (LOC) has a size that is none",
        ),
        (
            "APL of an unknown family",
            broken(42, &[0, 9, 1, 1, 1]),
            "Malformed [1, 0, 0]: answer record 1 of 1 (APL) has a prefix of an unknown family or length",
        ),
        (
            "APL with too long an address",
            broken(42, &[0, 1, 1, 5, 1, 2, 3, 4, 5]),
            "Malformed [1, 0, 0]: answer record 1 of 1 (APL) has too long an address",
        ),
        (
            "HIP with a key beyond its end",
            broken(55, &[1, 1, 0xff, 0xff, 1]),
            "Malformed [1, 0, 0]: answer record 1 of 1 (HIP) ends too early",
        ),
        (
            "IPSECKEY with a gateway of no kind",
            broken(45, &[1, 9, 1]),
            "Malformed [1, 0, 0]: answer record 1 of 1 (IPSECKEY) has a gateway of an unknown kind",
        ),
        (
            "a type without a name",
            super::build::one(&record(OWNER, 65_280, &[0xff; 300])),
            "NoData [1, 0, 0]",
        ),
    ]
}
