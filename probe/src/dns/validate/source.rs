//! Whom a validation asks, and whom it tells.

use netdiag_wire::dns::{ChainLink, RecordType};

use crate::{
    ProbeError,
    dns::{message::Message, name::Name},
};

/// What became of a question.
pub(crate) enum Fetched {
    /// NOERROR or NXDOMAIN.
    Message(Box<Message>),
    /// Why there is none, in words.
    Nothing(String),
}

pub(crate) trait Source {
    /// With DNSSEC's records, and even if whoever is asked holds them for bogus.
    async fn ask(
        &mut self,
        name: &Name,
        kind: RecordType,
        zone: &Name,
    ) -> Result<Fetched, ProbeError>;

    fn link(&mut self, link: ChainLink);
}
