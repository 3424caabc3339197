//! What NSEC and NSEC3 records prove not to exist (RFC 4035, section 5.4; RFC 5155, section 8).

use netdiag_wire::dns::RecordType;

use super::{
    canonical::{ancestor, wildcard},
    deniers::{Nsec, Nsec3, is_elsewhere},
    records::{RrSet, has_type},
};
use crate::dns::name::Name;

/// Above it, hashing serves nobody but an attacker (RFC 9276, section 3.2; BIND's bound).
const MAX_ITERATIONS: u16 = 150;

/// Records that deny, each of them known to be good.
pub(super) enum Denial {
    Nsec(Vec<Nsec>),
    Nsec3 { zone: Name, records: Vec<Nsec3> },
}

/// What was proved.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Proved {
    /// There is no such name, no such record.
    Nothing,
    /// There may be an unsigned zone: NSEC3's opt-out leaves those out.
    Unsigned,
}

/// What was proved of a DS record that is not there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NoDs {
    /// The zone is delegated, and not signed.
    Unsigned,
    /// No zone begins here.
    NoZone,
    /// Nor is there anything below.
    NoName,
}

impl Denial {
    /// `None` without a record; of the two kinds that which came first.
    pub(super) fn of(zone: &Name, sets: &[RrSet]) -> Option<Self> {
        match sets.first()?.kind {
            RecordType::NSEC => {
                let sets = sets.iter().filter(|set| set.kind == RecordType::NSEC);
                Some(Self::Nsec(sets.filter_map(Nsec::read).collect()))
            }
            _ => {
                let sets = sets.iter().filter(|set| set.kind == RecordType::NSEC3);
                let records = sets.filter_map(Nsec3::read).collect();
                Some(Self::Nsec3 { zone: zone.clone(), records })
            }
        }
    }

    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Nsec(_) => "NSEC",
            Self::Nsec3 { .. } => "NSEC3",
        }
    }

    /// Too dear to be followed.
    pub(super) fn iterations(&self) -> Option<u16> {
        let Self::Nsec3 { records, .. } = self else { return None };
        let most = records.iter().map(|record| record.iterations).max()?;
        (most > MAX_ITERATIONS).then_some(most)
    }

    /// That `name` exists and has no record of `kind`, or that it grew from such a wildcard.
    pub(super) fn no_data(&self, name: &Name, kind: RecordType) -> Result<Proved, String> {
        if let Some(types) = self.types_of(name) {
            return lacks(types, name, kind);
        }
        if self.is_branch(name) {
            return Ok(Proved::Nothing);
        }
        let (encloser, opt_out) = self.encloser(name)?;
        if kind == RecordType::DS && opt_out {
            return Ok(Proved::Unsigned);
        }
        let wildcard = wildcard(&encloser).ok_or("the name is too long")?;
        match self.types_of(&wildcard) {
            Some(types) => lacks(types, &wildcard, kind),
            None => Err(format!("no {} record is of {name} or {wildcard}", self.word())),
        }
    }

    /// That there is neither `name` nor a wildcard that it could grow from.
    pub(super) fn no_name(&self, name: &Name) -> Result<Proved, String> {
        let (encloser, opt_out) = self.encloser(name)?;
        let wildcard = wildcard(&encloser).ok_or("the name is too long")?;
        match self.covers(&wildcard) {
            Some(_) if opt_out => Ok(Proved::Unsigned),
            Some(_) => Ok(Proved::Nothing),
            None => Err(format!("no {} record denies {wildcard}", self.word())),
        }
    }

    /// That `name`, which grew from the wildcard below `encloser`, does not exist itself.
    pub(super) fn grew(&self, name: &Name, encloser: &Name) -> Result<Proved, String> {
        let next = ancestor(name, encloser.labels().count() + 1).ok_or("the name is too short")?;
        match self.covers(&next) {
            Some(true) => Ok(Proved::Unsigned),
            Some(false) => Ok(Proved::Nothing),
            None => Err(format!("no {} record denies {next}", self.word())),
        }
    }

    pub(super) fn no_ds(&self, name: &Name) -> Result<NoDs, String> {
        match self.no_data(name, RecordType::DS) {
            Ok(Proved::Unsigned) => Ok(NoDs::Unsigned),
            Ok(Proved::Nothing) => {
                let types = self.types_of(name);
                let is_delegated = types.is_some_and(|types| has_type(types, RecordType::NS));
                Ok(if is_delegated { NoDs::Unsigned } else { NoDs::NoZone })
            }
            Err(fault) => match self.no_name(name) {
                Ok(_) => Ok(NoDs::NoName),
                Err(_) => Err(fault),
            },
        }
    }

    /// The longest ancestor that exists, where the next longer name is denied; and whether only
    /// unsigned delegations are left out.
    fn encloser(&self, name: &Name) -> Result<(Name, bool), String> {
        let mut next = name.clone();
        while let Some(parent) = next.parent() {
            if self.exists(&parent) {
                let denied = self.covers(&next);
                let fault = || format!("no {} record denies {next}", self.word());
                return denied.map(|opt_out| (parent, opt_out)).ok_or_else(fault);
            }
            next = parent;
        }
        Err(format!("no {} record is of an ancestor of {name}", self.word()))
    }

    /// By a record of its own, or because one stands below it.
    fn exists(&self, name: &Name) -> bool {
        match self {
            Self::Nsec(records) => {
                let below =
                    |record: &Nsec| record.owner.is_within(name) || record.next.is_within(name);
                records.iter().any(below)
            }
            Self::Nsec3 { .. } => self.types_of(name).is_some_and(|types| !is_elsewhere(types)),
        }
    }

    /// An empty name with others below it.
    fn is_branch(&self, name: &Name) -> bool {
        let Self::Nsec(records) = self else { return false };
        records.iter().any(|record| record.covers(name) && record.next.is_within(name))
    }

    fn types_of(&self, name: &Name) -> Option<&[u8]> {
        match self {
            Self::Nsec(records) => {
                let record = records.iter().find(|record| record.owner.is_same(name))?;
                Some(&record.types)
            }
            Self::Nsec3 { zone, records } => {
                let mut records = records.iter().filter(|_| name.is_within(zone));
                Some(&records.find(|record| record.owner == record.hash(name))?.types)
            }
        }
    }

    /// Whether a record says that `name` does not exist, and if so whether it opts out.
    fn covers(&self, name: &Name) -> Option<bool> {
        match self {
            Self::Nsec(records) => {
                records.iter().any(|record| record.covers(name)).then_some(false)
            }
            Self::Nsec3 { records, .. } => {
                records.iter().find(|record| record.covers(name)).map(|record| record.opt_out)
            }
        }
    }
}

fn lacks(types: &[u8], name: &Name, kind: RecordType) -> Result<Proved, String> {
    let has = |kind| has_type(types, kind);
    match kind {
        _ if has(kind) || has(RecordType::CNAME) => Err(format!("{name} has such a record")),
        RecordType::DS if has(RecordType::SOA) && !name.is_root() => {
            Err(format!("the denial is of the zone {name} itself, not of its parent"))
        }
        RecordType::DS => Ok(Proved::Nothing),
        _ if has(RecordType::NS) && !has(RecordType::SOA) => {
            Err(format!("the denial is of the parent of {name}, not of the zone itself"))
        }
        _ => Ok(Proved::Nothing),
    }
}
