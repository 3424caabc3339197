//! TCP ports asked by connecting, which needs no privilege.
//!
//! A connection that nobody answers can't be taken back: routers remember it for two minutes.

use std::{io, net::SocketAddr, slice, time::Duration};

use super::{
    field::{Field, Host},
    lane::{Found, Lane},
    schedule::{MOST_ATTEMPTS, Terms},
    sockets::Means,
};
use crate::{
    ProbeError,
    sys::{
        connects::Epoll,
        watched::{Watched, readable},
    },
};

mod asker;
mod second_asker;

use asker::{Asked, Asker};
use second_asker::SecondAsker;

/// Connections at once, if there are descriptors for them.
const SLOTS: usize = 512;
/// Descriptors that are none of the connections'.
const OTHERS: usize = 64;

pub(super) struct ConnectLane {
    /// Source ports: of this thread, and of the second one.
    from: [u16; 2],
    own: Asker,
    ready: Watched<Epoll>,
    /// Asks the pairs with odd ids, also when they are asked again: from another port that would
    /// be a new connection to routers.
    second: Option<SecondAsker>,
    slots: usize,
}

impl ConnectLane {
    /// From two ports that are reserved. Must be called in the runtime that watches.
    pub(super) fn new(from: [SocketAddr; 2], means: Means) -> io::Result<Self> {
        let most = means.descriptors.saturating_sub(OTHERS);
        let slots = most.clamp(1, SLOTS);
        let own = Asker::new(from[0], slots)?;
        let second = match means.cpu && most >= 2 * SLOTS {
            true => SecondAsker::start(from[1], slots)?,
            false => None,
        };
        let ready = Watched::new(own.epoll()?)?;
        Ok(Self { from: from.map(|from| from.port()), own, ready, second, slots })
    }

    fn is_seconds(&self, id: u32) -> bool {
        self.second.is_some() && id % 2 == 1
    }

    fn asked(&self, field: &Field, id: u32) -> Asked {
        let (Host { address, source, .. }, port) = field.at(id);
        let from = self.from[usize::from(self.is_seconds(id))];
        Asked { id, to: SocketAddr::new(address, port), is_own: address == source && port == from }
    }

    /// Of the second thread, and of this one.
    fn split(&self, ids: &[u32]) -> (Vec<u32>, Vec<u32>) {
        ids.iter().partition(|id| self.is_seconds(**id))
    }

    fn ask(&mut self, field: &Field, ids: &[u32], note: &mut dyn FnMut(Found)) -> io::Result<()> {
        let (seconds, own) = self.split(ids);
        if let Some(second) = self.second.as_ref().filter(|_| !seconds.is_empty()) {
            second.ask(seconds.into_iter().map(|id| self.asked(field, id)).collect());
        }
        own.into_iter().try_for_each(|id| self.own.ask(self.asked(field, id), note))
    }
}

impl Lane for ConnectLane {
    fn terms(&self) -> Terms {
        Terms {
            slots: self.slots,
            most_slots: self.slots,
            age: None,
            wait: Duration::from_millis(40),
            blind_wait: Duration::from_millis(250),
            active: 8_192,
            attempts: MOST_ATTEMPTS,
            memory: Duration::from_secs(120),
        }
    }

    fn send(
        &mut self,
        field: &Field,
        ids: &[u32],
        note: &mut dyn FnMut(Found),
    ) -> Result<(), ProbeError> {
        self.ask(field, ids, note).map_err(|e| ProbeError::Socket("open TCP socket", e))
    }

    fn forget(&mut self, _: &Field, ids: &[u32]) -> usize {
        let (seconds, own) = self.split(ids);
        if let Some(second) = self.second.as_ref().filter(|_| !seconds.is_empty()) {
            second.abandon(seconds);
        }
        own.into_iter().for_each(|id| self.own.abandon(id));
        0
    }

    fn take(&mut self, _: &Field, note: &mut dyn FnMut(Found)) -> Result<(), ProbeError> {
        let failed = |e| ProbeError::Socket("wait for connections", e);
        self.own.take(note).map_err(failed)?;
        let Some(second) = &self.second else { return Ok(()) };
        second.take(note).map_err(failed)
    }

    async fn readable(&self) {
        let own = readable(slice::from_ref(&self.ready));
        let Some(second) = &self.second else { return own.await };
        tokio::select! {
            () = own => {}
            () = second.readable() => {}
        }
    }
}
