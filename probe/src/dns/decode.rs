//! A message in the words of the wire crate, everything in presentation form.

use netdiag_wire::{
    Untrusted,
    dns::{
        Class, DnsMessage, Edns, EdnsOption, ExtendedError, MAX_RECORD_BYTES, Opcode, Question,
        Rcode, Record,
    },
};

use super::{
    message::{Asked, Message, Opt, RawRecord},
    options, rdata,
};

/// Bounds of what has no events of its own, so that it fits into a line with the first records.
const MAX_QUESTIONS: usize = 4;
const MAX_OPTIONS: usize = 16;
const MAX_OPTION_BYTES: usize = 512;

/// `sent` is the client cookie of the query.
pub(super) fn message(message: &Message, size: usize, sent: Option<&[u8]>) -> DnsMessage {
    DnsMessage {
        id: message.header.id,
        opcode: Opcode(message.header.opcode),
        rcode: Rcode(message.rcode()),
        flags: message.header.flags,
        size_bytes: size as u64,
        edns: message.opt.as_ref().map(|opt| edns(opt, sent)),
        question: message.question.iter().take(MAX_QUESTIONS).map(question).collect(),
        answer: records(&message.answer),
        authority: records(&message.authority),
        additional: records(&message.additional),
        messages: None,
    }
}

/// What of the message is not shown, in words.
pub(super) fn left_out(message: &Message) -> Option<String> {
    let options = message.opt.as_ref().map_or(0, |opt| opt.options.len());
    match message.question.len() {
        questions if questions > MAX_QUESTIONS => {
            Some(format!("only {MAX_QUESTIONS} of {questions} questions are shown"))
        }
        _ if options > MAX_OPTIONS => {
            Some(format!("only {MAX_OPTIONS} of {options} EDNS options are shown"))
        }
        _ => None,
    }
}

pub(super) fn records(records: &[RawRecord]) -> Vec<Record> {
    records.iter().map(record).collect()
}

fn question(asked: &Asked) -> Question {
    let Asked { name, kind, class } = asked;
    Question { name: name.to_string().into(), kind: *kind, class: *class }
}

fn record(record: &RawRecord) -> Record {
    let RawRecord { name, kind, class, ttl, data } = record;
    let mut data = rdata::show(*kind, *class, data);
    let cut = data.len() > MAX_RECORD_BYTES;
    // Presentation form is ASCII, so this never falls into a character.
    data.truncate(MAX_RECORD_BYTES);
    Record {
        name: name.to_string().into(),
        ttl_seconds: *ttl,
        class: Class(class.0),
        kind: *kind,
        data: data.into(),
        cut,
    }
}

fn edns(opt: &Opt, sent: Option<&[u8]>) -> Edns {
    let mut edns = Edns {
        version: opt.version,
        dnssec_ok: opt.dnssec_ok,
        udp_bytes: opt.udp_bytes,
        options: Vec::new(),
        extended_errors: Vec::new(),
    };
    for (code, data) in opt.options.iter().take(MAX_OPTIONS) {
        match (*code, data.split_first_chunk()) {
            (options::EXTENDED_ERROR, Some((code, text))) => {
                let code = u16::from_be_bytes(*code);
                // RFC 8914, section 2: the text may end in a zero that is none of it.
                let text = text.strip_suffix(&[0]).unwrap_or(text);
                let text = text.get(..MAX_OPTION_BYTES).unwrap_or(text);
                edns.extended_errors.push(ExtendedError { code, text: text.to_vec().into() });
            }
            _ => edns.options.push(EdnsOption { code: *code, data: option(*code, data, sent) }),
        }
    }
    edns
}

fn option(code: u16, data: &[u8], sent: Option<&[u8]>) -> Untrusted {
    let mut shown = options::show(code, data, sent);
    shown.truncate(2 * MAX_OPTION_BYTES);
    shown.into()
}
