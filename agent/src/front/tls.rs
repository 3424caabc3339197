//! What front must know of tls: its name, its rights, its events.

use netdiag_wire::{
    Untrusted,
    connect::ConnectOutcome,
    tls::{TlsEnd, TlsEvent, TlsPurpose, TlsRequest},
};

use super::probe::Probe;
use crate::ipc::ProbeOrder;

impl Probe for TlsRequest {
    const NAME: &str = "tls";
    type Event = TlsEvent;

    fn check(&self) -> Result<(), String> {
        Self::check(self)
    }

    fn further_rights(&self) -> &'static [&'static str] {
        &[]
    }

    fn targets(&self) -> Vec<Untrusted> {
        self.connection().targets()
    }

    fn is_known(event: &TlsEvent) -> bool {
        let is_known = |purpose: &TlsPurpose| *purpose != TlsPurpose::Unknown;
        match event {
            TlsEvent::Dialing { .. } => true,
            TlsEvent::Connection { purpose, attempt } => {
                is_known(purpose) && attempt.outcome != ConnectOutcome::Unknown
            }
            TlsEvent::Certificate { purpose, .. } | TlsEvent::Staple { purpose, .. } => {
                is_known(purpose)
            }
            TlsEvent::Handshake(handshake) => {
                is_known(&handshake.purpose) && handshake.end != TlsEnd::Unknown
            }
            TlsEvent::Takes(taken) => taken.refused != Some(TlsEnd::Unknown),
            TlsEvent::Unknown => false,
        }
    }

    fn into_order(self) -> ProbeOrder {
        ProbeOrder::Tls(Box::new(self))
    }
}
