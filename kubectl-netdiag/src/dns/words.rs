//! Words for what DNS has as numbers.

use netdiag_wire::dns::Discarded;

/// IANA's "Extended DNS Error Codes", as dig 9.18 names them.
pub(crate) fn extended_error(code: u16) -> Option<&'static str> {
    const NAMES: [&str; 25] = [
        "Other",
        "Unsupported DNSKEY Algorithm",
        "Unsupported DS Digest Type",
        "Stale Answer",
        "Forged Answer",
        "DNSSEC Indeterminate",
        "DNSSEC Bogus",
        "Signature Expired",
        "Signature Not Yet Valid",
        "DNSKEY Missing",
        "RRSIGs Missing",
        "No Zone Key Bit Set",
        "NSEC Missing",
        "Cached Error",
        "Not Ready",
        "Blocked",
        "Censored",
        "Filtered",
        "Prohibited",
        "Stale NXDOMAIN Answer",
        "Not Authoritative",
        "Not Supported",
        "No Reachable Authority",
        "Network Error",
        "Invalid Data",
    ];
    NAMES.get(usize::from(code)).copied()
}

/// `3 answers (2 with another id, 1 from an address that was not asked)`; none where all fitted.
pub(crate) fn discarded(discarded: &Discarded) -> Option<String> {
    let kinds = [
        (discarded.id, "with another id"),
        (discarded.question, "to another question"),
        (discarded.source, "from an address that was not asked"),
        (discarded.no_response, "that are no answers"),
        (discarded.cookie, "with another cookie"),
    ];
    let all = kinds.iter().fold(0u32, |all, (count, _)| all.saturating_add(*count));
    let kinds = kinds.iter().filter(|(count, _)| *count > 0);
    let kinds: Vec<String> = kinds.map(|(count, kind)| format!("{count} {kind}")).collect();
    let answers = if all == 1 { "answer" } else { "answers" };
    (all > 0).then(|| format!("{all} {answers} ({})", kinds.join(", ")))
}
