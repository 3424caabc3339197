//! NSEC and NSEC3 records, and which names each of them denies.

use data_encoding::BASE32HEX_NOPAD;
use netdiag_wire::dns::RecordType;

use super::{
    canonical::order,
    crypto::nsec3_hash,
    records::{RrSet, has_type, name},
};
use crate::dns::name::Name;

pub(super) struct Nsec {
    pub(super) owner: Name,
    pub(super) next: Name,
    pub(super) types: Vec<u8>,
}

pub(super) struct Nsec3 {
    pub(super) owner: Vec<u8>,
    pub(super) next: Vec<u8>,
    pub(super) opt_out: bool,
    salt: Vec<u8>,
    pub(super) iterations: u16,
    pub(super) types: Vec<u8>,
}

/// What is below is another zone's, or another name's.
pub(super) fn is_elsewhere(types: &[u8]) -> bool {
    let is_delegation = has_type(types, RecordType::NS) && !has_type(types, RecordType::SOA);
    is_delegation || has_type(types, RecordType::DNAME)
}

impl Nsec {
    pub(super) fn read(set: &RrSet) -> Option<Self> {
        let [record] = &set.records[..] else { return None };
        let (next, types) = name(&record.data)?;
        Some(Self { owner: set.name.clone(), next, types: types.to_vec() })
    }

    pub(super) fn covers(&self, name: &Name) -> bool {
        let behind = order(&self.owner, name).is_lt();
        // The last name's next one is the first again.
        let is_last = order(&self.next, &self.owner).is_le();
        let below = name.is_within(&self.owner) && is_elsewhere(&self.types);
        behind && !below && (is_last || order(name, &self.next).is_lt())
    }
}

impl Nsec3 {
    pub(super) fn read(set: &RrSet) -> Option<Self> {
        let [record] = &set.records[..] else { return None };
        let [1, flags, high, low, rest @ ..] = &record.data[..] else { return None };
        let (salt, rest) = string(rest)?;
        let (next, types) = string(rest)?;
        Some(Self {
            owner: BASE32HEX_NOPAD.decode(&set.name.labels().next()?.to_ascii_uppercase()).ok()?,
            next: next.to_vec(),
            opt_out: flags & 1 == 1,
            salt: salt.to_vec(),
            iterations: u16::from_be_bytes([*high, *low]),
            types: types.to_vec(),
        })
    }

    pub(super) fn hash(&self, name: &Name) -> Vec<u8> {
        nsec3_hash(name.lower().wire(), &self.salt, self.iterations)
    }

    pub(super) fn covers(&self, name: &Name) -> bool {
        let hash = self.hash(name);
        match self.owner < self.next {
            true => self.owner < hash && hash < self.next,
            false => self.owner < hash || hash < self.next,
        }
    }
}

/// Behind its length.
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first()?;
    rest.split_at_checked((*length).into())
}
