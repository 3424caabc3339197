//! Information access, and proxy certificates (RFC 3820).

use x509_parser::{
    asn1_rs::{Any, FromDer, Tag},
    extensions::GeneralName,
};

use super::{children, integer, oid, words};
use crate::certificates::{alternative::Alternative, name::string};

pub(super) fn value(any: &Any<'_>) -> Option<Vec<String>> {
    let description = |any: &Any<'_>| {
        let (place, method) = Any::from_der(any.data).ok()?;
        let (_, name) = GeneralName::from_der(place).ok()?;
        let id = oid(&method);
        Some(format!("{} - {}", words::access(&id).unwrap_or(&id), Alternative::of(&name)))
    };
    children(any.data).iter().map(description).collect()
}

pub(super) fn proxy(any: &Any<'_>) -> Option<Vec<String>> {
    let parts = children(any.data);
    let length = parts.iter().find(|part| part.tag() == Tag::Integer);
    let length = length.map_or_else(|| "infinite".into(), |length| integer(length.data));
    let policy = children(parts.iter().find(|part| part.tag() == Tag::Sequence)?.data);
    let id = oid(policy.first()?);
    let language = match id.as_str() {
        "1.3.6.1.5.5.7.21.0" => "Any language",
        "1.3.6.1.5.5.7.21.1" => "Inherit all",
        "1.3.6.1.5.5.7.21.2" => "Independent",
        other => other,
    };
    let mut lines =
        vec![format!("Path Length Constraint: {length}"), format!("Policy Language: {language}")];
    lines.extend(policy.get(1).map(|text| format!("Policy Text: {}", string(text))));
    Some(lines)
}
