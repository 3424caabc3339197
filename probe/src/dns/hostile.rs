//! Tests: answers as broken servers, routers and liars send them (security.md, B5).

mod build;
mod corpus;
mod data;
mod edns;
mod identity;
mod names;
mod sections;

use netdiag_wire::dns::{Class, QueryOptions, RecordType};

use super::{
    decode,
    exchange::{accept::accept, outcome},
    message::Asked,
    name::Name,
    query::Query,
};

const ID: u16 = 0x1234;
const COOKIE: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

/// An answer and what is made of it.
type Row = (&'static str, Vec<u8>, &'static str);

fn query() -> Query {
    let asked =
        Asked { name: Name::parse("a.example").unwrap().0, kind: RecordType::A, class: Class::IN };
    let cookie = Some("0102030405060708".into());
    Query::new(&asked, &QueryOptions { cookie, ..QueryOptions::default() }).unwrap()
}

/// In one line: the reason why it is not used, or the outcome, the sections' sizes and what is wrong.
fn verdict(bytes: &[u8]) -> String {
    let query = query();
    let parsed = match accept(&query, &[ID], bytes) {
        Ok(parsed) => parsed,
        Err(discard) => return format!("not used: {discard:?}"),
    };
    let outcome = outcome::of(&query.asked, &parsed);
    let shown = decode::message(&parsed.message, bytes.len(), query.cookie.as_deref());
    let sections = [&shown.answer, &shown.authority, &shown.additional].map(Vec::len);
    let problem = match (parsed.fault, parsed.trailing) {
        (Some(fault), _) => format!(": {fault}"),
        (None, 0) => String::new(),
        (None, bytes) => format!(", {bytes} bytes behind"),
    };
    format!("{outcome:?} {sections:?}{problem}")
}

fn rows() -> Vec<Row> {
    let groups = [identity::rows(), names::rows(), sections::rows(), data::rows(), edns::rows()];
    groups.into_iter().flatten().collect()
}

#[test]
fn every_answer_is_judged() {
    let rows = rows();
    let wrong: Vec<_> = rows
        .iter()
        .map(|(what, bytes, expected)| (what, verdict(bytes), expected))
        .filter(|(_, verdict, expected)| verdict != *expected)
        .map(|(what, verdict, expected)| format!("{what}\n  is   {verdict}\n  not  {expected}"))
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    assert!(rows.len() >= 120, "{} rows", rows.len());
}

#[test]
fn an_answer_cut_anywhere_is_no_answer() {
    let records = [build::address(), build::record(build::OWNER, 46, &[0; 40])];
    let whole = build::answer(0, [&records, &[build::address()], &[build::opt(&[0, 3, 0, 0])]]);
    assert_eq!(verdict(&whole), "Answered [2, 1, 0]");
    for length in 0..whole.len() {
        let verdict = verdict(&whole[..length]);
        let expected = if length < 12 { "not used: NoResponse" } else { "Malformed" };
        assert!(verdict.starts_with(expected), "{length}: {verdict}");
    }
}
