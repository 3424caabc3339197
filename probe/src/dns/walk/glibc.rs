//! One name as glibc 2.36 asks for it (`resolv/res_send.c`, `resolv/res_query.c`): server after
//! server, A and AAAA at once from one socket.

use std::time::Duration;

use netdiag_wire::dns::{
    DnsOutcome, DnsQuery, DnsTransport, Flags, Rcode, RecordType, ResolverSettings,
};

use super::{
    super::{exchange::Exchanged, message::Asked, name::Name, plan::Came, query},
    How, Sink,
};
use crate::ProbeError;

pub(in super::super) struct Glibc<'a> {
    how: How<'a>,
    pair: Pair,
    is_tcp: bool,
    /// With `rotate`: how many servers are passed over at first. It begins anywhere and each name
    /// moves it on.
    turn: Option<usize>,
}

/// How A and AAAA are asked for. Once half of a pair was not answered, glibc goes one further, and
/// stays there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Pair {
    AtOnce,
    /// `single-request`.
    InTurn,
    /// `single-request-reopen`.
    InTurnFromTwoPorts,
}

/// What a try of one server came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Tried {
    Done,
    Next,
    /// Of a pair only one was answered.
    Half,
    /// An answer did not fit into a datagram.
    Cut,
}

/// What was heard from the servers that were left.
#[derive(Default)]
struct Heard {
    /// Anything but an ICMP error or a RST.
    anything: bool,
    /// Of the last answer; NOERROR before the first.
    rcode: u16,
}

impl<'a> Glibc<'a> {
    pub(in super::super) fn new(how: &How<'a>, settings: &ResolverSettings) -> Self {
        let pair = match (settings.single_request, settings.single_request_reopen) {
            (_, true) => Pair::InTurnFromTwoPorts,
            (true, false) => Pair::InTurn,
            (false, false) => Pair::AtOnce,
        };
        let is_tcp = settings.use_vc || how.client.options.transport == DnsTransport::Tcp;
        let turn = settings.rotate.then(|| query::random_id().unwrap_or_default().into());
        Self { how: how.clone(), pair, is_tcp, turn }
    }

    /// As `__res_context_send` and `__res_context_query` do.
    pub(super) async fn ask(
        &mut self,
        name: &Name,
        kinds: &[RecordType],
        sink: &mut Sink<'_>,
    ) -> Result<Came, ProbeError> {
        let asked = self.how.questions(name, kinds);
        let first = self.turn.unwrap_or(0);
        self.turn = self.turn.map(|turn| turn.wrapping_add(1));
        let count = self.how.servers.len();
        let mut heard = Heard::default();
        let mut is_tcp = self.is_tcp;
        for _ in 0..self.how.attempts {
            for at in (0..count).map(|shift| (first % count + shift) % count) {
                let came = match is_tcp {
                    true => self.over_tcp(&asked, at, Vec::new(), &mut heard, sink).await?,
                    false => self.over_udp(&asked, at, &mut is_tcp, &mut heard, sink).await?,
                };
                if let Some(came) = came {
                    return Ok(came);
                }
            }
            // Over TCP each server is asked once.
            if is_tcp {
                break;
            }
        }
        Ok(heard.came())
    }

    /// As `send_dg` does; `None`: the next server.
    async fn over_udp(
        &mut self,
        asked: &[Asked],
        at: usize,
        is_tcp: &mut bool,
        heard: &mut Heard,
        sink: &mut Sink<'_>,
    ) -> Result<Option<Came>, ProbeError> {
        loop {
            let replies = self.send(asked, at).await?;
            heard.note(&replies);
            let (tried, came) = (weigh(&replies, asked.len()), came(&replies));
            if tried == Tried::Cut {
                *is_tcp = true;
                return self.over_tcp(asked, at, replies, heard, sink).await;
            }
            replies.into_iter().for_each(|reply| sink.take(reply));
            match (tried, self.pair) {
                (Tried::Next, _) => return Ok(None),
                (Tried::Half, Pair::AtOnce) => self.pair = Pair::InTurn,
                (Tried::Half, Pair::InTurn) => self.pair = Pair::InTurnFromTwoPorts,
                (Tried::Half, Pair::InTurnFromTwoPorts) | (Tried::Done | Tried::Cut, _) => {
                    return Ok(Some(came));
                }
            }
        }
    }

    /// The next question goes out when the one before it is answered well.
    async fn send(&self, asked: &[Asked], at: usize) -> Result<Vec<Exchanged>, ProbeError> {
        let mut client = self.how.client.clone();
        client.tries = 1;
        client.timeout = self.patience(at);
        client.options.keep_truncated = true;
        let server = &self.how.servers[at];
        if self.pair == Pair::AtOnce {
            return client.exchange_all(asked, server).await;
        }
        let mut replies = Vec::new();
        for question in asked {
            let reply = client.exchange(question, server).await?;
            let took = Duration::from_micros(reply.query.took_us);
            client.timeout = client.timeout.saturating_sub(took);
            let is_well = is_usable(&reply.query) && !is_cut(&reply.query);
            replies.push(reply);
            if !is_well {
                break;
            }
        }
        Ok(replies)
    }

    /// As `send_vc` does: both questions, and any answer is one. `cut` was heard over UDP.
    async fn over_tcp(
        &self,
        asked: &[Asked],
        at: usize,
        cut: Vec<Exchanged>,
        heard: &mut Heard,
        sink: &mut Sink<'_>,
    ) -> Result<Option<Came>, ProbeError> {
        let mut client = self.how.client.clone();
        client.options.transport = DnsTransport::Tcp;
        client.timeout = self.patience(0);
        let mut replies = client.exchange_all(asked, &self.how.servers[at]).await?;
        *heard = Heard::default();
        heard.note(&replies);
        let all = replies.iter().all(|reply| reply.query.message.is_some());
        let came = all.then(|| came(&replies));
        for before in cut {
            let of_kind = |reply: &&mut Exchanged| reply.query.kind == before.query.kind;
            match replies.iter_mut().find(of_kind) {
                Some(reply) if is_cut(&before.query) => join(&before.query, &mut reply.query),
                _ => replies.push(before),
            }
        }
        replies.sort_by_key(|reply| reply.query.asked_us);
        replies.into_iter().for_each(|reply| sink.take(reply));
        Ok(came)
    }

    /// The later a server stands in the list, the longer, but shared by all: `send_dg`.
    fn patience(&self, at: usize) -> Duration {
        let timeout = self.how.client.timeout;
        if at == 0 {
            return timeout;
        }
        let longer = timeout * (1 << at) / self.how.servers.len() as u32;
        match self.how.is_in_seconds {
            true => Duration::from_secs(longer.as_secs().max(1)),
            false => longer,
        }
    }
}

impl Heard {
    fn note(&mut self, replies: &[Exchanged]) {
        let by_arrival = in_order(replies);
        if let Some(first) = by_arrival.iter().find_map(|query| rcode(query)) {
            self.rcode = first;
        }
        let nobody = [DnsOutcome::Rejected, DnsOutcome::Refused, DnsOutcome::NotSent];
        self.anything |= by_arrival.iter().any(|query| !nobody.contains(&query.outcome));
    }

    /// No server was left.
    fn came(&self) -> Came {
        match (self.anything, Rcode(self.rcode)) {
            (false, _) => Came::NoServer,
            (true, Rcode::SERVFAIL) => Came::ServFail,
            (true, _) => Came::Unavailable,
        }
    }
}

fn weigh(replies: &[Exchanged], asked: usize) -> Tried {
    let queries = || replies.iter().map(|reply| &reply.query);
    let failed = [DnsOutcome::Rejected, DnsOutcome::NotSent];
    if queries().any(|query| failed.contains(&query.outcome)) || !queries().any(is_usable) {
        return Tried::Next;
    }
    if queries().any(|query| is_usable(query) && is_cut(query)) {
        return Tried::Cut;
    }
    match queries().filter(|query| query.message.is_some()).count() < asked {
        true => Tried::Half,
        false => Tried::Done,
    }
}

/// What the answers that count say together: one that has records is enough, else the first code
/// that is not NOERROR.
fn came(replies: &[Exchanged]) -> Came {
    let used: Vec<_> = in_order(replies).into_iter().filter(|query| is_usable(query)).collect();
    let used = if used.is_empty() { in_order(replies) } else { used };
    let has_records = |query: &&&DnsQuery| {
        let message = query.message.as_ref();
        rcode(query) == Some(0) && message.is_some_and(|message| !message.answer.is_empty())
    };
    // Whatever cannot be read has records by its header, and ends it too.
    let is_broken = |query: &&&DnsQuery| query.outcome == DnsOutcome::Malformed;
    if used.iter().any(|query| has_records(&query) || is_broken(&query)) {
        return Came::Found;
    }
    match used.iter().filter_map(|query| rcode(query)).find(|code| *code != 0).map(Rcode) {
        None => Came::NoData,
        Some(Rcode::NXDOMAIN) => Came::NoName,
        Some(Rcode::SERVFAIL) => Came::ServFail,
        Some(_) => Came::Broken,
    }
}

fn in_order(replies: &[Exchanged]) -> Vec<&DnsQuery> {
    let mut queries: Vec<_> = replies.iter().map(|reply| &reply.query).collect();
    queries.sort_by_key(|query| query.asked_us.saturating_add(query.took_us));
    queries
}

/// The header's four bits, which are all that glibc looks at.
fn rcode(query: &DnsQuery) -> Option<u16> {
    query.message.as_ref().map(|message| message.rcode.0 & 0xf)
}

/// Over UDP these leave it to the next server, and so does an answer that is none: no data, not
/// authoritative, no recursion.
fn is_usable(query: &DnsQuery) -> bool {
    let Some(message) = &query.message else { return false };
    let Flags { aa, ra, .. } = message.flags;
    let is_empty =
        message.answer.is_empty() && message.additional.is_empty() && message.edns.is_none();
    let is_lame = !aa && !ra && is_empty;
    match rcode(query).map(Rcode) {
        Some(Rcode::SERVFAIL | Rcode::NOTIMP | Rcode::REFUSED) => false,
        Some(Rcode::NOERROR) => !is_lame,
        _ => true,
    }
}

fn is_cut(query: &DnsQuery) -> bool {
    query.message.as_ref().is_some_and(|message| message.flags.tc)
}

/// The same question, over UDP and then over TCP, is one query.
fn join(before: &DnsQuery, after: &mut DnsQuery) {
    let end = after.asked_us.saturating_add(after.took_us);
    after.truncated_first = true;
    after.sent = after.sent.saturating_add(before.sent);
    after.asked_us = before.asked_us;
    after.took_us = end.saturating_sub(before.asked_us);
}
