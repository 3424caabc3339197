//! One name as musl 1.2.5 asks for it (`__res_msend_rc` in `src/network/res_msend.c`): all servers
//! at once, and the first good answer counts.
//!
//! musl sends all from one socket, here each query has its own.

use std::time::Duration;

use netdiag_wire::dns::{DnsOutcome, DnsQuery, RecordType};
use tokio::time::{Instant, timeout_at};

use super::{
    super::{
        exchange::{Client, Exchanged},
        message::Asked,
        name::Name,
        plan::Came,
        race::Race,
    },
    How, Sink,
};
use crate::ProbeError;

pub(in super::super) struct Musl<'a>(How<'a>);

/// All queries for one name.
struct Asking<'a> {
    how: &'a How<'a>,
    questions: &'a [Asked],
    /// By the question; the outcome of the first good answer.
    answers: Vec<Option<DnsOutcome>>,
    sent: Vec<Sent>,
    race: Race<'a, (usize, Result<Exchanged, ProbeError>)>,
    ends: Instant,
}

struct Sent {
    question: usize,
    server: usize,
    at: Instant,
    query: DnsQuery,
    done: Option<Exchanged>,
}

impl<'a> Musl<'a> {
    pub(in super::super) fn new(how: &How<'a>) -> Self {
        Self(how.clone())
    }

    pub(super) async fn ask(
        &mut self,
        name: &Name,
        kinds: &[RecordType],
        sink: &mut Sink<'_>,
    ) -> Result<Came, ProbeError> {
        let questions = self.0.questions(name, kinds);
        let timeout = self.0.client.timeout;
        let mut asking = Asking {
            how: &self.0,
            questions: &questions,
            answers: vec![None; kinds.len()],
            sent: Vec::new(),
            race: Race::new(),
            ends: Instant::now() + timeout,
        };
        if let Some(interval) = timeout.checked_div(self.0.attempts.into()) {
            asking.run(interval).await?;
        }
        Ok(asking.finish(sink))
    }
}

impl Asking<'_> {
    async fn run(&mut self, interval: Duration) -> Result<(), ProbeError> {
        while Instant::now() < self.ends && !self.is_answered() {
            let ends = (Instant::now() + interval).min(self.ends);
            for question in 0..self.questions.len() {
                for server in 0..self.how.servers.len() {
                    if self.answers[question].is_none() {
                        self.send(question, server);
                    }
                }
            }
            let mut repeats = 2 * self.questions.len();
            self.hear(ends, &mut repeats).await?;
        }
        Ok(())
    }

    fn send(&mut self, question: usize, server: usize) {
        let mut client: Client<'_> = self.how.client.clone();
        client.tries = 1;
        client.timeout = self.ends.saturating_duration_since(Instant::now());
        let (asked, to) = (&self.questions[question], &self.how.servers[server]);
        let query = client.blank(asked, to);
        let at = self.sent.len();
        self.sent.push(Sent { question, server, at: Instant::now(), query, done: None });
        self.race.push(async move { (at, client.exchange(asked, to).await) });
    }

    /// Until it is time to ask again. A server that fails is asked again at once, within bounds.
    async fn hear(&mut self, ends: Instant, repeats: &mut usize) -> Result<(), ProbeError> {
        while !self.is_answered() {
            let Ok(next) = timeout_at(ends, self.race.next()).await else { break };
            let Some((at, exchanged)) = next else {
                // Nobody is left to answer, which musl does not know.
                tokio::time::sleep_until(ends).await;
                break;
            };
            let exchanged = exchanged?;
            let Sent { question, server, .. } = self.sent[at];
            let outcome = exchanged.query.outcome;
            self.sent[at].done = Some(exchanged);
            match outcome {
                DnsOutcome::Answered
                | DnsOutcome::NoData
                | DnsOutcome::Referral
                | DnsOutcome::NxDomain => {
                    self.answers[question].get_or_insert(outcome);
                }
                DnsOutcome::ServFail if self.answers[question].is_none() && *repeats > 0 => {
                    *repeats -= 1;
                    self.send(question, server);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn is_answered(&self) -> bool {
        self.answers.iter().all(Option::is_some)
    }

    /// `name_from_dns`: any NXDOMAIN is one for the name, and no address ends it.
    fn finish(self, sink: &mut Sink<'_>) -> Came {
        let answers = self.answers;
        let ended = Instant::now();
        for sent in self.sent {
            let outcome = match answers[sent.question] {
                Some(_) => DnsOutcome::Overtaken,
                None => DnsOutcome::Silence,
            };
            let took_us = ended.saturating_duration_since(sent.at).as_micros() as u64;
            let query = DnsQuery { outcome, took_us, sent: 1, ..sent.query };
            let left = || Exchanged { query, message: None, later: Vec::new() };
            sink.take(sent.done.unwrap_or_else(left));
        }
        match answers.iter().find(|answer| {
            !matches!(
                answer,
                Some(DnsOutcome::Answered | DnsOutcome::NoData | DnsOutcome::Referral)
            )
        }) {
            Some(Some(_)) => Came::NoName,
            Some(None) => Came::Unavailable,
            None if answers.contains(&Some(DnsOutcome::Answered)) => Came::Found,
            None => Came::NoData,
        }
    }
}
