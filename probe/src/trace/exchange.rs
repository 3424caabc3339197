//! Probes out, answers in: what was sent when, and which answer belongs to it.

use std::{io, net::IpAddr, time::Duration};

use netdiag_wire::{SendRefusal, trace::TraceAnswer};
use tokio::time::Instant;

use super::raw::RawLane;
use crate::{
    ProbeError,
    clock::{Arrival, Moment, micros, moment, took},
    packet::probe::{Envelope, MAX_INDEX, Tag},
    sys::refusal,
};

/// The largest IP packet.
const BUFFER: usize = 65_536;

pub(super) struct Exchange {
    lane: RawLane,
    target: IpAddr,
    /// By the index in their packets.
    sent: Vec<Sent>,
    buffer: Vec<u8>,
    start: Instant,
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
    pub(super) fn new(lane: RawLane, target: IpAddr) -> Self {
        let (sent, buffer) = (Vec::new(), vec![0; BUFFER]);
        Self { lane, target, sent, buffer, start: Instant::now() }
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
        let Self { lane, sent, buffer, start, .. } = self;
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
            let rtt_us = micros(took(sent.at, arrival));
            note(Answered { index, answer: TraceAnswer { rtt_us, ..found.answer } });
        });
        taken.map_err(|e: io::Error| ProbeError::Socket("receive from raw socket", e))
    }

    /// Until something may have come.
    pub(super) async fn readable(&self) {
        self.lane.readable().await;
    }
}
