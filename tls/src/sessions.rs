//! The sessions that a server lets a client resume, counted.

use std::sync::atomic::{AtomicU32, Ordering};

use rustls::{
    NamedGroup,
    client::{
        ClientSessionMemoryCache, ClientSessionStore, Tls12ClientSessionValue,
        Tls13ClientSessionValue,
    },
    pki_types::ServerName,
};

/// Of one server; more tickets than these are counted and forgotten.
const KEPT: usize = 8;

#[derive(Debug)]
pub(crate) struct Sessions {
    tickets: AtomicU32,
    early_data_bytes: AtomicU32,
    kept: ClientSessionMemoryCache,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            tickets: AtomicU32::new(0),
            early_data_bytes: AtomicU32::new(0),
            kept: ClientSessionMemoryCache::new(KEPT),
        }
    }
}

impl Sessions {
    /// Since it was last asked, and the early data that a ticket allows.
    pub(crate) fn take(&self) -> (u32, u32) {
        let take = |number: &AtomicU32| number.swap(0, Ordering::Relaxed);
        (take(&self.tickets), take(&self.early_data_bytes))
    }

    pub(crate) fn tickets(&self) -> u32 {
        self.tickets.load(Ordering::Relaxed)
    }
}

impl ClientSessionStore for Sessions {
    fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
        self.kept.set_kx_hint(name, group);
    }

    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        self.kept.kx_hint(name)
    }

    fn set_tls12_session(&self, name: ServerName<'static>, session: Tls12ClientSessionValue) {
        self.tickets.fetch_add(1, Ordering::Relaxed);
        self.kept.set_tls12_session(name, session);
    }

    fn tls12_session(&self, name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.kept.tls12_session(name)
    }

    fn remove_tls12_session(&self, name: &ServerName<'static>) {
        self.kept.remove_tls12_session(name);
    }

    fn insert_tls13_ticket(&self, name: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        self.tickets.fetch_add(1, Ordering::Relaxed);
        self.early_data_bytes.fetch_max(ticket.max_early_data_size(), Ordering::Relaxed);
        self.kept.insert_tls13_ticket(name, ticket);
    }

    fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.kept.take_tls13_ticket(name)
    }
}
