//! DNSSEC (RFC 4035): from a trust anchor down to an answer, each step told.
//!
//! hickory's validator gives only a verdict, and reads a message anew in its own strict way. Here the
//! walk, the canonical form and the proofs of denial are ours, over the records as they came; the
//! signatures are checked by the library that rustls brings anyway.

use std::time::{SystemTime, UNIX_EPOCH};

use netdiag_wire::dns::{ChainLink, Class, DnsEvent, DnsRequest, Proof, RecordType, TrustAnchor};

mod anchors;
mod answer;
mod canonical;
mod check;
mod chosen;
mod crypto;
mod denial;
mod keys;
mod records;
mod source;
#[cfg(test)]
mod tests;

pub(super) use chosen::{Chosen, fetched, with_dnssec};
pub(super) use source::{Fetched, Source};

use super::{exchange::Client, message::RawRecord, name::Name, witness::Witness};
use crate::ProbeError;
use check::{Zone, check};
use denial::{Denial, NoDs};
use records::{RrSet, sets};

/// More records that deny are not looked at: three are as many as a proof takes.
const MAX_DENIALS: usize = 8;

/// What holds for a name and for what is below it.
#[derive(Clone, Debug)]
enum Trust {
    /// It is in this zone, whose keys are good.
    Signed(Zone),
    /// It is in a zone that need not be signed.
    Unsigned,
    /// The chain ended above it, and was said to.
    Broken,
}

/// What a zone says of a name below it.
enum Step {
    Into(Trust),
    /// Still the same zone.
    Within,
    /// As little is there below.
    NoName,
}

/// What was answered, each type by the server that answered it.
pub(super) async fn run(
    request: &DnsRequest,
    client: &Client<'_>,
    witness: &Witness,
    emit: &mut impl FnMut(DnsEvent),
) -> Result<(), ProbeError> {
    let mut index = witness.index;
    for answered in &witness.answered {
        let mut chosen = Chosen::new(client, answered.by.clone(), index, emit);
        whole(&mut chosen, request, &answered.name, answered.kind).await?;
        index = chosen.next_index();
    }
    Ok(())
}

/// From the anchor to the answer.
pub(super) async fn whole(
    source: &mut impl Source,
    request: &DnsRequest,
    name: &Name,
    kind: RecordType,
) -> Result<(), ProbeError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Signatures count their seconds modulo 2^32.
    let now = now.as_secs() as u32;
    let anchors = &request.trust_anchors;
    let mut validator = Validator::from_anchor(source, anchors, name, now).await?;
    if let Some(reason) = unsigned(request.class, kind) {
        validator.tell(name, kind, Proof::Indeterminate, reason.into());
        return Ok(());
    }
    validator.answer(name, kind).await
}

/// What has no signature, as it is not meant to have one.
fn unsigned(class: Class, kind: RecordType) -> Option<&'static str> {
    match kind {
        _ if class != Class::IN => Some("only what is of class IN is signed"),
        RecordType::AXFR | RecordType::IXFR => Some("a zone transfer is not signed as such"),
        RecordType::RRSIG | RecordType::SIG => Some("signatures are not signed themselves"),
        _ => None,
    }
}

/// One walk down.
pub(super) struct Validator<'a, S> {
    source: &'a mut S,
    now: u32,
    /// What is known by now; of a name's ancestors the nearest one counts.
    known: Vec<(Name, Trust)>,
}

impl<'a, S: Source> Validator<'a, S> {
    /// From the nearest of these anchors above `name`; tells of it.
    pub(crate) async fn from_anchor(
        source: &'a mut S,
        given: &[TrustAnchor],
        name: &Name,
        now: u32,
    ) -> Result<Self, ProbeError> {
        let mut validator = Self { source, now, known: Vec::new() };
        let trust = match anchors::nearest(given, name)? {
            Some(anchor) => {
                let trust = validator.anchored(&anchor).await?;
                validator.known.push((anchor.zone, trust));
                return Ok(validator);
            }
            None => Trust::Broken,
        };
        let reason = format!("no trust anchor is of {name} or above it");
        validator.tell(name, RecordType::DNSKEY, Proof::Indeterminate, reason);
        validator.known.push((Name::root(), trust));
        Ok(validator)
    }

    fn tell(&mut self, name: &Name, kind: RecordType, proof: Proof, reason: String) {
        let name = name.to_string().into();
        self.source.link(ChainLink { name, kind, proof, reason: reason.into() });
    }

    /// Tells of it; nothing below can be proved any more.
    fn broken(&mut self, name: &Name, kind: RecordType, proof: Proof, reason: String) -> Trust {
        self.tell(name, kind, proof, reason);
        Trust::Broken
    }

    /// What holds for `name`, by each delegation on the way.
    async fn descend(&mut self, name: &Name) -> Result<Trust, ProbeError> {
        let above = self.known.iter().filter(|(known, _)| name.is_within(known));
        let nearest = above.max_by_key(|(known, _)| known.labels().count());
        let Some((mut at, mut trust)) = nearest.cloned() else { return Ok(Trust::Broken) };
        while !at.is_same(name) {
            let Trust::Signed(zone) = &trust else { break };
            let zone = zone.clone();
            let next = canonical::ancestor(name, at.labels().count() + 1);
            let Some(next) = next else { break };
            match self.step(&zone, &next).await? {
                Step::Into(below) => trust = below,
                Step::Within => {}
                Step::NoName => break,
            }
            self.known.push((next.clone(), trust.clone()));
            at = next;
        }
        Ok(trust)
    }

    /// By the DS records of `name`, or the proof that there are none.
    async fn step(&mut self, zone: &Zone, name: &Name) -> Result<Step, ProbeError> {
        let message = match self.source.ask(name, RecordType::DS, &zone.name).await? {
            Fetched::Message(message) => message,
            Fetched::Nothing(why) => {
                let reason = format!("DS of {name} could not be had: {why}");
                let trust = self.broken(name, RecordType::DS, Proof::Indeterminate, reason);
                return Ok(Step::Into(trust));
            }
        };
        let answer = sets(&message.answer);
        let of_name = |kind| answer.iter().find(|set| set.kind == kind && set.name.is_same(name));
        if let Some(set) = of_name(RecordType::DS) {
            return self.delegated(zone, name, set).await.map(Step::Into);
        }
        let alias = of_name(RecordType::CNAME).map(|set| check(set, zone, self.now));
        match alias {
            // An alias has nothing beside it, and so no zone of its own.
            Some(Ok(_)) => Ok(Step::Within),
            Some(Err(fault)) => {
                Ok(Step::Into(self.broken(name, RecordType::CNAME, Proof::Bogus, fault)))
            }
            None => Ok(self.undelegated(zone, name, &message.authority)),
        }
    }

    /// No DS records: was that proved?
    fn undelegated(&mut self, zone: &Zone, name: &Name, authority: &[RawRecord]) -> Step {
        let (denial, fault) = self.denial(zone, authority);
        let proved = match &denial {
            None => Err(fault.unwrap_or_else(|| "neither NSEC nor NSEC3 came".into())),
            Some(denial) if denial.iterations().is_some() => Ok(NoDs::Unsigned),
            Some(denial) => denial.no_ds(name).map_err(|why| fault.unwrap_or(why)),
        };
        let word = denial.as_ref().map_or("nothing", Denial::word);
        match proved {
            Ok(NoDs::NoZone) => Step::Within,
            Ok(NoDs::NoName) => {
                let reason = format!("{name} does not exist: proved by {word} of {}", zone.name);
                self.tell(name, RecordType::DS, Proof::Secure, reason);
                Step::NoName
            }
            Ok(NoDs::Unsigned) => {
                let reason =
                    format!("no DS at the parent: not signed from here on (proved by {word})");
                self.tell(name, RecordType::DS, Proof::Insecure, reason);
                Step::Into(Trust::Unsigned)
            }
            Err(why) => {
                let reason = format!("no DS, and nothing proves that there is none: {why}");
                Step::Into(self.broken(name, RecordType::DS, Proof::Bogus, reason))
            }
        }
    }

    /// The good ones of a section's NSEC or NSEC3 records, and what is wrong with the first other.
    fn denial(&self, zone: &Zone, authority: &[RawRecord]) -> (Option<Denial>, Option<String>) {
        let denies = |set: &RrSet| matches!(set.kind, RecordType::NSEC | RecordType::NSEC3);
        let mut fault = None;
        let mut good = Vec::new();
        for set in sets(authority).into_iter().filter(denies).take(MAX_DENIALS) {
            match check(&set, zone, self.now) {
                Ok(_) => good.push(set),
                Err(why) => fault = fault.or(Some(why)),
            }
        }
        (Denial::of(&zone.name, &good), fault)
    }
}
