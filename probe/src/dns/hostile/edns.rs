//! OPT records that lie, or do not belong.

use super::{
    Row,
    build::{OWNER, address, answer, kind, opt, option, record},
};

pub(super) fn rows() -> Vec<Row> {
    [places(), options(), codes()].concat()
}

fn with(opt: Vec<u8>) -> Vec<u8> {
    answer(0, [&[address()], &[], &[opt]])
}

fn places() -> Vec<Row> {
    let two = answer(0, [&[address()], &[], &[opt(&[]), opt(&[])]]);
    vec![
        ("an OPT record", with(opt(&[])), "Answered [1, 0, 0]"),
        (
            "two OPT records",
            two,
            "Malformed [1, 0, 1]: additional record 2 of 2 (OPT) is the second of its type",
        ),
        (
            "OPT in the answer",
            answer(0, [&[address(), opt(&[])], &[], &[]]),
            "Malformed [2, 0, 0]: answer record 2 of 2 (OPT) does not belong here",
        ),
        (
            "OPT in the authority section",
            answer(0, [&[address()], &[opt(&[])], &[]]),
            "Malformed [1, 1, 0]: authority record 1 of 1 (OPT) does not belong here",
        ),
        (
            "OPT of a name",
            with(record(OWNER, kind::OPT, &[])),
            "Malformed [1, 0, 1]: additional record 1 of 1 (OPT) is not of the root",
        ),
        (
            "OPT before other records",
            answer(0, [&[address()], &[], &[opt(&[]), address()]]),
            "Answered [1, 0, 1]",
        ),
    ]
}

fn options() -> Vec<Row> {
    const BEYOND: &str =
        "Malformed [1, 0, 1]: additional record 1 of 1 (OPT) has an option beyond its end";
    let many = option(65_001, &[]).repeat(16_000);
    vec![
        ("an option beyond the end", with(opt(&[0, 3, 0, 9, 1])), BEYOND),
        ("an option of 65,535 bytes", with(opt(&[0, 3, 0xff, 0xff])), BEYOND),
        (
            "half an option",
            with(opt(&[0, 3, 0])),
            "Malformed [1, 0, 1]: additional record 1 of 1 (OPT) ends too early",
        ),
        ("16,000 options", with(opt(&many)), "Answered [1, 0, 0]"),
        ("NSID with ESC", with(opt(&option(3, b"\x1b[2J"))), "Answered [1, 0, 0]"),
        ("an error without a code", with(opt(&option(15, &[1]))), "Answered [1, 0, 0]"),
        ("an error with ESC", with(opt(&option(15, b"\0\x12\x1b[2J"))), "Answered [1, 0, 0]"),
        (
            "an error that is no UTF-8",
            with(opt(&option(15, b"\0\x12\xff\xfe"))),
            "Answered [1, 0, 0]",
        ),
        ("a subnet of no family", with(opt(&option(8, &[0, 9, 1, 1]))), "Answered [1, 0, 0]"),
        (
            "a subnet that is too long",
            with(opt(&option(8, &[0, 1, 32, 0, 1, 2, 3, 4, 5]))),
            "Answered [1, 0, 0]",
        ),
        ("an empty subnet", with(opt(&option(8, &[]))), "Answered [1, 0, 0]"),
        ("a keepalive of three bytes", with(opt(&option(11, &[1; 3]))), "Answered [1, 0, 0]"),
        ("60,000 bytes of padding", with(opt(&option(12, &[0; 60_000]))), "Answered [1, 0, 0]"),
    ]
}

fn codes() -> Vec<Row> {
    let changed = |at: usize, byte: u8| {
        let mut opt = opt(&[]);
        opt[at] = byte;
        with(opt)
    };
    vec![
        ("BADVERS", changed(5, 1), "OtherCode [1, 0, 0]"),
        ("a code of 12 bits", changed(5, 0xff), "OtherCode [1, 0, 0]"),
        ("version 255", changed(6, 0xff), "Answered [1, 0, 0]"),
        ("every flag", changed(7, 0xff), "Answered [1, 0, 0]"),
        ("room for no byte", changed(3, 0), "Answered [1, 0, 0]"),
    ]
}
