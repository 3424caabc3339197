//! What became of the echo requests to one target: decisions only, with time as an argument.

use std::{collections::VecDeque, net::IpAddr, time::Duration};

use netdiag_wire::{
    IcmpError, SendRefusal,
    ping::{LINGER_US, PingEvent, PingRequest},
};

use crate::clock::{Arrival, Moment, micros, took};

/// Settled requests that are remembered, so that late and duplicate answers are known as such.
const MAX_SETTLED: usize = 2_048;
/// Half of the sequence numbers in a packet: an answer's full number stays unambiguous.
const MAX_KEPT: usize = 32_768;
/// How far behind a sender that was held up may catch up in a burst.
const CATCH_UP: Duration = Duration::from_millis(100);

/// What a reply brings besides its sequence number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply {
    pub(super) from: IpAddr,
    pub(super) bytes: u16,
    pub(super) ttl: Option<u8>,
    pub(super) wrong_byte: Option<u16>,
}

#[derive(Debug)]
pub(super) struct Track {
    target: u16,
    count: Option<u32>,
    interval: Duration,
    wait: Duration,
    once: bool,
    /// When the next request is due.
    due: Duration,
    /// Requests so far, those among them that the kernel did not send; also the last `seq`.
    tried: u32,
    /// The last requests, the newest at the back.
    kept: VecDeque<Probe>,
    /// How many of `kept`, from the back, were not looked at by [`Track::expire`].
    unexpired: usize,
    waiting: usize,
    highest_answered: u32,
    last_sent: Option<Duration>,
    /// Anything at all came back.
    heard: bool,
    replied: bool,
    lingered: bool,
}

#[derive(Clone, Copy, Debug)]
struct Probe {
    sent: Moment,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fate {
    Waiting,
    Silent,
    Replied,
    Rejected,
    NotSent,
}

type Emit<'a> = &'a mut dyn FnMut(PingEvent);

impl Track {
    pub(super) fn new(target: u16, request: &PingRequest) -> Self {
        Self {
            target,
            count: request.count.map(Into::into),
            interval: Duration::from_micros(request.interval_us.into()),
            wait: Duration::from_micros(request.wait_us.into()),
            once: request.once,
            due: Duration::ZERO,
            tried: 0,
            kept: VecDeque::new(),
            unexpired: 0,
            waiting: 0,
            highest_answered: 0,
            last_sent: None,
            heard: false,
            replied: false,
            lingered: false,
        }
    }

    /// `seq` of the request that should be sent now.
    pub(super) fn due(&self, now: Duration) -> Option<u32> {
        (self.sends_more() && self.due <= now).then_some(self.tried + 1)
    }

    /// When there is something to do next; `None` when nothing is left.
    pub(super) fn wakes_at(&self) -> Option<Duration> {
        if self.once && self.replied {
            return None;
        }
        let due = self.sends_more().then_some(self.due);
        let silence = self.first_waiting().map(|probe| probe.sent.elapsed + self.wait);
        due.into_iter().chain(silence).min().or_else(|| self.lingers_until())
    }

    fn sends_more(&self) -> bool {
        !(self.once && self.replied) && self.count.is_none_or(|count| self.tried < count)
    }

    fn lingers_until(&self) -> Option<Duration> {
        let last = self.last_sent.filter(|_| !self.heard && !self.lingered)?;
        Some(last + Duration::from_micros(LINGER_US.into()))
    }

    fn first_waiting(&self) -> Option<&Probe> {
        self.kept.range(self.kept.len() - self.unexpired..).find(|p| p.fate == Fate::Waiting)
    }

    pub(super) fn sent(&mut self, at: Moment, emit: Emit<'_>) {
        self.last_sent = Some(at.elapsed);
        self.waiting += 1;
        self.push(Probe { sent: at, fate: Fate::Waiting });
        emit(PingEvent::Sent { target: self.target, seq: self.tried });
        self.forget(at.elapsed, emit);
    }

    pub(super) fn not_sent(&mut self, at: Moment, refusal: SendRefusal, emit: Emit<'_>) {
        self.push(Probe { sent: at, fate: Fate::NotSent });
        emit(PingEvent::NotSent { target: self.target, seq: self.tried, refusal });
        self.forget(at.elapsed, emit);
    }

    fn push(&mut self, probe: Probe) {
        self.tried += 1;
        self.unexpired += 1;
        self.due = (self.due + self.interval).max(probe.sent.elapsed.saturating_sub(CATCH_UP));
        self.kept.push_back(probe);
    }

    /// A request that is waited for is kept, unless its number is about to come round again.
    fn forget(&mut self, now: Duration, emit: Emit<'_>) {
        if self.kept.len() > MAX_KEPT {
            self.silence(0, now, emit);
        }
        while self.kept.len() > MAX_SETTLED
            && self.kept.front().is_some_and(|probe| probe.fate != Fate::Waiting)
        {
            self.kept.pop_front();
            self.unexpired = self.unexpired.min(self.kept.len());
        }
    }

    /// Says which requests were waited for long enough. Answers that already came are taken first.
    pub(super) fn expire(&mut self, now: Duration, emit: Emit<'_>) {
        while let Some(index) = self.kept.len().checked_sub(self.unexpired)
            && let Some(probe) = self.kept.get(index)
            && (probe.fate != Fate::Waiting || probe.sent.elapsed + self.wait <= now)
        {
            self.silence(index, now, emit);
            self.unexpired -= 1;
        }
        if self.lingers_until().is_some_and(|end| end <= now) && self.waiting == 0 {
            self.lingered = !self.sends_more();
        }
    }

    /// The request at `index` of `kept` is silent, if it was still waited for.
    fn silence(&mut self, index: usize, now: Duration, emit: Emit<'_>) {
        let seq = self.seq_of(index);
        if let Some(probe) = self.kept.get_mut(index)
            && probe.fate == Fate::Waiting
        {
            probe.fate = Fate::Silent;
            self.waiting -= 1;
            let waited_us = micros(now.saturating_sub(probe.sent.elapsed));
            emit(PingEvent::Silence { target: self.target, seq, waited_us });
        }
    }

    pub(super) fn replied(&mut self, wire: u16, reply: Reply, at: Arrival, emit: Emit<'_>) {
        let Some((index, rtt, before)) = self.find(wire, at) else { return };
        let is_late = match before {
            Fate::Waiting => rtt > self.wait,
            Fate::Silent => true,
            Fate::Replied | Fate::Rejected | Fate::NotSent => false,
        };
        if is_late {
            self.silence(index, at.read.elapsed, emit);
        }
        self.settle(index, Fate::Replied);
        let seq = self.seq_of(index);
        emit(PingEvent::Replied {
            target: self.target,
            seq,
            address: reply.from,
            bytes: reply.bytes,
            ttl: reply.ttl,
            rtt_us: micros(rtt),
            late: is_late,
            duplicate: before == Fate::Replied,
            reordered: before != Fate::Replied && seq < self.highest_answered,
            wrong_byte: reply.wrong_byte,
        });
        self.highest_answered = self.highest_answered.max(seq);
        self.replied = true;
    }

    /// A request's first rejection; one that was answered as well counts as answered.
    pub(super) fn rejected(
        &mut self,
        wire: u16,
        by: IpAddr,
        icmp: IcmpError,
        at: Arrival,
        emit: Emit<'_>,
    ) {
        let Some((index, after, before)) = self.find(wire, at) else { return };
        self.heard = true;
        if before == Fate::Waiting || before == Fate::Silent {
            self.settle(index, Fate::Rejected);
            let (target, seq, after_us) = (self.target, self.seq_of(index), micros(after));
            emit(PingEvent::Rejected { target, seq, by, icmp, after_us });
        }
    }

    pub(super) fn redirected(
        &mut self,
        wire: u16,
        by: IpAddr,
        gateway: IpAddr,
        at: Arrival,
        emit: Emit<'_>,
    ) {
        if let Some((index, ..)) = self.find(wire, at) {
            let seq = self.seq_of(index);
            emit(PingEvent::Redirected { target: self.target, seq, by, gateway });
        }
    }

    pub(super) fn corrupted(&mut self, wire: u16, reply: Reply, at: Arrival, emit: Emit<'_>) {
        if let Some((index, ..)) = self.find(wire, at) {
            self.heard = true;
            let (address, bytes) = (reply.from, reply.bytes);
            emit(PingEvent::Corrupted {
                target: self.target,
                seq: self.seq_of(index),
                address,
                bytes,
            });
        }
    }

    fn settle(&mut self, index: usize, fate: Fate) {
        self.heard = true;
        if let Some(probe) = self.kept.get_mut(index) {
            self.waiting -= usize::from(probe.fate == Fate::Waiting);
            probe.fate = fate;
        }
    }

    /// The request that an answer means, how long the answer took, and what was known before;
    /// `None` for a request that was never sent or is long forgotten.
    fn find(&self, wire: u16, at: Arrival) -> Option<(usize, Duration, Fate)> {
        let age = usize::from((self.tried as u16).wrapping_sub(wire));
        let index = self.kept.len().checked_sub(1 + age)?;
        let probe = self.kept.get(index).filter(|probe| probe.fate != Fate::NotSent)?;
        Some((index, took(probe.sent, at), probe.fate))
    }

    fn seq_of(&self, index: usize) -> u32 {
        self.tried - (self.kept.len() - 1 - index) as u32
    }
}

#[cfg(test)]
mod tests;
