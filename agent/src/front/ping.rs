//! What front must know of ping: its name, its rights, its events.

use netdiag_wire::{
    Untrusted,
    ping::{PingEvent, PingRequest},
};

use super::probe::Probe;
use crate::ipc::ProbeOrder;

impl Probe for PingRequest {
    const NAME: &str = "ping";
    type Event = PingEvent;

    fn check(&self) -> Result<(), String> {
        Self::check(self)
    }

    fn further_rights(&self) -> &'static [&'static str] {
        if self.is_fast() { &["fast-ping"] } else { &[] }
    }

    fn targets(&self) -> Vec<Untrusted> {
        self.targets.iter().map(|target| target.host.as_str().into()).collect()
    }

    fn is_known(event: &PingEvent) -> bool {
        !matches!(event, PingEvent::Unknown)
    }

    fn into_order(self) -> ProbeOrder {
        ProbeOrder::Ping(self)
    }
}
