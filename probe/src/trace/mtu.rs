//! How large a packet passes to each hop, with DF set, and who or what stops a larger one.
//!
//! Asked is the far end first: if the largest packet that the interface sends arrives there, it
//! passes everywhere. A router that says what fits is believed as far as that can be tried; where
//! nobody says anything, sizes are halved, and then the hop is looked for behind which one byte
//! more vanishes.

use std::net::IpAddr;

use netdiag_wire::{
    IcmpMeaning,
    trace::{MtuHop, TraceAnswer, TraceEvent, TraceHop},
};

use super::exchange::Exchange;
use crate::ProbeError;

mod bucket;
mod lane;
mod sweep;
#[cfg(test)]
mod tests;

use lane::ExchangeLane;
use sweep::{Passes, Sweep};

/// What every IPv4 path takes (RFC 791), and not less than any of our probes.
const LEAST: u16 = 68;

/// What a packet of one size met.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Heard {
    /// From anybody at the distance it was sent to.
    Answer,
    /// Fragmentation would have been needed; routers older than RFC 1191 do not say what fits.
    TooBig {
        by: IpAddr,
        mtu: Option<u32>,
    },
    /// The kernel did not send it.
    TooLongHere,
    Silence,
}

/// Sends one packet and waits for what comes of it.
trait Lane {
    async fn ask(&mut self, ttl: u8, size: u16) -> Result<Heard, ProbeError>;

    /// Takes everybody's rate limit for used up, as by a trace that ran before this one.
    fn rest(&mut self);
}

/// A hop that answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Station {
    ttl: u8,
    address: IpAddr,
    /// By ICMP errors, which are rate-limited.
    is_limited: bool,
}

/// `hops` as the trace has found them; `mtu` is the interface's, where it is known.
pub(super) async fn run(
    exchange: &mut Exchange,
    hops: &[TraceHop],
    mtu: Option<u32>,
    emit: &mut impl FnMut(TraceEvent),
) -> Result<(), ProbeError> {
    let stations: Vec<Station> = hops.iter().filter_map(Station::of).collect();
    let mut lane = ExchangeLane::new(exchange, &stations, hops);
    let top = mtu.and_then(|mtu| u16::try_from(mtu).ok()).unwrap_or(u16::MAX);
    let found = Sweep { lane: &mut lane, stations: &stations, top }.all(LEAST.min(top)).await?;
    tell(hops, found).for_each(|hop| emit(TraceEvent::Passes(hop)));
    Ok(())
}

/// `found` has an entry for each hop that answers.
fn tell(hops: &[TraceHop], found: Vec<Option<Passes>>) -> impl Iterator<Item = MtuHop> {
    let mut found = found.into_iter();
    hops.iter().map(move |hop| {
        let passes = Station::of(hop).and_then(|_| found.next()).flatten();
        let (passes_bytes, limit) = passes.map_or((None, None), |p| (Some(p.size), p.limit));
        let address = hop.answers.first().map(|answer| answer.address);
        MtuHop { ttl: hop.ttl, address, passes_bytes, limit }
    })
}

impl Station {
    fn of(hop: &TraceHop) -> Option<Self> {
        let answer = hop.answers.iter().find(|answer| too_big(answer).is_none())?;
        let is_limited = answer.icmp.is_some();
        Some(Self { ttl: hop.ttl, address: answer.address, is_limited })
    }
}

/// `Some` if it says that fragmentation was needed; in it what would fit.
fn too_big(answer: &TraceAnswer) -> Option<Option<u32>> {
    let icmp = answer.icmp.as_ref()?;
    (icmp.meaning == IcmpMeaning::FragmentationNeeded).then_some(icmp.mtu)
}
