//! What strict clients of today say of a chain, in words and codes of family 07.

mod links;
mod one;

use super::{
    Certificate, Moment, Roots,
    chain::{End, Path, path},
};
use crate::{
    code::certificates as code,
    finding::{Finding, Label, Severity},
};

/// What the chain has to be good for.
#[derive(Clone, Debug)]
pub(crate) struct Expectation<'a> {
    /// The host that a client would want; absent where nobody said.
    pub(crate) name: Option<&'a str>,
    pub(crate) now: Moment,
    pub(crate) roots: &'a Roots,
    /// The first certificate is a server's; else it may be a CA's, and then others may be too.
    pub(crate) is_server: bool,
}

/// Everything that is wrong, else one `OK`.
pub(crate) fn judge(chain: &[Certificate], expected: &Expectation<'_>) -> Vec<Finding> {
    let Some(first) = chain.first() else { return Vec::new() };
    let findings = if is_collection(chain, expected) {
        chain.iter().enumerate().flat_map(|(at, _)| one::flaws(chain, at, expected)).collect()
    } else {
        of_chain(chain, first, expected)
    };
    if findings.is_empty() { vec![well(chain, expected)] } else { findings }
}

/// CA certificates that need not hang together.
fn is_collection(chain: &[Certificate], expected: &Expectation<'_>) -> bool {
    !expected.is_server && expected.name.is_none() && chain.iter().all(|one| one.limits.is_ca)
}

fn of_chain(
    chain: &[Certificate],
    first: &Certificate,
    expected: &Expectation<'_>,
) -> Vec<Finding> {
    let path = path(chain, expected.roots);
    let mut findings = Vec::new();
    for place in &path.places {
        findings.extend(one::flaws(chain, *place, expected));
    }
    findings.extend(one::leaf(first, expected));
    findings.extend(links::flaws(chain, &path));
    findings.extend(end(chain, &path, expected));
    findings
}

/// What is wrong with where the chain ends.
fn end(chain: &[Certificate], path: &Path, expected: &Expectation<'_>) -> Option<Finding> {
    let last = &chain[*path.places.last()?];
    let roots = expected.roots.name();
    let is_alone = path.places.len() == 1;
    match path.end {
        End::Trusted(_) => None,
        End::Root => (!is_alone).then(|| root_included(last)),
        End::SelfSigned if is_alone => {
            let summary = format!("self-signed: {} vouches for itself alone", last.subject.text);
            let means = "clients refuse it, unless they were given this very certificate to trust";
            Some(fail(code::SELF_SIGNED, summary).with(Label::Means(means.into())))
        }
        End::SelfSigned => Some(unknown(&last.subject.text, expected)),
        End::NoIssuer if last.limits.is_public || is_own(expected) => {
            let summary = format!(
                "the chain ends at {}: the certificate of its issuer, {}, is missing",
                last.subject.text, last.issuer.text
            );
            let seen = format!("the issuer is not among {roots} either");
            let means = "browsers may find the missing one elsewhere; curl, Go, Java refuse";
            let finding = fail(code::NO_INTERMEDIATE, summary).with(Label::Seen(seen));
            Some(finding.with(Label::Means(means.into())))
        }
        End::NoIssuer => Some(unknown(&last.issuer.text, expected)),
        End::OtherKey => {
            let summary = format!(
                "{} is not signed by the {} that is here: same name, another key",
                last.subject.text, last.issuer.text
            );
            let means = "clients refuse it: a CA was made anew, and this was signed by the old one";
            Some(fail(code::BAD_SIGNATURE, summary).with(Label::Means(means.into())))
        }
    }
}

fn is_own(expected: &Expectation<'_>) -> bool {
    matches!(expected.roots, Roots::Own { .. })
}

fn root_included(root: &Certificate) -> Finding {
    let summary = format!("the chain holds its root, {}, which no client needs", root.subject.text);
    let means = "nothing fails: a client trusts its own copy or none, and each handshake is longer";
    Finding::new(Severity::Warn, code::ROOT_INCLUDED, summary).with(Label::Means(means.into()))
}

/// Private, or not among those that the caller named.
fn unknown(issuer: &str, expected: &Expectation<'_>) -> Finding {
    let roots = expected.roots.name();
    let (severity, need) = match expected.roots {
        Roots::Mozilla => (Severity::Warn, format!("; clients need {issuer}")),
        Roots::Own { .. } => (Severity::Fail, format!(": {issuer}")),
    };
    Finding::new(severity, code::UNKNOWN_ISSUER, format!("issuer not among {roots}{need}"))
}

fn well(chain: &[Certificate], expected: &Expectation<'_>) -> Finding {
    if is_collection(chain, expected) {
        let count = chain.len();
        let whose = if count == 1 { "a CA certificate" } else { "CA certificates" };
        let count = if count == 1 { String::new() } else { format!("{count} ") };
        return Finding::ok(format!("{count}{whose}: dates, keys and signatures good"));
    }
    let root = match path(chain, expected.roots).end {
        End::Trusted(root) => root,
        End::Root | End::SelfSigned | End::NoIssuer | End::OtherKey => {
            chain[0].subject.text.clone()
        }
    };
    let name = if expected.name.is_some() { "name, " } else { "" };
    let roots = expected.roots.name();
    Finding::ok(format!(
        "strict clients accept it: chain to {root} ({roots}), {name}dates, keys good"
    ))
}

fn fail(code: crate::finding::Code, summary: impl Into<String>) -> Finding {
    Finding::new(Severity::Fail, code, summary)
}
