//! The answer itself: its records, its aliases, or the proof that there are none.

use netdiag_wire::dns::{Proof, Rcode, RecordType};

use super::{
    Trust, Validator,
    check::{Signed, Zone, check},
    denial::Proved,
    records::{RrSet, name as read_name, sets},
    source::{Fetched, Source},
};
use crate::{
    ProbeError,
    dns::{message::Message, name::Name},
};

/// As many as resolvers follow.
const MAX_ALIASES: usize = 16;

/// Of one name, for ANY.
const MAX_SETS: usize = 32;

impl<S: Source> Validator<'_, S> {
    /// Follows aliases to what has records of `kind`, or to what has not.
    pub(crate) async fn answer(&mut self, name: &Name, kind: RecordType) -> Result<(), ProbeError> {
        let mut name = name.clone();
        let mut message = None;
        for _ in 0..=MAX_ALIASES {
            let current = match message.take() {
                Some(message) => message,
                None => match self.fetch(&name, kind).await? {
                    Some(message) => message,
                    None => return Ok(()),
                },
            };
            let Some(target) = self.part(&name, kind, &current).await? else { return Ok(()) };
            let goes_on = current.answer.iter().any(|record| record.name.is_same(&target));
            message = goes_on.then_some(current);
            name = target;
        }
        let reason = format!("more than {MAX_ALIASES} aliases, one behind the other");
        self.tell(&name, RecordType::CNAME, Proof::Indeterminate, reason);
        Ok(())
    }

    async fn fetch(
        &mut self,
        name: &Name,
        kind: RecordType,
    ) -> Result<Option<Box<Message>>, ProbeError> {
        Ok(match self.source.ask(name, kind, name).await? {
            Fetched::Message(message) => Some(message),
            Fetched::Nothing(why) => {
                let reason = format!("{kind} of {name} could not be had: {why}");
                self.tell(name, kind, Proof::Indeterminate, reason);
                None
            }
        })
    }

    /// What the message has of `name`, and the name that an alias leads to if all is well.
    async fn part(
        &mut self,
        name: &Name,
        kind: RecordType,
        message: &Message,
    ) -> Result<Option<Name>, ProbeError> {
        let answer = sets(&message.answer);
        let own = |set: &&RrSet| set.name.is_same(name);
        let found: Vec<_> = match kind {
            RecordType::ANY => answer.iter().filter(own).collect(),
            kind => answer.iter().filter(own).filter(|set| set.kind == kind).collect(),
        };
        if !found.is_empty() {
            for set in found.into_iter().take(MAX_SETS) {
                self.records(set, message).await?;
            }
            return Ok(None);
        }
        // The CNAME that follows from a DNAME bears no signature.
        let above = |set: &&RrSet| set.kind == RecordType::DNAME && name.is_within(&set.name);
        let tree = answer.iter().find(|set| above(set) && !set.name.is_same(name));
        let alias = answer.iter().filter(own).find(|set| set.kind == RecordType::CNAME);
        let Some(set) = tree.or(alias) else {
            self.nothing(name, kind, message).await?;
            return Ok(None);
        };
        let is_well = self.records(set, message).await?;
        Ok(is_well.then(|| target(name, set)).flatten())
    }

    /// Whether the next step makes sense: the set is good, or need not be.
    async fn records(&mut self, set: &RrSet, message: &Message) -> Result<bool, ProbeError> {
        let (name, kind) = (&set.name, set.kind);
        let trust = self.descend(&home(set)).await?;
        let checked = match &trust {
            Trust::Broken => return Ok(false),
            Trust::Unsigned => Ok((Proof::Insecure, format!("{kind} of {name} is not signed"))),
            Trust::Signed(zone) => self.signed(set, zone, message),
        };
        let (proof, reason) = checked.unwrap_or_else(|fault| (Proof::Bogus, fault));
        self.tell(name, kind, proof, reason);
        Ok(proof != Proof::Bogus)
    }

    fn signed(
        &self,
        set: &RrSet,
        zone: &Zone,
        message: &Message,
    ) -> Result<(Proof, String), String> {
        let Signed { key, encloser } = check(set, zone, self.now)?;
        let reason = format!("{} of {} signed by {key} of {}", set.kind, set.name, zone.name);
        let Some(encloser) = encloser else { return Ok((Proof::Secure, reason)) };
        let (denial, fault) = self.denial(zone, &message.authority);
        let missing = || fault.clone().unwrap_or_else(|| "neither NSEC nor NSEC3 came".into());
        let proved = denial.as_ref().ok_or_else(missing);
        let proved = proved.and_then(|denial| denial.grew(&set.name, &encloser));
        let star = if encloser.is_root() { "*.".into() } else { format!("*.{encloser}") };
        match proved {
            Ok(Proved::Nothing) => Ok((Proof::Secure, format!("{reason}, as {star}"))),
            Ok(Proved::Unsigned) => {
                Ok((Proof::Insecure, format!("{reason}, as {star}, but with opt-out")))
            }
            Err(why) => Err(format!(
                "{reason}, as {star}; that there is no nearer name is not proved: {why}"
            )),
        }
    }

    /// No record: is that so?
    async fn nothing(
        &mut self,
        name: &Name,
        kind: RecordType,
        message: &Message,
    ) -> Result<(), ProbeError> {
        let is_no_name = Rcode(message.rcode()) == Rcode::NXDOMAIN;
        let trust = self.descend(&denier(name, kind, message)).await?;
        let (proof, reason) = match &trust {
            Trust::Broken => return Ok(()),
            Trust::Unsigned => {
                (Proof::Insecure, format!("that {name} has no {kind} is not signed"))
            }
            Trust::Signed(zone) => self.denied(zone, name, kind, is_no_name, message),
        };
        self.tell(name, kind, proof, reason);
        Ok(())
    }

    fn denied(
        &self,
        zone: &Zone,
        name: &Name,
        kind: RecordType,
        is_no_name: bool,
        message: &Message,
    ) -> (Proof, String) {
        let claim = match is_no_name {
            true => format!("{name} does not exist"),
            false => format!("{name} has no {kind}"),
        };
        let (denial, fault) = self.denial(zone, &message.authority);
        let Some(denial) = denial else {
            let why = fault.unwrap_or_else(|| {
                format!("neither NSEC nor NSEC3 came, though {} is signed", zone.name)
            });
            return (Proof::Bogus, format!("that {claim} is not proved: {why}"));
        };
        if let Some(iterations) = denial.iterations() {
            return (
                Proof::Insecure,
                format!("{claim}: NSEC3 of {iterations} iterations, not followed"),
            );
        }
        let proved = if is_no_name { denial.no_name(name) } else { denial.no_data(name, kind) };
        let word = denial.word();
        match proved {
            Ok(Proved::Nothing) => {
                (Proof::Secure, format!("{claim}: proved by {word} of {}", zone.name))
            }
            Ok(Proved::Unsigned) => (
                Proof::Insecure,
                format!("{claim}: {word} of {} has opt-out, so it may", zone.name),
            ),
            Err(why) => {
                (Proof::Bogus, format!("that {claim} is not proved: {}", fault.unwrap_or(why)))
            }
        }
    }
}

/// The zone that a set is of, by its signature; without one, by its name.
fn home(set: &RrSet) -> Name {
    let signers = set.signatures.iter().map(|signature| &signature.signer);
    let above = signers.filter(|signer| set.name.is_within(signer));
    let longest = above.max_by_key(|signer| signer.labels().count());
    longest.cloned().unwrap_or_else(|| whose(&set.name, set.kind))
}

/// DS records are their parent's.
fn whose(name: &Name, kind: RecordType) -> Name {
    let parent = (kind == RecordType::DS).then(|| name.parent()).flatten();
    parent.unwrap_or_else(|| name.clone())
}

fn denier(name: &Name, kind: RecordType, message: &Message) -> Name {
    let sets = sets(&message.authority);
    let denies = |set: &&RrSet| matches!(set.kind, RecordType::NSEC | RecordType::NSEC3);
    let signers = sets.iter().filter(denies).flat_map(|set| &set.signatures);
    let above = signers.map(|s| &s.signer).find(|signer| name.is_within(signer));
    above.cloned().unwrap_or_else(|| whose(name, kind))
}

/// Where a CNAME, or a DNAME above `name`, leads to.
fn target(name: &Name, set: &RrSet) -> Option<Name> {
    let (target, _) = read_name(&set.records.first()?.data)?;
    if set.kind == RecordType::CNAME {
        return Some(target);
    }
    let kept = name.labels().count().checked_sub(set.name.labels().count())?;
    let mut wire = Vec::new();
    for label in name.labels().take(kept) {
        wire.push(label.len() as u8);
        wire.extend_from_slice(label);
    }
    wire.push(0);
    Name::from_wire(wire).join(&target).ok()
}
