//! What a signature signs: records in canonical form and order (RFC 4034, section 6).

use netdiag_wire::dns::RecordType;

use super::records::{RrSet, Signature, name};
use crate::dns::name::Name;

/// The octets that were signed (RFC 4034, section 3.1.8.1), or `None` where the signature says that
/// the owner has more labels than it has.
pub(super) fn signed(set: &RrSet, signature: &Signature) -> Option<Vec<u8>> {
    let owner = owner(&set.name, signature.labels)?;
    let mut data: Vec<_> = set.records.iter().map(|r| canonical(set.kind, &r.data)).collect();
    data.sort();
    data.dedup();
    let class = set.records.first()?.class.0.to_be_bytes();
    let mut bytes = signature.head.clone();
    for data in data {
        bytes.extend_from_slice(owner.wire());
        bytes.extend(set.kind.0.to_be_bytes());
        bytes.extend(class);
        bytes.extend(signature.ttl.to_be_bytes());
        bytes.extend((data.len() as u16).to_be_bytes());
        bytes.extend(data);
    }
    Some(bytes)
}

/// In lower case; of a name that grew from a wildcard, the wildcard.
fn owner(name: &Name, labels: u8) -> Option<Name> {
    let lower = name.lower();
    let surplus = label_count(&lower).checked_sub(labels.into())?;
    match surplus {
        0 => Some(lower),
        _ => wildcard(&ancestor(&lower, labels.into())?),
    }
}

pub(super) fn wildcard(parent: &Name) -> Option<Name> {
    Name::parse("*").ok()?.0.join(parent).ok()
}

/// Without the asterisk, which does not count (RFC 4034, section 3.1.3).
fn label_count(name: &Name) -> usize {
    name.labels().count() - usize::from(name.labels().next() == Some(b"*"))
}

/// The last `labels` labels of a name.
pub(super) fn ancestor(name: &Name, labels: usize) -> Option<Name> {
    let mut name = name.clone();
    for _ in labels..name.labels().count() {
        name = name.parent()?;
    }
    (name.labels().count() == labels).then_some(name)
}

/// Names within the data in lower case, of the types that RFC 4034, section 6.2, and RFC 6840,
/// section 5.1, list.
fn canonical(kind: RecordType, data: &[u8]) -> Vec<u8> {
    // Octets before the names, and how many names.
    let (skip, names) = match kind {
        RecordType::NS
        | RecordType::MD
        | RecordType::MF
        | RecordType::CNAME
        | RecordType::MB
        | RecordType::MG
        | RecordType::MR
        | RecordType::PTR
        | RecordType::DNAME => (0, 1),
        RecordType::SOA | RecordType::MINFO | RecordType::RP => (0, 2),
        RecordType::MX | RecordType::AFSDB | RecordType::RT | RecordType::KX => (2, 1),
        RecordType::PX => (2, 2),
        RecordType::SRV => (6, 1),
        RecordType::NAPTR => (naptr_name(data), 1),
        RecordType::SIG => (18, 1),
        RecordType::NXT => (0, 1),
        _ => return data.to_vec(),
    };
    lower(data, skip, names).unwrap_or_else(|| data.to_vec())
}

fn lower(data: &[u8], skip: usize, names: usize) -> Option<Vec<u8>> {
    let (head, mut rest) = data.split_at_checked(skip)?;
    let mut bytes = head.to_vec();
    for _ in 0..names {
        let (found, after) = name(rest)?;
        bytes.extend_from_slice(found.lower().wire());
        rest = after;
    }
    bytes.extend_from_slice(rest);
    Some(bytes)
}

/// Where the name begins, behind two numbers and three strings.
fn naptr_name(data: &[u8]) -> usize {
    let string = |at: usize| at + 1 + data.get(at).map_or(0, |length| usize::from(*length));
    string(string(string(4)))
}

/// Canonical order of names (RFC 4034, section 6.1).
pub(super) fn order(a: &Name, b: &Name) -> std::cmp::Ordering {
    let labels = |name: &Name| {
        let lower = name.lower();
        let mut labels: Vec<Vec<u8>> = lower.labels().map(<[u8]>::to_vec).collect();
        labels.reverse();
        labels
    };
    labels(a).cmp(&labels(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_the_order_of_rfc_4034() {
        let names = [
            "example",
            "a.example",
            "yljkjljk.a.example",
            "Z.a.example",
            "zABC.a.EXAMPLE",
            "z.example",
            r"\001.z.example",
            "*.z.example",
            r"\200.z.example",
        ];
        let names = names.map(|text| Name::parse(text).unwrap().0);
        assert!(names.is_sorted_by(|a, b| order(a, b).is_lt()));
    }
}
