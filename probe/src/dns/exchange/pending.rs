//! One question while it is asked.

use std::net::IpAddr;

use netdiag_wire::{
    IcmpError, SendRefusal,
    dns::{DnsOutcome, DnsQuery, DnsTransport},
};
use tokio::time::Instant;

use super::{
    super::{
        decode,
        message::Parsed,
        query::{Query, random_id},
    },
    Exchanged,
    accept::{Discard, accept},
    outcome,
};
use crate::ProbeError;

/// Longest words of what was wrong; some of them are a server's.
const MAX_PROBLEM_BYTES: usize = 512;

pub(in crate::dns) struct Pending {
    pub(super) query: Query,
    pub(super) exchanged: Exchanged,
    /// Each try has an id of its own, which tells which one is answered.
    tries: Vec<(u16, Instant)>,
    first: Option<Instant>,
    is_open: bool,
}

impl Pending {
    pub(super) fn new(query: Query, blank: DnsQuery) -> Self {
        let exchanged = Exchanged { query: blank, message: None, later: Vec::new() };
        Self { query, exchanged, tries: Vec::new(), first: None, is_open: true }
    }

    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    pub(super) fn is_truncated(&self) -> bool {
        let message = self.exchanged.message.as_ref();
        self.is_over_udp() && message.is_some_and(|message| message.header.flags.tc)
    }

    pub(super) fn is_over_udp(&self) -> bool {
        self.exchanged.query.transport == DnsTransport::Udp
    }

    /// What was heard so far is forgotten, but for what was discarded.
    pub(super) fn ask_again_over_tcp(&mut self) {
        let query = &mut self.exchanged.query;
        query.truncated_first = true;
        query.transport = DnsTransport::Tcp;
        query.outcome = DnsOutcome::Silence;
        query.rtt_us = None;
        query.problem = None;
        query.message = None;
        self.exchanged.message = None;
        self.tries.clear();
        self.is_open = true;
    }

    /// The next try, as bytes.
    pub(super) fn next_try(&mut self) -> Result<Vec<u8>, ProbeError> {
        let id = random_id()?;
        self.begin();
        self.tries.push((id, Instant::now()));
        Ok(self.query.under(id))
    }

    /// Something of it is about to be sent.
    pub(super) fn begin(&mut self) {
        self.first.get_or_insert_with(Instant::now);
    }

    pub(super) fn count_sent(&mut self) {
        let sent = &mut self.exchanged.query.sent;
        *sent = sent.saturating_add(1);
    }

    pub(super) fn has_sent(&self, id: u16) -> bool {
        self.tries.iter().any(|(sent, _)| *sent == id)
    }

    /// Takes an answer from the server, if it belongs to the question.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> Option<Parsed> {
        let ids: Vec<u16> = self.tries.iter().map(|(id, _)| *id).collect();
        match accept(&self.query, &ids, bytes) {
            Ok(parsed) => Some(parsed),
            Err(discard) => {
                self.discard(discard);
                None
            }
        }
    }

    pub(super) fn discard(&mut self, discard: Discard) {
        let discarded = &mut self.exchanged.query.discarded;
        let count = match discard {
            Discard::Id => &mut discarded.id,
            Discard::Question => &mut discarded.question,
            Discard::Source => &mut discarded.source,
            Discard::NoResponse => &mut discarded.no_response,
            Discard::Cookie => &mut discarded.cookie,
        };
        *count = count.saturating_add(1);
    }

    /// The question is answered, for better or for worse.
    pub(in crate::dns) fn answered(&mut self, parsed: Parsed, size: usize) {
        let outcome = outcome::of(&self.query.asked, &parsed);
        let message = decode::message(&parsed.message, size, self.query.cookie.as_deref());
        let sent = self.tries.iter().find(|(id, _)| *id == message.id);
        self.exchanged.query.rtt_us = sent.map(|(_, at)| at.elapsed().as_micros() as u64);
        self.exchanged.query.message = Some(message);
        let problem = parsed.fault.or_else(|| match parsed.trailing {
            0 => decode::left_out(&parsed.message),
            bytes => Some(format!("{bytes} bytes behind the last record")),
        });
        self.exchanged.message = Some(parsed.message);
        self.end(outcome, problem);
    }

    pub(super) fn rejected(&mut self, by: IpAddr, icmp: IcmpError) {
        self.exchanged.query.by = Some(by);
        self.exchanged.query.icmp = Some(icmp);
        self.end(DnsOutcome::Rejected, None);
    }

    pub(super) fn not_sent(&mut self, refusal: SendRefusal) {
        self.exchanged.query.refusal = Some(refusal);
        self.end(DnsOutcome::NotSent, None);
    }

    /// By the caller's policy, not by the kernel.
    pub(super) fn off_limits(&mut self, problem: String) {
        self.end(DnsOutcome::NotSent, Some(problem));
    }

    /// Beside an outcome, unless there is something worse to say.
    pub(super) fn note(&mut self, problem: &str) {
        self.exchanged.query.problem.get_or_insert_with(|| problem.into());
    }

    pub(super) fn give_up(&mut self) {
        self.end(DnsOutcome::Silence, None);
    }

    pub(super) fn end(&mut self, outcome: DnsOutcome, problem: Option<String>) {
        let query = &mut self.exchanged.query;
        query.outcome = outcome;
        if let Some(mut problem) = problem {
            problem.truncate(problem.floor_char_boundary(MAX_PROBLEM_BYTES));
            query.problem = Some(problem.into());
        }
        query.took_us = self.first.map_or(0, |first| first.elapsed().as_micros() as u64);
        self.is_open = false;
    }

    pub(in crate::dns) fn finish(self) -> Exchanged {
        self.exchanged
    }
}
