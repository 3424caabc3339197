//! The ways that probes may go, by what the process is allowed to.

use std::io;

use netdiag_wire::trace::{TraceMethod, TraceProtocol};

use super::{datagram::DatagramLane, exchange::Found, raw::RawLane, sequential::SequentialLane};
use crate::packet::probe::{Envelope, Tag};

pub(super) enum Lane {
    Raw(RawLane),
    Datagram(DatagramLane),
    Sequential(SequentialLane),
}

impl Lane {
    pub(super) fn method(&self) -> TraceMethod {
        match self {
            Self::Raw(_) => TraceMethod::Raw,
            Self::Datagram(_) => TraceMethod::Datagram,
            Self::Sequential(_) => TraceMethod::Sequential,
        }
    }

    /// That all packets of the flow come from; identifiers of echoes are no ports.
    pub(super) fn source_port(&self, flow: u8) -> Option<u16> {
        match self {
            Self::Raw(lane) => lane.source_port(flow),
            Self::Datagram(lane) => lane.source_port(flow),
            Self::Sequential(lane) => lane.source_port(flow),
        }
    }

    pub(super) fn send(&mut self, tag: Tag, envelope: Envelope) -> io::Result<()> {
        match self {
            Self::Raw(lane) => lane.send(tag, envelope),
            Self::Datagram(lane) => lane.send(tag, envelope),
            Self::Sequential(lane) => lane.send(tag, envelope),
        }
    }

    pub(super) fn take(
        &mut self,
        buffer: &mut [u8],
        note: &mut dyn FnMut(Found),
    ) -> io::Result<()> {
        match self {
            Self::Raw(lane) => lane.take(buffer, note),
            Self::Datagram(lane) => lane.take(buffer, note),
            Self::Sequential(lane) => lane.take(buffer, note),
        }
    }

    pub(super) fn knock(&mut self, ttl: Option<u8>) {
        match self {
            Self::Raw(lane) => lane.knock(ttl),
            Self::Datagram(_) | Self::Sequential(_) => {}
        }
    }

    /// What the target answers with counts for its rate limit.
    pub(super) fn is_limited(&self) -> bool {
        match self {
            Self::Raw(lane) => lane.shape.protocol == TraceProtocol::Udp,
            Self::Datagram(lane) => lane.shape.protocol == TraceProtocol::Udp,
            Self::Sequential(_) => false,
        }
    }

    /// Where nobody can ask, everybody counts as alive.
    pub(super) fn is_alive(&self) -> bool {
        match self {
            Self::Raw(lane) => lane.is_alive,
            Self::Datagram(_) | Self::Sequential(_) => true,
        }
    }

    pub(super) fn nearest_echo(&self) -> Option<u8> {
        match self {
            Self::Raw(lane) => lane.nearest_echo,
            Self::Datagram(_) | Self::Sequential(_) => None,
        }
    }

    pub(super) async fn readable(&self) {
        match self {
            Self::Raw(lane) => lane.readable().await,
            Self::Datagram(lane) => lane.readable().await,
            Self::Sequential(lane) => lane.readable().await,
        }
    }
}
