//! TCP ports asked by connecting, which needs no privilege.
//!
//! A connection that nobody answers can't be taken back: routers remember it for two minutes.

use std::{
    collections::{HashMap, VecDeque},
    io,
    net::SocketAddr,
    slice,
    time::Duration,
};

use netdiag_wire::scan::{PortState, ScanWhy};

use super::{
    field::{Fate, Field, Host},
    lane::{Found, Lane},
    schedule::{MOST_ATTEMPTS, Terms},
};
use crate::{
    ProbeError,
    sys::{
        connects::{Connects, End},
        watched::readable,
    },
};

/// Connections at once, if there are descriptors for them.
const SLOTS: usize = 512;
/// Descriptors that are none of the connections'.
const OTHERS: usize = 64;

pub(super) struct ConnectLane {
    connects: Connects,
    from: SocketAddr,
    free: Vec<usize>,
    /// The pair that each slot asks, or asked last.
    asks: Vec<Option<u32>>,
    slot_of: HashMap<u32, usize>,
    /// In the order in which they were started; some have ended.
    started: VecDeque<(usize, u32)>,
}

impl ConnectLane {
    /// `from` has a port that is reserved; `descriptors` is what this process may open.
    pub(super) fn new(from: SocketAddr, descriptors: usize) -> io::Result<Self> {
        let slots = descriptors.saturating_sub(OTHERS).clamp(1, SLOTS);
        Ok(Self {
            connects: Connects::new(from, slots)?,
            from,
            free: (0..slots).collect(),
            asks: vec![None; slots],
            slot_of: HashMap::new(),
            started: VecDeque::new(),
        })
    }

    fn ask(&mut self, field: &Field, id: u32, note: &mut dyn FnMut(Found)) -> io::Result<()> {
        self.abandon(id);
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => self.oldest(),
        };
        let to = to(field, id);
        match self.connects.connect(slot, to)? {
            Some(end) => {
                self.free.push(slot);
                note(found(field, id, &self.from, end));
            }
            None => {
                self.asks[slot] = Some(id);
                self.slot_of.insert(id, slot);
                self.started.push_back((slot, id));
            }
        }
        Ok(())
    }

    /// Taken from the pair that has waited longest.
    fn oldest(&mut self) -> usize {
        loop {
            let Some((slot, id)) = self.started.pop_front() else { return 0 };
            if self.asks[slot] == Some(id) {
                self.abandon(id);
                return self.free.pop().unwrap_or(slot);
            }
        }
    }

    fn abandon(&mut self, id: u32) {
        if let Some(slot) = self.release(id) {
            self.connects.abandon(slot);
        }
    }

    fn release(&mut self, id: u32) -> Option<usize> {
        let slot = self.slot_of.remove(&id)?;
        self.asks[slot] = None;
        self.free.push(slot);
        Some(slot)
    }
}

impl Lane for ConnectLane {
    fn terms(&self) -> Terms {
        Terms {
            slots: self.asks.len(),
            most_slots: self.asks.len(),
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
        let asked = ids.iter().try_for_each(|id| self.ask(field, *id, note));
        asked.map_err(|e| ProbeError::Socket("open TCP socket", e))
    }

    fn forget(&mut self, _: &Field, ids: &[u32]) -> usize {
        ids.iter().for_each(|id| self.abandon(*id));
        0
    }

    fn take(&mut self, field: &Field, note: &mut dyn FnMut(Found)) -> Result<(), ProbeError> {
        let ready = self.connects.ready();
        for slot in ready.map_err(|e| ProbeError::Socket("wait for connections", e))? {
            let Some(id) = self.asks[slot] else { continue };
            let to = to(field, id);
            if let Some(end) = self.connects.advance(slot, to) {
                self.release(id);
                note(found(field, id, &self.from, end));
            }
        }
        Ok(())
    }

    async fn readable(&self) {
        readable(slice::from_ref(&self.connects.epoll)).await;
    }
}

fn to(field: &Field, id: u32) -> SocketAddr {
    let (Host { address, .. }, port) = field.at(id);
    SocketAddr::new(address, port)
}

fn found(field: &Field, id: u32, from: &SocketAddr, end: End) -> Found {
    let (host, port) = field.at(id);
    let is_own = host.address == host.source && port == from.port();
    Found::new(
        id,
        match end {
            // Two SYNs that meet make a connection of a socket with itself: nobody listens.
            End::Taken if is_own => Fate::new(PortState::Closed, ScanWhy::Rst),
            End::Taken => Fate::new(PortState::Open, ScanWhy::SynAck),
            End::Refused => Fate::new(PortState::Closed, ScanWhy::Rst),
            End::Rejected { by, icmp } => Fate::rejected(PortState::Filtered, by, icmp),
            End::NotSent => Fate::new(PortState::Filtered, ScanWhy::NotSent),
        },
    )
}
