//! Probes without privilege: one datagram or echo socket a flow, answers from its error queue.

use std::{io, net::SocketAddr};

use netdiag_wire::trace::{TraceAnswer, TraceOutcome, TraceProtocol};

use super::{
    exchange::{Found, Means},
    raw::{outcome, plain},
};
use crate::{
    packet::probe::{Envelope, Shape, Tag},
    sys::{
        packets::Packet,
        unprivileged::{Came, Queued, Terms, Unprivileged},
        watched::{Watched, readable},
    },
};

/// Sockets of single probes, at most.
const MAX_SINGLE: usize = 64;

pub(super) struct DatagramLane {
    pub(super) shape: Shape,
    pub(super) terms: Terms,
    /// Of the flows, in their order.
    pub(super) sockets: Vec<Watched<Unprivileged>>,
    /// Of single probes, from ports of their own; see [`Self::is_blind`].
    pub(super) single: Vec<Watched<Unprivileged>>,
    pub(super) tags: Vec<Tag>,
    /// A router quotes 8 bytes behind the IP header and so nothing of the data, which alone tells
    /// the probes of a socket apart.
    pub(super) is_blind: bool,
}

impl DatagramLane {
    pub(super) fn source_port(&self, flow: u8) -> Option<u16> {
        let has_ports = self.shape.protocol == TraceProtocol::Udp;
        self.sockets.get(usize::from(flow)).filter(|_| has_ports)?.socket().port()
    }

    pub(super) fn send(&mut self, tag: Tag, envelope: Envelope) -> io::Result<()> {
        let to = SocketAddr::new(self.shape.target, self.shape.port);
        let bytes = match self.shape.protocol {
            TraceProtocol::Icmp => self.shape.echo(tag, envelope.size),
            TraceProtocol::Udp | TraceProtocol::Tcp => self.shape.data(tag.index, envelope.size),
        };
        if self.is_blind && self.single.len() < MAX_SINGLE {
            let socket = Unprivileged::udp(self.terms)?;
            socket.send(to, envelope.ttl, &bytes)?;
            self.single.push(Watched::new(socket)?);
            self.tags.push(tag);
            return Ok(());
        }
        self.sockets[usize::from(tag.flow)].socket().send(to, envelope.ttl, &bytes)
    }

    pub(super) fn take(
        &mut self,
        buffer: &mut [u8],
        note: &mut dyn FnMut(Found),
    ) -> io::Result<()> {
        for (flow, socket) in (0..).zip(&self.sockets) {
            let shape = &self.shape;
            let is_blind = &mut self.is_blind;
            drain(socket.socket(), buffer, &mut |came| match came {
                Came::Packet(packet) => {
                    of_target(shape, flow, &packet).into_iter().for_each(&mut *note);
                }
                Came::Error(queued) => match index(shape, queued.bytes) {
                    Some(index) => note(of_queue(&queued, Tag { flow, index })),
                    None => *is_blind |= shape.protocol == TraceProtocol::Udp,
                },
                Came::Other | Came::Empty => {}
            })?;
        }
        for (tag, socket) in self.tags.iter().zip(&self.single) {
            let target = self.shape.target;
            drain(socket.socket(), buffer, &mut |came| match came {
                Came::Packet(packet) if packet.from == target => {
                    note(plain(&packet, Means::Probe(*tag), TraceOutcome::Replied));
                }
                Came::Error(queued) => note(of_queue(&queued, *tag)),
                Came::Packet(_) | Came::Other | Came::Empty => {}
            })?;
        }
        Ok(())
    }

    pub(super) async fn readable(&self) {
        tokio::select! {
            () = readable(&self.sockets) => {}
            () = readable(&self.single) => {}
        }
    }
}

fn drain(
    socket: &Unprivileged,
    buffer: &mut [u8],
    note: &mut dyn FnMut(Came<'_>),
) -> io::Result<()> {
    loop {
        match socket.take_error(buffer)? {
            Came::Empty => break,
            came => note(came),
        }
    }
    loop {
        match socket.take_packet(buffer)? {
            Came::Empty => return Ok(()),
            came => note(came),
        }
    }
}

/// Which probe a quote is of.
fn index(shape: &Shape, bytes: &[u8]) -> Option<u16> {
    match shape.protocol {
        TraceProtocol::Icmp => shape.index_of_echo(bytes),
        TraceProtocol::Udp | TraceProtocol::Tcp => shape.index_of_data(bytes),
    }
}

fn of_target(shape: &Shape, flow: u8, packet: &Packet<'_>) -> Option<Found> {
    if packet.from != shape.target {
        return None;
    }
    let means = match shape.protocol {
        TraceProtocol::Icmp => {
            Means::Probe(Tag { flow, index: shape.index_of_reply(packet.bytes)? })
        }
        TraceProtocol::Udp | TraceProtocol::Tcp => Means::Flow(flow),
    };
    Some(plain(packet, means, TraceOutcome::Replied))
}

pub(super) fn of_queue(queued: &Queued<'_>, tag: Tag) -> Found {
    let answer = TraceAnswer {
        address: queued.by,
        rtt_us: 0,
        outcome: outcome(queued.icmp.meaning),
        icmp: Some(queued.icmp.clone()),
        ttl: queued.ttl,
        labels: Vec::new(),
        rewritten_to: None,
    };
    Found { means: Means::Probe(tag), answer, at: queued.at }
}
