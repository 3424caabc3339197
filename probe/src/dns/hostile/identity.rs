//! Whether the answer is one to our question.

use std::slice;

use super::{
    COOKIE, Row,
    build::{
        ADDRESS, AUTHORITATIVE, OWNER, QUESTION, RESPONSE, TRUNCATED, address, answer, kind, opt,
        option, raw, record,
    },
};

pub(super) fn rows() -> Vec<Row> {
    [belongs(), questions(), cookies(), codes()].concat()
}

fn good() -> Vec<u8> {
    answer(0, [&[address()], &[], &[]])
}

fn with(at: usize, byte: u8) -> Vec<u8> {
    let mut changed = good();
    changed[at] = byte;
    changed
}

fn belongs() -> Vec<Row> {
    vec![
        ("an answer", good(), "Answered [1, 0, 0]"),
        ("another id", with(1, 0x35), "not used: Id"),
        ("id zero", [&[0, 0], &good()[2..]].concat(), "not used: Id"),
        ("our own query comes back", with(2, 0x01), "not used: NoResponse"),
        ("nothing", vec![], "not used: NoResponse"),
        ("one byte", vec![0x12], "not used: NoResponse"),
        ("eleven bytes", good()[..11].to_vec(), "not used: NoResponse"),
        ("zeros", vec![0; 512], "not used: NoResponse"),
        ("ones", vec![0xff; 512], "not used: Id"),
        ("text", b"220 mail.example ESMTP\r\n".to_vec(), "not used: NoResponse"),
        ("another operation", with(2, 0xa1), "Answered [1, 0, 0]"),
        ("the reserved bit", with(3, 0xc0), "Answered [1, 0, 0]"),
        ("cut, and nothing", answer(TRUNCATED, [&[], &[], &[]]), "NoData [0, 0, 0]"),
        (
            "cut within a record",
            cut(),
            "Malformed [0, 0, 0]: answer record 1 of 1 ends before its data do",
        ),
    ]
}

fn cut() -> Vec<u8> {
    let whole = answer(TRUNCATED, [&[address()], &[], &[]]);
    whole[..whole.len() - 2].to_vec()
}

fn questions() -> Vec<Row> {
    let asked = |question: &[u8]| raw(RESPONSE, [1, 1, 0, 0], &[question, &address()]);
    let bare = |rcode: u16| raw(RESPONSE | rcode, [0; 4], &[]);
    let twice = raw(RESPONSE, [2, 1, 0, 0], &[QUESTION, QUESTION, &address()]);
    let cases = b"\x01A\x07eXaMpLe\0\0\x01\0\x01";
    vec![
        ("other cases (0x20)", asked(cases), "Answered [1, 0, 0]"),
        ("another name", asked(b"\x01b\x07example\0\0\x01\0\x01"), "not used: Question"),
        ("a name below", asked(b"\x01b\x01a\x07example\0\0\x01\0\x01"), "not used: Question"),
        ("a name above", asked(b"\x07example\0\0\x01\0\x01"), "not used: Question"),
        ("a dot in a label", asked(b"\x09a.example\0\0\x01\0\x01"), "not used: Question"),
        ("the root", asked(b"\0\0\x01\0\x01"), "not used: Question"),
        ("another type", asked(b"\x01a\x07example\0\0\x1c\0\x01"), "not used: Question"),
        ("another class", asked(b"\x01a\x07example\0\0\x01\0\x03"), "not used: Question"),
        ("the question twice", twice, "not used: Question"),
        ("no question, no error", bare(0), "not used: Question"),
        ("no question, FORMERR", bare(1), "OtherCode [0, 0, 0]"),
        ("no question, SERVFAIL", bare(2), "ServFail [0, 0, 0]"),
        ("no question, REFUSED", bare(5), "RefusedQuery [0, 0, 0]"),
        (
            "no question, an answer",
            raw(RESPONSE, [0, 1, 0, 0], &[&record(b"\x01a\x07example\0", kind::A, ADDRESS)]),
            "not used: Question",
        ),
        (
            "half a question",
            raw(RESPONSE, [1, 0, 0, 0], &[&QUESTION[..QUESTION.len() - 1]]),
            "Malformed [0, 0, 0]: question 1 of 1 ends too early",
        ),
        (
            "half a question and a wrong one",
            raw(RESPONSE, [2, 0, 0, 0], &[b"\x01b\0\0\x01\0\x01\x01"]),
            "not used: Question",
        ),
        (
            "more questions than there are",
            raw(RESPONSE, [u16::MAX, 0, 0, 0], &[QUESTION]),
            "Malformed [0, 0, 0]: question 2 of 65535 ends too early",
        ),
    ]
}

fn cookies() -> Vec<Row> {
    let with = |options: &[u8]| answer(0, [&[address()], &[], &[opt(options)]]);
    let ours = option(10, &[&COOKIE[..], &[9; 16]].concat());
    vec![
        ("no cookie", with(&[]), "Answered [1, 0, 0]"),
        ("our cookie", with(&option(10, &COOKIE)), "Answered [1, 0, 0]"),
        ("our cookie and the server's", with(&ours), "Answered [1, 0, 0]"),
        ("another cookie", with(&option(10, &[9; 24])), "not used: Cookie"),
        ("half our cookie", with(&option(10, &COOKIE[..4])), "not used: Cookie"),
        ("an empty cookie", with(&option(10, &[])), "not used: Cookie"),
        (
            "our cookie and another",
            with(&[ours, option(10, &[9; 24])].concat()),
            "not used: Cookie",
        ),
    ]
}

fn codes() -> Vec<Row> {
    let code = |code: u16| answer(code, [&[], &[], &[]]);
    let soa = record(OWNER, kind::SOA, &[0; 22]);
    let ns = record(OWNER, kind::NS, b"\x02ns\0");
    vec![
        ("no data", code(0), "NoData [0, 0, 0]"),
        ("FORMERR", code(1), "OtherCode [0, 0, 0]"),
        ("SERVFAIL", code(2), "ServFail [0, 0, 0]"),
        ("NXDOMAIN", code(3), "NxDomain [0, 0, 0]"),
        ("NOTIMP", code(4), "OtherCode [0, 0, 0]"),
        ("REFUSED", code(5), "RefusedQuery [0, 0, 0]"),
        ("a code without a name", code(15), "OtherCode [0, 0, 0]"),
        ("NXDOMAIN with an address", answer(3, [&[address()], &[], &[]]), "NxDomain [1, 0, 0]"),
        ("denied", answer(0, [&[], slice::from_ref(&soa), &[]]), "NoData [0, 1, 0]"),
        ("a referral", answer(0, [&[], slice::from_ref(&ns), &[]]), "Referral [0, 1, 0]"),
        ("denied beside NS", answer(0, [&[], &[ns.clone(), soa], &[]]), "NoData [0, 2, 0]"),
        ("NS of one's own", answer(AUTHORITATIVE, [&[], &[ns], &[]]), "NoData [0, 1, 0]"),
    ]
}
