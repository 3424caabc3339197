//! SYNs without privilege: a connection with a TTL of its own, one after the other from one port,
//! so that the target never sees more than one.

use std::{io, net::SocketAddr, ops::Range};

use netdiag_wire::trace::{TraceAnswer, TraceOutcome};

use super::{
    datagram::of_queue,
    exchange::{Found, Means},
};
use crate::{
    packet::probe::{Envelope, Tag},
    sys::{
        packets::Reserved,
        unprivileged::{Came, Terms, Unprivileged},
        watched::{Watched, readable},
    },
};

pub(super) struct SequentialLane {
    pub(super) target: SocketAddr,
    pub(super) terms: Terms,
    pub(super) ports: Range<u16>,
    /// What is under way, one connection a flow at most.
    pub(super) sockets: Vec<Watched<Unprivileged>>,
    pub(super) tags: Vec<Tag>,
    /// Keeps the ports.
    pub(super) _reserved: Option<Reserved>,
}

impl SequentialLane {
    pub(super) fn source_port(&self, flow: u8) -> Option<u16> {
        Some(self.ports.start + u16::from(flow))
    }

    pub(super) fn send(&mut self, tag: Tag, envelope: Envelope) -> io::Result<()> {
        self.close(|open| open.flow == tag.flow);
        let socket = Unprivileged::tcp(self.terms, self.ports.start + u16::from(tag.flow))?;
        socket.connect(self.target, envelope.ttl)?;
        self.sockets.push(Watched::connecting(socket)?);
        self.tags.push(tag);
        Ok(())
    }

    pub(super) fn take(
        &mut self,
        buffer: &mut [u8],
        note: &mut dyn FnMut(Found),
    ) -> io::Result<()> {
        let mut answered = Vec::new();
        for (tag, socket) in self.tags.iter().zip(&self.sockets) {
            if let Some(found) = self.answer(*tag, socket.socket(), buffer)? {
                note(found);
                answered.push(*tag);
            }
        }
        self.close(|tag| answered.contains(&tag));
        Ok(())
    }

    fn answer(
        &self,
        tag: Tag,
        socket: &Unprivileged,
        buffer: &mut [u8],
    ) -> io::Result<Option<Found>> {
        if let Came::Error(queued) = socket.take_error(buffer)? {
            return Ok(Some(of_queue(&queued, tag)));
        }
        let outcome = match socket.is_connected() {
            Some(true) => TraceOutcome::Open,
            Some(false) => TraceOutcome::Refused,
            None => return Ok(None),
        };
        let answer = TraceAnswer {
            address: self.target.ip(),
            rtt_us: 0,
            outcome,
            icmp: None,
            ttl: None,
            labels: Vec::new(),
            rewritten_to: None,
        };
        Ok(Some(Found { means: Means::Probe(tag), answer, at: None }))
    }

    /// Each by a reset.
    fn close(&mut self, which: impl Fn(Tag) -> bool) {
        while let Some(place) = self.tags.iter().position(|tag| which(*tag)) {
            self.tags.swap_remove(place);
            self.sockets.swap_remove(place).socket().let_go();
        }
    }

    pub(super) async fn readable(&self) {
        readable(&self.sockets).await;
    }
}
