//! The records of DNSSEC (RFC 4034, RFC 5155), read from their data.

use std::fmt;

use netdiag_wire::dns::RecordType;

use super::crypto;
use crate::dns::{cursor::Cursor, message::RawRecord, name::Name};

/// A DNSKEY record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Key {
    pub(super) flags: u16,
    pub(super) protocol: u8,
    pub(super) algorithm: u8,
    pub(super) public: Vec<u8>,
    pub(super) tag: u16,
    data: Vec<u8>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Ds {
    pub(super) tag: u16,
    pub(super) algorithm: u8,
    pub(super) digest_kind: u8,
    pub(super) digest: Vec<u8>,
}

/// An RRSIG record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Signature {
    pub(super) covered: RecordType,
    pub(super) algorithm: u8,
    pub(super) labels: u8,
    pub(super) ttl: u32,
    /// Seconds since 1970, modulo 2^32.
    pub(super) expires: u32,
    pub(super) begins: u32,
    pub(super) tag: u16,
    pub(super) signer: Name,
    /// The record's data up to the signature, the signer in lower case: what is signed besides.
    pub(super) head: Vec<u8>,
    pub(super) bytes: Vec<u8>,
}

const ZONE_KEY: u16 = 1 << 8;
const REVOKED: u16 = 1 << 7;
const SIGNATURE_HEAD: usize = 18;

impl Key {
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let [high, low, protocol, algorithm, public @ ..] = data else { return None };
        Some(Self {
            flags: u16::from_be_bytes([*high, *low]),
            protocol: *protocol,
            algorithm: *algorithm,
            public: public.to_vec(),
            tag: tag(data),
            data: data.to_vec(),
        })
    }

    /// RFC 4034, section 2.1, and RFC 5011, section 2.1.
    pub(super) fn may_sign(&self) -> bool {
        self.flags & ZONE_KEY != 0 && self.flags & REVOKED == 0 && self.protocol == 3
    }

    pub(super) fn matches(&self, ds: &Ds, zone: &Name) -> bool {
        let bytes = [zone.lower().wire(), &self.data].concat();
        (self.tag, self.algorithm) == (ds.tag, ds.algorithm)
            && crypto::ds_digest(ds.digest_kind, &bytes).as_ref() == Some(&ds.digest)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {} ({})", self.tag, crypto::algorithm_name(self.algorithm))
    }
}

/// RFC 4034, appendix B.
fn tag(data: &[u8]) -> u16 {
    let words = data.chunks(2).map(|w| u32::from(w[0]) << 8 | u32::from(*w.get(1).unwrap_or(&0)));
    let sum = words.fold(0, u32::wrapping_add);
    (sum.wrapping_add(sum >> 16) & 0xffff) as u16
}

impl Ds {
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let [high, low, algorithm, digest_kind, digest @ ..] = data else { return None };
        Some(Self {
            tag: u16::from_be_bytes([*high, *low]),
            algorithm: *algorithm,
            digest_kind: *digest_kind,
            digest: digest.to_vec(),
        })
    }

    pub(super) fn is_known(&self) -> bool {
        crypto::is_known(self.algorithm) && crypto::is_known_digest(self.digest_kind)
    }
}

impl Signature {
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let (fixed, rest) = data.split_at_checked(SIGNATURE_HEAD)?;
        let (signer, bytes) = name(rest)?;
        let u16_at = |at: usize| u16::from_be_bytes([fixed[at], fixed[at + 1]]);
        let u32_at = |at: usize| u32::from(u16_at(at)) << 16 | u32::from(u16_at(at + 2));
        Some(Self {
            covered: RecordType(u16_at(0)),
            algorithm: fixed[2],
            labels: fixed[3],
            ttl: u32_at(4),
            expires: u32_at(8),
            begins: u32_at(12),
            tag: u16_at(16),
            head: [fixed, signer.lower().wire()].concat(),
            signer,
            bytes: bytes.to_vec(),
        })
    }
}

/// An uncompressed name at the start of a record's data, and what follows it.
pub(super) fn name(data: &[u8]) -> Option<(Name, &[u8])> {
    let name = Cursor::new(data).name().ok()?;
    let rest = data.get(name.wire().len()..)?;
    Some((name, rest))
}

/// Whether a type stands in a bit map (RFC 4034, section 4.1.2).
pub(super) fn has_type(mut map: &[u8], kind: RecordType) -> bool {
    let [window, low] = kind.0.to_be_bytes();
    while let [number, length, rest @ ..] = map {
        let Some((bits, next)) = rest.split_at_checked((*length).into()) else { return false };
        if *number == window {
            return bits
                .get(usize::from(low / 8))
                .is_some_and(|byte| byte & 0x80 >> (low % 8) != 0);
        }
        map = next;
    }
    false
}

/// Records of one owner and type, with their signatures.
#[derive(Clone, Debug)]
pub(super) struct RrSet {
    pub(super) name: Name,
    pub(super) kind: RecordType,
    pub(super) records: Vec<RawRecord>,
    pub(super) signatures: Vec<Signature>,
}

/// More of a section are not looked at; no honest one has as many.
const MAX_RECORDS: usize = 1_000;

/// What a section is made of, in the order of the first records; signatures of nothing are left out.
pub(super) fn sets(section: &[RawRecord]) -> Vec<RrSet> {
    let section = section.get(..MAX_RECORDS).unwrap_or(section);
    let mut sets: Vec<RrSet> = Vec::new();
    for record in section.iter().filter(|record| record.kind != RecordType::RRSIG) {
        let same = |set: &&mut RrSet| set.kind == record.kind && set.name.is_same(&record.name);
        match sets.iter_mut().find(same) {
            Some(set) => set.records.push(record.clone()),
            None => sets.push(RrSet {
                name: record.name.clone(),
                kind: record.kind,
                records: vec![record.clone()],
                signatures: signatures(section, &record.name, record.kind),
            }),
        }
    }
    sets
}

fn signatures(section: &[RawRecord], name: &Name, kind: RecordType) -> Vec<Signature> {
    let of_name =
        |record: &&RawRecord| record.kind == RecordType::RRSIG && record.name.is_same(name);
    let read = section.iter().filter(of_name).filter_map(|record| Signature::read(&record.data));
    read.filter(|signature| signature.covered == kind).collect()
}
