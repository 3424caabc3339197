//! The values of extensions. What is not known, or is broken, is shown as its bytes.

use x509_parser::{
    asn1_rs::{Any, FromDer, Tag},
    extensions::GeneralName,
};

use super::{access, children, hex, integer, oid, points, policies, resources, timestamps, words};
use crate::certificates::{
    alternative::{self, Alternative},
    name::string,
};

pub(super) fn value(id: &str, der: &[u8]) -> Vec<String> {
    decoded(id, der).unwrap_or_else(|| hex(der, 18))
}

fn decoded(id: &str, der: &[u8]) -> Option<Vec<String>> {
    let (rest, any) = Any::from_der(der).ok()?;
    if !rest.is_empty() {
        return None;
    }
    match id {
        "2.5.29.14" => Some(vec![upper(any.data)]),
        "2.5.29.15" => bits(&any, &KEY_USAGE),
        "2.5.29.16" => period(&any),
        "2.5.29.17" | "2.5.29.18" => Some(vec![names(&any).join(", ")]),
        "2.5.29.19" => basic(&any),
        "2.5.29.30" => constraints(&any),
        "2.5.29.31" | "2.5.29.46" => points::value(&any),
        "2.5.29.32" => policies::value(&any),
        "2.5.29.33" => policies::mappings(&any),
        "2.5.29.35" => authority(&any),
        "2.5.29.36" => policies::constraints(&any),
        "2.5.29.37" => Some(vec![usages(&any)]),
        "2.5.29.54" => Some(vec![integer(any.data)]),
        "1.3.6.1.5.5.7.1.1" | "1.3.6.1.5.5.7.1.11" => access::value(&any),
        "1.3.6.1.5.5.7.1.7" => resources::addresses(&any),
        "1.3.6.1.5.5.7.1.8" => resources::systems(&any),
        "1.3.6.1.5.5.7.1.14" => access::proxy(&any),
        "1.3.6.1.5.5.7.1.24" => Some(vec![features(&any)]),
        "1.3.6.1.5.5.7.48.1.5" | "1.3.6.1.4.1.11129.2.4.3" => Some(vec!["NULL".into()]),
        "1.3.6.1.4.1.11129.2.4.2" => timestamps::value(any.data),
        "2.16.840.1.113730.1.1" => bits(&any, &NETSCAPE),
        id if id.starts_with("2.16.840.1.113730.1.") => Some(vec![string(&any).to_string()]),
        _ => unknown(&any),
    }
}

/// A string says itself, and its bytes are in no doubt.
fn unknown(any: &Any<'_>) -> Option<Vec<String>> {
    let is_text = matches!(any.tag(), Tag::Utf8String | Tag::PrintableString | Tag::Ia5String);
    is_text.then(|| vec![string(any).to_string()])
}

const KEY_USAGE: [&str; 9] = [
    "Digital Signature",
    "Non Repudiation",
    "Key Encipherment",
    "Data Encipherment",
    "Key Agreement",
    "Certificate Sign",
    "CRL Sign",
    "Encipher Only",
    "Decipher Only",
];

const NETSCAPE: [&str; 8] = [
    "SSL Client",
    "SSL Server",
    "S/MIME",
    "Object Signing",
    "Unused",
    "SSL CA",
    "S/MIME CA",
    "Object Signing CA",
];

/// The words of a BIT STRING's ones.
pub(super) fn bits(any: &Any<'_>, words: &[&str]) -> Option<Vec<String>> {
    let (_, bits) = any.data.split_first()?;
    Some(vec![ones(bits, words).join(", ")])
}

pub(super) fn ones(bits: &[u8], words: &[&str]) -> Vec<String> {
    let is_set = |at: usize| bits.get(at / 8).is_some_and(|byte| byte & (0x80 >> (at % 8)) != 0);
    let word = |at: usize| words.get(at).map_or_else(|| format!("bit {at}"), |w| (*w).to_owned());
    (0..bits.len() * 8).filter(|at| is_set(*at)).map(word).collect()
}

pub(super) fn upper(bytes: &[u8]) -> String {
    alternative::hex(bytes).to_ascii_uppercase()
}

/// Every GeneralName of a SEQUENCE.
pub(super) fn names(any: &Any<'_>) -> Vec<String> {
    general(any.data).iter().map(ToString::to_string).collect()
}

pub(super) fn general(mut der: &[u8]) -> Vec<Alternative> {
    let mut found = Vec::new();
    while let Ok((rest, name)) = GeneralName::from_der(der) {
        found.push(Alternative::of(&name));
        der = rest;
    }
    found
}

fn basic(any: &Any<'_>) -> Option<Vec<String>> {
    let mut is_ca = false;
    let mut path = String::new();
    for part in children(any.data) {
        match part.tag() {
            Tag::Boolean => is_ca = part.data != [0],
            Tag::Integer => path = format!(", pathlen:{}", integer(part.data)),
            _ => return None,
        }
    }
    Some(vec![format!("CA:{}{path}", if is_ca { "TRUE" } else { "FALSE" })])
}

fn usages(any: &Any<'_>) -> String {
    let usage = |any: &Any<'_>| {
        let id = oid(any);
        words::usage(&id).map_or(id.clone(), str::to_owned)
    };
    children(any.data).iter().map(usage).collect::<Vec<_>>().join(", ")
}

fn authority(any: &Any<'_>) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    for part in children(any.data) {
        match part.tag().0 {
            0 => lines.push(format!("keyid:{}", upper(part.data))),
            1 => lines.extend(general(part.data).iter().map(ToString::to_string)),
            2 => lines.push(format!("serial:{}", upper(part.data))),
            _ => return None,
        }
    }
    Some(lines)
}

fn constraints(any: &Any<'_>) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    for part in children(any.data) {
        lines.push(match part.tag().0 {
            0 => "Permitted:".to_owned(),
            1 => "Excluded:".to_owned(),
            _ => return None,
        });
        for tree in children(part.data) {
            let (_, base) = GeneralName::from_der(tree.data).ok()?;
            lines.push(format!("  {}", Alternative::of(&base)));
            // RFC 5280: minimum is 0 and maximum absent. Whoever wrote others is to see it.
            for (word, bound) in [("minimum", 0), ("maximum", 1)] {
                let parts = children(tree.data);
                let bound = parts.iter().skip(1).find(|part| part.tag().0 == bound);
                lines.extend(bound.map(|bound| format!("    {word} {}", integer(bound.data))));
            }
        }
    }
    Some(lines)
}

fn period(any: &Any<'_>) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    for part in children(any.data) {
        let word = match part.tag().0 {
            0 => "Not Before",
            1 => "Not After",
            _ => return None,
        };
        let time = x509_parser::asn1_rs::GeneralizedTime::from_bytes(part.data).ok()?;
        let seconds = time.utc_datetime().ok()?.unix_timestamp();
        lines.push(format!("{word}: {}", super::date(crate::certificates::Moment(seconds))));
    }
    Some(vec![lines.join(", ")])
}

fn features(any: &Any<'_>) -> String {
    let feature = |any: &Any<'_>| match any.data {
        [5] => "status_request".to_owned(),
        [17] => "status_request_v2".to_owned(),
        other => integer(other),
    };
    children(any.data).iter().map(feature).collect::<Vec<_>>().join(", ")
}
