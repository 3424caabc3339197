//! How TCP ports are asked: what every way has in common.

use crate::ProbeError;

use super::{
    field::{Fate, Field},
    identify::os::SynAck,
    schedule::Terms,
};

/// What is known of a port.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) id: u32,
    pub(super) fate: Fate,
    pub(super) ttl: Option<u8>,
    /// Of an open port, if it was seen.
    pub(super) syn_ack: Option<SynAck>,
}

impl Found {
    pub(super) fn new(id: u32, fate: Fate) -> Self {
        Self { id, fate, ttl: None, syn_ack: None }
    }
}

/// Asks, and hears the answers; never waits.
pub(super) trait Lane {
    fn terms(&self) -> Terms;

    fn send(
        &mut self,
        field: &Field,
        ids: &[u32],
        note: &mut dyn FnMut(Found),
    ) -> Result<(), ProbeError>;

    /// These were asked, and no answer is awaited any more. How many packets that took.
    fn forget(&mut self, field: &Field, ids: &[u32]) -> usize;

    fn take(&mut self, field: &Field, note: &mut dyn FnMut(Found)) -> Result<(), ProbeError>;

    /// Until something may have come.
    async fn readable(&self);
}
