//! What each server says of one name, to be compared.

use std::net::IpAddr;

use netdiag_wire::dns::{DnsOutcome, DnsQuery, DnsReport};

use super::answer;

/// One server's word on the name, each type once.
#[derive(Debug)]
pub(crate) struct Said<'a> {
    pub(crate) server: IpAddr,
    pub(crate) queries: Vec<&'a DnsQuery>,
}

/// What every server says of the last name asked, which is the one that the walk found.
///
/// A server that was asked on the walk as well has what it said later.
pub(crate) fn compared(report: &DnsReport) -> Vec<Said<'_>> {
    let mut all: Vec<Said<'_>> = Vec::new();
    for query in report.names.last().iter().flat_map(|name| &name.queries) {
        let at = (query.server, query.port);
        let known = all.iter_mut().find(|said| (said.server, said.queries[0].port) == at);
        let Some(said) = known else {
            all.push(Said { server: query.server, queries: vec![query] });
            continue;
        };
        match said.queries.iter_mut().find(|other| other.kind == query.kind) {
            Some(other) => *other = query,
            None => said.queries.push(query),
        }
    }
    all
}

impl<'a> Said<'a> {
    /// Same fate and same records, in whatever order.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        self.queries.iter().all(|query| {
            let twin = other.queries.iter().find(|twin| twin.kind == query.kind);
            twin.is_none_or(|twin| meaning(query) == meaning(twin))
        })
    }

    pub(crate) fn is_answered(&self) -> bool {
        self.queries.iter().any(|query| !answer::is_unanswered(query.outcome))
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.queries.iter().all(|query| query.outcome == DnsOutcome::Silence)
    }

    /// What most of those say that answer.
    pub(crate) fn usual(all: &[Self]) -> Option<&Self> {
        let answered: Vec<&Self> = all.iter().filter(|said| said.is_answered()).collect();
        let votes = |said: &&&Self| answered.iter().filter(|other| said.agrees(other)).count();
        // The first of those with as many.
        answered.iter().rev().max_by_key(votes).copied()
    }
}

/// What must be the same for two servers to agree; the order of records and their case may differ.
fn meaning(query: &DnsQuery) -> (DnsOutcome, Vec<String>) {
    let mut values = answer::of(query).values();
    values.iter_mut().for_each(|value| value.make_ascii_lowercase());
    values.sort();
    (query.outcome, values)
}
