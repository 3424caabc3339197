//! From zone to zone, by DS records or by the proof that there are none.

use netdiag_wire::dns::{Proof, RecordType};

use super::{
    Trust, Validator, canonical,
    check::{Zone, check},
    denial::{Denial, NoDs},
    records::{RrSet, sets},
    source::{Fetched, Source},
};
use crate::{
    ProbeError,
    dns::{message::RawRecord, name::Name},
};

/// More records that deny are not looked at: three are as many as a proof takes.
const MAX_DENIALS: usize = 8;

/// What a zone says of a name below it.
enum Step {
    Into(Trust),
    /// Still the same zone.
    Within,
    /// As little is there below.
    NoName,
}

impl<S: Source> Validator<'_, S> {
    /// What holds for `name`, by each delegation on the way.
    pub(super) async fn descend(&mut self, name: &Name) -> Result<Trust, ProbeError> {
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
    pub(super) fn denial(
        &self,
        zone: &Zone,
        authority: &[RawRecord],
    ) -> (Option<Denial>, Option<String>) {
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
