//! Addresses asked by echo requests if anybody is there.

use std::{io, net::IpAddr, slice, time::Duration};

use netdiag_wire::{
    scan::{PortState, ScanWhy},
    trace::TraceProtocol,
};
use rustix::io::Errno;

use super::{
    field::{Fate, Field},
    lane::{Found, Lane},
    schedule::{LEAST_ATTEMPTS, Terms},
};
use crate::{
    ProbeError,
    packet::{
        Version,
        probe::{Envelope, Secret, Shape, Tag},
    },
    sys::{
        packets::{Packet, PacketSocket, Taken, any},
        refusal,
        watched::{Watched, readable},
    },
};

const TTL: u8 = 64;
/// An echo is asked of no port.
pub(super) const NO_PORT: u16 = 0;

/// Opened with privilege.
#[derive(Debug)]
pub(super) struct EchoSockets {
    sender: PacketSocket,
    receiver: PacketSocket,
    ident: u16,
    secret: Secret,
}

impl EchoSockets {
    pub(super) fn open(
        version: Version,
        source: Option<IpAddr>,
        ident: u16,
        secret: Secret,
    ) -> io::Result<Self> {
        Ok(Self {
            sender: PacketSocket::sender(version, source)?,
            receiver: PacketSocket::errors(version, TraceProtocol::Icmp, &(ident..ident + 1))?,
            ident,
            secret,
        })
    }
}

pub(super) struct EchoLane {
    sender: PacketSocket,
    receiver: Watched<PacketSocket>,
    /// Toward nobody yet.
    shape: Shape,
    buffer: Vec<u8>,
}

impl EchoLane {
    /// Must be called in the runtime that watches.
    pub(super) fn new(version: Version, sockets: EchoSockets) -> io::Result<Self> {
        let EchoSockets { sender, receiver, ident, secret } = sockets;
        let shape = Shape {
            protocol: TraceProtocol::Icmp,
            source: any(version),
            target: any(version),
            port: 0,
            first_port: ident,
            flows: 1,
            secret,
        };
        Ok(Self { sender, receiver: Watched::new(receiver)?, shape, buffer: vec![0; 2_048] })
    }
}

impl Lane for EchoLane {
    fn terms(&self) -> Terms {
        Terms {
            slots: 128,
            most_slots: 256,
            age: Some(Duration::from_millis(5)),
            wait: Duration::from_millis(50),
            blind_wait: Duration::from_millis(50),
            active: usize::MAX,
            attempts: LEAST_ATTEMPTS,
            memory: Duration::ZERO,
        }
    }

    fn send(
        &mut self,
        field: &Field,
        ids: &[u32],
        note: &mut dyn FnMut(Found),
    ) -> Result<(), ProbeError> {
        for id in ids {
            let (host, _) = field.at(*id);
            let shape = Shape { source: host.source, target: host.address, ..self.shape.clone() };
            let envelope = Envelope { ttl: TTL, size: 0, dont_fragment: false };
            let packet = shape.packet(Tag { flow: 0, index: 1 }, envelope);
            if let Err(error) = self.sender.send(host.address, &packet)
                && !refusal::is_for_now(&error)
            {
                note(Found::new(*id, Fate::not_sent(Errno::from_io_error(&error))));
            }
        }
        Ok(())
    }

    /// Nobody remembers an echo for long.
    fn forget(&mut self, _: &Field, _: &[u32]) -> usize {
        0
    }

    fn take(&mut self, field: &Field, note: &mut dyn FnMut(Found)) -> Result<(), ProbeError> {
        let Self { receiver, shape, buffer, .. } = self;
        loop {
            let taken = receiver.socket().take(buffer);
            match taken.map_err(|e| ProbeError::Socket("receive from raw socket", e))? {
                Taken::Empty => return Ok(()),
                Taken::Other => {}
                Taken::Packet(packet) => {
                    found(shape, field, &packet).into_iter().for_each(&mut *note);
                }
            }
        }
    }

    async fn readable(&self) {
        readable(slice::from_ref(&self.receiver)).await;
    }
}

fn found(shape: &Shape, field: &Field, packet: &Packet<'_>) -> Option<Found> {
    shape.echoed(packet.bytes)?;
    let id = field.find(packet.from, NO_PORT)?;
    let fate = Fate::new(PortState::Open, ScanWhy::EchoReply);
    Some(Found { ttl: packet.ttl, ..Found::new(id, fate) })
}
