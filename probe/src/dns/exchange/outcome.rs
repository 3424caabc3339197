//! What an answer says.

use std::collections::{HashMap, HashSet};

use netdiag_wire::dns::{Class, DnsOutcome, Rcode, RecordType};

use super::super::{
    cursor::Cursor,
    message::{Asked, Message, Parsed, RawRecord},
    name::Name,
};

pub(in crate::dns) fn of(asked: &Asked, parsed: &Parsed) -> DnsOutcome {
    if parsed.fault.is_some() {
        return DnsOutcome::Malformed;
    }
    match Rcode(parsed.message.rcode()) {
        Rcode::NOERROR if answers(asked, &parsed.message.answer) => DnsOutcome::Answered,
        Rcode::NOERROR if is_referral(&parsed.message) => DnsOutcome::Referral,
        Rcode::NOERROR => DnsOutcome::NoData,
        Rcode::NXDOMAIN => DnsOutcome::NxDomain,
        Rcode::SERVFAIL => DnsOutcome::ServFail,
        Rcode::REFUSED => DnsOutcome::RefusedQuery,
        _ => DnsOutcome::OtherCode,
    }
}

/// Whether there is a record of the type, of the name asked for or of what its CNAMEs lead to.
fn answers(asked: &Asked, answer: &[RawRecord]) -> bool {
    let any = [RecordType::ANY, RecordType::AXFR, RecordType::IXFR];
    if any.contains(&asked.kind) {
        return !answer.is_empty();
    }
    let of_class = |record: &&RawRecord| asked.class == Class::ANY || record.class == asked.class;
    let mut owners = HashSet::new();
    let mut aliases = HashMap::new();
    for record in answer.iter().filter(of_class) {
        if record.kind == asked.kind {
            owners.insert(record.name.lower());
        } else if record.kind == RecordType::CNAME
            && let Ok(target) = Cursor::new(&record.data).name()
        {
            aliases.insert(record.name.lower(), target.lower());
        }
    }
    let mut name: Option<Name> = Some(asked.name.lower());
    // Each alias is taken once, so a loop comes to an end.
    while let Some(current) = name {
        if owners.contains(&current) {
            return true;
        }
        name = aliases.remove(&current);
    }
    false
}

/// RFC 2308, section 2.2: without a SOA record, nobody denies anything.
fn is_referral(message: &Message) -> bool {
    let has = |kind| message.authority.iter().any(|record| record.kind == kind);
    let is_silent = message.answer.is_empty() && !message.header.flags.aa;
    is_silent && has(RecordType::NS) && !has(RecordType::SOA)
}
