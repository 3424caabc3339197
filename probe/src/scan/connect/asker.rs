//! The connections of one source port.

use std::{
    collections::{HashMap, VecDeque},
    io,
    net::SocketAddr,
};

use netdiag_wire::scan::{PortState, ScanWhy};

use crate::{
    scan::{field::Fate, lane::Found},
    sys::connects::{Connects, End, Epoll, Waker},
};

/// A pair that is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) id: u32,
    pub(super) to: SocketAddr,
    /// The port that it is asked from, of the host that asks.
    pub(super) is_own: bool,
}

pub(super) struct Asker {
    connects: Connects,
    free: Vec<usize>,
    /// The pair that each slot asks.
    asks: Vec<Option<Asked>>,
    slot_of: HashMap<u32, usize>,
    /// In the order in which they were started; some have ended.
    started: VecDeque<(usize, u32)>,
}

impl Asker {
    /// `from` has a port that is reserved.
    pub(super) fn new(from: SocketAddr, slots: usize) -> io::Result<Self> {
        Ok(Self {
            connects: Connects::new(from, slots)?,
            free: (0..slots).collect(),
            asks: vec![None; slots],
            slot_of: HashMap::new(),
            started: VecDeque::new(),
        })
    }

    /// What tells that there is something to take.
    pub(super) fn epoll(&self) -> io::Result<Epoll> {
        self.connects.epoll()
    }

    pub(super) fn waker(&self) -> io::Result<Waker> {
        self.connects.waker()
    }

    pub(super) fn ask(&mut self, asked: Asked, note: &mut dyn FnMut(Found)) -> io::Result<()> {
        self.abandon(asked.id);
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => self.oldest(),
        };
        match self.connects.connect(slot, asked.to)? {
            Some(end) => {
                self.free.push(slot);
                note(found(asked, end));
            }
            None => {
                self.asks[slot] = Some(asked);
                self.slot_of.insert(asked.id, slot);
                self.started.push_back((slot, asked.id));
            }
        }
        Ok(())
    }

    /// Taken from the pair that has waited longest.
    fn oldest(&mut self) -> usize {
        loop {
            let Some((slot, id)) = self.started.pop_front() else { return 0 };
            if self.asks[slot].is_some_and(|asked| asked.id == id) {
                self.abandon(id);
                return self.free.pop().unwrap_or(slot);
            }
        }
    }

    /// No answer of this one is awaited any more.
    pub(super) fn abandon(&mut self, id: u32) {
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

    /// Never waits.
    pub(super) fn take(&mut self, note: &mut dyn FnMut(Found)) -> io::Result<()> {
        let ready = self.connects.ready()?;
        self.end(ready, note);
        Ok(())
    }

    /// Waits until there is something, or it is woken.
    pub(super) fn wait(&mut self, note: &mut dyn FnMut(Found)) -> io::Result<()> {
        let ready = self.connects.wait()?;
        self.end(ready, note);
        Ok(())
    }

    fn end(&mut self, ready: Vec<usize>, note: &mut dyn FnMut(Found)) {
        for slot in ready {
            let Some(asked) = self.asks[slot] else { continue };
            if let Some(end) = self.connects.advance(slot, asked.to) {
                self.release(asked.id);
                note(found(asked, end));
            }
        }
    }
}

fn found(Asked { id, is_own, .. }: Asked, end: End) -> Found {
    Found::new(
        id,
        match end {
            // Two SYNs that meet make a connection of a socket with itself: nobody listens.
            End::Taken if is_own => Fate::new(PortState::Closed, ScanWhy::Rst),
            End::Taken => Fate::new(PortState::Open, ScanWhy::SynAck),
            End::Refused => Fate::new(PortState::Closed, ScanWhy::Rst),
            End::Rejected { by, icmp } => Fate::rejected(PortState::Filtered, by, icmp),
            End::NotSent(errno) => Fate::not_sent(errno),
        },
    )
}
