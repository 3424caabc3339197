//! Servers that know no EDNS, are slow or lie: what dig makes of them, and what the engine does.

use std::time::Duration;

use netdiag_wire::dns::{Discarded, DnsOutcome, DnsQuery, Proof};

use super::{
    dig::{Printed, dig, request},
    liar::{Answer, Answers, Liar, Reply, has_opt},
    run::{queries, run},
};
use crate::lab::Netns;

const ADDRESS: &str = "10.53.1.1";

fn lab() -> Netns {
    let namespace = Netns::new();
    namespace.ip(&format!("addr add {ADDRESS}/24 dev lo"));
    namespace
}

fn ask(namespace: &Netns, options: &str) -> (String, DnsQuery) {
    let arguments = format!("@{ADDRESS} a.test A +timeout=1 +tries=1{options}");
    let output = dig(namespace, &arguments);
    let report = run(namespace, &request(&arguments)).unwrap();
    let query = queries(&report)[0].clone();
    (output, query)
}

/// Each is answered in the end, and both show the same.
const ANSWERED: &[(&str, Answers)] = &[
    ("knows no EDNS and refuses it", |query| match has_opt(query) {
        true => vec![Answer::to(query).rcode(1).now()],
        false => vec![Answer::to(query).address().now()],
    }),
    ("passes over EDNS", |query| vec![Answer::to(query).address().now()]),
    ("has another version of EDNS", |query| vec![Answer::to(query).opt(1, 3, &[]).now()]),
    ("has options that nobody knows", |query| {
        vec![Answer::to(query).address().opt(0, 0, &[0xfd, 0xe9, 0, 3, 1, 2, 3]).now()]
    }),
    ("says more about its failure", |query| {
        let why = [&[0, 15, 0, 8, 0, 22][..], b"no way"].concat();
        vec![Answer::to(query).rcode(2).opt(0, 0, &why).now()]
    }),
    ("is not implemented", |query| vec![Answer::to(query).rcode(4).now()]),
    ("refuses", |query| vec![Answer::to(query).rcode(5).now()]),
    ("leaves the question out of a refusal", |query| {
        vec![
            Answer::to(query)
                .rcode(1)
                .change(|bytes| {
                    bytes.truncate(12);
                    bytes[5] = 0;
                })
                .now(),
        ]
    }),
    ("shouts the question back", |query| {
        let shout = |bytes: &mut Vec<u8>| bytes[12..20].make_ascii_uppercase();
        vec![Answer::to(query).change(shout).address().now()]
    }),
    ("is slow", |query| {
        let after = Duration::from_millis(300);
        vec![Reply { after, ..Answer::to(query).address().now() }]
    }),
    ("lies under another id first", |query| {
        let lie = Answer::to(query).rcode(3).change(|bytes| bytes[0] ^= 1);
        vec![lie.now(), Answer::to(query).address().now()]
    }),
    ("lies of another question first", |query| {
        let lie = Answer::to(query).rcode(3).change(|bytes| bytes[13] = b'x');
        vec![lie.now(), Answer::to(query).address().now()]
    }),
    ("lies from another port first", |query| {
        let lie = Reply { from_another_port: true, ..Answer::to(query).rcode(3).now() };
        vec![lie, Answer::to(query).address().now()]
    }),
    ("answers twice", |query| {
        vec![Answer::to(query).address().now(), Answer::to(query).rcode(3).now()]
    }),
];

#[test]
fn what_comes_in_the_end_is_shown_as_dig_shows_it() {
    for (what, answers) in ANSWERED {
        let namespace = lab();
        let _liar = Liar::start(&namespace, ADDRESS, *answers);
        let (output, query) = ask(&namespace, "");
        assert_eq!(Printed::by_engine(&query), Printed::by_dig(&output), "{what}\n{output}");
        let lies = Discarded {
            id: u32::from(what.contains("another id")),
            question: u32::from(what.contains("another question")),
            source: u32::from(what.contains("another port")),
            ..Discarded::default()
        };
        assert_eq!(query.discarded, lies, "{what}");
    }
}

/// What dig says, and the engine's outcome.
const UNANSWERED: &[(&str, Answers, &str, DnsOutcome)] = &[
    ("says nothing", |_| Vec::new(), "timed out", DnsOutcome::Silence),
    (
        "only lies under another id",
        |query| vec![Answer::to(query).address().change(|bytes| bytes[0] ^= 1).now()],
        "timed out",
        DnsOutcome::Silence,
    ),
    (
        "drops what has EDNS",
        |query| if has_opt(query) { Vec::new() } else { vec![Answer::to(query).address().now()] },
        "timed out",
        DnsOutcome::Silence,
    ),
    (
        "sends the query back",
        |query| vec![Answer::to(query).change(|bytes| bytes[2] &= 0x7f).now()],
        "query response not set",
        DnsOutcome::Silence,
    ),
    (
        "cuts its answer and has no TCP",
        |query| vec![Answer::to(query).truncated().now()],
        "connection refused",
        DnsOutcome::Refused,
    ),
    (
        "ends in the middle of a record",
        |query| vec![Answer::to(query).address().change(|bytes| bytes.truncate(30)).now()],
        "malformed message packet",
        DnsOutcome::Malformed,
    ),
    (
        "has a name that leads to itself",
        |query| {
            let record = [0xc0, 0x18, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 192, 0, 2, 1];
            vec![Answer::to(query).record(7, &record).now()]
        },
        "bad compression pointer",
        DnsOutcome::Malformed,
    ),
];

#[test]
fn what_is_no_answer_is_none() {
    for (what, answers, words, outcome) in UNANSWERED {
        let namespace = lab();
        let _liar = Liar::start(&namespace, ADDRESS, *answers);
        let (output, query) = ask(&namespace, "");
        assert_eq!(query.outcome, *outcome, "{what}\n{output}");
        assert!(output.contains(words), "{what}\n{output}");
    }
    let (output, query) = ask(&lab(), "");
    assert_eq!(query.outcome, DnsOutcome::Rejected, "{output}");
    assert!(output.contains("connection refused"), "{output}");
}

/// Not as dig, whose words for codes 11 to 15 are RESERVED11 to RESERVED15, although 11 has a name since
/// RFC 8490.
#[test]
fn a_code_without_a_word_is_a_number() {
    let namespace = lab();
    let _liar = Liar::start(&namespace, ADDRESS, |query| vec![Answer::to(query).rcode(13).now()]);
    let (output, query) = ask(&namespace, "");
    assert_eq!(Printed::by_dig(&output).status, "RESERVED13");
    assert_eq!(Printed::by_engine(&query).status, "RCODE13");
}

/// Not as dig, which uses the answer and says `(bad)`: RFC 7873, section 5.3, wants it discarded.
#[test]
fn a_cookie_of_another_is_not_accepted() {
    let namespace = lab();
    let _liar = Liar::start(&namespace, ADDRESS, |query| {
        let cookie = [&[0, 10, 0, 16][..], &[7; 16]].concat();
        vec![Answer::to(query).address().opt(0, 0, &cookie).now()]
    });
    let (output, query) = ask(&namespace, "");
    assert!(output.contains("(bad)"), "{output}");
    assert_eq!(query.outcome, DnsOutcome::Silence);
    assert_eq!(query.discarded, Discarded { cookie: 1, ..Discarded::default() });
}

#[test]
fn a_server_that_passes_no_signatures_on_proves_nothing() {
    let namespace = lab();
    let _liar = Liar::start(&namespace, ADDRESS, |query| vec![Answer::to(query).address().now()]);
    let mut request = request(&format!("@{ADDRESS} a.test A"));
    request.validate = true;
    let report = run(&namespace, &request).unwrap();
    assert_eq!(report.proof, Some(Proof::Indeterminate));
    let reason = "DNSKEY of . could not be had: 10.53.1.1 passes no DNSSEC records on";
    assert_eq!(report.chain[0].reason.to_string(), reason);
}
