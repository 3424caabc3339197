//! A zone's keys, trusted by its parent's DS records or by an anchor.

use netdiag_wire::dns::{Proof, RecordType};

use super::{
    Trust, Validator,
    anchors::Anchor,
    check::{Zone, check, tags},
    crypto::algorithm_name,
    records::{Ds, Key, RrSet, sets},
    source::{Fetched, Source},
};
use crate::{ProbeError, dns::name::Name};

/// More of a zone are not looked at.
const MAX_KEYS: usize = 64;

impl<S: Source> Validator<'_, S> {
    pub(super) async fn anchored(&mut self, anchor: &Anchor) -> Result<Trust, ProbeError> {
        let is_trusted = |key: &Key| anchor.trusts(key);
        self.keys(&anchor.zone, is_trusted, "the trust anchor", &anchor.tags()).await
    }

    /// The DS records of `name`, which are to be its parent's.
    pub(super) async fn delegated(
        &mut self,
        parent: &Zone,
        name: &Name,
        set: &RrSet,
    ) -> Result<Trust, ProbeError> {
        let signed = match check(set, parent, self.now) {
            Ok(signed) => signed,
            Err(fault) => return Ok(self.broken(name, RecordType::DS, Proof::Bogus, fault)),
        };
        let all: Vec<Ds> = set.records.iter().filter_map(|r| Ds::read(&r.data)).collect();
        let known = strongest(&all);
        if known.is_empty() {
            let reason = format!(
                "the DS is of {}, which this validator does not know: counts as not signed from here on",
                all.first().map_or("nothing".into(), |ds| algorithm_name(ds.algorithm)),
            );
            self.tell(name, RecordType::DS, Proof::Insecure, reason);
            return Ok(Trust::Unsigned);
        }
        let reason = format!("DS of {name} signed by {} of {}", signed.key, parent.name);
        self.tell(name, RecordType::DS, Proof::Secure, reason);
        let is_trusted = |key: &Key| known.iter().any(|ds| key.matches(ds, name));
        let mut list: Vec<_> = known.iter().map(|ds| ds.tag.to_string()).collect();
        list.dedup();
        self.keys(name, is_trusted, "the DS", &list.join(", ")).await
    }

    /// `by` trusts some keys, of the tags `wanted`; one of them must have signed them all.
    async fn keys(
        &mut self,
        zone: &Name,
        is_trusted: impl Fn(&Key) -> bool,
        by: &str,
        wanted: &str,
    ) -> Result<Trust, ProbeError> {
        let kind = RecordType::DNSKEY;
        let message = match self.source.ask(zone, kind, zone).await? {
            Fetched::Message(message) => message,
            Fetched::Nothing(why) => {
                let reason = format!("DNSKEY of {zone} could not be had: {why}");
                return Ok(self.broken(zone, kind, Proof::Indeterminate, reason));
            }
        };
        let answer = sets(&message.answer);
        let set = answer.iter().find(|set| set.kind == kind && set.name.is_same(zone));
        let Some(set) = set else {
            let reason = format!("{zone} has no DNSKEY, but {by} wants key {wanted}");
            return Ok(self.broken(zone, kind, Proof::Bogus, reason));
        };
        Ok(match entry(zone, set, is_trusted, by, wanted, self.now) {
            Ok((zone, reason)) => {
                self.tell(&zone.name, kind, Proof::Secure, reason);
                Trust::Signed(zone)
            }
            Err(reason) => self.broken(zone, kind, Proof::Bogus, reason),
        })
    }
}

/// The zone with all its keys, and why they are good.
fn entry(
    zone: &Name,
    set: &RrSet,
    is_trusted: impl Fn(&Key) -> bool,
    by: &str,
    wanted: &str,
    now: u32,
) -> Result<(Zone, String), String> {
    let read = set.records.iter().take(MAX_KEYS).filter_map(|record| Key::read(&record.data));
    let all: Vec<Key> = read.collect();
    let trusted: Vec<Key> =
        all.iter().filter(|key| key.may_sign() && is_trusted(key)).cloned().collect();
    if trusted.is_empty() {
        let has = tags(&all);
        return Err(format!(
            "no key of {zone} matches {by}, which is of key {wanted}; it has {has}"
        ));
    }
    let entry = Zone { name: zone.clone(), keys: trusted };
    let signed = check(set, &entry, now)?;
    let reason = format!("DNSKEY of {zone} signed by {}, matches {by}", signed.key);
    Ok((Zone { keys: all, ..entry }, reason))
}

/// Those whose algorithms are known; SHA-1 only where there is nothing else (RFC 4509, section 3).
fn strongest(all: &[Ds]) -> Vec<Ds> {
    let known: Vec<Ds> = all.iter().filter(|ds| ds.is_known()).cloned().collect();
    let is_strong = |ds: &&Ds| ds.digest_kind != 1;
    match known.iter().any(|ds| is_strong(&ds)) {
        true => known.iter().filter(is_strong).cloned().collect(),
        false => known,
    }
}
