//! Certificate policies, their mappings and constraints.

use x509_parser::asn1_rs::{Any, Tag};

use super::{children, integer, oid};
use crate::certificates::{alternative, name::string};

pub(super) fn value(any: &Any<'_>) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    for policy in children(any.data) {
        let parts = children(policy.data);
        let id = oid(parts.first()?);
        let id = if id == "2.5.29.32.0" { "X509v3 Any Policy" } else { &id };
        lines.push(format!("Policy: {id}"));
        for qualifier in parts.get(1).map(|all| children(all.data)).unwrap_or_default() {
            lines.extend(self::qualifier(&qualifier)?);
        }
    }
    Some(lines)
}

fn qualifier(any: &Any<'_>) -> Option<Vec<String>> {
    let parts = children(any.data);
    let value = parts.get(1)?;
    Some(match oid(parts.first()?).as_str() {
        "1.3.6.1.5.5.7.2.1" => vec![format!("  CPS: {}", string(value))],
        "1.3.6.1.5.5.7.2.2" => notice(value),
        other => vec![format!("  Unknown Qualifier: {other} {}", alternative::hex(value.data))],
    })
}

fn notice(any: &Any<'_>) -> Vec<String> {
    let mut lines = vec!["  User Notice:".to_owned()];
    for part in children(any.data) {
        if part.tag() != Tag::Sequence {
            lines.push(format!("    Explicit Text: {}", string(&part)));
            continue;
        }
        for reference in children(part.data) {
            if reference.tag() == Tag::Sequence {
                let numbers = children(reference.data);
                let numbers: Vec<_> = numbers.iter().map(|number| integer(number.data)).collect();
                let word = if numbers.len() == 1 { "Number" } else { "Numbers" };
                lines.push(format!("    {word}: {}", numbers.join(", ")));
            } else {
                lines.push(format!("    Organization: {}", string(&reference)));
            }
        }
    }
    lines
}

pub(super) fn mappings(any: &Any<'_>) -> Option<Vec<String>> {
    let mapping = |any: &Any<'_>| match children(any.data).as_slice() {
        [issuer, subject] => Some(format!("{}:{}", oid(issuer), oid(subject))),
        _ => None,
    };
    let all: Option<Vec<_>> = children(any.data).iter().map(mapping).collect();
    Some(vec![all?.join(", ")])
}

pub(super) fn constraints(any: &Any<'_>) -> Option<Vec<String>> {
    let constraint = |any: &Any<'_>| {
        let word = match any.tag().0 {
            0 => "Require Explicit Policy",
            1 => "Inhibit Policy Mapping",
            _ => return None,
        };
        Some(format!("{word}:{}", integer(any.data)))
    };
    let all: Option<Vec<_>> = children(any.data).iter().map(constraint).collect();
    Some(vec![all?.join(", ")])
}
