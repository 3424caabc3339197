//! What front must know of sockets: its name, its rights, its events.

use netdiag_wire::{
    MissingRight, Untrusted,
    sockets::{PROCESSES, SocketsEvent, SocketsRequest},
};

use super::probe::Probe;
use crate::ipc::ProbeOrder;

impl Probe for SocketsRequest {
    const NAME: &str = "sockets";
    type Event = SocketsEvent;

    fn check(&self) -> Result<(), String> {
        Self::check(self)
    }

    fn further_rights(&self) -> &'static [&'static str] {
        if self.processes { &[PROCESSES] } else { &[] }
    }

    fn waive(&mut self, missing: &MissingRight) -> bool {
        let is_waived = missing.right.as_bytes() == PROCESSES.as_bytes();
        self.processes &= !is_waived;
        is_waived
    }

    fn skipped(missing: MissingRight) -> Option<SocketsEvent> {
        Some(SocketsEvent::Skipped { missing })
    }

    /// Nothing is sent to anybody.
    fn targets(&self) -> Vec<Untrusted> {
        Vec::new()
    }

    fn is_known(event: &SocketsEvent) -> bool {
        // What the caller may not see is front's to say.
        !matches!(event, SocketsEvent::Unknown | SocketsEvent::Skipped { .. })
    }

    fn into_order(self) -> ProbeOrder {
        ProbeOrder::Sockets(Box::new(self))
    }
}
