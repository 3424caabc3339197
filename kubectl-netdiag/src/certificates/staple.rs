//! What a CA said of a certificate, stapled to the handshake (OCSP, RFC 6960).

use serde::Serialize;
use x509_parser::{
    asn1_rs::{Any, Class, FromDer, Tag},
    certificate::X509Certificate,
    time::ASN1Time,
    x509::AlgorithmIdentifier,
};

use super::{
    Certificate, Moment,
    signature::{Checked, Signature},
};

/// id-pkix-ocsp-basic.
const BASIC: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];

/// Why a certificate was taken back (RFC 5280, 5.3.1), by its number.
const REASONS: [&str; 11] = [
    "unspecified",
    "keyCompromise",
    "cACompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "certificateHold",
    "7",
    "removeFromCRL",
    "privilegeWithdrawn",
    "aACompromise",
];

/// The response about one certificate.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Staple {
    #[serde(flatten)]
    pub(crate) status: Status,
    pub(crate) this_update: Moment,
    /// Absent: newer ones come at any time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_update: Option<Moment>,
    /// By the CA, or by whom it names for that; unknown where its certificate was not shown.
    #[serde(skip)]
    pub(crate) signed: Checked,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "status", rename_all = "camelCase")]
pub(crate) enum Status {
    Good,
    Revoked {
        at: Moment,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'static str>,
    },
    /// The CA does not know the certificate.
    Unknown,
}

/// Why a staple says nothing of the certificate beside it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Useless {
    #[error("it cannot be decoded")]
    Undecodable,
    #[error("the CA's responder answered {0}")]
    Refused(&'static str),
    #[error("it is about another certificate")]
    OfAnother,
}

impl Staple {
    /// Of `certificate`, by `issuer` or in its name.
    pub(crate) fn parse(
        der: &[u8],
        certificate: &Certificate,
        issuer: Option<&Certificate>,
    ) -> Result<Self, Useless> {
        let whole = sequence(der).ok_or(Useless::Undecodable)?.0;
        let (status, rest) = element(whole).ok_or(Useless::Undecodable)?;
        if let Some(why) = refused(status.data) {
            return Err(Useless::Refused(why));
        }
        let basic = basic(rest).ok_or(Useless::Undecodable)?;
        let mut responses = basic.responses;
        while !responses.is_empty() {
            let (one, rest) = sequence(responses).ok_or(Useless::Undecodable)?;
            let (serial, mut staple) = single(one).ok_or(Useless::Undecodable)?;
            if serial == certificate.serial {
                staple.signed = basic.check(issuer);
                return Ok(staple);
            }
            responses = rest;
        }
        Err(Useless::OfAnother)
    }

    /// `good, of 2026-11-22 10:00:00 UTC, until 2026-11-29 10:00:00 UTC`.
    pub(crate) fn words(&self) -> String {
        let status = match self.status {
            Status::Good => "good".to_owned(),
            Status::Revoked { at, reason } => {
                let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
                format!("revoked at {at} UTC{reason}")
            }
            Status::Unknown => "of a certificate that the CA does not know".to_owned(),
        };
        let until = self.next_update.map(|until| format!(", until {until} UTC"));
        format!("{status}, of {} UTC{}", self.this_update, until.unwrap_or_default())
    }
}

/// What is signed, and what else is in a BasicOCSPResponse.
struct Basic<'a> {
    responses: &'a [u8],
    signature: Signature,
    /// Whom the CA lets sign for it.
    delegates: Vec<Certificate>,
}

impl Basic<'_> {
    fn check(&self, issuer: Option<&Certificate>) -> Checked {
        let Some(issuer) = issuer else { return Checked::Unknown };
        let delegate = self.delegates.iter().find(|one| {
            one.issuer.der == issuer.subject.der
                && one.signature.check(&issuer.key) == Checked::Good
        });
        match self.signature.check(&issuer.key) {
            Checked::Bad => {
                delegate.map_or(Checked::Bad, |delegate| self.signature.check(&delegate.key))
            }
            checked => checked,
        }
    }
}

fn refused(status: &[u8]) -> Option<&'static str> {
    match status {
        [0] => None,
        [1] => Some("malformedRequest"),
        [2] => Some("internalError"),
        [3] => Some("tryLater"),
        [5] => Some("sigRequired"),
        [6] => Some("unauthorized"),
        _ => Some("what nobody knows"),
    }
}

/// Out of `[0] { responseType, response OCTET STRING }`.
fn basic(rest: &[u8]) -> Option<Basic<'_>> {
    let (bytes, _) = sequence(explicit(rest, 0)?.0)?;
    let (kind, rest) = element(bytes)?;
    let (response, _) = element(rest)?;
    if kind.data != BASIC {
        return None;
    }
    let (inside, _) = sequence(response.data)?;
    let (data, rest) = sequence(inside)?;
    let signed = &inside[..inside.len() - rest.len()];
    let (rest, algorithm) = AlgorithmIdentifier::from_der(rest).ok()?;
    let (bits, rest) = element(rest)?;
    let (_, bits) = bits.data.split_first()?;
    let signature = Signature::of(&algorithm, bits, signed);
    let delegates = match explicit(rest, 0) {
        Some((list, _)) => delegates(sequence(list)?.0),
        None => Vec::new(),
    };
    Some(Basic { responses: responses(data)?, signature, delegates })
}

/// Past version, responder and the time of the response.
fn responses(data: &[u8]) -> Option<&[u8]> {
    let data = explicit(data, 0).map_or(data, |(_, rest)| rest);
    let (_, rest) = element(data)?;
    let (_, rest) = element(rest)?;
    Some(sequence(rest)?.0)
}

fn delegates(mut list: &[u8]) -> Vec<Certificate> {
    let mut found = Vec::new();
    while let Some((_, rest)) = element(list) {
        let der = &list[..list.len() - rest.len()];
        found.extend(may_respond(der).then(|| Certificate::parse(der).ok()).flatten());
        list = rest;
    }
    found
}

/// Whether it is made for that: no other certificate of the CA speaks for it (RFC 6960, 4.2.2.2).
fn may_respond(der: &[u8]) -> bool {
    let read = X509Certificate::from_der(der).ok();
    let usage = read.as_ref().and_then(|(_, read)| read.extended_key_usage().ok().flatten());
    usage.is_some_and(|usage| usage.value.ocsp_signing)
}

/// The serial it is about, and what it says.
fn single(one: &[u8]) -> Option<(&[u8], Staple)> {
    let (id, rest) = sequence(one)?;
    let (_, id) = sequence(id)?;
    let (_, id) = element(id)?;
    let (_, id) = element(id)?;
    let (serial, _) = element(id)?;
    let (status, rest) = element(rest)?;
    let (rest, this_update) = ASN1Time::from_der(rest).ok()?;
    let next_update = match explicit(rest, 0) {
        Some((next, _)) => Some(moment(&ASN1Time::from_der(next).ok()?.1)),
        None => None,
    };
    let status = match status.tag().0 {
        0 => Status::Good,
        1 => revoked(status.data)?,
        _ => Status::Unknown,
    };
    let this_update = moment(&this_update);
    Some((serial.data, Staple { status, this_update, next_update, signed: Checked::Unknown }))
}

fn revoked(data: &[u8]) -> Option<Status> {
    let (rest, at) = ASN1Time::from_der(data).ok()?;
    let reason = explicit(rest, 0).and_then(|(reason, _)| element(reason)?.0.data.first());
    let reason = reason.and_then(|number| REASONS.get(usize::from(*number)).copied());
    Some(Status::Revoked { at: moment(&at), reason })
}

fn moment(time: &ASN1Time) -> Moment {
    Moment(time.timestamp())
}

/// The first element, and what is behind it.
fn element(der: &[u8]) -> Option<(Any<'_>, &[u8])> {
    Any::from_der(der).ok().map(|(rest, any)| (any, rest))
}

fn sequence(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (rest, any) = Any::from_der(der).ok()?;
    (any.tag() == Tag::Sequence).then_some((any.data, rest))
}

/// What is in `[number]`, and what is behind it.
fn explicit(der: &[u8], number: u32) -> Option<(&[u8], &[u8])> {
    let (rest, any) = Any::from_der(der).ok()?;
    let is_it = any.class() == Class::ContextSpecific && any.tag().0 == number;
    is_it.then_some((any.data, rest))
}
