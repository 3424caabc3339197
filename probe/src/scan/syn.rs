//! TCP ports asked by SYNs of our own making, half-open: the kernel resets what is answered, as the
//! source ports are held by sockets that do not listen, and the rest is reset by us.

use std::{io, net::IpAddr, time::Duration};

use netdiag_wire::scan::{PortState, ScanWhy};

use super::{
    field::{Fate, Field},
    identify::os::SynAck,
    lane::{Found, Lane},
    schedule::{MOST_ATTEMPTS, Terms},
    second_sender::{Batch, Refused, SecondSender},
    sockets::RawSockets,
};
use crate::{
    ProbeError,
    packet::{
        Version,
        syn::{Syns, Way},
    },
    sys::{
        many::Buffers,
        packets::{Packet, PacketSocket},
        watched::{Watched, readable},
    },
};

pub(super) struct SynLane {
    version: Version,
    syns: Syns,
    sender: PacketSocket,
    second: Option<SecondSender>,
    /// ICMP errors first, then answers.
    receivers: Vec<Watched<PacketSocket>>,
    buffers: Buffers,
}

impl SynLane {
    /// Must be called in the runtime that watches.
    pub(super) fn new(version: Version, syns: Syns, sockets: RawSockets) -> io::Result<Self> {
        let receivers = sockets.receivers.into_iter().map(Watched::new);
        Ok(Self {
            version,
            syns,
            sender: sockets.sender,
            second: sockets.second_sender.and_then(SecondSender::start),
            receivers: receivers.collect::<Result<_, _>>()?,
            buffers: Buffers::new(),
        })
    }

    /// By whichever thread has time; each that was not sent goes to `note`, now or later.
    fn dispatch(&self, batch: Batch, note: &mut dyn FnMut(Found)) {
        let left = match &self.second {
            Some(second) => second.take(batch),
            None => Some(batch),
        };
        if let Some(batch) = left {
            batch.send(&self.sender, &mut |refused| note(not_sent(refused)));
        }
    }
}

fn not_sent(Refused { id, errno }: Refused) -> Found {
    Found::new(id, Fate::not_sent(errno))
}

impl Lane for SynLane {
    fn terms(&self) -> Terms {
        // So many answers at once fit into the buffer that every kernel gives.
        let each = self.receivers.len() - 1;
        Terms {
            slots: 256 * each,
            most_slots: 256 * each,
            age: Some(Duration::from_millis(5)),
            wait: Duration::from_millis(20),
            blind_wait: Duration::from_millis(20),
            active: 8_192,
            attempts: MOST_ATTEMPTS,
            memory: Duration::ZERO,
        }
    }

    fn send(
        &mut self,
        field: &Field,
        ids: &[u32],
        note: &mut dyn FnMut(Found),
    ) -> Result<(), ProbeError> {
        let packets = packets(field, ids, |way| self.syns.syn(way));
        self.dispatch(Batch { packets, ids: ids.to_vec() }, note);
        Ok(())
    }

    fn forget(&mut self, field: &Field, ids: &[u32]) -> usize {
        // No SYN may come after its RST.
        self.second.iter().for_each(SecondSender::settle);
        let packets = packets(field, ids, |way| self.syns.reset(way));
        // What is not sent now is forgotten by itself in the end.
        self.dispatch(Batch { packets, ids: Vec::new() }, &mut |_| {});
        ids.len()
    }

    fn take(&mut self, field: &Field, note: &mut dyn FnMut(Found)) -> Result<(), ProbeError> {
        let Self { version, syns, second, receivers, buffers, .. } = self;
        second.iter().flat_map(SecondSender::refused).for_each(|refused| note(not_sent(refused)));
        for (index, receiver) in receivers.iter().enumerate() {
            let taken = take(receiver.socket(), buffers, &mut |packet| {
                let found = match index {
                    0 => of_icmp(syns, *version, field, &packet),
                    _ => of_segment(syns, field, &packet),
                };
                found.into_iter().for_each(&mut *note);
            });
            taken.map_err(|e| ProbeError::Socket("receive from raw socket", e))?;
        }
        Ok(())
    }

    async fn readable(&self) {
        readable(&self.receivers).await;
    }
}

fn of_segment(syns: &Syns, field: &Field, packet: &Packet<'_>) -> Option<Found> {
    let reply = syns.reply(packet.from, packet.bytes)?;
    let id = field.find(packet.from, reply.port)?;
    let fate = match reply.is_open {
        true => Fate::new(PortState::Open, ScanWhy::SynAck),
        false => Fate::new(PortState::Closed, ScanWhy::Rst),
    };
    let syn_ack = packet.ttl.filter(|_| reply.is_open).map(|ttl| SynAck {
        ttl,
        window: reply.window,
        options: reply.options.to_vec(),
    });
    Some(Found { ttl: packet.ttl, syn_ack, ..Found::new(id, fate) })
}

fn of_icmp(syns: &Syns, version: Version, field: &Field, packet: &Packet<'_>) -> Option<Found> {
    let rejected = syns.rejected(version, packet.bytes)?;
    let id = field.find(rejected.target, rejected.port)?;
    let fate = Fate::rejected(PortState::Filtered, packet.from, rejected.icmp);
    Some(Found { ttl: packet.ttl, ..Found::new(id, fate) })
}

fn take(
    socket: &PacketSocket,
    buffers: &mut Buffers,
    note: &mut dyn FnMut(Packet<'_>),
) -> io::Result<()> {
    while socket.take_many(buffers, note)? {}
    Ok(())
}

fn packets(field: &Field, ids: &[u32], packet: impl Fn(Way) -> Vec<u8>) -> Vec<(IpAddr, Vec<u8>)> {
    let ways = ids.iter().map(|id| way(field, *id));
    ways.map(|way| (way.target, packet(way))).collect()
}

fn way(field: &Field, id: u32) -> Way {
    let (host, port) = field.at(id);
    Way { source: host.source, target: host.address, port }
}
