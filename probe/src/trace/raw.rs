//! Probes as packets of our own making, and whatever answers them, by raw sockets.

use std::io;

use netdiag_wire::{
    IcmpMeaning,
    trace::{TraceAnswer, TraceOutcome, TraceProtocol},
};

use super::exchange::{Found, Means};
use crate::{
    packet::probe::{Envelope, Shape, Tag},
    sys::{
        packets::{Packet, PacketSocket, Reserved, Taken},
        watched::{Watched, readable},
    },
};

/// Linux' own.
const KNOCK_TTL: u8 = 64;

pub(super) struct RawLane {
    pub(super) shape: Shape,
    pub(super) sender: PacketSocket,
    /// ICMP first, then what comes from the target itself, then what answers `knock`.
    pub(super) receivers: Vec<Watched<PacketSocket>>,
    /// An echo to the target itself, for a UDP trace.
    pub(super) knock: Option<Shape>,
    pub(super) is_alive: bool,
    /// The lowest TTL with which an echo came so far.
    pub(super) nearest_echo: Option<u8>,
    /// Keeps the ports.
    pub(super) _reserved: Option<Reserved>,
}

impl RawLane {
    /// Identifiers of echoes are no ports.
    pub(super) fn source_port(&self, flow: u8) -> Option<u16> {
        let has_ports = self.shape.protocol != TraceProtocol::Icmp;
        has_ports.then(|| self.shape.source_port(flow))
    }

    pub(super) fn send(&self, tag: Tag, envelope: Envelope) -> io::Result<()> {
        self.sender.send(self.shape.target, &self.shape.packet(tag, envelope))
    }

    /// An echo, with the TTL as its number, or 0 if it only has to come there.
    pub(super) fn knock(&self, ttl: Option<u8>) {
        let tag = Tag { flow: 0, index: ttl.map_or(0, u16::from) };
        let ttl = ttl.unwrap_or(KNOCK_TTL);
        let envelope = Envelope { ttl, size: 0, dont_fragment: false };
        if let Some(shape) = &self.knock {
            // One that is not sent is one that is not answered.
            self.sender.send(shape.target, &shape.packet(tag, envelope)).unwrap_or_default();
        }
    }

    pub(super) fn take(
        &mut self,
        buffer: &mut [u8],
        note: &mut dyn FnMut(Found),
    ) -> io::Result<()> {
        let (mut is_alive, mut nearest) = (self.is_alive, self.nearest_echo);
        for (index, receiver) in self.receivers.iter().enumerate() {
            loop {
                let packet = match receiver.socket().take(buffer)? {
                    Taken::Empty => break,
                    Taken::Other => continue,
                    Taken::Packet(packet) => packet,
                };
                match index {
                    0 => self.of_icmp(&packet).into_iter().for_each(&mut *note),
                    1 => self.of_target(&packet).into_iter().for_each(&mut *note),
                    _ => {
                        let Some(ttl) = self.knocked(&packet) else { continue };
                        is_alive = true;
                        nearest = nearest.into_iter().chain((ttl > 0).then_some(ttl)).min();
                    }
                }
            }
        }
        (self.is_alive, self.nearest_echo) = (is_alive, nearest);
        Ok(())
    }

    pub(super) async fn readable(&self) {
        readable(&self.receivers).await;
    }

    /// The TTL of the knock that the target answers; 0 for one that asked for no distance.
    fn knocked(&self, packet: &Packet<'_>) -> Option<u8> {
        let shape = self.knock.as_ref().filter(|shape| shape.target == packet.from)?;
        u8::try_from(shape.echoed(packet.bytes)?.index).ok()
    }

    fn of_icmp(&self, packet: &Packet<'_>) -> Option<Found> {
        if let Some(tag) = self.shape.echoed(packet.bytes) {
            let is_target = packet.from == self.shape.target;
            return is_target.then(|| plain(packet, Means::Probe(tag), TraceOutcome::Replied));
        }
        let (tag, rejection) = self.shape.rejected(packet.bytes)?;
        let mut found = plain(packet, Means::Probe(tag), outcome(rejection.icmp.meaning));
        let to = rejection.quoted.to;
        found.answer.rewritten_to = (to != self.shape.target).then_some(to);
        found.answer.icmp = Some(rejection.icmp);
        found.answer.labels = rejection.labels;
        Some(found)
    }

    fn of_target(&self, packet: &Packet<'_>) -> Option<Found> {
        if packet.from != self.shape.target {
            return None;
        }
        if self.shape.protocol == TraceProtocol::Tcp {
            let (tag, is_open) = self.shape.segment(packet.bytes)?;
            let outcome = if is_open { TraceOutcome::Open } else { TraceOutcome::Refused };
            return Some(plain(packet, Means::Probe(tag), outcome));
        }
        let flow = self.shape.datagram(packet.bytes)?;
        Some(plain(packet, Means::Flow(flow), TraceOutcome::Replied))
    }
}

pub(super) fn outcome(meaning: IcmpMeaning) -> TraceOutcome {
    if meaning == IcmpMeaning::TtlExceeded { TraceOutcome::Expired } else { TraceOutcome::Rejected }
}

pub(super) fn plain(packet: &Packet<'_>, means: Means, outcome: TraceOutcome) -> Found {
    let answer = TraceAnswer {
        address: packet.from,
        rtt_us: 0,
        outcome,
        icmp: None,
        ttl: packet.ttl,
        labels: Vec::new(),
        rewritten_to: None,
    };
    Found { means, answer, at: packet.at }
}
