//! What front must know of http: its name, its rights, its events.

use netdiag_wire::{
    Untrusted,
    connect::ConnectOutcome,
    http::{HttpEnd, HttpEvent, HttpRequest},
    tls::TlsEnd,
};

use super::probe::Probe;
use crate::ipc::ProbeOrder;

impl Probe for HttpRequest {
    const NAME: &str = "http";
    type Event = HttpEvent;

    fn check(&self) -> Result<(), String> {
        Self::check(self)
    }

    fn further_rights(&self) -> &'static [&'static str] {
        if self.with_body { &["http-body"] } else { &[] }
    }

    /// Neither path nor fields: both may hold secrets.
    fn targets(&self) -> Vec<Untrusted> {
        self.connection().targets()
    }

    fn is_known(event: &HttpEvent) -> bool {
        match event {
            HttpEvent::Connection(attempt) => attempt.outcome != ConnectOutcome::Unknown,
            HttpEvent::Handshake(handshake) => handshake.end != TlsEnd::Unknown,
            HttpEvent::Over(over) => over.end != HttpEnd::Unknown,
            HttpEvent::Unknown => false,
            _ => true,
        }
    }

    fn into_order(self) -> ProbeOrder {
        ProbeOrder::Http(Box::new(self))
    }
}
