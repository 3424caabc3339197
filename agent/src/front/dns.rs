//! What front must know of dns: its name, its rights, its events.

use netdiag_wire::{
    Untrusted,
    dns::{DnsEvent, DnsRequest},
};

use super::probe::Probe;
use crate::ipc::ProbeOrder;

impl Probe for DnsRequest {
    const NAME: &str = "dns";
    type Event = DnsEvent;

    fn check(&self) -> Result<(), String> {
        Self::check(self)
    }

    fn further_rights(&self) -> &'static [&'static str] {
        if self.needs_files() { &["files"] } else { &[] }
    }

    fn targets(&self) -> Vec<Untrusted> {
        let servers = self.servers.iter().map(|server| server.host.as_str());
        std::iter::once(self.name.as_str()).chain(servers).map(Into::into).collect()
    }

    fn is_known(event: &DnsEvent) -> bool {
        !matches!(event, DnsEvent::Unknown)
    }

    fn into_order(self) -> ProbeOrder {
        ProbeOrder::Dns(Box::new(self))
    }
}
