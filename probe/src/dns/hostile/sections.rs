//! Counts and lengths that lie.

use super::{
    Row,
    build::{
        ADDRESS, OWNER, QUESTION, RESPONSE, address, answer, data, kind, lying, one, raw, record,
    },
};

pub(super) fn rows() -> Vec<Row> {
    [counts(), lengths(), sizes()].concat()
}

fn counted(counts: [u16; 4], records: &[u8]) -> Vec<u8> {
    raw(RESPONSE, counts, &[QUESTION, records])
}

fn counts() -> Vec<Row> {
    let two = [address(), address()].concat();
    vec![
        (
            "fewer answers than said",
            counted([1, 3, 0, 0], &two),
            "Malformed [2, 0, 0]: answer record 3 of 3 ends too early",
        ),
        (
            "fewer authorities than said",
            counted([1, 1, 2, 0], &two),
            "Malformed [1, 1, 0]: authority record 2 of 2 ends too early",
        ),
        (
            "fewer additional records than said",
            counted([1, 1, 0, 9], &two),
            "Malformed [1, 0, 1]: additional record 2 of 9 ends too early",
        ),
        (
            "65,535 of each",
            counted([1, u16::MAX, u16::MAX, u16::MAX], &two),
            "Malformed [2, 0, 0]: answer record 3 of 65535 ends too early",
        ),
        (
            "more answers than said",
            counted([1, 1, 0, 0], &two),
            "Answered [1, 0, 0], 16 bytes behind",
        ),
        (
            "an answer that is not said",
            counted([1, 0, 0, 0], &two),
            "NoData [0, 0, 0], 32 bytes behind",
        ),
        ("answers without a question", raw(RESPONSE, [0, 2, 0, 0], &[&two]), "not used: Question"),
        ("the question is not said", counted([0, 1, 0, 0], &address()), "not used: Question"),
    ]
}

fn lengths() -> Vec<Row> {
    let in_class = |class: u8| {
        let mut record = address();
        record[5] = class;
        one(&record)
    };
    let mut ancient = address();
    ancient[6] = 0xff;
    vec![
        (
            "data beyond the end",
            one(&lying(OWNER, kind::A, 5, ADDRESS)),
            "Malformed [0, 0, 0]: answer record 1 of 1 ends before its data do",
        ),
        (
            "65,535 bytes of data",
            one(&lying(OWNER, kind::TXT, 0xffff, b"\x02ok")),
            "Malformed [0, 0, 0]: answer record 1 of 1 ends before its data do",
        ),
        (
            "less data than there are",
            one(&lying(OWNER, kind::A, 3, ADDRESS)),
            "Malformed [1, 0, 0]: answer record 1 of 1 (A) ends too early",
        ),
        (
            "data that take the next record with them",
            answer(0, [&[lying(OWNER, kind::A, 20, ADDRESS), address()], &[], &[]]),
            "Malformed [1, 0, 0]: answer record 1 of 2 (A) has data beyond what its type has",
        ),
        (
            "no data at all",
            data(kind::A, &[]),
            "Malformed [1, 0, 0]: answer record 1 of 1 (A) ends too early",
        ),
        (
            "a record cut behind its name",
            counted([1, 1, 0, 0], OWNER),
            "Malformed [0, 0, 0]: answer record 1 of 1 ends too early",
        ),
        (
            "a record cut behind its type",
            counted([1, 1, 0, 0], &address()[..4]),
            "Malformed [0, 0, 0]: answer record 1 of 1 ends too early",
        ),
        (
            "a record cut within its lifetime",
            counted([1, 1, 0, 0], &address()[..8]),
            "Malformed [0, 0, 0]: answer record 1 of 1 ends too early",
        ),
        (
            "a record cut within its length",
            counted([1, 1, 0, 0], &address()[..11]),
            "Malformed [0, 0, 0]: answer record 1 of 1 ends too early",
        ),
        ("of class CH", in_class(3), "NoData [1, 0, 0]"),
        ("of class NONE", in_class(254), "NoData [1, 0, 0]"),
        ("a lifetime of 136 years", one(&ancient), "Answered [1, 0, 0]"),
        (
            "of a type that is a question only",
            one(&record(OWNER, 255, &[1, 2, 3])),
            "NoData [1, 0, 0]",
        ),
        ("of type 0", one(&record(OWNER, 0, &[1, 2, 3])), "NoData [1, 0, 0]"),
    ]
}

fn sizes() -> Vec<Row> {
    let many = vec![address(); 4_000];
    let behind = |count: usize| [one(&address()), vec![0xc0; count]].concat();
    let text = [&[255][..], &[b'x'; 255]].concat().repeat(250);
    vec![
        ("64 KiB of addresses", answer(0, [&many, &[], &[]]), "Answered [4000, 0, 0]"),
        ("64 KiB of one text", data(kind::TXT, &text), "NoData [1, 0, 0]"),
        ("one byte behind", behind(1), "Answered [1, 0, 0], 1 bytes behind"),
        ("64 KiB behind", behind(65_000), "Answered [1, 0, 0], 65000 bytes behind"),
        (
            "64 KiB of nothing but questions",
            raw(RESPONSE, [4_000, 0, 0, 0], &[&QUESTION.repeat(4_000)]),
            "not used: Question",
        ),
        (
            "64 KiB of the shortest records",
            raw(RESPONSE, [1, 5_000, 0, 0], &[QUESTION, &record(&[0], 65_280, &[]).repeat(5_000)]),
            "NoData [5000, 0, 0]",
        ),
        (
            "64 KiB of pointers",
            raw(RESPONSE, [1, u16::MAX, 0, 0], &[QUESTION, &[0xc0; 65_000]]),
            "Malformed [0, 0, 0]: answer record 1 of 65535 has a compression pointer that does not lead back",
        ),
    ]
}
