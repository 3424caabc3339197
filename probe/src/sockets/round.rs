//! Rounds: the tables again and again, and the counters around them.

use std::{io, time::Duration};

use netdiag_wire::sockets::{CountersReading, SocketsEvent, SocketsRequest, SocketsRound};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{open::OpenSockets, tables::Tables};
use crate::{ProbeError, clock::micros};

pub(super) struct Rounds<'a> {
    request: &'a SocketsRequest,
    open: &'a OpenSockets,
    pub(super) start: Instant,
}

impl<'a> Rounds<'a> {
    pub(super) fn new(request: &'a SocketsRequest, open: &'a OpenSockets) -> Self {
        Self { request, open, start: Instant::now() }
    }

    /// As many as the request wants, or until it is stopped.
    pub(super) async fn run(
        &self,
        emit: &mut impl FnMut(SocketsEvent),
        stop: &CancellationToken,
    ) -> Result<(), ProbeError> {
        for round in 1.. {
            let begun = Instant::now();
            self.one(round, emit, stop)
                .await
                .map_err(|cause| ProbeError::Socket("ask the kernel for its sockets", cause))?;
            let Some(watch) = self.request.watch else { break };
            let is_last = watch.rounds.is_some_and(|rounds| round >= rounds.get());
            let next = begun + Duration::from_millis(watch.interval_ms.into());
            if is_last || !waited(next, stop).await {
                break;
            }
        }
        Ok(())
    }

    async fn one(
        &self,
        round: u32,
        emit: &mut impl FnMut(SocketsEvent),
        stop: &CancellationToken,
    ) -> io::Result<()> {
        let begun = Instant::now();
        let before = self.counters(round)?;
        if let Some(before) = before.as_ref().filter(|_| self.request.stats) {
            emit(SocketsEvent::Counters(before.clone()));
        }
        let mut tables = Tables::new(self.request, self.open, round, emit);
        let sockets = tables.read(stop).await?;
        if stop.is_cancelled() {
            return Ok(());
        }
        let (has_full_queue, listed) = (tables.has_full_queue, tables.listed);
        emit(SocketsEvent::Round(SocketsRound {
            round,
            at_us: micros(begun - self.start),
            took_us: micros(begun.elapsed()),
            sockets,
            interrupted: listed.iter().map(|listed| listed.interrupted).sum(),
            incomplete: listed.iter().filter(|listed| listed.is_incomplete).count() as u32,
        }));
        match (before, self.request.full_queue_wait_ms) {
            (Some(before), Some(ms)) if has_full_queue => {
                self.again(before, Duration::from_millis(ms.into()), emit, stop).await
            }
            _ => Ok(()),
        }
    }

    /// What an overflow counts while a queue is full.
    async fn again(
        &self,
        before: CountersReading,
        wait: Duration,
        emit: &mut impl FnMut(SocketsEvent),
        stop: &CancellationToken,
    ) -> io::Result<()> {
        let (round, from) = (before.round, self.start + Duration::from_micros(before.at_us));
        if !self.request.stats {
            emit(SocketsEvent::Counters(before));
        }
        if waited(from + wait, stop).await {
            self.counters(round)?.into_iter().for_each(|it| emit(SocketsEvent::Counters(it)));
        }
        Ok(())
    }

    fn counters(&self, round: u32) -> io::Result<Option<CountersReading>> {
        let Some(files) = &self.open.counters else { return Ok(None) };
        let at_us = micros(self.start.elapsed());
        Ok(Some(CountersReading { round, at_us, counters: files.read()? }))
    }
}

/// False if it was stopped before.
async fn waited(until: Instant, stop: &CancellationToken) -> bool {
    tokio::select! {
        biased;
        // On a busy machine both may be so.
        () = stop.cancelled() => false,
        () = sleep_until(until) => true,
    }
}
