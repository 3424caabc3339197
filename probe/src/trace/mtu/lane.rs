//! Packets of one size through the trace's own sockets, no faster than routers answer.

use std::net::IpAddr;

use netdiag_wire::{
    SendRefusal,
    trace::{TraceAnswer, TraceHop},
};
use tokio::time::{sleep_until, timeout_at};

use super::{Heard, Lane, Station, bucket::Buckets, too_big};
use crate::{ProbeError, packet::probe::Envelope, trace::exchange::Exchange};

pub(super) struct ExchangeLane<'a> {
    exchange: &'a mut Exchange,
    stations: &'a [Station],
    /// Who said what fits.
    announcers: Vec<IpAddr>,
    buckets: Buckets,
}

impl<'a> ExchangeLane<'a> {
    pub(super) fn new(
        exchange: &'a mut Exchange,
        stations: &'a [Station],
        hops: &[TraceHop],
    ) -> Self {
        let now = exchange.elapsed();
        let mut buckets = Buckets::default();
        let answers = || hops.iter().flat_map(|hop| &hop.answers);
        answers().filter(|a| a.icmp.is_some()).for_each(|a| buckets.took(a.address, now));
        // The far end has answered what went out beyond it, too.
        stations.last().into_iter().for_each(|end| buckets.emptied(end.address, now));
        Self { exchange, stations, announcers: Vec::new(), buckets }
    }

    /// Until everybody who may have to answer can.
    async fn ready(&self, ttl: u8) {
        let now = self.exchange.elapsed();
        let passed = self.stations.iter().filter(|s| s.is_limited && s.ttl <= ttl);
        let answerers = passed.map(|station| station.address).chain(self.announcers.clone());
        let at = answerers.map(|address| self.buckets.ready_at(address, now)).max();
        sleep_until(self.exchange.start() + at.unwrap_or(now)).await;
    }

    /// What comes back for this probe, if anything does in time.
    async fn answer(&mut self, index: u16) -> Result<Option<TraceAnswer>, ProbeError> {
        let until = self.exchange.start() + self.exchange.elapsed() + self.exchange.patience();
        loop {
            let mut found = None;
            self.exchange.take(&|_| Some(index), |answered| {
                if answered.index == index {
                    found = found.take().or(Some(answered.answer));
                }
            })?;
            if found.is_some() || timeout_at(until, self.exchange.readable()).await.is_err() {
                return Ok(found);
            }
        }
    }

    fn heard(&mut self, answer: &TraceAnswer) -> Heard {
        if answer.icmp.is_some() {
            self.buckets.took(answer.address, self.exchange.elapsed());
        }
        let Some(mtu) = too_big(answer) else { return Heard::Answer };
        if !self.announcers.contains(&answer.address) {
            self.announcers.push(answer.address);
        }
        Heard::TooBig { by: answer.address, mtu }
    }
}

impl Lane for ExchangeLane<'_> {
    async fn ask(&mut self, ttl: u8, size: u16) -> Result<Heard, ProbeError> {
        self.ready(ttl).await;
        let index = match self.exchange.send(0, Envelope { ttl, size, dont_fragment: true }) {
            Ok(index) => index,
            Err(SendRefusal::TooLong { .. }) => return Ok(Heard::TooLongHere),
            Err(_) => return Ok(Heard::Silence),
        };
        let answer = self.answer(index).await?;
        Ok(answer.map_or(Heard::Silence, |answer| self.heard(&answer)))
    }

    fn rest(&mut self) {
        let now = self.exchange.elapsed();
        self.stations.iter().for_each(|station| self.buckets.emptied(station.address, now));
    }
}
