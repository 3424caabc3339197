//! CRL distribution points.

use x509_parser::asn1_rs::Any;

use super::{
    children,
    extensions::{general, ones},
};
use crate::certificates::name::attributes;

const REASONS: [&str; 9] = [
    "Unused",
    "Key Compromise",
    "CA Compromise",
    "Affiliation Changed",
    "Superseded",
    "Cessation Of Operation",
    "Certificate Hold",
    "Privilege Withdrawn",
    "AA Compromise",
];

pub(super) fn value(any: &Any<'_>) -> Option<Vec<String>> {
    let points = children(any.data);
    let points: Option<Vec<_>> = points.iter().map(point).collect();
    Some(points?.into_iter().flatten().collect())
}

fn point(any: &Any<'_>) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    for part in children(any.data) {
        match part.tag().0 {
            0 => {
                let name = children(part.data).into_iter().next()?;
                match name.tag().0 {
                    0 => listed(&mut lines, "Full Name:", name.data),
                    _ => lines
                        .extend(["Relative Name:".into(), format!("  {}", attributes(name.data))]),
                }
            }
            1 => {
                let (_, bits) = part.data.split_first()?;
                lines.extend(["Reasons:".into(), format!("  {}", ones(bits, &REASONS).join(", "))]);
            }
            2 => listed(&mut lines, "CRL Issuer:", part.data),
            _ => return None,
        }
    }
    Some(lines)
}

fn listed(lines: &mut Vec<String>, title: &str, names: &[u8]) {
    lines.push(title.into());
    lines.extend(general(names).iter().map(|name| format!("  {name}")));
}
