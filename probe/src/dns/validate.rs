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
mod deniers;
mod descend;
mod keys;
mod records;
mod source;
#[cfg(test)]
mod tests;

pub(super) use chosen::{Chosen, fetched, with_dnssec};
pub(super) use source::{Fetched, Source};

use super::{exchange::Client, name::Name, witness::Witness};
use crate::ProbeError;
use check::Zone;

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
}
