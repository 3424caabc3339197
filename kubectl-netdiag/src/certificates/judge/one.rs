//! What is wrong with one certificate, wherever it stands.

use super::{Expectation, code, fail};
use crate::{
    certificates::{Certificate, alternative::nearest, moment::span, table::good_for},
    finding::{Finding, Label, Severity},
};

/// Less than this part of its life, and less than [`SOON`], is soon.
const PART: i64 = 10;
const SOON: i64 = 30 * 24 * 3600;

/// Of any certificate.
pub(super) fn flaws(chain: &[Certificate], at: usize, expected: &Expectation<'_>) -> Vec<Finding> {
    let one = &chain[at];
    let who = match at {
        0 => "the certificate".to_owned(),
        _ => format!("certificate {at} ({})", one.subject.text),
    };
    [
        dates(one, &who, expected),
        key(one, &who),
        signature(one, &who),
        version(one, &who),
        critical(one, &who),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn dates(one: &Certificate, who: &str, expected: &Expectation<'_>) -> Option<Finding> {
    let now = expected.now;
    let left = one.not_after.since(now);
    let life = one.not_after.since(one.not_before);
    if one.not_after < one.not_before {
        let summary = format!("{who} ends ({} UTC) before it begins", one.not_after);
        return Some(fail(code::EXPIRED, summary));
    }
    if left < 0 {
        let ago = span(left.unsigned_abs());
        let means = "curl, Go, Java, browsers refuse; curl -k and clients that skip verification do not notice";
        let summary = format!("{who} expired {ago} ago ({} UTC)", one.not_after);
        return Some(fail(code::EXPIRED, summary).with(Label::Means(means.into())));
    }
    if one.not_before > now {
        let ahead = span(one.not_before.since(now).unsigned_abs());
        let summary = format!("{who} is not yet valid: in {ahead} ({} UTC)", one.not_before);
        let unless = "this machine's clock is slow";
        return Some(fail(code::NOT_YET_VALID, summary).with(Label::Unless(unless.into())));
    }
    (left < SOON && left < life / PART).then(|| {
        let summary =
            format!("{who} expires in {} ({} UTC)", span(left.unsigned_abs()), one.not_after);
        let seen = format!("less than a tenth is left of {}", span(life.unsigned_abs()));
        Finding::new(Severity::Warn, code::EXPIRES_SOON, summary).with(Label::Seen(seen))
    })
}

fn key(one: &Certificate, who: &str) -> Option<Finding> {
    one.key.is_short().then(|| {
        let means = "OpenSSL from security level 2 on, Go, browsers refuse";
        fail(code::SHORT_KEY, format!("the key of {who} is too short: {}", one.key))
            .with(Label::Means(means.into()))
    })
}

/// A root's signature upon itself is never looked at.
fn signature(one: &Certificate, who: &str) -> Option<Finding> {
    (one.signature.is_weak() && !one.is_self_issued()).then(|| {
        let means = "a digest that can be forged: Go, browsers, OpenSSL from level 1 on refuse";
        fail(code::WEAK_SIGNATURE, format!("{who} is signed with {}", one.signature.name))
            .with(Label::Means(means.into()))
    })
}

fn version(one: &Certificate, who: &str) -> Option<Finding> {
    (one.version < 3).then(|| {
        let means = "without extensions it names no host and is no CA: rustls, Go refuse";
        fail(code::VERSION, format!("{who} is of version {}, not 3", one.version))
            .with(Label::Means(means.into()))
    })
}

fn critical(one: &Certificate, who: &str) -> Option<Finding> {
    one.limits.unknown_critical.as_ref().map(|oid| {
        let summary = format!("{who} has a critical extension that clients do not know: {oid}");
        fail(code::UNKNOWN_CRITICAL, summary)
    })
}

/// Of a server's certificate alone.
pub(super) fn leaf(first: &Certificate, expected: &Expectation<'_>) -> Vec<Finding> {
    let usage = (!first.limits.may_serve).then(|| {
        let summary = "the certificate is not for servers: extendedKeyUsage lacks serverAuth";
        fail(code::NOT_FOR_SERVERS, summary)
    });
    usage.into_iter().chain(name(first, expected)).collect()
}

fn name(first: &Certificate, expected: &Expectation<'_>) -> Option<Finding> {
    if first.version < 3 {
        return None;
    }
    if first.names.is_empty() {
        let common = first.subject.common.as_ref().map(|cn| format!("; CN={cn} is not looked at"));
        let summary = format!("no subjectAltName{}", common.unwrap_or_default());
        let means = "Go, browsers, curl of 2018 and later know it under no name and refuse";
        return Some(fail(code::NO_NAME, summary).with(Label::Means(means.into())));
    }
    let host = expected.name?;
    if first.names.iter().any(|name| name.covers(host)) {
        return None;
    }
    let near = nearest(&first.names, host).map(|name| format!("; the nearest is {name}"));
    let summary = format!("the certificate is not for {host}{}", near.unwrap_or_default());
    Some(fail(code::WRONG_NAME, summary).with(good_for(first).map(Label::Seen)))
}
