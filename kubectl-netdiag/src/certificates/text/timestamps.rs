//! Signed certificate timestamps (RFC 6962, 3.2 and 3.3).

use super::{extensions::upper, hex};
use crate::certificates::Moment;

pub(super) fn value(list: &[u8]) -> Option<Vec<String>> {
    // The list is an OCTET STRING within the extension's.
    let (mut rest, behind) = vector(list)?;
    if !behind.is_empty() {
        return None;
    }
    let mut lines = Vec::new();
    while !rest.is_empty() {
        let (one, behind) = vector(rest)?;
        lines.extend(timestamp(one)?);
        rest = behind;
    }
    Some(lines)
}

/// What two bytes of length announce, and what is behind it.
fn vector(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(u16::from_be_bytes(*length).into())
}

fn timestamp(bytes: &[u8]) -> Option<Vec<String>> {
    let (version, rest) = bytes.split_first()?;
    let (log, rest) = rest.split_first_chunk::<32>()?;
    let (at, rest) = rest.split_first_chunk::<8>()?;
    let (extensions, rest) = vector(rest)?;
    let ([digest, kind], rest) = rest.split_first_chunk::<2>()?;
    let (signature, _) = vector(rest)?;
    let millis = u64::from_be_bytes(*at);
    let at = Moment(i64::try_from(millis / 1000).ok()?);
    let at = at.written(&format!("%b %e %H:%M:%S.{:03} %Y GMT", millis % 1000));
    let extensions = if extensions.is_empty() { "none".into() } else { upper(extensions) };
    let algorithm = match (kind, digest) {
        (3, 4) => "ecdsa-with-SHA256".to_owned(),
        (1, 4) => "sha256WithRSAEncryption".to_owned(),
        (kind, digest) => format!("signature {kind}, hash {digest}"),
    };
    let (first, second) = log.split_at(16);
    let mut lines = vec![
        "Signed Certificate Timestamp:".to_owned(),
        format!("    Version   : v{} ({version:#x})", u16::from(*version) + 1),
        format!("    Log ID    : {}:", upper(first)),
        format!("                {}", upper(second)),
        format!("    Timestamp : {at}"),
        format!("    Extensions: {extensions}"),
        format!("    Signature : {algorithm}"),
    ];
    let digits = hex(signature, 16);
    lines
        .extend(digits.iter().map(|line| format!("                {}", line.to_ascii_uppercase())));
    Some(lines)
}
