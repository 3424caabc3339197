//! Whole zones.

use netdiag_wire::dns::{DnsOutcome, DnsQuery, RecordType};

use super::{
    ask, request,
    server::{Server, address, read_framed, response, soa, with_records, write_framed},
};
use crate::lab::Netns;

/// What becomes of a transfer that comes as these messages.
fn transfer(kind: RecordType, messages: Vec<Vec<Vec<u8>>>) -> DnsQuery {
    Netns::new().enter(move || {
        let server = Server::tcp(move |mut stream| {
            let query = read_framed(&mut stream);
            for records in &messages {
                write_framed(&mut stream, &with_records(&query, records));
            }
        });
        ask(&request(kind, server.address))
    })
}

#[test]
fn a_zone_ends_with_its_second_soa() {
    let many = |first: u8| (0..100).map(|last| address(first + last)).collect::<Vec<_>>();
    let messages = vec![vec![soa(1)], many(0), many(100), vec![soa(1)], vec![address(66)]];
    let query = transfer(RecordType::AXFR, messages);
    assert_eq!((query.outcome, &query.problem), (DnsOutcome::Answered, &None));
    let message = query.message.unwrap();
    assert_eq!((message.messages, message.answer.len()), (Some(4), 202));
    assert_eq!(message.answer.last().unwrap().kind, RecordType::SOA);
}

#[test]
fn differences_end_with_the_new_soa() {
    let alone = transfer(RecordType::IXFR, vec![vec![soa(3)]]);
    assert_eq!(alone.message.unwrap().answer.len(), 1);
    let step = vec![soa(3), soa(2), address(1), soa(3), address(2), soa(3)];
    let query = transfer(RecordType::IXFR, vec![step.clone(), step]);
    assert_eq!((query.outcome, query.message.unwrap().answer.len()), (DnsOutcome::Answered, 6));
}

#[test]
fn what_ends_a_transfer_early_is_named() {
    for (messages, problem) in [
        (vec![vec![address(1)]], "the transfer does not begin with a SOA record"),
        (
            vec![vec![soa(1), address(1)], vec![address(2)]],
            "the transfer broke off after 3 records in 2 messages",
        ),
    ] {
        let query = transfer(RecordType::AXFR, messages);
        assert_eq!(query.outcome, DnsOutcome::Malformed, "{query:#?}");
        assert_eq!(query.problem, Some(problem.into()));
    }
}

#[test]
fn a_refused_transfer_is_a_refused_query() {
    let query = Netns::new().enter(|| {
        let server = Server::tcp(|mut stream| {
            let query = read_framed(&mut stream);
            write_framed(&mut stream, &response(&query, 5));
        });
        ask(&request(RecordType::AXFR, server.address))
    });
    assert_eq!(query.outcome, DnsOutcome::RefusedQuery);
}

#[test]
fn a_zone_without_end_is_cut() {
    let full: Vec<_> = (0..4_000).map(|_| address(1)).collect();
    let messages = std::iter::once(vec![soa(1)]).chain(std::iter::repeat_n(full, 30));
    let query = transfer(RecordType::AXFR, messages.collect());
    let problem = "stopped after 100001 records in 26 messages";
    assert_eq!((query.outcome, query.problem), (DnsOutcome::Answered, Some(problem.into())));
    assert_eq!(query.message.unwrap().answer.len(), 100_001);
}
