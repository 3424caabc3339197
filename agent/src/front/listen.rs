//! What front must know of listen: its name, its rights, its events.

use netdiag_wire::{
    Untrusted,
    listen::{ListenEvent, ListenRequest},
};

use super::probe::Probe;
use crate::ipc::ProbeOrder;

impl Probe for ListenRequest {
    const NAME: &str = "listen";
    type Event = ListenEvent;

    fn check(&self) -> Result<(), String> {
        Self::check(self)
    }

    fn further_rights(&self) -> &'static [&'static str] {
        &[]
    }

    /// The port that it takes in the source.
    fn targets(&self) -> Vec<Untrusted> {
        let protocol = if self.udp { "udp" } else { "tcp" };
        let address = self.address.map_or("*".into(), |address| address.to_string());
        vec![format!("{protocol} {address} {}", self.port).into()]
    }

    fn is_known(event: &ListenEvent) -> bool {
        !matches!(event, ListenEvent::Unknown)
    }

    fn into_order(self) -> ProbeOrder {
        ProbeOrder::Listen(self)
    }
}
