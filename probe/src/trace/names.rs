//! Names of the addresses on the way, by reverse DNS; nobody waits for them for long.

use std::{collections::HashMap, net::IpAddr, time::Duration};

use netdiag_wire::trace::TraceEvent;
use tokio::task::JoinSet;

use crate::names::{ResolverFiles, Reverse};

/// How long a hop is kept back for the names of those who answered.
const PATIENCE: Duration = Duration::from_millis(100);
/// A hostile path has as many addresses as it likes.
const MAX_NAMES: usize = 256;

#[derive(Default)]
pub(super) struct Names {
    resolver: Option<Reverse>,
    /// Until when each is waited for.
    asked: HashMap<IpAddr, Duration>,
    running: JoinSet<(IpAddr, Option<Vec<u8>>)>,
}

impl Names {
    pub(super) fn new(no_names: bool, files: &ResolverFiles) -> Self {
        let resolver = if no_names { None } else { Reverse::new(files) };
        Self { resolver, ..Self::default() }
    }

    /// Once for each address.
    pub(super) fn ask(&mut self, address: IpAddr, now: Duration) {
        let Some(resolver) = self.resolver.clone() else { return };
        if self.asked.len() < MAX_NAMES && !self.asked.contains_key(&address) {
            self.asked.insert(address, now + PATIENCE);
            self.running.spawn(async move { (address, resolver.name(address).await) });
        }
    }

    /// Until when a hop with that address is kept back; `None` if the name is known or given up.
    pub(super) fn until(&self, address: IpAddr, now: Duration) -> Option<Duration> {
        self.asked.get(&address).copied().filter(|until| *until > now)
    }

    /// Says what is known by now.
    pub(super) fn tell(&mut self, emit: &mut impl FnMut(TraceEvent)) {
        while let Some(done) = self.running.try_join_next() {
            self.note(done.ok(), emit);
        }
    }

    fn note(&mut self, done: Option<(IpAddr, Option<Vec<u8>>)>, emit: &mut impl FnMut(TraceEvent)) {
        let Some((address, name)) = done else { return };
        self.asked.insert(address, Duration::ZERO);
        if let Some(name) = name {
            emit(TraceEvent::Name { address, name: name.into() });
        }
    }

    /// Until another lookup is over, whose outcome [`Self::tell`] then has.
    pub(super) async fn next(&mut self, emit: &mut impl FnMut(TraceEvent)) {
        match self.running.join_next().await {
            Some(done) => self.note(done.ok(), emit),
            None => std::future::pending().await,
        }
    }
}
