//! Whether one of a zone's keys signed a set of records, and by which.

use jiff::Timestamp;

use super::{
    canonical,
    crypto::{self, algorithm_name},
    records::{Key, RrSet, Signature},
};
use crate::dns::name::Name;

/// More of them are not looked at: a set with many costs the asker time (CVE-2023-50387).
const MAX_SIGNATURES: usize = 8;
/// With the same tag.
const MAX_KEYS: usize = 4;

/// A zone and its keys, which are known to be good.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    pub(super) name: Name,
    pub(super) keys: Vec<Key>,
}

/// How a set was found good.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) key: Key,
    /// Of a name that grew from a wildcard: that name's parent.
    pub(super) encloser: Option<Name>,
}

/// By the first signature that is good; else what is wrong with them, in words.
pub(super) fn check(set: &RrSet, zone: &Zone, now: u32) -> Result<Signed, String> {
    let kind = set.kind;
    let mut faults = Vec::new();
    for signature in set.signatures.iter().take(MAX_SIGNATURES) {
        match by(set, zone, signature, now) {
            Ok(signed) => return Ok(signed),
            Err(fault) if faults.contains(&fault) => {}
            Err(fault) => faults.push(fault),
        }
    }
    Err(match faults.is_empty() {
        true => format!("{kind} has no signature (RRSIG), though {} is signed", zone.name),
        false => faults.join("; "),
    })
}

fn by(set: &RrSet, zone: &Zone, signature: &Signature, now: u32) -> Result<Signed, String> {
    let what = format!("RRSIG of {} by key {}", set.kind, signature.tag);
    if !signature.signer.is_same(&zone.name) {
        return Err(format!("{what} is of {}, not of {}", signature.signer, zone.name));
    }
    if !crypto::is_known(signature.algorithm) {
        let algorithm = algorithm_name(signature.algorithm);
        return Err(format!("{what} is of {algorithm}, which this validator does not know"));
    }
    in_time(signature, now).map_err(|fault| format!("{what} {fault}"))?;
    let is_its = |key: &&Key| {
        key.may_sign() && (key.tag, key.algorithm) == (signature.tag, signature.algorithm)
    };
    let keys: Vec<_> = zone.keys.iter().filter(is_its).take(MAX_KEYS).collect();
    if keys.is_empty() {
        return Err(format!(
            "{what}, which is none of {} (it has {})",
            zone.name,
            tags(&zone.keys)
        ));
    }
    let signed = canonical::signed(set, signature)
        .ok_or_else(|| format!("{what} is of a longer name than {}", set.name))?;
    let good =
        |key: &&&Key| crypto::verifies(key.algorithm, &key.public, &signed, &signature.bytes);
    match keys.iter().find(good) {
        Some(key) => Ok(Signed { key: (*key).clone(), encloser: encloser(set, signature) }),
        None => Err(format!("{what} does not fit the records: they or it have been changed")),
    }
}

pub(super) fn tags(keys: &[Key]) -> String {
    match keys {
        [] => "none".into(),
        keys => keys.iter().map(|key| key.tag.to_string()).collect::<Vec<_>>().join(", "),
    }
}

/// Serial number arithmetic, as RFC 4034, section 3.1.5, has it.
fn in_time(signature: &Signature, now: u32) -> Result<(), String> {
    let is_before = |a: u32, b: u32| (b.wrapping_sub(a) as i32) > 0;
    match signature {
        _ if is_before(now, signature.begins) => {
            Err(format!("is not valid before {}", instant(signature.begins)))
        }
        _ if is_before(signature.expires, now) => {
            Err(format!("expired {}", instant(signature.expires)))
        }
        _ => Ok(()),
    }
}

fn instant(seconds: u32) -> String {
    let instant = Timestamp::from_second(seconds.into()).unwrap_or(Timestamp::UNIX_EPOCH);
    instant.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn encloser(set: &RrSet, signature: &Signature) -> Option<Name> {
    let labels = set.name.labels().count() - usize::from(set.name.labels().next() == Some(b"*"));
    let grown = labels > usize::from(signature.labels);
    grown.then(|| canonical::ancestor(&set.name, signature.labels.into())).flatten()
}
