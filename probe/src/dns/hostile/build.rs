//! Messages piece by piece, so that any piece can lie.

use super::ID;

pub(super) const RESPONSE: u16 = 0x8180;
pub(super) const AUTHORITATIVE: u16 = 0x0400;
pub(super) const TRUNCATED: u16 = 0x0200;
/// `a.example A IN`.
pub(super) const QUESTION: &[u8] = b"\x01a\x07example\0\0\x01\0\x01";
/// Where the first record begins.
pub(super) const FIRST: u8 = 27;
/// To the name of the question.
pub(super) const OWNER: &[u8] = b"\xc0\x0c";
pub(super) const ADDRESS: &[u8] = b"\x0a\0\0\x01";

pub(super) mod kind {
    pub(in super::super) const A: u16 = 1;
    pub(in super::super) const NS: u16 = 2;
    pub(in super::super) const CNAME: u16 = 5;
    pub(in super::super) const SOA: u16 = 6;
    pub(in super::super) const MX: u16 = 15;
    pub(in super::super) const TXT: u16 = 16;
    pub(in super::super) const AAAA: u16 = 28;
    pub(in super::super) const OPT: u16 = 41;
}

/// Header and parts as they are.
pub(super) fn raw(flags: u16, counts: [u16; 4], parts: &[&[u8]]) -> Vec<u8> {
    let head = [ID, flags].into_iter().chain(counts).flat_map(u16::to_be_bytes);
    head.chain(parts.concat()).collect()
}

/// With the question and honest counts.
pub(super) fn answer(flags: u16, sections: [&[Vec<u8>]; 3]) -> Vec<u8> {
    let [answer, authority, additional] = sections.map(|records| records.len() as u16);
    let records = sections.concat().concat();
    raw(RESPONSE | flags, [1, answer, authority, additional], &[QUESTION, &records])
}

/// One record as the whole answer.
pub(super) fn one(record: &[u8]) -> Vec<u8> {
    answer(0, [&[record.to_vec()], &[], &[]])
}

/// With data of the type.
pub(super) fn data(kind: u16, data: &[u8]) -> Vec<u8> {
    one(&record(OWNER, kind, data))
}

pub(super) fn record(owner: &[u8], kind: u16, data: &[u8]) -> Vec<u8> {
    lying(owner, kind, data.len(), data)
}

/// With a length that need not be that of the data.
pub(super) fn lying(owner: &[u8], kind: u16, length: usize, data: &[u8]) -> Vec<u8> {
    let head = [owner, &kind.to_be_bytes(), &[0, 1, 0, 0, 0, 60]].concat();
    [&head, &(length as u16).to_be_bytes()[..], data].concat()
}

pub(super) fn address() -> Vec<u8> {
    record(OWNER, kind::A, ADDRESS)
}

/// An OPT record with these options.
pub(super) fn opt(options: &[u8]) -> Vec<u8> {
    let head = [0, 0, 41, 4, 208, 0, 0, 0, 0];
    [&head, &(options.len() as u16).to_be_bytes()[..], options].concat()
}

pub(super) fn option(code: u16, data: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), &(data.len() as u16).to_be_bytes()[..], data].concat()
}

/// Labels and the root.
pub(super) fn name(labels: &[&[u8]]) -> Vec<u8> {
    let labels = labels.iter().flat_map(|label| [&[label.len() as u8], *label].concat());
    labels.chain([0]).collect()
}
