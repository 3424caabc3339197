//! The certificates of a handshake, decoded and judged.

use jiff::Timestamp;
use netdiag_wire::tls::{TlsAgreed, TlsServed};
use serde_json::Value;

use super::staple;
use crate::{
    certificates::{self, Certificate, Expectation, Moment, Roots, Staple, Useless, judge},
    code::certificates as code,
    finding::{Code, Finding, Label, Severity},
};

const UNDECODABLE: Code = Code(736);
const NOT_PROVEN: Code = Code(737);

/// A chain as it was served.
pub(crate) struct Chain {
    pub(crate) certificates: Vec<Certificate>,
    /// The first that cannot be read, and why.
    broken: Option<(usize, String)>,
    staple: Option<Result<Staple, Useless>>,
}

/// What the chain has to be good for.
pub(crate) struct Expected<'a> {
    /// Names that clients may ask for, the usual one first; none: nobody said.
    pub(crate) names: &'a [String],
    pub(crate) roots: &'a Roots,
    pub(crate) now: Timestamp,
}

impl Chain {
    pub(crate) fn of(served: &TlsServed) -> Self {
        let mut chain = Self { certificates: Vec::new(), broken: None, staple: None };
        for (at, der) in served.certificates.iter().enumerate() {
            match Certificate::parse(der.as_bytes()) {
                Ok(certificate) => chain.certificates.push(certificate),
                Err(why) => {
                    chain.broken = Some((at, why.to_string()));
                    break;
                }
            }
        }
        chain.staple = served.staple.as_ref().and_then(|der| chain.staple(der.as_bytes()));
        chain
    }

    fn staple(&self, der: &[u8]) -> Option<Result<Staple, Useless>> {
        let first = self.first()?;
        let issuer = self.certificates.iter().find(|one| one.subject.der == first.issuer.der);
        Some(Staple::parse(der, first, issuer))
    }

    /// `OCSP staple: good, of ..., until ...`.
    pub(crate) fn stapled(&self) -> Option<String> {
        let words = match self.staple.as_ref()? {
            Ok(staple) => staple.words(),
            Err(why) => why.to_string(),
        };
        Some(format!("OCSP staple: {words}"))
    }

    /// Part of `-o json`, where it can be read.
    pub(crate) fn staple_entry(&self) -> Option<&Staple> {
        self.staple.as_ref()?.as_ref().ok()
    }

    fn first(&self) -> Option<&Certificate> {
        self.certificates.first()
    }

    /// Part of `-o json`.
    pub(crate) fn entries(&self) -> serde_json::Result<Value> {
        let entries: Vec<_> = self.certificates.iter().map(Certificate::entry).collect();
        serde_json::to_value(entries)
    }

    /// `good for checkout.shop.svc; not for checkout, checkout.shop`.
    pub(crate) fn good_for(&self, names: &[String]) -> Option<String> {
        let first = self.first()?;
        let good = certificates::good_for(first)?;
        let is_good = |name: &&String| first.names.iter().any(|one| one.covers(name));
        let not: Vec<&str> =
            names.iter().filter(|name| !is_good(name)).map(String::as_str).collect();
        Some(match not.is_empty() {
            true => good,
            false => format!("{good}; not for {}", not.join(", ")),
        })
    }

    pub(crate) fn judge(&self, expected: &Expected<'_>, agreed: &TlsAgreed) -> Vec<Finding> {
        let covers = |name: &&String| {
            self.first().is_some_and(|first| first.names.iter().any(|one| one.covers(name)))
        };
        let name = expected.names.iter().find(covers).or(expected.names.first());
        let wanted = Expectation {
            name: name.map(String::as_str),
            now: Moment::of(expected.now),
            roots: expected.roots,
            is_server: true,
        };
        let mut findings = judge(&self.certificates, &wanted);
        findings.extend(self.not_proven(agreed));
        let stapled = self.staple.as_ref().and_then(|staple| staple::judge(staple, wanted.now));
        if let Some(stapled) = stapled {
            findings.retain(|finding| finding.severity != Severity::Ok);
            findings.push(stapled);
        }
        if let Some((at, why)) = &self.broken {
            findings.retain(|finding| finding.severity != Severity::Ok);
            let summary = format!("certificate {at} cannot be decoded: {why}");
            findings.push(Finding::new(Severity::Fail, UNDECODABLE, summary));
        }
        if let [only] = findings.as_mut_slice() {
            but_for_its_dates(only, expected);
        }
        for finding in &mut findings {
            self.note(finding, expected);
        }
        findings
    }

    fn note(&self, finding: &mut Finding, expected: &Expected<'_>) {
        let unnamed = [code::WRONG_NAME, code::NO_NAME];
        let identity = self.first().and_then(Certificate::spiffe);
        match identity {
            Some(id) if finding.code.is_some_and(|code| unnamed.contains(&code)) => {
                let note =
                    format!("a mesh's identity, {id}: its proxies look at that and at no name");
                finding.labels.push(Label::Note(note));
            }
            _ if finding.severity == Severity::Ok && expected.names.is_empty() => {
                let note = "no name was asked for, so none was checked: --servername NAME does";
                finding.labels.push(Label::Note(note.into()));
            }
            _ => {}
        }
    }

    /// Only where the signature can be checked.
    fn not_proven(&self, agreed: &TlsAgreed) -> Option<Finding> {
        let first = self.first()?;
        let is_checked = first.version == 3 && first.key.is_checkable();
        if !agreed.refuted || !is_checked {
            return None;
        }
        let scheme = agreed.signature.as_ref().map(ToString::to_string).unwrap_or_default();
        let summary = "the handshake is not signed by the key of the certificate";
        let finding = Finding::new(Severity::Fail, NOT_PROVEN, summary);
        Some(finding.with(Label::Seen(format!("signed by {scheme}, for a key {}", first.key))))
    }
}

/// Nothing else was found, though everything was looked at.
fn but_for_its_dates(only: &mut Finding, expected: &Expected<'_>) {
    let then = match only.code {
        Some(code::EXPIRED) => "still valid",
        Some(code::NOT_YET_VALID) => "valid already",
        _ => return,
    };
    let name = if expected.names.is_empty() { "" } else { "name, " };
    let text = format!("{name}chain and key are in order, checked as if it were {then}");
    only.labels.insert(0, Label::Seen(text));
}
