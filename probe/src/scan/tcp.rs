//! The loop of a TCP scan: take what came, send what is due, wait.

use std::{net::IpAddr, time::Duration};

use netdiag_wire::scan::{PortState, Ports, ScanEvent, ScanPort, ScanProtocol, ScanWhy};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    field::{Fate, Field, Host},
    identify::{self, os::SynAck},
    lane::{Found, Lane},
    pace::Pace,
    schedule::{LEAST_ATTEMPTS, Schedule, Step, Terms},
    tale::Tale,
};
use crate::{ProbeError, clock::micros};

/// Packets sent before those that came have their turn.
const BURST: usize = 64;

/// What all parts of a scan have in common.
pub(super) struct Run<'a, E> {
    pub(super) pace: Pace,
    pub(super) tale: Tale<'a, E>,
    /// Found so far.
    pub(super) open: Vec<ScanPort>,
    /// Of each address the first.
    pub(super) syn_acks: Vec<(IpAddr, SynAck)>,
    /// Hosts whose ports are asked.
    pub(super) up: usize,
    pub(super) start: Instant,
    pub(super) stop: CancellationToken,
}

impl<'e, E: FnMut(ScanEvent)> Run<'e, E> {
    pub(super) async fn tcp(
        &mut self,
        lane: &mut impl Lane,
        hosts: &[Host],
        ports: &Ports,
    ) -> Result<(), ProbeError> {
        for field in Field::parts(hosts, ports, ScanProtocol::Tcp) {
            if self.stop.is_cancelled() {
                break;
            }
            let terms = lane.terms();
            self.part(lane, field, terms).run().await?;
        }
        Ok(())
    }

    /// Pairs that answered, whatever they said.
    pub(super) async fn discover_by(
        &mut self,
        lane: &mut impl Lane,
        field: Field,
    ) -> Result<Vec<Seen>, ProbeError> {
        let terms = Terms { attempts: LEAST_ATTEMPTS, ..lane.terms() };
        let mut part = self.part(lane, field, terms);
        part.seen = Some(Vec::new());
        part.run().await
    }

    fn part<'p, L: Lane>(
        &'p mut self,
        lane: &'p mut L,
        field: Field,
        terms: Terms,
    ) -> Part<'p, 'e, L, E> {
        let schedule = Schedule::new(field.len(), terms);
        Part { run: self, lane, field, schedule, rejected: Vec::new(), seen: None }
    }
}

impl<E: FnMut(ScanEvent)> Run<'_, E> {
    pub(super) fn found(&mut self, port: ScanPort) {
        self.tale.say(ScanEvent::Port(port.clone()));
        self.open.push(port);
    }

    /// Asks what was found open what it is.
    pub(super) async fn identify(&mut self, limits: identify::Limits) {
        let mut say = |event| self.tale.say(event);
        let sent = identify::run(&self.open, limits, &mut say, &self.stop).await;
        self.tale.sent += sent;
        for (address, syn_ack) in &self.syn_acks {
            let guess = identify::os::guess(*address, syn_ack);
            guess.into_iter().for_each(|guess| self.tale.say(ScanEvent::Os(guess)));
        }
    }

    pub(super) fn end(mut self) {
        let Tale { asked_again, sent, .. } = self.tale;
        let took_us = micros(self.start.elapsed());
        self.tale.say(ScanEvent::Done { took_us, asked_again, sent });
    }
}

struct Part<'a, 'e, L, E> {
    run: &'a mut Run<'e, E>,
    lane: &'a mut L,
    field: Field,
    schedule: Schedule,
    /// Routers before the one that rejected remember them.
    rejected: Vec<u32>,
    /// In place of events, where only hosts are wanted.
    seen: Option<Vec<Seen>>,
}

/// What shows that a host is up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) id: u32,
    pub(super) why: ScanWhy,
    pub(super) rtt: Option<Duration>,
}

impl<L: Lane, E: FnMut(ScanEvent)> Part<'_, '_, L, E> {
    /// Until every port has its fate; or those that have one by then, if it is stopped.
    async fn run(mut self) -> Result<Vec<Seen>, ProbeError> {
        let stop = self.run.stop.clone();
        while !self.is_done() && !stop.is_cancelled() {
            self.take()?;
            let is_more = self.send()?;
            self.run.tale.progress(self.run.start.elapsed(), self.schedule.done());
            // Whoever writes the events down gets a turn however busy this is.
            tokio::task::yield_now().await;
            if is_more || self.is_done() {
                continue;
            }
            let now = self.run.start.elapsed();
            let wake = match self.run.pace.allowed(now) {
                0 => self.run.pace.ready_at(),
                _ => self.schedule.wakes_at(now),
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep_until(self.run.start + wake) => {}
                () = self.lane.readable() => {}
            }
        }
        Ok(self.end())
    }

    fn is_done(&self) -> bool {
        self.schedule.is_done() && self.rejected.is_empty()
    }

    fn end(mut self) -> Vec<Seen> {
        let left: Vec<u32> = self.schedule.open_ends().chain(self.rejected.drain(..)).collect();
        self.forget(&left);
        let tale = &mut self.run.tale;
        tale.asked_again += self.schedule.asked_again;
        tale.part_is_over(self.schedule.done());
        if let Some(seen) = self.seen {
            return seen;
        }
        self.field.rest().into_iter().for_each(|rest| tale.say(ScanEvent::Rest(rest)));
        Vec::new()
    }

    fn take(&mut self) -> Result<(), ProbeError> {
        let mut came = Vec::new();
        self.lane.take(&self.field, &mut |found| came.push(found))?;
        came.into_iter().for_each(|found| self.note(found));
        Ok(())
    }

    /// Whether there may be more to send at once.
    fn send(&mut self) -> Result<bool, ProbeError> {
        let now = self.run.start.elapsed();
        let most = self.run.pace.allowed(now).min(BURST);
        let mut forgotten = self.rejected.split_off(self.rejected.len().saturating_sub(most));
        let mut asked = Vec::with_capacity(most);
        while asked.len() + forgotten.len() < most {
            match self.schedule.next(now) {
                Some(Step::Send(id)) => asked.push(id),
                Some(Step::GiveUp(id)) => {
                    self.field.settle(id, Fate::new(PortState::Filtered, ScanWhy::Silence));
                    forgotten.push(id);
                }
                None => break,
            }
        }
        let count = asked.len() + forgotten.len();
        self.run.pace.spend(count);
        self.forget(&forgotten);
        let mut ends = Vec::new();
        self.lane.send(&self.field, &asked, &mut |found| ends.push(found))?;
        self.run.tale.sent += asked.len() as u64;
        ends.into_iter().for_each(|found| self.note(found));
        Ok(count > 0 && count == most)
    }

    fn forget(&mut self, ids: &[u32]) {
        if !ids.is_empty() {
            self.run.tale.sent += self.lane.forget(&self.field, ids) as u64;
        }
    }

    fn note(&mut self, mut found: Found) {
        let Some(answered) = self.schedule.answered(found.id, self.run.start.elapsed()) else {
            return;
        };
        match (found.fate.why, &mut self.seen) {
            (ScanWhy::Rejected, _) => self.rejected.push(found.id),
            (ScanWhy::SynAck | ScanWhy::Rst | ScanWhy::EchoReply, Some(seen)) => {
                seen.push(Seen { id: found.id, why: found.fate.why, rtt: answered.rtt });
            }
            (ScanWhy::SynAck, None) => self.note_open(&mut found, answered.rtt),
            _ => {}
        }
        self.field.settle(found.id, found.fate);
    }

    fn note_open(&mut self, found: &mut Found, rtt: Option<Duration>) {
        let (host, port) = self.field.at(found.id);
        let is_first = self.run.syn_acks.iter().all(|(address, _)| *address != host.address);
        if let Some(syn_ack) = found.syn_ack.take().filter(|_| is_first) {
            self.run.syn_acks.push((host.address, syn_ack));
        }
        self.run.found(ScanPort {
            address: host.address,
            protocol: ScanProtocol::Tcp,
            port,
            state: found.fate.state,
            why: found.fate.why,
            by: None,
            icmp: None,
            ttl: found.ttl,
            rtt_us: rtt.map(micros),
        });
    }
}
