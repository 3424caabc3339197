//! What front must know of trace: its name, its rights, its events.

use netdiag_wire::{
    Untrusted,
    trace::{TraceEvent, TraceRequest},
};

use super::probe::Probe;
use crate::ipc::ProbeOrder;

impl Probe for TraceRequest {
    const NAME: &str = "trace";
    type Event = TraceEvent;

    fn check(&self) -> Result<(), String> {
        Self::check(self)
    }

    fn further_rights(&self) -> &'static [&'static str] {
        &[]
    }

    fn targets(&self) -> Vec<Untrusted> {
        vec![self.host.as_str().into()]
    }

    fn is_known(event: &TraceEvent) -> bool {
        !matches!(event, TraceEvent::Unknown)
    }

    fn into_order(self) -> ProbeOrder {
        ProbeOrder::Trace(self)
    }
}
