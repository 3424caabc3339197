//! What is wrong between the certificates of a chain.

use super::{Certificate, Path, code, fail};
use crate::{
    certificates::alternative::Alternative,
    finding::{Finding, Label, Severity},
};

pub(super) fn flaws(chain: &[Certificate], path: &Path) -> Vec<Finding> {
    let mut findings: Vec<Finding> = order(chain, path).into_iter().collect();
    for (below, place) in path.places.iter().enumerate().skip(1) {
        findings.extend(signer(&chain[*place], below - 1));
        let lower = path.places[..below].iter().map(|place| &chain[*place]);
        findings.extend(constraints(&chain[*place], lower));
    }
    findings
}

fn order(chain: &[Certificate], path: &Path) -> Option<Finding> {
    if chain[0].limits.is_ca
        && chain.iter().any(|one| one.issuer.der == chain[0].subject.der && !one.limits.is_ca)
    {
        let summary = format!(
            "the first certificate is a CA's ({}): the server's stands behind it",
            chain[0].subject.text
        );
        let means = "servers take the first one for their own, which does not fit their key";
        return Some(fail(code::WRONG_ORDER, summary).with(Label::Means(means.into())));
    }
    let is_in_order = path.places.iter().enumerate().all(|(at, place)| at == *place);
    let extra: Vec<_> = (0..chain.len()).filter(|place| !path.places.contains(place)).collect();
    if is_in_order && (extra.is_empty() || path.places.len() == 1) {
        return None;
    }
    let words = |places: &[usize]| {
        places.iter().take(SHOWN).map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let summary = match extra.as_slice() {
        [] => format!(
            "wrong order: each should be signed by the next; that is {}",
            words(&path.places)
        ),
        extra => format!(
            "not all belong to the chain, which is {}; beside it {}",
            words(&path.places),
            words(extra)
        ),
    };
    let means = "TLS 1.3 clients sort them; strict ones of TLS 1.2 refuse";
    Some(Finding::new(Severity::Warn, code::WRONG_ORDER, summary).with(Label::Means(means.into())))
}

const SHOWN: usize = 8;

/// Whether a certificate may have signed the one below it, with `between` CAs below it.
fn signer(upper: &Certificate, between: usize) -> Option<Finding> {
    let (limits, who) = (&upper.limits, &upper.subject.text);
    let summary = if upper.version < 3 {
        return None;
    } else if !limits.is_ca {
        format!("{who} signed one below it and is no CA (basicConstraints)")
    } else if !limits.may_sign {
        format!("{who} signed one below it and may not (keyUsage lacks keyCertSign)")
    } else {
        let most = limits.path_length.and_then(|most| usize::try_from(most).ok())?;
        if between <= most {
            return None;
        }
        format!("{who} allows {most} CAs below it (pathlen) and has {between}")
    };
    Some(fail(code::MAY_NOT_SIGN, summary))
}

/// RFC 5280, 4.2.1.10, of host names and addresses: those that TLS looks at.
fn constraints<'a>(
    upper: &Certificate,
    mut lower: impl Iterator<Item = &'a Certificate>,
) -> Option<Finding> {
    let limits = &upper.limits;
    let is_out = |name: &&Alternative| {
        let of_kind = |limit: &&Alternative| is_of_kind(limit, name);
        let mut permitted = limits.permitted.iter().filter(of_kind).peekable();
        let is_permitted =
            permitted.peek().is_none() || permitted.any(|limit| is_within(limit, name));
        !is_permitted || limits.excluded.iter().any(|limit| is_within(limit, name))
    };
    let outside = lower.find_map(|one| one.names.iter().find(is_out))?;
    let summary = format!("{} may not vouch for {outside} (nameConstraints)", upper.subject.text);
    let words = |names: &[Alternative]| {
        names.iter().take(SHOWN).map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let seen =
        format!("permitted: {}; excluded: {}", words(&limits.permitted), words(&limits.excluded));
    Some(fail(code::NAME_CONSTRAINTS, summary).with(Label::Seen(seen)))
}

fn is_of_kind(limit: &Alternative, name: &Alternative) -> bool {
    matches!(
        (limit, name),
        (Alternative::Dns(_), Alternative::Dns(_)) | (Alternative::Network(..), Alternative::Ip(_))
    )
}

fn is_within(limit: &Alternative, name: &Alternative) -> bool {
    use std::net::IpAddr::{V4, V6};
    match (limit, name) {
        (Alternative::Dns(limit), Alternative::Dns(name)) => {
            let (limit, name) =
                (limit.to_string().to_ascii_lowercase(), name.to_string().to_ascii_lowercase());
            let domain = limit.trim_start_matches('.');
            domain.is_empty() || name == domain || name.ends_with(&format!(".{domain}"))
        }
        (Alternative::Network(V4(network), V4(mask)), Alternative::Ip(V4(address))) => {
            network.to_bits() & mask.to_bits() == address.to_bits() & mask.to_bits()
        }
        (Alternative::Network(V6(network), V6(mask)), Alternative::Ip(V6(address))) => {
            network.to_bits() & mask.to_bits() == address.to_bits() & mask.to_bits()
        }
        _ => false,
    }
}
