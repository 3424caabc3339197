//! What a message says of the name that was asked, and of no other.

use std::{collections::BTreeSet, net::IpAddr};

use netdiag_wire::{
    Untrusted,
    dns::{DnsOutcome, DnsQuery, DnsReport, Record, RecordType},
};

/// Longer than any resolver follows.
const MAX_CHAIN: usize = 64;

/// The records of the type asked for, and the names that led to them.
#[derive(Debug, Default)]
pub(crate) struct Answer<'a> {
    /// Targets of the CNAME records, in order.
    pub(crate) via: Vec<&'a Untrusted>,
    pub(crate) records: Vec<&'a Record>,
}

/// Whatever else a server puts into its answer section is not an answer.
pub(crate) fn of(query: &DnsQuery) -> Answer<'_> {
    let Some(message) = &query.message else { return Answer::default() };
    let follows = !matches!(query.kind, RecordType::CNAME | RecordType::ANY);
    if matches!(query.kind, RecordType::AXFR | RecordType::IXFR) {
        return Answer { via: Vec::new(), records: message.answer.iter().collect() };
    }
    let mut answer = Answer::default();
    let mut owner = &query.name;
    for _ in 0..MAX_CHAIN {
        let own = message.answer.iter().filter(|record| is_same(&record.name, owner));
        let is_wanted =
            |record: &&Record| query.kind == RecordType::ANY || record.kind == query.kind;
        let wanted: Vec<&Record> = own.clone().filter(is_wanted).collect();
        if !wanted.is_empty() {
            answer.records = wanted;
            break;
        }
        match own.clone().find(|record| record.kind == RecordType::CNAME).filter(|_| follows) {
            Some(cname) => owner = &cname.data,
            None => break,
        }
        answer.via.push(owner);
    }
    answer
}

impl Answer<'_> {
    /// The data, as presentation form.
    pub(crate) fn values(&self) -> Vec<String> {
        self.records.iter().map(|record| shown(&record.data)).collect()
    }

    pub(crate) fn addresses(&self) -> BTreeSet<IpAddr> {
        self.records.iter().filter_map(|record| shown(&record.data).parse().ok()).collect()
    }
}

/// Names as DNS compares them: without regard to ASCII case, and with or without the last dot.
pub(crate) fn is_same(a: &Untrusted, b: &Untrusted) -> bool {
    let bare = |name: &Untrusted| {
        let bytes = name.as_bytes();
        bytes.strip_suffix(b".").unwrap_or(bytes).to_ascii_lowercase()
    };
    bare(a) == bare(b)
}

/// Presentation form for a screen: ASCII, where dig writes any other byte as `\DDD`.
///
/// Unlike `Untrusted`'s own, this leaves backslashes alone: they are the form's escapes already.
pub(crate) fn shown(text: &Untrusted) -> String {
    let mut shown = String::with_capacity(text.as_bytes().len());
    for byte in text.as_bytes() {
        match byte {
            b' '..=b'~' => shown.push(char::from(*byte)),
            byte => shown.push_str(&format!("\\{byte:03}")),
        }
    }
    shown
}

/// The queries that are the answer itself, not the way to a server or a key.
pub(crate) fn own_queries(report: &DnsReport) -> impl Iterator<Item = &DnsQuery> {
    let all = report.names.iter().flat_map(|name| &name.queries);
    all.filter(|query| query.on_behalf_of.is_none())
}

/// Whether nobody answered at all.
pub(crate) fn is_unanswered(outcome: DnsOutcome) -> bool {
    match outcome {
        DnsOutcome::Silence
        | DnsOutcome::Rejected
        | DnsOutcome::Refused
        | DnsOutcome::Reset
        | DnsOutcome::TlsFailed
        | DnsOutcome::HttpFailed
        | DnsOutcome::NotSent => true,
        DnsOutcome::Answered
        | DnsOutcome::NoData
        | DnsOutcome::Referral
        | DnsOutcome::NxDomain
        | DnsOutcome::ServFail
        | DnsOutcome::RefusedQuery
        | DnsOutcome::OtherCode
        | DnsOutcome::Malformed
        | DnsOutcome::Overtaken
        | DnsOutcome::Unknown => false,
    }
}
