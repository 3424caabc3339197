//! Vectors of the RFCs, and bytes that nobody meant.

use std::time::{Duration, Instant};

use data_encoding::{BASE32HEX_NOPAD, BASE64};
use netdiag_wire::dns::{Class, RecordType, TrustAnchor};
use proptest::prelude::*;

use super::{
    anchors,
    check::{Zone, check},
    crypto::{nsec3_hash, verifies},
    denial::Denial,
    records::{Ds, Key, Signature, has_type, sets},
};
use crate::dns::{message::RawRecord, name::Name};

fn name(text: &str) -> Name {
    Name::parse(text).unwrap().0
}

fn record(owner: &str, kind: RecordType, data: &[u8]) -> RawRecord {
    RawRecord { name: name(owner), kind, class: Class::IN, ttl: 60, data: data.to_vec() }
}

/// RFC 5155, appendix A.
#[test]
fn names_are_hashed_as_in_rfc_5155() {
    for (text, hash) in [
        ("example", "0P9MHAVEQVM6T7VBL5LOP2U3T2RP3TOM"),
        ("a.example", "35MTHGPGCU1QG68FAB165KLNSNK3DPVL"),
        ("*.w.example", "R53BQ7CC2UVMUBFU5OCMM6PERS9TK9EN"),
    ] {
        let hashed = nsec3_hash(name(text).wire(), &[0xaa, 0xbb, 0xcc, 0xdd], 12);
        assert_eq!(BASE32HEX_NOPAD.encode(&hashed), hash, "{text}");
    }
}

/// RFC 8080, section 6.1, and RFC 6605, section 6.1.
#[test]
fn keys_match_the_ds_of_the_rfcs() {
    for (zone, algorithm, key, ds) in [
        (
            "example.com",
            15,
            "l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=",
            "3613 15 2 3AA5AB37EFCE57F737FC1627013FEE07BDF241BD10F3B1964AB55C78E79A304B",
        ),
        (
            "example.net",
            13,
            "GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==",
            "55648 13 2 B4C8C1FE2E7477127B27115656AD6256F424625BF5C1E2770CE6D6E37DF61D17",
        ),
    ] {
        let public = BASE64.decode(key.as_bytes()).unwrap();
        let key = Key::read(&[&[1, 1, 3, algorithm][..], &public].concat()).unwrap();
        let given = TrustAnchor { zone: zone.into(), kind: RecordType::DS, data: ds.into() };
        let anchor = anchors::nearest(&[given], &name(zone)).unwrap().unwrap();
        assert!(anchor.trusts(&key), "{zone}");
        assert_eq!(anchor.tags(), key.tag.to_string());
    }
}

#[test]
fn the_root_is_trusted_by_the_key_of_2017() {
    let key = "AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN\
        7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/\
        EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfd\
        RUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU=";
    let public = BASE64.decode(key.as_bytes()).unwrap();
    let key = Key::read(&[&[1, 1, 3, 8][..], &public].concat()).unwrap();
    let anchor = anchors::nearest(&[], &name("example.com")).unwrap().unwrap();
    assert!(anchor.trusts(&key));
    assert_eq!(anchor.tags(), "20326, 38696");
}

/// RFC 8624 wants a validator to know five algorithms; a revoked key is none.
#[test]
fn a_key_that_may_not_sign_is_not_used() {
    for (flags, protocol, may) in
        [(256, 3, true), (257, 3, true), (385, 3, false), (0, 3, false), (256, 2, false)]
    {
        let data = [&u16::to_be_bytes(flags)[..], &[protocol, 13], &[0; 64]].concat();
        assert_eq!(Key::read(&data).unwrap().may_sign(), may, "{flags} {protocol}");
    }
}

#[test]
fn a_bit_map_has_what_it_has() {
    // RFC 4034, section 4.3: A, MX, RRSIG, NSEC, TYPE1234.
    let map = [&[0, 6, 0x40, 1, 0, 0, 0, 3, 4, 27][..], &[0; 26], &[0x20]].concat();
    for kind in [RecordType::A, RecordType::MX, RecordType::NSEC, RecordType(1_234)] {
        assert!(has_type(&map, kind), "{kind}");
    }
    assert!(!has_type(&map, RecordType::NS) && !has_type(&map, RecordType(1_235)));
    assert!(!has_type(&map[..4], RecordType::MX), "cut off");
}

/// A zone of one key, and NSEC3 records as hostile as it gets.
fn hostile(data: &[u8]) {
    let _ = (Key::read(data), Ds::read(data), Signature::read(data), has_type(data, RecordType::A));
    let key = Key::read(&[&[1, 0, 3, 8][..], data].concat()).unwrap();
    let zone = Zone { name: name("test"), keys: vec![key] };
    for kind in [RecordType::NSEC, RecordType::NSEC3, RecordType::NAPTR, RecordType::SOA] {
        let signature = [&kind.0.to_be_bytes()[..], data].concat();
        let section = [
            record("a.test", kind, data),
            record("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.test", kind, data),
            record("a.test", RecordType::RRSIG, &signature),
        ];
        let sets = sets(&section);
        let _ = sets.iter().map(|set| check(set, &zone, 0)).collect::<Vec<_>>();
        let Some(denial) = Denial::of(&zone.name, &sets) else { continue };
        let _ = (denial.no_name(&name("b.c.test")), denial.no_ds(&name("a.test")));
        let _ = (denial.grew(&name("b.c.test"), &name("test")), denial.iterations());
    }
}

/// CVE-2023-50387: each of many signatures fits the tag of many keys.
#[test]
fn a_trap_of_keys_is_not_walked_into() {
    let data = [&[1, 1, 3, 15][..], &[9; 32]].concat();
    let key = Key::read(&data).unwrap();
    let tag = key.tag.to_be_bytes();
    let zone = Zone { name: name("test"), keys: vec![key; 64] };
    let signature = |i: u16| {
        let times = [0, 0, 0, 2, 0, 0, 0, 0];
        let head = [&[0, 1, 15, 1, 0, 0, 0, 60][..], &times, &tag, b"\x04test\0"].concat();
        record("test", RecordType::RRSIG, &[&head[..], &i.to_be_bytes(), &[0; 62]].concat())
    };
    let mut section: Vec<_> = (0..900).map(signature).collect();
    section.push(record("test", RecordType::A, &[192, 0, 2, 1]));
    let sets = sets(&section);
    assert_eq!(sets[0].signatures.len(), 900);
    let started = Instant::now();
    let fault = check(&sets[0], &zone, 1).unwrap_err();
    assert!(fault.ends_with("does not fit the records: they or it have been changed"), "{fault}");
    // Each with each would be 57,600 checks, of some 50 us.
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

proptest! {
    #[test]
    fn no_bytes_are_a_panic(data in proptest::collection::vec(any::<u8>(), 0..80)) {
        hostile(&data);
        for algorithm in 0..=16 {
            prop_assert!(!verifies(algorithm, &data, &data, &data));
        }
    }

    #[test]
    fn nor_are_those_that_begin_well(data in proptest::collection::vec(any::<u8>(), 0..60)) {
        // An NSEC3 record; the end of a signature; a name.
        for head in [&[1, 0, 0, 1, 1][..], &[8, 1, 0, 0, 0, 9][..], &[1, b'b', 0][..]] {
            hostile(&[head, &data].concat());
        }
    }
}
