//! The search for sizes and hops; decisions only.

use netdiag_wire::trace::MtuLimit;

use super::{Heard, Lane, Station};
use crate::ProbeError;

/// A lost packet is no limit, so what vanishes is sent again.
const TRIES: u16 = 2;
/// Every IPv6 path has it, and hardly an IPv4 path has less.
const LEAST_OF_IPV6: u16 = 1280;
/// A router may be wrong about what fits, but not for ever.
const MAX_BELIEVED: usize = 8;
/// Searches of one hop, if what had vanished then comes through.
const MAX_SEARCHES: usize = 3;

pub(super) struct Sweep<'a, L> {
    pub(super) lane: &'a mut L,
    /// By distance.
    pub(super) stations: &'a [Station],
    pub(super) top: u16,
}

/// Largest size that one hop answers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Passes {
    pub(super) size: u16,
    /// Where it is not an earlier hop's.
    pub(super) limit: Option<MtuLimit>,
}

/// A size that passes, and what stops one byte more.
struct Bound {
    size: u16,
    stop: Option<MtuLimit>,
}

/// Between a size that passes and one that does not.
struct Gap {
    low: u16,
    high: u16,
    stop: MtuLimit,
    /// What a router said would fit, or one more, to see that it does not.
    hint: Option<u16>,
    believed: usize,
}

impl<L: Lane> Sweep<'_, L> {
    /// One entry for each station.
    pub(super) async fn all(&mut self, base: u16) -> Result<Vec<Option<Passes>>, ProbeError> {
        let mut passes = vec![None; self.stations.len()];
        let (mut end, mut base) = (self.stations.len(), base);
        while let Some(last) = end.checked_sub(1) {
            let Some(bound) = self.bound(last, base).await? else {
                end = last;
                continue;
            };
            let size = bound.size;
            let first = match &bound.stop {
                Some(stop) => self.first_stopped(size.saturating_add(1), stop, last).await?,
                None => 0,
            };
            passes[first..end].fill(Some(Passes { size, limit: None }));
            // What the interface does not send, no hop is asked for.
            let stop = bound.stop.or((first == 0).then_some(MtuLimit::Interface));
            passes[first] = Some(Passes { size, limit: stop });
            (end, base) = (first, size.saturating_add(1));
        }
        Ok(passes)
    }

    /// How much passes to this station; `None` if it does not even answer to `base` any more.
    async fn bound(&mut self, station: usize, base: u16) -> Result<Option<Bound>, ProbeError> {
        let mut low = base;
        for _ in 0..MAX_SEARCHES {
            let Some(found) = self.search(station, low).await? else { break };
            let Some(MtuLimit::Silence { sent }) = found.stop else { return Ok(Some(found)) };
            let more = found.size + 1;
            // A silence that is over by then was a rate limit's.
            self.lane.rest();
            if self.stop_of(station, more).await?.is_none() {
                low = more;
            } else if self.stop_of(station, found.size).await?.is_none() {
                let stop = Some(MtuLimit::Silence { sent: sent + TRIES });
                return Ok(Some(Bound { stop, ..found }));
            }
        }
        Ok(None)
    }

    async fn search(&mut self, station: usize, base: u16) -> Result<Option<Bound>, ProbeError> {
        let Some(stop) = self.stop_of(station, self.top).await? else {
            return Ok(Some(Bound { size: self.top, stop: None }));
        };
        let mut gap = Gap { low: base, high: self.top, stop, hint: None, believed: 0 };
        gap.believe();
        let mut has_passed = false;
        while let Some(size) = gap.next() {
            match self.stop_of(station, size).await? {
                None => {
                    gap.passed(size);
                    has_passed = true;
                }
                Some(stop) => gap.stopped(size, stop),
            }
        }
        // Nothing above it did, so it must be seen that this still does.
        if !has_passed && self.stop_of(station, base).await?.is_some() {
            return Ok(None);
        }
        Ok(Some(Bound { size: gap.low, stop: Some(gap.stop) }))
    }

    /// The first station that packets of this size do not reach; the last is one of those.
    async fn first_stopped(
        &mut self,
        size: u16,
        stop: &MtuLimit,
        last: usize,
    ) -> Result<usize, ProbeError> {
        if let MtuLimit::Icmp { address, .. } = stop
            && let Some(at) = self.stations[..last].iter().rposition(|s| s.address == *address)
        {
            return Ok(at + 1);
        }
        let (mut first, mut end) = (0, last);
        while first < end {
            let middle = (first + end) / 2;
            match self.stop_of(middle, size).await? {
                None => first = middle + 1,
                Some(_) => end = middle,
            }
        }
        Ok(first)
    }

    /// What stops a packet of this size on its way to this station; `None`: it arrives.
    async fn stop_of(&mut self, station: usize, size: u16) -> Result<Option<MtuLimit>, ProbeError> {
        for _ in 0..TRIES {
            match self.lane.ask(self.stations[station].ttl, size).await? {
                Heard::Answer => return Ok(None),
                Heard::TooBig { by, mtu } => {
                    let mtu = mtu.unwrap_or_default();
                    return Ok(Some(MtuLimit::Icmp { address: by, mtu }));
                }
                Heard::TooLongHere => return Ok(Some(MtuLimit::Interface)),
                Heard::Silence => {}
            }
        }
        Ok(Some(MtuLimit::Silence { sent: TRIES }))
    }
}

impl Gap {
    /// The next size to try; `None` once there is nothing between.
    fn next(&mut self) -> Option<u16> {
        let within = |size: &u16| (self.low + 1..self.high).contains(size);
        let usual = (self.low < LEAST_OF_IPV6).then_some(LEAST_OF_IPV6);
        let middle = self.low + self.high.saturating_sub(self.low) / 2;
        let hint = self.hint.take().filter(within);
        hint.or(usual.filter(within)).or(Some(middle).filter(within))
    }

    fn passed(&mut self, size: u16) {
        self.low = size;
        if let MtuLimit::Icmp { mtu, .. } = self.stop
            && u32::from(size) == mtu
        {
            self.hint = Some(size + 1);
        }
    }

    fn stopped(&mut self, size: u16, stop: MtuLimit) {
        (self.high, self.stop) = (size, stop);
        self.believe();
    }

    fn believe(&mut self) {
        if let MtuLimit::Icmp { mtu, .. } = self.stop
            && self.believed < MAX_BELIEVED
        {
            self.believed += 1;
            self.hint = u16::try_from(mtu).ok();
        }
    }
}
