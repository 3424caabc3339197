//! What front must know of connect: its name, its rights, its events.

use netdiag_wire::{
    Untrusted,
    connect::{ConnectEvent, ConnectOutcome, ConnectRequest},
};

use super::probe::Probe;
use crate::ipc::ProbeOrder;

impl Probe for ConnectRequest {
    const NAME: &str = "connect";
    type Event = ConnectEvent;

    fn check(&self) -> Result<(), String> {
        Self::check(self)
    }

    fn further_rights(&self) -> &'static [&'static str] {
        &[]
    }

    fn targets(&self) -> Vec<Untrusted> {
        let word = |host: &str, port: u16| match host.contains(':') {
            true => format!("[{host}]:{port}"),
            false => format!("{host}:{port}"),
        };
        self.targets.iter().map(|target| word(&target.host, target.port).into()).collect()
    }

    fn is_known(event: &ConnectEvent) -> bool {
        match event {
            ConnectEvent::Started { .. } => true,
            ConnectEvent::Attempt(attempt) => attempt.outcome != ConnectOutcome::Unknown,
            ConnectEvent::Unknown => false,
        }
    }

    fn into_order(self) -> ProbeOrder {
        ProbeOrder::Connect(Box::new(self))
    }
}
