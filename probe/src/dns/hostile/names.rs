//! Names that lead nowhere, or round and round.

use super::{
    Row,
    build::{
        ADDRESS, FIRST, OWNER, QUESTION, RESPONSE, address, answer, data, kind, lying, name, one,
        raw, record,
    },
};

pub(super) fn rows() -> Vec<Row> {
    [pointers(), chains(), labels(), aliases()].concat()
}

fn owner(owner: &[u8]) -> Vec<u8> {
    one(&record(owner, kind::A, ADDRESS))
}

fn pointers() -> Vec<Row> {
    const NOT_BACK: &str = "Malformed [0, 0, 0]: answer record 1 of 1 has a compression pointer that does not lead back";
    vec![
        ("an owner that is itself", owner(&[0xc0, FIRST]), NOT_BACK),
        ("an owner that goes on in itself", owner(&[1, b'b', 0xc0, FIRST]), NOT_BACK),
        ("the next byte", owner(&[0xc0, FIRST + 1]), NOT_BACK),
        ("forward", owner(&[0xc0, FIRST + 2]), NOT_BACK),
        ("beyond the end", owner(&[0xff, 0xff]), NOT_BACK),
        ("a name in full", owner(b"\x01a\x07example\0"), "Answered [1, 0, 0]"),
        ("a name in part", owner(b"\x01a\xc0\x0e"), "Answered [1, 0, 0]"),
        (
            "the middle of a label",
            owner(&[0xc0, 17]),
            "Malformed [0, 0, 0]: answer record 1 of 1 has a label of an unknown kind",
        ),
        ("into the header", owner(&[0xc0, 4]), "NoData [1, 0, 0]"),
        (
            "a loop of two",
            answer(
                0,
                [
                    &[
                        record(&[0xc0, FIRST + 16], kind::A, ADDRESS),
                        record(&[0xc0, FIRST], kind::A, ADDRESS),
                    ],
                    &[],
                    &[],
                ],
            ),
            "Malformed [0, 0, 0]: answer record 1 of 2 has a compression pointer that does not lead back",
        ),
        (
            "a question that is itself",
            raw(RESPONSE, [1, 0, 0, 0], &[b"\xc0\x0c\0\x01\0\x01"]),
            "Malformed [0, 0, 0]: question 1 of 1 has a compression pointer that does not lead back",
        ),
        (
            "half a pointer at the end",
            raw(RESPONSE, [1, 1, 0, 0], &[QUESTION, b"\xc0"]),
            "Malformed [0, 0, 0]: answer record 1 of 1 ends too early",
        ),
        (
            "data that are themselves",
            data(kind::CNAME, &[0xc0, FIRST + 12]),
            "Malformed [1, 0, 0]: answer record 1 of 1 (CNAME) has a compression pointer that does not lead back",
        ),
        (
            "data that end in the next record",
            answer(0, [&[lying(OWNER, kind::NS, 1, &[0xc0]), address()], &[], &[]]),
            "Malformed [2, 0, 0]: answer record 1 of 2 (NS) ends too early",
        ),
    ]
}

/// An answer after `count` pointers, each to the one before.
fn chain(count: usize) -> Vec<u8> {
    let first = 12 + QUESTION.len() + 12;
    let mut links = vec![0];
    for link in 0..count {
        let at = if link == 0 { first } else { first + 1 + 2 * (link - 1) };
        links.extend((0xc000 | at as u16).to_be_bytes());
    }
    let last = (0xc000 | (first + 1 + 2 * (count - 1)) as u16).to_be_bytes();
    let links = record(OWNER, 65_280, &links);
    answer(0, [&[links, record(&last, kind::A, ADDRESS)], &[], &[]])
}

/// Many names, each as long as it can be, made of one by pointers.
fn many_long_names() -> Vec<u8> {
    let long = name(&[&[b'x'; 63], &[b'y'; 63], &[b'z'; 63], &[b'w'; 61]]);
    let first = record(&long, kind::A, ADDRESS);
    let others = vec![record(&[0xc0, FIRST], kind::A, ADDRESS); 4_000];
    answer(0, [&[vec![first], others].concat(), &[], &[]])
}

fn chains() -> Vec<Row> {
    vec![
        ("100 pointers", chain(100), "NoData [2, 0, 0]"),
        (
            "200 pointers",
            chain(200),
            "Malformed [1, 0, 0]: answer record 2 of 2 has too many compression pointers",
        ),
        (
            "8,000 pointers",
            chain(8_000),
            "Malformed [1, 0, 0]: answer record 2 of 2 has too many compression pointers",
        ),
        ("4,001 names of 255 octets", many_long_names(), "NoData [4001, 0, 0]"),
    ]
}

fn labels() -> Vec<Row> {
    let long =
        |last: usize| owner(&name(&[&[b'x'; 63], &[b'y'; 63], &[b'z'; 63], &vec![b'w'; last]]));
    const KIND: &str = "Malformed [0, 0, 0]: answer record 1 of 1 has a label of an unknown kind";
    vec![
        ("a label of type 0x40", owner(&[0x41, b'b', 0]), KIND),
        ("a label of type 0x80", owner(&[0x81, b'b', 0]), KIND),
        ("255 octets", long(61), "NoData [1, 0, 0]"),
        (
            "256 octets",
            long(62),
            "Malformed [0, 0, 0]: answer record 1 of 1 has a name of more than 255 octets",
        ),
        (
            "256 octets by a pointer",
            answer(
                0,
                [
                    &[
                        record(
                            &name(&[&[b'x'; 63], &[b'y'; 63], &[b'z'; 63], &[b'w'; 61]]),
                            kind::A,
                            ADDRESS,
                        ),
                        record(&[1, b'v', 0xc0, FIRST], kind::A, ADDRESS),
                    ],
                    &[],
                    &[],
                ],
            ),
            "Malformed [1, 0, 0]: answer record 2 of 2 has a name of more than 255 octets",
        ),
        (
            "labels without end",
            raw(RESPONSE, [1, 1, 0, 0], &[QUESTION, &[1; 64]]),
            "Malformed [0, 0, 0]: answer record 1 of 1 ends too early",
        ),
        (
            "a label beyond the end",
            raw(RESPONSE, [1, 1, 0, 0], &[QUESTION, &[63, b'b']]),
            "Malformed [0, 0, 0]: answer record 1 of 1 ends too early",
        ),
        ("ESC in a label", owner(&name(&[b"\x1b[2J"])), "NoData [1, 0, 0]"),
        ("NUL in a label", owner(&name(&[b"a\0"])), "NoData [1, 0, 0]"),
        ("a dot in a label", owner(&name(&[b"a.example"])), "NoData [1, 0, 0]"),
    ]
}

fn aliases() -> Vec<Row> {
    let number = |number: u16| name(&[format!("n{number}").as_bytes()]);
    let link = |from: u16, to: u16| record(&number(from), kind::CNAME, &number(to));
    let first = record(OWNER, kind::CNAME, &number(0));
    let chain = |count: u16| {
        let links = (0..count - 1).map(|index| link(index, index + 1));
        std::iter::once(first.clone()).chain(links).collect::<Vec<_>>()
    };
    let last = record(&number(299), kind::A, ADDRESS);
    let whole = [chain(300), vec![last.clone()]].concat();
    let shuffled: Vec<_> = whole.iter().rev().cloned().collect();
    let looped = [chain(300), vec![link(299, 0)]].concat();
    let itself = record(OWNER, kind::CNAME, OWNER);
    vec![
        ("300 aliases to an address", answer(0, [&whole, &[], &[]]), "Answered [301, 0, 0]"),
        ("the same backwards", answer(0, [&shuffled, &[], &[]]), "Answered [301, 0, 0]"),
        ("300 aliases to nothing", answer(0, [&chain(300), &[], &[]]), "NoData [300, 0, 0]"),
        ("300 aliases in a ring", answer(0, [&looped, &[], &[]]), "NoData [301, 0, 0]"),
        ("an alias of itself", one(&itself), "NoData [1, 0, 0]"),
        (
            "an alias of itself beside an address",
            answer(0, [&[itself, address()], &[], &[]]),
            "Answered [2, 0, 0]",
        ),
        ("somebody else's address", one(&last), "NoData [1, 0, 0]"),
        ("only in the additional section", answer(0, [&[], &[], &[address()]]), "NoData [0, 0, 1]"),
    ]
}
