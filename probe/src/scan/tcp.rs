//! The loop of a TCP scan: take what came, send what is due, wait.

use std::time::Duration;

use netdiag_wire::scan::{PortState, ScanEvent, ScanPort, ScanProtocol, ScanWhy};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    field::{Fate, Field},
    lane::{Found, Lane},
    pace::Pace,
    schedule::{Schedule, Step},
    tale::Tale,
};
use crate::{ProbeError, clock::micros};

/// Packets sent before those that came have their turn.
const BURST: usize = 64;

pub(super) struct Tcp<'a, 't, L, E> {
    pub(super) lane: &'a mut L,
    pub(super) field: Field,
    pub(super) pace: &'a mut Pace,
    pub(super) tale: &'a mut Tale<'t, E>,
    pub(super) start: Instant,
    pub(super) stop: &'a CancellationToken,
}

impl<L: Lane, E: FnMut(ScanEvent)> Tcp<'_, '_, L, E> {
    /// Until every port has its fate; or those that have one by then, if it is stopped.
    pub(super) async fn run(mut self) -> Result<(), ProbeError> {
        let mut schedule = Schedule::new(self.field.len(), self.lane.terms());
        while !schedule.is_done() && !self.stop.is_cancelled() {
            self.take(&mut schedule)?;
            let is_more = self.send(&mut schedule)?;
            self.tale.progress(self.start.elapsed(), schedule.done());
            // Whoever writes the events down gets a turn however busy this is.
            tokio::task::yield_now().await;
            if is_more || schedule.is_done() {
                continue;
            }
            let now = self.start.elapsed();
            let wake = schedule.wakes_at(now).max(self.pace.ready_at());
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = sleep_until(self.start + wake) => {}
                () = self.lane.readable() => {}
            }
        }
        let left: Vec<u32> = schedule.open_ends().collect();
        self.forget(&left);
        self.tale.asked_again += schedule.asked_again;
        self.tale.part_is_over(schedule.done());
        self.field.rest().into_iter().for_each(|rest| self.tale.say(ScanEvent::Rest(rest)));
        Ok(())
    }

    fn take(&mut self, schedule: &mut Schedule) -> Result<(), ProbeError> {
        let mut came = Vec::new();
        self.lane.take(&self.field, &mut |found| came.push(found))?;
        let now = self.start.elapsed();
        came.into_iter().for_each(|found| self.note(schedule, found, now));
        Ok(())
    }

    /// Whether there may be more to send at once.
    fn send(&mut self, schedule: &mut Schedule) -> Result<bool, ProbeError> {
        let now = self.start.elapsed();
        let most = self.pace.allowed(now).min(BURST);
        let (mut asked, mut silent) = (Vec::with_capacity(most), Vec::new());
        while asked.len() + silent.len() < most {
            match schedule.next(now) {
                Some(Step::Send(id)) => asked.push(id),
                Some(Step::GiveUp(id)) => silent.push(id),
                None => break,
            }
        }
        let count = asked.len() + silent.len();
        self.pace.spend(count);
        for id in &silent {
            self.field.settle(*id, Fate::new(PortState::Filtered, ScanWhy::Silence));
        }
        self.forget(&silent);
        let mut ends = Vec::new();
        self.lane.send(&self.field, &asked, &mut |found| ends.push(found))?;
        self.tale.sent += asked.len() as u64;
        let now = self.start.elapsed();
        ends.into_iter().for_each(|found| self.note(schedule, found, now));
        Ok(count > 0 && count == most)
    }

    fn forget(&mut self, ids: &[u32]) {
        if !ids.is_empty() {
            self.lane.forget(&self.field, ids);
        }
    }

    fn note(&mut self, schedule: &mut Schedule, found: Found, now: Duration) {
        let Some(answered) = schedule.answered(found.id, now) else { return };
        let (host, port) = self.field.at(found.id);
        if found.fate.state == PortState::Open {
            self.tale.say(ScanEvent::Port(ScanPort {
                address: host.address,
                protocol: ScanProtocol::Tcp,
                port,
                state: found.fate.state,
                why: found.fate.why,
                by: None,
                icmp: None,
                ttl: found.ttl,
                rtt_us: answered.rtt.map(micros),
            }));
        }
        self.field.settle(found.id, found.fate);
    }
}
