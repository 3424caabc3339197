//! One flow's path: what to ask next and when a hop is known; decisions only, with time as an
//! argument.
//!
//! Linux routers answer a prober 6 times at once and then once a second, and a port unreachable of
//! the target counts as well. So nothing is asked that is known already: TTLs go out in windows,
//! each TTL's next query follows the answer to its last, and nothing goes beyond the path's end.

use std::{net::IpAddr, time::Duration};

use netdiag_wire::{
    SendRefusal,
    trace::{TraceAnswer, TraceHop, TraceRequest, round},
};

use crate::clock::micros;

/// TTLs under way before anything is known of them: so many at first, twice as many each time.
/// Clusters are small, and every probe too many uses up an answer of the target.
const FIRST_WINDOW: usize = 2;
const WINDOW: usize = 8;
/// How long after its last window the target may seem to be silent.
const DOUBT: Duration = Duration::from_millis(20);
/// When a router's rate limit surely lets one more answer out.
const REFILLED: Duration = Duration::from_millis(1_100);

/// How long things may take, by what is known of the path so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// An answer.
    pub(super) patience: Duration,
    /// A window, or a query, until the next one goes out without its answer.
    pub(super) gap: Duration,
}

#[derive(Debug)]
pub(super) struct Path {
    flow: u8,
    first_ttl: u8,
    queries: usize,
    /// Else one probe after the other.
    at_once: bool,
    hops: Vec<Hop>,
    /// The first hop of the latest window.
    window: usize,
    /// Hops that may be asked.
    opened: usize,
    /// When the last of them became so.
    opened_at: Duration,
    /// The last hop that is of interest: there is the target, or somebody who rejects, or a loop's
    /// second round.
    end: Option<usize>,
    /// One after the highest hop that answered.
    answered: usize,
    told: usize,
    /// The target is known to be alive, so that its silence may be a rate limit's.
    pub(super) is_alive: bool,
    /// The end for which [`Self::suspects`] was asked.
    suspected: Option<usize>,
}

/// What became of one TTL so far.
#[derive(Debug, Default)]
struct Hop {
    queries: Vec<Query>,
    answers: Vec<TraceAnswer>,
    /// How often it was asked once more after silence.
    rounds: u8,
    /// The once more that waits for rate limits.
    asked_late: bool,
    /// Another flow was asked late at this TTL, and its router answers once a second.
    not_before: Duration,
    refusal: Option<SendRefusal>,
}

#[derive(Clone, Copy, Debug)]
struct Query {
    first: Duration,
    last: Duration,
    is_answered: bool,
}

/// What a hop needs next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Step {
    Ask { query: usize, at: Duration, is_late: bool },
    Wait(Duration),
    Settled,
}

/// One probe that should be sent now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Due {
    pub(super) ttl: u8,
    pub(super) query: u8,
    pub(super) is_late: bool,
}

impl Path {
    pub(super) fn new(flow: u8, request: &TraceRequest, at_once: bool) -> Self {
        let count = usize::from(request.max_ttl) + 1 - usize::from(request.first_ttl);
        let mut hops = Vec::new();
        hops.resize_with(count, Hop::default);
        Self {
            flow,
            first_ttl: request.first_ttl,
            queries: request.queries.into(),
            window: 0,
            opened: if at_once { count.min(FIRST_WINDOW) } else { 1 },
            at_once,
            opened_at: Duration::ZERO,
            hops,
            end: None,
            answered: 0,
            told: 0,
            is_alive: false,
            suspected: None,
        }
    }

    pub(super) fn flow(&self) -> u8 {
        self.flow
    }

    /// What a datagram of the target most likely answers: the nearest probe that got past all
    /// routers that are known.
    pub(super) fn nearest_unanswered(&self) -> Option<(u8, u8)> {
        let end = self.end.unwrap_or(self.answered);
        (end..self.hops.len()).find_map(|hop| {
            let open = self.hops[hop].queries.iter().position(|query| !query.is_answered)?;
            Some((self.ttl(hop), open as u8))
        })
    }

    /// The next probe to send; nothing goes before its time.
    pub(super) fn due(&mut self, now: Duration, pace: Pace) -> Option<Due> {
        self.open_more(now, pace);
        if !self.at_once && self.hops.iter().any(|hop| hop.is_waiting(now, pace)) {
            return None;
        }
        (self.told..self.bound()).find_map(|hop| match self.step(hop, now, pace) {
            Step::Ask { query, at, is_late } if at <= now => {
                Some(Due { ttl: self.ttl(hop), query: query as u8, is_late })
            }
            Step::Ask { .. } | Step::Wait(_) | Step::Settled => None,
        })
    }

    /// When there is something to do next; `None` when nothing is left.
    pub(super) fn wakes_at(&self, now: Duration, pace: Pace) -> Option<Duration> {
        let steps = (self.told..self.bound()).filter_map(|hop| match self.step(hop, now, pace) {
            Step::Ask { at, .. } | Step::Wait(at) => Some(at),
            Step::Settled => None,
        });
        let doubted = (self.end.is_none() && !self.doubts(now)).then_some(self.opened_at + DOUBT);
        steps.chain(self.opens_at(pace)).chain(doubted).chain(self.suspects_at(pace)).min()
    }

    /// The next hop, in the order of the TTL, once all that is to be known of it is known.
    pub(super) fn settled(&mut self, now: Duration, pace: Pace) -> Option<TraceHop> {
        let index = self.told;
        if index >= self.bound() || self.step(index, now, pace) != Step::Settled {
            return None;
        }
        // Were somebody behind it to answer, it would be asked again.
        let may_be_passed = self.hops[index].answers.is_empty() && !self.is_passed(index);
        if may_be_passed && self.wakes_at(now, pace).is_some() {
            return None;
        }
        self.told += 1;
        let (flow, ttl, queries) = (self.flow, self.ttl(index), self.queries);
        let hop = &mut self.hops[index];
        let silent = hop.queries.len() - hop.answers.len();
        let waited = (hop.silent_since() + pace.patience).saturating_sub(hop.first_sent());
        Some(TraceHop {
            flow,
            ttl,
            silent: silent as u16,
            waited_us: (silent > 0).then(|| micros(waited)),
            asked_again: hop.asked_late,
            not_sent: hop.refusal.take().filter(|_| hop.answers.len() < queries),
            answers: hop.answers.clone(),
        })
    }

    /// Every hop was told.
    pub(super) fn is_told(&self) -> bool {
        self.told == self.bound() && (self.end.is_some() || self.opened == self.hops.len())
    }

    /// Everything was asked, and the target has not answered at once.
    pub(super) fn doubts(&self, now: Duration) -> bool {
        self.end.is_none() && self.opened == self.hops.len() && self.opened_at + DOUBT <= now
    }

    /// Some flow was asked late at that TTL: no other one goes before the router may answer again.
    pub(super) fn wait_for(&mut self, ttl: u8, now: Duration) {
        if let Some((_, hop)) = self.hop_mut(ttl) {
            hop.not_before = now + REFILLED;
        }
    }

    /// The target, or whoever rejects, has answered.
    pub(super) fn is_at_end(&self) -> bool {
        self.end.is_some_and(|end| !self.hops[end].answers.is_empty())
    }

    /// Silent hops right below the end: the target itself may be nearer and have been silent for
    /// its rate limit. Each end is told once.
    pub(super) fn suspects(&mut self, now: Duration, pace: Pace) -> Vec<u8> {
        if self.suspects_at(pace).is_none_or(|at| at > now) {
            return Vec::new();
        }
        self.suspected = self.end;
        let (start, end) = self.silent_below_end();
        (start..end).map(|hop| self.ttl(hop)).collect()
    }

    fn suspects_at(&self, pace: Pace) -> Option<Duration> {
        let (start, end) = self.silent_below_end();
        let is_new = self.end != self.suspected && self.is_at_end();
        let last = self.hops[start..end].iter().map(Hop::silent_since).max();
        last.filter(|_| is_new).map(|last| last + pace.gap)
    }

    fn silent_below_end(&self) -> (usize, usize) {
        let end = self.end.unwrap_or_default();
        let below = &self.hops[self.told.min(end)..end];
        let silent = below.iter().rev().take_while(|hop| hop.answers.is_empty()).count();
        (end - silent, end)
    }

    /// An echo came as far as the target with this TTL: if the hop was silent, so did its probe,
    /// and the answer to a farther one is what it would have got.
    pub(super) fn arrives_at(&mut self, ttl: u8) {
        let (start, end) = self.silent_below_end();
        let Some(index) = ttl.checked_sub(self.first_ttl).map(usize::from) else { return };
        if !(start..end).contains(&index) || !self.is_at_end() {
            return;
        }
        let answers = std::mem::take(&mut self.hops[end].answers);
        let hop = &mut self.hops[index];
        hop.answers.extend(answers.into_iter().take(1));
        hop.queries.iter_mut().take(1).for_each(|query| query.is_answered = true);
        self.end = Some(index);
        self.answered = index + 1;
    }

    /// Hops that are asked, or are known to be the whole path.
    fn bound(&self) -> usize {
        self.end.map_or(self.opened, |end| end + 1)
    }

    fn gap(&self, pace: Pace) -> Duration {
        if self.at_once { pace.gap.min(pace.patience) } else { pace.patience }
    }

    /// When the next window goes out: as soon as the latest is answered, or when its time is over.
    fn opens_at(&self, pace: Pace) -> Option<Duration> {
        let is_all = self.end.is_some() || self.opened == self.hops.len();
        let mut latest = self.hops[self.window..self.opened].iter();
        let is_answered = latest.all(|hop| !hop.answers.is_empty());
        let at = if is_answered { Duration::ZERO } else { self.opened_at + self.gap(pace) };
        (!is_all).then_some(at)
    }

    fn open_more(&mut self, now: Duration, pace: Pace) {
        if self.opens_at(pace).is_some_and(|at| at <= now) {
            self.window = self.opened;
            let more = if self.at_once { self.opened.min(WINDOW) } else { 1 };
            self.opened = (self.opened + more).min(self.hops.len());
            self.opened_at = now;
        }
    }

    fn step(&self, index: usize, now: Duration, pace: Pace) -> Step {
        match self.wanted(index, pace) {
            Step::Wait(until) if until <= now => Step::Settled,
            step => step,
        }
    }

    fn wanted(&self, index: usize, pace: Pace) -> Step {
        let hop = &self.hops[index];
        let Some(last) = hop.queries.last() else {
            return match hop.refusal {
                Some(_) => Step::Settled,
                None => Step::Ask { query: 0, at: Duration::ZERO, is_late: false },
            };
        };
        let asked = hop.queries.len();
        // One connection that comes about is enough, and silence is dear where each waits for it.
        let is_enough = match last.is_answered {
            true => self.end == Some(index),
            false => !self.is_passed(index),
        };
        let asks_more = asked < self.queries && (self.at_once || !is_enough);
        if asks_more && !is_final(hop.refusal.as_ref()) {
            let at = match (last.is_answered, self.is_passed(index)) {
                (true, _) => Duration::ZERO,
                (false, true) => last.last + self.gap(pace),
                // Beyond the last who answered: all the others in a second round.
                (false, false) => hop.first_sent() + pace.patience,
            };
            return Step::Ask { query: asked, at, is_late: false };
        }
        let silent_at = hop.silent_since() + pace.patience;
        match hop.answers.len() {
            answers if answers >= asked => Step::Settled,
            0 => self.step_of_silence(index, silent_at),
            _ => Step::Wait(silent_at),
        }
    }

    /// Nobody answered, and every query was sent.
    fn step_of_silence(&self, index: usize, silent_at: Duration) -> Step {
        let hop = &self.hops[index];
        let is_late = self.is_passed(index) || self.is_alive;
        if is_late && !hop.asked_late {
            return Step::Ask {
                query: 0,
                at: silent_at.max(hop.first_sent() + REFILLED).max(hop.not_before),
                is_late: true,
            };
        }
        if !is_late && hop.rounds == 0 && self.queries == 1 && self.at_once {
            return Step::Ask { query: 0, at: silent_at, is_late: false };
        }
        Step::Wait(silent_at)
    }

    /// Somebody behind it answers.
    fn is_passed(&self, index: usize) -> bool {
        index + 1 < self.answered
    }

    fn ttl(&self, hop: usize) -> u8 {
        self.first_ttl + hop as u8
    }

    fn hop_mut(&mut self, ttl: u8) -> Option<(usize, &mut Hop)> {
        let index = usize::from(ttl.checked_sub(self.first_ttl)?);
        Some((index, self.hops.get_mut(index)?))
    }

    pub(super) fn sent(&mut self, due: Due, now: Duration) {
        let Some((_, hop)) = self.hop_mut(due.ttl) else { return };
        hop.asked_late |= due.is_late;
        match hop.queries.get_mut(usize::from(due.query)) {
            Some(query) => {
                query.last = now;
                hop.rounds += 1;
            }
            None => hop.queries.push(Query { first: now, last: now, is_answered: false }),
        }
    }

    /// The kernel did not send it. It would not send the others either, but for a full queue.
    pub(super) fn refused(&mut self, due: Due, refusal: SendRefusal, now: Duration) {
        let is_final = is_final(Some(&refusal));
        if !is_final {
            self.sent(due, now);
        }
        let Some((index, hop)) = self.hop_mut(due.ttl) else { return };
        hop.refusal = Some(refusal);
        if is_final {
            self.ends_at(index);
        }
    }

    /// An answer to a probe that was sent; `ends` if it comes from the path's end.
    pub(super) fn answered(&mut self, ttl: u8, query: u8, answer: TraceAnswer, ends: bool) {
        let told = self.told;
        let Some((index, hop)) = self.hop_mut(ttl) else { return };
        let Some(query) = hop.queries.get_mut(usize::from(query)) else { return };
        if query.is_answered || index < told {
            return;
        }
        query.is_answered = true;
        hop.answers.push(answer);
        self.answered = self.answered.max(index + 1);
        if ends {
            self.ends_at(index);
        } else if let Some(index) = self.second_round() {
            self.ends_at(index);
        }
    }

    fn ends_at(&mut self, index: usize) {
        self.end = Some(self.end.map_or(index, |end| end.min(index)));
    }
}

impl Path {
    /// The first hop at which the same routers have come round twice.
    fn second_round(&self) -> Option<usize> {
        let mut walked: Vec<IpAddr> = Vec::new();
        self.hops[..self.answered].iter().position(|hop| {
            walked.extend(hop.answers.first().map(|answer| answer.address));
            !hop.answers.is_empty() && round(&walked).is_some()
        })
    }
}

impl Hop {
    fn first_sent(&self) -> Duration {
        self.queries.first().map_or(Duration::ZERO, |query| query.first)
    }

    fn is_waiting(&self, now: Duration, pace: Pace) -> bool {
        self.queries.iter().any(|query| !query.is_answered && query.last + pace.patience > now)
    }

    /// Since when nothing that is not answered was sent.
    fn silent_since(&self) -> Duration {
        let silent = self.queries.iter().filter(|query| !query.is_answered);
        silent.map(|query| query.last).max().unwrap_or_default()
    }
}

/// A full queue empties; a filter or a missing route stays.
fn is_final(refusal: Option<&SendRefusal>) -> bool {
    refusal.is_some_and(|refusal| *refusal != SendRefusal::QueueFull)
}

#[cfg(test)]
mod tests;
