//! The sockets of this network namespace, asked of the kernel again and again; nothing is sent.

use std::net::IpAddr;

use netdiag_wire::sockets::{
    SocketEntry, SocketProtocol, SocketState, SocketsDone, SocketsEvent, SocketsRequest,
};
use tokio_util::sync::CancellationToken;

mod ahead;
mod batch;
mod counters;
mod dump;
#[cfg(test)]
mod hostile;
mod inet;
mod open;
mod processes;
mod raw;
mod round;
mod tables;
mod tcp_info;
mod text;
mod unix;

pub use open::OpenSockets;

use crate::{Probe, ProbeError, clock::micros, names::ResolverFiles};
use round::Rounds;

impl Probe for SocketsRequest {
    type Sockets = OpenSockets;
    type Event = SocketsEvent;

    fn open(&self) -> Result<OpenSockets, ProbeError> {
        open::open(self)
    }

    async fn run(
        &self,
        sockets: OpenSockets,
        _: &ResolverFiles,
        _: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
        emit: &mut impl FnMut(SocketsEvent),
        stop: CancellationToken,
    ) -> Result<(), ProbeError> {
        let owners = sockets.owners.as_ref();
        owners.iter().flat_map(|owners| owners.processes()).for_each(|process| {
            emit(SocketsEvent::Process(process));
        });
        let rounds = Rounds::new(self, &sockets);
        let start = rounds.start;
        rounds.run(emit, &stop).await?;
        let processes = owners.map(|owners| owners.count);
        emit(SocketsEvent::Done(SocketsDone { took_us: micros(start.elapsed()), processes }));
        Ok(())
    }
}

/// An entry of which nothing more is known.
fn empty(protocol: SocketProtocol, state: SocketState) -> SocketEntry {
    SocketEntry {
        protocol,
        state,
        local: None,
        peer: None,
        dual_stack: false,
        interface: None,
        ip_protocol: None,
        accept_queue: None,
        receive_queue_bytes: None,
        send_queue_bytes: None,
        timer: None,
        retransmits: None,
        drops: None,
        uid: None,
        inode: None,
        pids: Vec::new(),
        more_pids: 0,
        tcp_info: None,
        unix: None,
    }
}
