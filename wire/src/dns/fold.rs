//! The events of one name's lookup folded into one report.

use super::{
    AskedName, ChainLink, DnsCounts, DnsEvent, DnsOutcome, DnsQuery, DnsReport, DnsRequest,
    MAX_TRANSFER_RECORDS, Proof,
};
use crate::{EndReason, ErrorBody};

/// Most queries that a report holds; an agent of ours never sends as many.
const MAX_QUERIES: usize = 10_000;

/// The report of one lookup, kept as the events come.
#[derive(Clone, Debug)]
pub struct DnsFold {
    report: DnsReport,
    queries: Vec<DnsQuery>,
    records: u32,
}

impl DnsFold {
    pub fn new(request: &DnsRequest) -> Self {
        let report = DnsReport {
            name: request.name.as_str().into(),
            types: request.asked_types(),
            mode: request.mode,
            resolver: None,
            in_hosts: None,
            names: Vec::new(),
            counts: DnsCounts::default(),
            chain: Vec::new(),
            proof: None,
            ended: None,
            error: None,
        };
        Self { report, queries: Vec::new(), records: 0 }
    }

    pub fn push(&mut self, event: &DnsEvent) {
        match event {
            DnsEvent::Resolver(settings) => self.report.resolver = Some(settings.clone()),
            DnsEvent::InHosts(entry) => self.report.in_hosts = Some(entry.clone()),
            DnsEvent::Query(query) if self.queries.len() < MAX_QUERIES => {
                self.queries.push(DnsQuery::clone(query));
            }
            DnsEvent::Records { index, section, records } => {
                self.records = self.records.saturating_add(records.len() as u32);
                let query = self.queries.iter_mut().rfind(|query| query.index == *index);
                let message = query.and_then(|query| query.message.as_mut());
                if let Some(list) = message.and_then(|message| message.section_mut(*section))
                    && self.records <= MAX_TRANSFER_RECORDS
                {
                    list.extend_from_slice(records);
                }
            }
            DnsEvent::Link(link) if self.report.chain.len() < MAX_QUERIES => {
                self.report.chain.push(link.clone());
            }
            DnsEvent::Query(_) | DnsEvent::Link(_) | DnsEvent::Unknown => {}
        }
    }

    /// What is known by now.
    pub fn report(&self, ended: Option<EndReason>, error: Option<&ErrorBody>) -> DnsReport {
        let names = names(&self.queries);
        DnsReport {
            counts: counts(&names),
            names,
            proof: proof(&self.report.chain),
            ended,
            error: error.cloned(),
            ..self.report.clone()
        }
    }
}

/// Queries in the order in which they were asked; the same name in a row is one name.
fn names(queries: &[DnsQuery]) -> Vec<AskedName> {
    let mut sorted: Vec<&DnsQuery> = queries.iter().collect();
    sorted.sort_by_key(|query| query.index);
    let mut names: Vec<AskedName> = Vec::new();
    for query in sorted {
        match names.last_mut() {
            Some(last) if last.name == query.name => last.queries.push(query.clone()),
            _ => names.push(AskedName { name: query.name.clone(), queries: vec![query.clone()] }),
        }
    }
    names
}

fn counts(names: &[AskedName]) -> DnsCounts {
    let queries = || names.iter().flat_map(|name| &name.queries);
    let of = |outcome| queries().filter(|query| query.outcome == outcome).count() as u32;
    DnsCounts {
        names: names.len() as u32,
        queries: queries().count() as u32,
        nx_domain: of(DnsOutcome::NxDomain),
        silent: of(DnsOutcome::Silence),
        took_us: names.iter().map(took_us).fold(0, u64::saturating_add),
    }
}

/// From the first query to the last outcome; an agent's numbers may be anything.
fn took_us(name: &AskedName) -> u64 {
    let asked = name.queries.iter().map(|query| query.asked_us).min().unwrap_or(0);
    let ends = name.queries.iter().map(|query| query.asked_us.saturating_add(query.took_us));
    ends.max().unwrap_or(0).saturating_sub(asked)
}

/// The chain is as strong as its weakest link.
fn proof(chain: &[ChainLink]) -> Option<Proof> {
    let has = |proof| chain.iter().any(|link| link.proof == proof);
    let worst = [Proof::Bogus, Proof::Indeterminate, Proof::Insecure, Proof::Secure];
    worst.into_iter().find(|proof| has(*proof))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::{Class, DnsMessage, DnsTransport, Record, RecordType, Section};

    fn query(index: u32, name: &str, kind: RecordType, outcome: DnsOutcome) -> DnsQuery {
        DnsQuery {
            index,
            name: name.into(),
            kind,
            class: Class::IN,
            server: [10, 96, 0, 10].into(),
            port: 53,
            server_name: None,
            transport: DnsTransport::Udp,
            outcome,
            asked_us: 0,
            took_us: u64::from(index) * 100 + 600,
            rtt_us: None,
            sent: 1,
            truncated_first: false,
            discarded: Default::default(),
            message: None,
            by: None,
            icmp: None,
            refusal: None,
            problem: None,
            on_behalf_of: None,
        }
    }

    #[test]
    fn a_pair_is_one_name_and_its_longer_wait_counts() {
        let mut fold = DnsFold::new(&DnsRequest::walk("a"));
        let pairs = [
            query(1, "a.shop.", RecordType::AAAA, DnsOutcome::NxDomain),
            query(0, "a.shop.", RecordType::A, DnsOutcome::NxDomain),
            query(2, "a.", RecordType::A, DnsOutcome::Answered),
        ];
        pairs.into_iter().for_each(|query| fold.push(&DnsEvent::Query(query.into())));
        let report = fold.report(Some(EndReason::Completed), None);
        let wanted = DnsCounts { names: 2, queries: 3, nx_domain: 2, silent: 0, took_us: 1_500 };
        assert_eq!(report.counts, wanted);
        assert_eq!(report.names[0].queries[0].kind, RecordType::A);
    }

    #[test]
    fn queries_in_turn_are_waited_for_in_turn() {
        let mut fold = DnsFold::new(&DnsRequest::walk("a"));
        for (index, asked_us, took_us) in [(0, 1_000, 5_000), (1, 6_000, 200)] {
            let query = query(index, "a.", RecordType::A, DnsOutcome::Silence);
            let query = DnsQuery { asked_us, took_us, ..query };
            fold.push(&DnsEvent::Query(query.into()));
        }
        assert_eq!(fold.report(None, None).counts.took_us, 5_200);
    }

    #[test]
    fn later_records_join_their_message() {
        let mut fold = DnsFold::new(&DnsRequest::walk("a"));
        let mut first = query(0, "a.", RecordType::AXFR, DnsOutcome::Answered);
        first.message = Some(DnsMessage::default());
        fold.push(&DnsEvent::Query(first.into()));
        let record = Record {
            name: "a.".into(),
            ttl_seconds: 30,
            class: Class::IN,
            kind: RecordType::A,
            data: "10.0.0.1".into(),
            cut: false,
        };
        let more =
            DnsEvent::Records { index: 0, section: Section::Answer, records: vec![record; 2] };
        fold.push(&more);
        let report = fold.report(None, None);
        assert_eq!(report.names[0].queries[0].message.as_ref().unwrap().answer.len(), 2);
    }
}
