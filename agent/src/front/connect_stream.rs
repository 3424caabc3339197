//! What front must know of connect's byte stream: its name, its rights, its events.

use netdiag_wire::{
    Untrusted,
    connect::stream::{ConnectStreamEvent, ConnectStreamRequest},
};

use super::probe::Probe;
use crate::ipc::ProbeOrder;

impl Probe for ConnectStreamRequest {
    const NAME: &str = "connect";
    const PATH: &str = "connect/stream";
    type Event = ConnectStreamEvent;

    fn check(&self) -> Result<(), String> {
        Self::check(self)
    }

    fn further_rights(&self) -> &'static [&'static str] {
        &[]
    }

    fn targets(&self) -> Vec<Untrusted> {
        vec![self.host.as_str().into()]
    }

    fn is_known(event: &ConnectStreamEvent) -> bool {
        !matches!(event, ConnectStreamEvent::Unknown)
    }

    fn into_order(self) -> ProbeOrder {
        ProbeOrder::ConnectStream(self)
    }
}
