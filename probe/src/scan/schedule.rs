//! Which port is asked when, how often, and when its silence is believed; without sockets or clock.
//!
//! A probe under way holds a slot until it is answered or old, so that silent ports can't stall the
//! others. What is not answered is asked again, each time after twice the wait. Answers to what was
//! asked again are packets that were lost: if there are many, fewer are sent at once.

use std::{collections::VecDeque, time::Duration};

use rustix::rand::{GetRandomFlags, getrandom};

use super::rtt::Rtt;

mod load;

use load::Load;

/// Silence is believed after so many probes where nearly all is silent,
pub(super) const LEAST_ATTEMPTS: usize = 3;
/// and after so many where little is.
pub(super) const MOST_ATTEMPTS: usize = 6;
/// Ports that are still little.
const FEW: usize = 512;
/// Between two probes to a port, unless answers take longer.
const MOST_WAIT: Duration = Duration::from_millis(640);
/// Until an answer tells how long one takes, silence is not believed before.
const BLIND_PATIENCE: Duration = Duration::from_millis(220);
/// Likewise at the start, when nobody has answered anything.
const FIRST_PATIENCE: Duration = Duration::from_millis(500);

/// What a kind of probe can bear.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// Slots at first, and at most.
    pub(super) slots: usize,
    pub(super) most_slots: usize,
    /// After which a probe's slot is given to the next one; none if only its end frees it.
    pub(super) age: Option<Duration>,
    /// Before a port is asked for the second time,
    pub(super) wait: Duration,
    /// and while nobody knows how long an answer takes.
    pub(super) blind_wait: Duration,
    /// Ports that are asked and not settled, at most: routers remember each of them.
    pub(super) active: usize,
    /// Probes to a port at most, before it is called silent.
    pub(super) attempts: usize,
    /// How long they remember one that was given up.
    pub(super) memory: Duration,
}

/// What to do next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
    Send(u32),
    /// It was asked often enough; whoever remembers it on the way may forget it.
    GiveUp(u32),
}

#[derive(Clone, Copy, Debug, Default)]
struct Job {
    first_sent: Duration,
    sent: Duration,
    attempts: u8,
    has_slot: bool,
    is_settled: bool,
    is_given_up: bool,
}

#[derive(Debug)]
pub(super) struct Schedule {
    terms: Terms,
    jobs: Vec<Job>,
    /// Not asked yet, in random order, the next one last.
    fresh: Vec<u32>,
    /// By the number of probes so far, less one, in the order in which they were sent.
    waiting: [VecDeque<u32>; MOST_ATTEMPTS],
    /// Holders of slots, in that order, with the number of the probe.
    slots: VecDeque<(u32, u8)>,
    in_flight: usize,
    active: usize,
    /// When what is remembered was given up.
    remembered: VecDeque<Duration>,
    /// Asked as often as is enough where nearly all is silent, and still not answered.
    silent: usize,
    /// Given up while nobody knew how long an answer takes.
    hasty: Vec<u32>,
    load: Load,
    rtt: Rtt,
    begin: Option<Duration>,
    pub(super) asked_again: u32,
}

impl Schedule {
    /// Of pairs numbered from 0.
    pub(super) fn new(pairs: usize, terms: Terms) -> Self {
        let mut fresh: Vec<u32> = (0..pairs as u32).collect();
        shuffle(&mut fresh);
        Self {
            terms,
            jobs: vec![Job::default(); pairs],
            fresh,
            waiting: Default::default(),
            slots: VecDeque::new(),
            in_flight: 0,
            active: 0,
            remembered: VecDeque::new(),
            silent: 0,
            hasty: Vec::new(),
            load: Load::new(terms.slots, terms.most_slots),
            rtt: Rtt::default(),
            begin: None,
            asked_again: 0,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.fresh.is_empty() && self.active == 0
    }

    /// Ports whose fate is known.
    pub(super) fn done(&self) -> usize {
        self.jobs.len() - self.fresh.len() - self.active
    }

    /// Asked and not settled: what routers remember.
    pub(super) fn open_ends(&self) -> impl Iterator<Item = u32> + '_ {
        let is_open = |job: &Job| job.attempts > 0 && !job.is_settled && !job.is_given_up;
        (0..).zip(&self.jobs).filter(move |(_, job)| is_open(job)).map(|(id, _)| id)
    }

    pub(super) fn next(&mut self, now: Duration) -> Option<Step> {
        self.free_slots(now);
        let has_slot = self.in_flight < self.load.slots();
        for made in 1..=MOST_ATTEMPTS {
            let Some(id) = self.due(made, now) else { continue };
            if self.is_enough(made) {
                if self.is_too_soon(id, now) {
                    continue;
                }
                self.waiting[made - 1].pop_front();
                self.give_up(id, now);
                return Some(Step::GiveUp(id));
            }
            if has_slot {
                self.waiting[made - 1].pop_front();
                self.sent(id, now);
                return Some(Step::Send(id));
            }
        }
        self.forget(now);
        if !has_slot || self.active + self.remembered.len() >= self.terms.active {
            return None;
        }
        let id = self.fresh.pop()?;
        self.active += 1;
        self.sent(id, now);
        Some(Step::Send(id))
    }

    /// The one of those asked `made` times that has waited longest, if long enough.
    fn due(&mut self, made: usize, now: Duration) -> Option<u32> {
        let wait = self.wait(made);
        let waiting = &mut self.waiting[made - 1];
        while let Some(id) = waiting.front() {
            let job = &self.jobs[*id as usize];
            if !job.is_settled {
                return (now >= job.sent + wait).then_some(*id);
            }
            waiting.pop_front();
        }
        None
    }

    fn wait(&self, made: usize) -> Duration {
        let first = match self.rtt.is_known() {
            true => self.terms.wait.max(self.rtt.patience()),
            false => self.terms.blind_wait,
        };
        (first * (1 << (made - 1))).min(first.max(MOST_WAIT))
    }

    fn is_enough(&self, made: usize) -> bool {
        let most = match self.silent > FEW {
            true => self.load.attempts(self.jobs.len()).clamp(LEAST_ATTEMPTS, MOST_ATTEMPTS),
            false => MOST_ATTEMPTS,
        };
        made >= most.min(self.terms.attempts)
    }

    /// Answers may take longer than anybody knows yet.
    fn is_too_soon(&self, id: u32, now: Duration) -> bool {
        let job = &self.jobs[id as usize];
        let begin = self.begin.unwrap_or(now);
        !self.rtt.is_known()
            && (now < job.first_sent + BLIND_PATIENCE || now < begin + FIRST_PATIENCE)
    }

    fn sent(&mut self, id: u32, now: Duration) {
        self.begin.get_or_insert(now);
        let job = &mut self.jobs[id as usize];
        job.attempts += 1;
        job.sent = now;
        match job.attempts {
            1 => job.first_sent = now,
            2 => self.asked_again += 1,
            made if usize::from(made) == LEAST_ATTEMPTS => self.silent += 1,
            _ => {}
        }
        self.in_flight += usize::from(!job.has_slot);
        job.has_slot = true;
        self.slots.push_back((id, job.attempts));
        self.waiting[usize::from(job.attempts) - 1].push_back(id);
    }

    fn give_up(&mut self, id: u32, now: Duration) {
        self.free(id);
        if !self.terms.memory.is_zero() {
            self.remembered.push_back(now);
        }
        self.jobs[id as usize].is_given_up = true;
        self.active -= 1;
        if !self.rtt.is_known() {
            self.hasty.push(id);
        }
    }

    fn forget(&mut self, now: Duration) {
        while self.remembered.front().is_some_and(|at| *at + self.terms.memory <= now) {
            self.remembered.pop_front();
        }
    }

    fn free(&mut self, id: u32) {
        let job = &mut self.jobs[id as usize];
        self.in_flight -= usize::from(job.has_slot);
        job.has_slot = false;
    }

    fn free_slots(&mut self, now: Duration) {
        while let Some((id, attempt)) = self.slots.front().copied() {
            let job = &self.jobs[id as usize];
            let is_held = job.has_slot && job.attempts == attempt;
            if is_held && now < job.sent + self.age(attempt) {
                return;
            }
            self.slots.pop_front();
            if is_held {
                self.free(id);
            }
        }
    }

    fn age(&self, attempt: u8) -> Duration {
        match self.terms.age {
            Some(age) => age.max(self.rtt.mean() * 2),
            None => self.wait(attempt.into()),
        }
    }

    /// The port is settled; how long the answer took, unless it may be one to an earlier probe.
    /// None if it was settled before.
    pub(super) fn answered(&mut self, id: u32, now: Duration) -> Option<Answered> {
        let job = self.jobs[id as usize];
        if job.is_settled || job.attempts == 0 {
            return None;
        }
        self.free(id);
        self.jobs[id as usize].is_settled = true;
        self.active -= usize::from(!job.is_given_up);
        self.silent -= usize::from(usize::from(job.attempts) >= LEAST_ATTEMPTS);
        let is_known = self.rtt.is_known();
        let took = now.saturating_sub(job.sent);
        if job.attempts == 1 {
            self.rtt.note(took);
            self.load.answered(now, false);
        } else if !is_known {
            self.rtt.note(now.saturating_sub(job.first_sent));
        } else if took >= self.rtt.least() {
            self.load.answered(now, true);
        }
        if !is_known {
            self.ask_hasty_again();
        }
        Some(Answered { rtt: (job.attempts == 1).then_some(took) })
    }

    /// What was given up before an answer could come.
    fn ask_hasty_again(&mut self) {
        let hasty = std::mem::take(&mut self.hasty);
        if self.rtt.patience() < BLIND_PATIENCE {
            return;
        }
        for id in hasty {
            let job = &mut self.jobs[id as usize];
            self.silent -= usize::from(usize::from(job.attempts) >= LEAST_ATTEMPTS);
            *job = Job::default();
            self.fresh.push(id);
        }
    }

    /// When there may be a next step although nothing comes in.
    pub(super) fn wakes_at(&self, now: Duration) -> Duration {
        let dues = (1..=MOST_ATTEMPTS).filter_map(|made| {
            let id = self.waiting[made - 1].front()?;
            Some(self.jobs[*id as usize].sent + self.wait(made))
        });
        let slot = self
            .slots
            .front()
            .map(|(id, attempt)| self.jobs[*id as usize].sent + self.age(*attempt));
        // What is due already waits for a slot, or for the end of the blind patience.
        let next = dues.chain(slot).filter(|at| *at > now).min();
        next.unwrap_or(now).max(now + Duration::from_millis(1))
    }
}

pub(super) struct Answered {
    pub(super) rtt: Option<Duration>,
}

/// So that no router or host meets many packets of one kind in a row.
fn shuffle(ids: &mut [u32]) {
    let mut seed = [0; 8];
    // Without random bytes any order does.
    getrandom(&mut seed[..], GetRandomFlags::empty()).unwrap_or_default();
    let mut state = u64::from_ne_bytes(seed) | 1;
    for end in (1..ids.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ids.swap(end, (state % (end as u64 + 1)) as usize);
    }
}
