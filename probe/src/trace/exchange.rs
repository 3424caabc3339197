//! Probes out, answers in: what was sent when, and which answer belongs to it.

use std::{io, net::IpAddr, time::Duration};

use netdiag_wire::{
    SendRefusal,
    trace::{TraceAnswer, TraceMethod},
};
use tokio::time::Instant;

use super::{lane::Lane, path::Pace};
use crate::{
    ProbeError,
    clock::{Arrival, Moment, micros, moment, took},
    packet::probe::{Envelope, MAX_INDEX, Tag},
    sys::refusal,
};

/// The largest IP packet.
const BUFFER: usize = 65_536;
/// An answer takes at most so many times as long as the slowest so far.
const PATIENCE: u32 = 10;
const LEAST_PATIENCE: Duration = Duration::from_millis(250);
/// Traceroute's.
const MOST_PATIENCE: Duration = Duration::from_secs(5);
const LEAST_GAP: Duration = Duration::from_millis(5);
const MOST_GAP: Duration = Duration::from_millis(20);

pub(super) struct Exchange {
    lane: Lane,
    target: IpAddr,
    /// By the index in their packets.
    sent: Vec<Sent>,
    buffer: Vec<u8>,
    start: Instant,
    wait: Option<Duration>,
    slowest: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    flow: u8,
    at: Moment,
}

/// What a lane found in one packet.
pub(super) struct Found {
    pub(super) means: Means,
    /// Without its round trip.
    pub(super) answer: TraceAnswer,
    /// The kernel's stamp.
    pub(super) at: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Means {
    Probe(Tag),
    /// A datagram of the target says its flow only.
    Flow(u8),
}

/// One answer to a probe that was sent.
pub(super) struct Answered {
    pub(super) index: u16,
    pub(super) answer: TraceAnswer,
}

impl Exchange {
    pub(super) fn new(lane: Lane, target: IpAddr, wait: Option<Duration>) -> Self {
        Self {
            lane,
            target,
            sent: Vec::new(),
            buffer: vec![0; BUFFER],
            start: Instant::now(),
            wait,
            slowest: Duration::ZERO,
        }
    }

    /// How long an answer may take.
    pub(super) fn patience(&self) -> Duration {
        let adapted = (self.slowest * PATIENCE).clamp(LEAST_PATIENCE, MOST_PATIENCE);
        self.wait.unwrap_or(adapted)
    }

    pub(super) fn pace(&self) -> Pace {
        let gap = match self.slowest {
            Duration::ZERO => MOST_GAP,
            slowest => (slowest * PATIENCE).clamp(LEAST_GAP, MOST_GAP),
        };
        Pace { patience: self.patience(), gap }
    }

    /// Whether several probes of a flow may be under way.
    pub(super) fn is_at_once(&self) -> bool {
        self.lane.method() != TraceMethod::Sequential
    }

    /// Asks the target in a way that no rate limit makes silent whether it lives, or whether a
    /// packet with this TTL comes so far.
    pub(super) fn knock(&mut self, ttl: Option<u8>) {
        self.lane.knock(ttl);
    }

    /// The target's silence may be a rate limit's: it has answered, if not what it was asked.
    pub(super) fn is_alive(&self, has_arrived: bool) -> bool {
        self.lane.is_limited() && (has_arrived || self.lane.is_alive())
    }

    /// The lowest TTL that an answered knock had.
    pub(super) fn nearest_echo(&self) -> Option<u8> {
        self.lane.nearest_echo()
    }

    /// That all packets of the flow come from.
    pub(super) fn source_port(&self, flow: u8) -> Option<u16> {
        self.lane.source_port(flow)
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    pub(super) fn start(&self) -> Instant {
        self.start
    }

    /// Sends one probe; its index, counting from 0, which its answers will bear.
    pub(super) fn send(&mut self, flow: u8, envelope: Envelope) -> Result<u16, SendRefusal> {
        let index = u16::try_from(self.sent.len()).unwrap_or(u16::MAX);
        if index > MAX_INDEX {
            return Err(SendRefusal::QueueFull);
        }
        let at = moment(self.start);
        let sent = self.lane.send(Tag { flow, index }, envelope);
        sent.map_err(|error| refusal::of(&error, self.target))?;
        self.sent.push(Sent { flow, at });
        Ok(index)
    }

    /// Takes what came. `nearest` knows which probe of a flow a datagram of the target answers.
    pub(super) fn take(
        &mut self,
        nearest: &dyn Fn(u8) -> Option<u16>,
        mut note: impl FnMut(Answered),
    ) -> Result<(), ProbeError> {
        let Self { lane, sent, buffer, start, slowest, .. } = self;
        let taken = lane.take(buffer, &mut |found: Found| {
            let (flow, index) = match found.means {
                Means::Probe(tag) => (tag.flow, Some(tag.index)),
                Means::Flow(flow) => (flow, nearest(flow)),
            };
            let Some(index) = index else { return };
            // Never a probe that was not sent, nor one of another flow.
            let known = sent.get(usize::from(index)).filter(|sent| sent.flow == flow);
            let Some(sent) = known else { return };
            let arrival = Arrival { stamp: found.at, read: moment(*start) };
            let rtt = took(sent.at, arrival);
            *slowest = rtt.max(*slowest);
            let rtt_us = micros(rtt);
            note(Answered { index, answer: TraceAnswer { rtt_us, ..found.answer } });
        });
        taken.map_err(|e: io::Error| ProbeError::Socket("receive from socket", e))
    }

    /// Until something may have come.
    pub(super) async fn readable(&self) {
        self.lane.readable().await;
    }
}
