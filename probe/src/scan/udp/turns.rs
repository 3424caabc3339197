//! Which UDP port is asked when, and when its silence is believed; without sockets or clock.
//!
//! Closed ports say so by ICMP errors, which hosts ration: Linux gives six at once and then one a
//! second. So silence says something only if an error could have come: none may have been spent
//! within the second before the datagram. Until then the port is asked again, slowly while errors
//! come, at once when none do.

use std::{collections::VecDeque, time::Duration};

use crate::scan::rtt::Rtt;

/// After an error there is one more to spend.
const REFILL: Duration = Duration::from_millis(1_050);
/// More than that within a second are none of Linux' ration.
const BURST: usize = 7;
/// Between two datagrams to a host while its errors are spent.
const SLOW: Duration = Duration::from_millis(100);
/// Under way at once.
const MOST_PENDING: usize = 256;
const LEAST_WAIT: Duration = Duration::from_millis(200);
/// While nobody has answered.
const BLIND_WAIT: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
    Send(u32),
    /// An error would have come, were it closed.
    Silent(u32),
}

#[derive(Clone, Copy, Debug, Default)]
struct Job {
    asked: Duration,
    asks: u32,
    silent: u8,
    is_settled: bool,
}

#[derive(Debug, Default)]
struct Host {
    ready: VecDeque<u32>,
    /// When those were asked for whom errors came.
    spent: VecDeque<Duration>,
    /// A port was silent so soon after an error that this may be why.
    is_rationed: bool,
    next: Duration,
}

#[derive(Debug)]
pub(super) struct Turns {
    jobs: Vec<Job>,
    ports: usize,
    hosts: Vec<Host>,
    /// As [`Host::spent`], by routers, which may stand before every host.
    routers: VecDeque<Duration>,
    /// In the order in which they were asked.
    pending: VecDeque<u32>,
    /// The host whose turn it is.
    turn: usize,
    /// Silent answers that settle a port, each at a time when an error could have come.
    believed: u8,
    settled: usize,
    rtt: Rtt,
    pub(super) asked_again: u32,
}

impl Turns {
    /// Of pairs numbered host by host.
    pub(super) fn new(hosts: usize, ports: usize, believed: u8) -> Self {
        let ids = |host: usize| (host * ports) as u32..((host + 1) * ports) as u32;
        let host = |at| Host { ready: ids(at).collect(), ..Host::default() };
        Self {
            jobs: vec![Job::default(); hosts * ports],
            ports,
            hosts: (0..hosts).map(host).collect(),
            routers: VecDeque::new(),
            pending: VecDeque::new(),
            turn: 0,
            believed,
            settled: 0,
            rtt: Rtt::default(),
            asked_again: 0,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.settled == self.jobs.len()
    }

    /// How often that port was silent so far.
    pub(super) fn silences(&self, id: u32) -> u8 {
        self.jobs[id as usize].silent
    }

    pub(super) fn done(&self) -> usize {
        self.settled
    }

    pub(super) fn next(&mut self, now: Duration) -> Option<Step> {
        while let Some(id) = self.pending.front().copied() {
            let job = self.jobs[id as usize];
            if !job.is_settled && now < job.asked + self.wait() {
                break;
            }
            self.pending.pop_front();
            if !job.is_settled && self.is_believed(id) {
                return Some(Step::Silent(id));
            }
        }
        if self.pending.len() >= MOST_PENDING {
            return None;
        }
        for _ in 0..self.hosts.len() {
            self.turn = (self.turn + 1) % self.hosts.len();
            if let Some(id) = self.of_host(self.turn, now) {
                self.asked(id, now);
                return Some(Step::Send(id));
            }
        }
        None
    }

    fn wait(&self) -> Duration {
        let is_known = self.rtt.is_known();
        if is_known { self.rtt.patience().max(LEAST_WAIT) } else { BLIND_WAIT }
    }

    /// Settles it, or puts it back.
    fn is_believed(&mut self, id: u32) -> bool {
        let host = id as usize / self.ports;
        let asked = self.jobs[id as usize].asked;
        let count =
            spent_before(&self.hosts[host].spent, asked) + spent_before(&self.routers, asked);
        let was_spent = count > 0;
        self.hosts[host].is_rationed |= was_spent;
        self.hosts[host].is_rationed &= count <= BURST;
        let job = &mut self.jobs[id as usize];
        job.silent += u8::from(!was_spent);
        if job.silent < self.believed {
            self.hosts[host].ready.push_back(id);
            return false;
        }
        self.settle(id);
        true
    }

    fn settle(&mut self, id: u32) {
        self.jobs[id as usize].is_settled = true;
        self.settled += 1;
    }

    fn of_host(&mut self, at: usize, now: Duration) -> Option<u32> {
        let spent = spent_before(&self.hosts[at].spent, now) + spent_before(&self.routers, now);
        let host = &mut self.hosts[at];
        if host.is_rationed && (1..=BURST).contains(&spent) && now < host.next {
            return None;
        }
        while let Some(id) = host.ready.pop_front() {
            if !self.jobs[id as usize].is_settled {
                host.next = now + SLOW;
                return Some(id);
            }
        }
        None
    }

    fn asked(&mut self, id: u32, now: Duration) {
        let job = &mut self.jobs[id as usize];
        job.asked = now;
        job.asks += 1;
        self.asked_again += u32::from(job.asks == 2);
        self.pending.push_back(id);
    }

    /// How long the answer took, unless it may be one to an earlier datagram; none if the port is
    /// settled already. `spent` is who sent an ICMP error.
    pub(super) fn answered(
        &mut self,
        id: u32,
        now: Duration,
        spent: Option<Sender>,
    ) -> Option<Answered> {
        let job = self.jobs[id as usize];
        if job.asks == 0 {
            return None;
        }
        match spent {
            Some(Sender::Target) => {
                note(&mut self.hosts[id as usize / self.ports].spent, job.asked);
            }
            Some(Sender::Router) => note(&mut self.routers, job.asked),
            None => {}
        }
        if job.is_settled {
            return None;
        }
        let took = now.saturating_sub(job.asked);
        if job.asks == 1 {
            self.rtt.note(took);
        }
        self.settle(id);
        Some(Answered { rtt: (job.asks == 1).then_some(took) })
    }

    /// When there may be a next step although nothing comes in.
    pub(super) fn wakes_at(&self, now: Duration) -> Duration {
        let wait = self.pending.front().map(|id| self.jobs[*id as usize].asked + self.wait());
        let next = self.hosts.iter().filter(|host| !host.ready.is_empty()).map(|host| host.next);
        let next = if self.pending.len() < MOST_PENDING { next.min() } else { None };
        let soonest = wait.into_iter().chain(next).filter(|at| *at > now).min();
        soonest.unwrap_or(now).max(now + Duration::from_millis(1))
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sender {
    Target,
    Router,
}

pub(super) struct Answered {
    pub(super) rtt: Option<Duration>,
}

/// Errors that were spent so shortly before `at` that there may have been none left.
fn spent_before(spent: &VecDeque<Duration>, at: Duration) -> usize {
    spent.iter().filter(|asked| **asked <= at && at < **asked + REFILL).count()
}

fn note(spent: &mut VecDeque<Duration>, asked: Duration) {
    spent.push_back(asked);
    // Silence is judged seconds after the question at most.
    if spent.len() > 64 {
        spent.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A host with a ration of ICMP errors, as Linux has it.
    struct Target {
        closed: Vec<u32>,
        is_rationed: bool,
        tokens: f64,
        filled: Duration,
    }

    impl Target {
        fn answers(&mut self, id: u32, now: Duration) -> bool {
            self.tokens = (self.tokens + (now - self.filled).as_secs_f64()).min(6.0);
            self.filled = now;
            if !self.closed.contains(&id) || (self.is_rationed && self.tokens < 1.0) {
                return false;
            }
            self.tokens -= 1.0;
            true
        }
    }

    /// What is called silent, how long it took, how many were asked.
    fn scan(ports: u32, closed: Vec<u32>, is_rationed: bool) -> (Vec<u32>, Duration, u32) {
        let mut target = Target { closed, is_rationed, tokens: 6.0, filled: Duration::ZERO };
        let mut turns = Turns::new(1, ports as usize, 2);
        let (mut now, mut silent, mut asks) = (Duration::ZERO, Vec::new(), 0);
        let mut flying: VecDeque<(Duration, u32)> = VecDeque::new();
        while !turns.is_done() {
            while let Some((_, id)) = flying.pop_front_if(|(at, _)| *at <= now) {
                turns.answered(id, now, Some(Sender::Target));
            }
            match turns.next(now) {
                Some(Step::Silent(id)) => silent.push(id),
                Some(Step::Send(id)) => {
                    asks += 1;
                    if target.answers(id, now) {
                        flying.push_back((now + MS, id));
                    }
                    now += MS / 50;
                }
                None => now += MS,
            }
        }
        silent.sort_unstable();
        (silent, now, asks)
    }

    #[test]
    fn a_closed_port_is_never_called_silent_for_a_ration() {
        let (silent, took, _) = scan(40, (0..40).collect(), true);
        assert_eq!(silent, [0; 0]);
        assert!(took < Duration::from_secs(42), "{took:?}");
    }

    #[test]
    fn silence_without_any_error_is_believed_soon() {
        let (silent, took, asks) = scan(1_000, vec![], true);
        assert_eq!((silent.len(), asks), (1_000, 2_000));
        assert!(took < Duration::from_secs(6), "{took:?}");
    }

    #[test]
    fn few_closed_ports_among_many_silent_ones_are_found() {
        let closed: Vec<u32> = (0..1_000).step_by(50).collect();
        let (silent, took, asks) = scan(1_000, closed.clone(), true);
        assert_eq!(silent.len(), 980);
        assert!(closed.iter().all(|id| !silent.contains(id)));
        assert!(took < Duration::from_secs(40), "{took:?}");
        assert!(asks < 20_000, "{asks}");
    }

    #[test]
    fn a_host_without_a_ration_is_asked_at_full_speed() {
        let closed: Vec<u32> = (0..1_000).filter(|id| id % 10 != 0).collect();
        let (silent, took, _) = scan(1_000, closed, false);
        assert_eq!(silent, (0..1_000).step_by(10).collect::<Vec<_>>());
        assert!(took < Duration::from_secs(4), "{took:?}");
    }
}
