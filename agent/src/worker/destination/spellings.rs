//! Fuzz target 12 of security.md: what is accepted is none of what is denied, by an oracle that
//! looks at the bytes of an address alone, however it is spelled.

use std::{fs, path::Path};

use proptest::{prelude::*, sample::Index};

use super::*;
use crate::worker::probe::is_name;

/// What comes before an IPv4 address in one of IPv6, and at which byte that begins.
const WRAPPINGS: [(&[u8], usize); 5] = [
    (&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 12),
    (&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255], 12),
    (&[0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], 12),
    (&[0, 0x64, 0xff, 0x9b, 0, 1], 12),
    (&[0x20, 0x02], 2),
];
const CLOUDS: [[u8; 4]; 6] = [
    [169, 254, 169, 254],
    [169, 254, 170, 2],
    [169, 254, 170, 23],
    [168, 63, 129, 16],
    [100, 100, 100, 200],
    [192, 0, 0, 192],
];
const CLOUDS_V6: [&[u8; 4]; 2] = [&[0xfd, 0x00, 0x0e, 0xc2], &[0xfd, 0x20, 0x00, 0xce]];

/// What connections from a node's own namespace without any right may not go to.
fn denied(address: IpAddr) -> Option<OffLimits> {
    match address {
        IpAddr::V4(v4) => denied_v4(v4.octets()),
        IpAddr::V6(v6) => denied_v6(&v6.octets()),
    }
}

fn denied_v4(octets: [u8; 4]) -> Option<OffLimits> {
    match octets {
        cloud if CLOUDS.contains(&cloud) => Some(OffLimits::Metadata),
        [169, 254, ..] => Some(OffLimits::LinkLocal),
        [127, ..] | [0, 0, 0, 0] => Some(OffLimits::Loopback),
        _ => None,
    }
}

fn denied_v6(octets: &[u8; 16]) -> Option<OffLimits> {
    let (last, zeros) = (octets[15], octets[..15].iter().all(|byte| *byte == 0));
    if zeros && last < 2 {
        return Some(OffLimits::Loopback);
    }
    if CLOUDS_V6.iter().any(|start| octets.starts_with(*start)) && octets[4..14] == [0; 10] {
        let end = (octets[14], last);
        let is_one = end == (2, 0x54) || (octets[1] == 0 && end == (0, 0x23));
        return is_one.then_some(OffLimits::Metadata);
    }
    if octets[0] == 0xfe && octets[1] & 0xc0 == 0x80 {
        return Some(OffLimits::LinkLocal);
    }
    let wrapped = WRAPPINGS.iter().find(|(start, _)| octets.starts_with(start));
    let (_, at) = wrapped?;
    denied_v4(octets[*at..at + 4].try_into().unwrap())
}

/// Judges a spelling as a request's host; what it is said to be.
fn judge(spelling: &str) -> Option<Result<(), OffLimits>> {
    let Ok(address) = spelling.parse::<IpAddr>() else {
        assert!(is_name(spelling), "{spelling}");
        return None;
    };
    Some(judge_address(address))
}

fn judge_address(address: IpAddr) -> Result<(), OffLimits> {
    let of = |metadata, guarded| Policy::new(metadata, guarded, Traffic::Connections);
    let strict = of(false, Some(LocalRoutes::default()));
    let judged = strict.check(address);
    assert_eq!(judged.err(), denied(address), "{address}");
    assert_eq!(strict.missing(), judged.err().map(OffLimits::right), "{address}");
    assert_eq!(of(true, None).check(address), Ok(()), "{address}: with both rights");
    // However it is written, and undressed.
    assert_eq!(strict.check(plain(address)), judged, "{address}");
    assert_eq!(plain(plain(address)), plain(address), "{address}");
    judged
}

fn seeds(file: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/destinations").join(file);
    fs::read_to_string(path).unwrap().lines().map(Into::into).collect()
}

#[test]
fn every_seed_is_judged_as_its_file_says() {
    let mut count = 0;
    for (file, judged) in [
        ("metadata", Some(Err(OffLimits::Metadata))),
        ("link-local", Some(Err(OffLimits::LinkLocal))),
        ("loopback", Some(Err(OffLimits::Loopback))),
        ("ordinary", Some(Ok(()))),
        ("names", None),
    ] {
        for seed in seeds(file) {
            assert_eq!(judge(&seed), judged, "{file}: {seed}");
            count += 1;
        }
    }
    assert!(count >= 60, "{count}");
}

fn any_seed() -> impl Strategy<Value = String> {
    let files = ["metadata", "link-local", "loopback", "ordinary", "names"];
    prop::sample::select(files.iter().flat_map(|file| seeds(file)).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16 * ProptestConfig::default().cases))]

    #[test]
    fn changed_spellings_are_judged_by_their_bytes(
        seed in any_seed(),
        changes in prop::collection::vec((any::<Index>(), "[0-9a-fA-F:.x]"), 0..4),
    ) {
        let mut letters: Vec<char> = seed.chars().collect();
        for (at, letter) in changes {
            let at = at.index(letters.len());
            letters[at] = letter.chars().next().unwrap();
        }
        let _ = judge(&letters.into_iter().collect::<String>());
    }

    #[test]
    fn wrapped_addresses_are_what_is_in_them(
        which in 0..WRAPPINGS.len(),
        rest: [u8; 16],
        near in prop::sample::select(CLOUDS.to_vec()),
        flip in prop::option::of(0_u32..32),
    ) {
        let (start, at) = WRAPPINGS[which];
        let bits = u32::from_be_bytes(near) ^ flip.map_or(0, |bit| 1 << bit);
        let mut octets = rest;
        octets[..start.len()].copy_from_slice(start);
        octets[at..at + 4].copy_from_slice(&bits.to_be_bytes());
        let judged = judge_address(octets.into());
        prop_assert_eq!(judged.err(), denied_v4(bits.to_be_bytes()));
    }

    #[test]
    fn any_address_is_judged_by_its_bytes(octets: [u8; 16], v4: [u8; 4]) {
        let _ = judge_address(octets.into());
        let _ = judge_address(v4.into());
    }
}
