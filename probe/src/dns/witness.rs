//! What was asked and answered so far, for a validation that follows.

use std::net::SocketAddr;

use netdiag_wire::dns::{DnsEvent, DnsQuery, RecordType};

use super::{exchange::Server, name::Name};

/// Looks at the events that pass by.
#[derive(Debug, Default)]
pub(super) struct Witness {
    /// Of the next query.
    pub(super) index: u32,
    /// Of each type the last question that somebody answered.
    pub(super) answered: Vec<Answered>,
}

#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) name: Name,
    pub(super) kind: RecordType,
    pub(super) by: Server,
}

impl Witness {
    pub(super) fn see(&mut self, event: &DnsEvent) {
        let DnsEvent::Query(query) = event else { return };
        self.index = self.index.max(query.index + 1);
        if query.message.is_none() || query.on_behalf_of.is_some() {
            return;
        }
        if let Some(answered) = Answered::of(query) {
            self.answered.retain(|other| other.kind != answered.kind);
            self.answered.push(answered);
        }
    }
}

impl Answered {
    fn of(query: &DnsQuery) -> Option<Self> {
        let text = str::from_utf8(query.name.as_bytes()).ok()?;
        let (name, _) = Name::parse(text).ok()?;
        let by = Server {
            address: SocketAddr::new(query.server, query.port),
            name: query.server_name.as_ref().map(ToString::to_string),
        };
        Some(Self { name, kind: query.kind, by })
    }
}
