//! The loop of a trace: send what is due, take what came, say which hops are known, wait.

use std::{collections::VecDeque, time::Duration};

use netdiag_wire::trace::{TraceEvent, TraceHop, TraceOutcome, TraceRequest};
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use super::{
    exchange::{Answered, Exchange},
    names::Names,
    path::{Due, Path},
};
use crate::{ProbeError, packet::probe::Envelope};

/// Packets sent before those that came have their turn.
const BURST: usize = 64;

pub(super) struct Engine<'a> {
    exchange: &'a mut Exchange,
    envelope: Envelope,
    paths: Vec<Path>,
    /// What each probe asked, by its index.
    asked: Vec<Asked>,
    /// The first flow's path, as it was told.
    walked: Vec<TraceHop>,
    /// The first flow that is not told to its end.
    telling: usize,
    names: Names,
    /// Known and not yet told, as a name may come.
    ready: VecDeque<TraceEvent>,
    /// Whether the target was asked if it lives.
    knocked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Asked {
    flow: u8,
    ttl: u8,
    query: u8,
}

impl<'a> Engine<'a> {
    pub(super) fn new(request: &TraceRequest, exchange: &'a mut Exchange, names: Names) -> Self {
        let at_once = exchange.is_at_once();
        Self {
            exchange,
            envelope: Envelope {
                ttl: 0,
                size: request.size.unwrap_or_default(),
                dont_fragment: request.dont_fragment,
            },
            paths: (0..request.flows).map(|flow| Path::new(flow, request, at_once)).collect(),
            asked: Vec::new(),
            walked: Vec::new(),
            telling: 0,
            knocked: false,
            names,
            ready: VecDeque::new(),
        }
    }

    /// The first flow's path, when all is told.
    pub(super) async fn run(
        mut self,
        emit: &mut impl FnMut(TraceEvent),
        stop: &CancellationToken,
    ) -> Result<Vec<TraceHop>, ProbeError> {
        self.tell_flow();
        while !stop.is_cancelled() {
            let is_burst = self.send();
            // What came before this moment is taken before anything is called silent at it.
            let now = self.exchange.elapsed();
            self.take()?;
            self.doubt(now);
            self.tell(now, emit);
            if self.telling == self.paths.len() && self.ready.is_empty() {
                break;
            }
            // Whoever writes the events down gets a turn however busy this is.
            tokio::task::yield_now().await;
            if is_burst {
                continue;
            }
            let pace = self.exchange.pace();
            let wakes = self.paths.iter().filter_map(|path| path.wakes_at(now, pace));
            let wake = wakes.chain(self.kept_until(now)).min();
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep_until(self.exchange.start() + wake.unwrap_or(now)) => {}
                () = self.exchange.readable() => {}
                () = self.names.next(emit) => {}
            }
        }
        Ok(self.walked)
    }

    /// Sends what is due; whether there may be more of it.
    fn send(&mut self) -> bool {
        let pace = self.exchange.pace();
        for _ in 0..BURST {
            let now = self.exchange.elapsed();
            let next = |path: &mut Path| Some((path.flow(), path.due(now, pace)?));
            let Some((flow, due)) = self.paths.iter_mut().find_map(next) else { return false };
            self.send_one(flow, due, now);
        }
        true
    }

    fn send_one(&mut self, flow: u8, due: Due, now: Duration) {
        let envelope = Envelope { ttl: due.ttl, ..self.envelope };
        let sent = self.exchange.send(flow, envelope);
        let path = &mut self.paths[usize::from(flow)];
        match sent {
            Ok(_) => {
                path.sent(due, now);
                if due.is_late {
                    self.paths.iter_mut().for_each(|path| path.wait_for(due.ttl, now));
                }
                self.asked.push(Asked { flow, ttl: due.ttl, query: due.query });
            }
            Err(refusal) => path.refused(due, refusal, now),
        }
    }

    /// Linux answers a closed port once a second, and an echo always. So whoever answers an echo is
    /// asked once more when the second is over, and echoes tell how far it is to a target that
    /// answered late.
    fn doubt(&mut self, now: Duration) {
        let pace = self.exchange.pace();
        if !self.knocked && self.paths.iter().any(|path| path.doubts(now)) {
            self.knocked = true;
            self.exchange.knock(None);
        }
        for path in &mut self.paths {
            for ttl in path.suspects(now, pace) {
                self.exchange.knock(Some(ttl));
                // A router that is there says so, and can say nothing else for a while.
                path.wait_for(ttl, now);
            }
        }
        let has_arrived = self.paths.iter().any(Path::is_at_end);
        let is_alive = self.exchange.is_alive(has_arrived);
        for path in &mut self.paths {
            path.is_alive |= is_alive;
            self.exchange.nearest_echo().into_iter().for_each(|ttl| path.arrives_at(ttl));
        }
    }

    fn take(&mut self) -> Result<(), ProbeError> {
        let mut came = Vec::new();
        let Self { exchange, paths, asked, .. } = self;
        let nearest = |flow: u8| {
            let (ttl, query) = paths.get(usize::from(flow))?.nearest_unanswered()?;
            let index = asked.iter().rposition(|asked| *asked == Asked { flow, ttl, query })?;
            Some(index as u16)
        };
        exchange.take(&nearest, |answered| came.push(answered))?;
        came.into_iter().for_each(|answered| self.note(answered));
        Ok(())
    }

    fn note(&mut self, Answered { index, answer }: Answered) {
        let Some(asked) = self.asked.get(usize::from(index)) else { return };
        let ends = answer.outcome != TraceOutcome::Expired;
        self.names.ask(answer.address, self.exchange.elapsed());
        self.paths[usize::from(asked.flow)].answered(asked.ttl, asked.query, answer, ends);
    }

    /// Hops come by flow, then by TTL.
    fn tell(&mut self, now: Duration, emit: &mut impl FnMut(TraceEvent)) {
        let pace = self.exchange.pace();
        while let Some(path) = self.paths.get_mut(self.telling) {
            while let Some(hop) = path.settled(now, pace) {
                if self.telling == 0 {
                    self.walked.push(hop.clone());
                }
                self.ready.push_back(TraceEvent::Hop(hop));
            }
            if !path.is_told() {
                break;
            }
            self.telling += 1;
            self.tell_flow();
        }
        self.names.tell(emit);
        while self.kept_until(now).is_none()
            && let Some(event) = self.ready.pop_front()
        {
            emit(event);
        }
    }

    /// Until when the next hop waits for names, if it does.
    fn kept_until(&self, now: Duration) -> Option<Duration> {
        let Some(TraceEvent::Hop(hop)) = self.ready.front() else { return None };
        hop.answers.iter().filter_map(|answer| self.names.until(answer.address, now)).max()
    }

    fn tell_flow(&mut self) {
        if let Some(path) = self.paths.get(self.telling) {
            let flow = path.flow();
            let source_port = self.exchange.source_port(flow);
            self.ready.push_back(TraceEvent::Flow { flow, source_port });
        }
    }
}
