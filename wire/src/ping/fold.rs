//! Ping's events folded into one report a target.

use std::{collections::BTreeSet, net::IpAddr};

use super::{MAX_LISTED, PingEvent, PingReport, PingRequest, PingTarget, Rejection, RttUs};
use crate::{EndReason, ErrorBody, IcmpError};

/// Reports of all targets, kept as the events come; memory does not grow with the count.
#[derive(Clone, Debug, Default)]
pub struct PingFold {
    targets: Vec<TargetFold>,
}

#[derive(Clone, Debug, Default)]
struct TargetFold {
    report: PingReport,
    open: BTreeSet<u32>,
    silent: BTreeSet<u32>,
    lost: BTreeSet<u32>,
    rtts: Rtts,
}

#[derive(Clone, Copy, Debug, Default)]
struct Rtts {
    count: u64,
    min: u64,
    max: u64,
    sum: u128,
    squares: u128,
}

impl PingFold {
    /// A fold that has a report for each target, whether or not it was heard of.
    pub fn new(request: &PingRequest) -> Self {
        let fold = |target: &PingTarget| {
            let host = target.host.as_str().into();
            TargetFold { report: PingReport { host, ..Default::default() }, ..Default::default() }
        };
        Self { targets: request.targets.iter().map(fold).collect() }
    }

    /// Takes in one event; one of an unknown target is passed over.
    pub fn push(&mut self, event: &PingEvent) {
        let target = match event {
            PingEvent::Started { target, .. }
            | PingEvent::Sent { target, .. }
            | PingEvent::Replied { target, .. }
            | PingEvent::Corrupted { target, .. }
            | PingEvent::Silence { target, .. }
            | PingEvent::Rejected { target, .. }
            | PingEvent::Redirected { target, .. }
            | PingEvent::NotSent { target, .. } => *target,
            PingEvent::Unknown => return,
        };
        if let Some(fold) = self.targets.get_mut(usize::from(target)) {
            fold.push(event);
        }
    }

    /// One report a target, in the request's order.
    pub fn reports(&self, ended: Option<EndReason>, error: Option<&ErrorBody>) -> Vec<PingReport> {
        let finish = |fold: &TargetFold| PingReport {
            pending: fold.open.len() as u32,
            rtt_us: fold.rtts.summary(),
            lost_seqs: fold.lost.iter().copied().take(MAX_LISTED).collect(),
            ended,
            error: error.cloned(),
            ..fold.report.clone()
        };
        self.targets.iter().map(finish).collect()
    }
}

impl TargetFold {
    fn push(&mut self, event: &PingEvent) {
        let report = &mut self.report;
        match event {
            PingEvent::Started { host, address, source, .. } => {
                report.host = host.clone();
                report.address = Some(*address);
                report.source_address = Some(*source);
            }
            PingEvent::Sent { seq, .. } => {
                report.sent += 1;
                remember(&mut self.open, *seq);
            }
            PingEvent::Replied { seq, rtt_us, late, duplicate, reordered, wrong_byte, .. } => {
                report.reordered += u32::from(*reordered);
                report.wrong_data += u32::from(wrong_byte.is_some());
                if *duplicate {
                    report.duplicates += 1;
                    return;
                }
                report.replied += 1;
                self.open.remove(seq);
                self.lost.remove(seq);
                report.silent -= u32::from(self.silent.remove(seq));
                match late {
                    true => report.late += 1,
                    false => self.rtts.push(*rtt_us),
                }
            }
            PingEvent::Corrupted { .. } => report.corrupted += 1,
            PingEvent::Silence { seq, .. } => {
                report.silent += 1;
                self.open.remove(seq);
                remember(&mut self.silent, *seq);
                remember(&mut self.lost, *seq);
            }
            PingEvent::Rejected { seq, by, icmp, after_us, .. } => {
                report.rejected += 1;
                self.open.remove(seq);
                report.silent -= u32::from(self.silent.remove(seq));
                remember(&mut self.lost, *seq);
                self.push_rejection(*by, icmp, *after_us);
            }
            PingEvent::Redirected { gateway, .. } => {
                push_once(&mut report.redirects, gateway);
            }
            PingEvent::NotSent { seq, refusal, .. } => {
                report.not_sent += 1;
                remember(&mut self.lost, *seq);
                push_once(&mut report.refusals, refusal);
            }
            PingEvent::Unknown => {}
        }
    }

    fn push_rejection(&mut self, by: IpAddr, icmp: &IcmpError, after_us: u64) {
        let seen = &mut self.report.rejections;
        if let Some(known) = seen.iter_mut().find(|r| r.by == by && r.icmp == *icmp) {
            known.count += 1;
        } else if seen.len() < MAX_LISTED {
            seen.push(Rejection { by, icmp: icmp.clone(), count: 1, after_us });
        }
    }
}

impl Rtts {
    fn push(&mut self, us: u64) {
        self.min = if self.count == 0 { us } else { self.min.min(us) };
        self.max = self.max.max(us);
        self.count += 1;
        self.sum += u128::from(us);
        // An agent may say any time; a deviation of what cannot be is only kept from overflowing.
        self.squares = self.squares.saturating_add(u128::from(us).pow(2));
    }

    fn summary(&self) -> Option<RttUs> {
        let count = u128::from(self.count);
        let mean = self.sum.checked_div(count)?;
        let squares = self.squares.saturating_mul(count);
        let variance = squares.saturating_sub(self.sum.saturating_pow(2)) / count.pow(2);
        Some(RttUs {
            min: self.min,
            avg: mean as u64,
            max: self.max,
            stddev: variance.isqrt() as u64,
        })
    }
}

/// Bounded: what is forgotten is old, and only the list of lost sequence numbers misses it.
fn remember(set: &mut BTreeSet<u32>, seq: u32) {
    const MAX_REMEMBERED: usize = 65_536;
    set.insert(seq);
    if set.len() > MAX_REMEMBERED {
        set.pop_first();
    }
}

fn push_once<T: Clone + PartialEq>(list: &mut Vec<T>, item: &T) {
    if list.len() < MAX_LISTED && !list.contains(item) {
        list.push(item.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    const TARGET: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 244, 2, 7));

    fn sent(seq: u32) -> PingEvent {
        PingEvent::Sent { target: 0, seq }
    }

    fn replied(seq: u32, rtt_us: u64) -> PingEvent {
        PingEvent::Replied {
            target: 0,
            seq,
            address: TARGET,
            bytes: 64,
            ttl: Some(63),
            rtt_us,
            late: false,
            duplicate: false,
            reordered: false,
            wrong_byte: None,
        }
    }

    fn fold(events: &[PingEvent]) -> PingReport {
        let mut fold = PingFold::new(&PingRequest::to("10.244.2.7"));
        events.iter().for_each(|event| fold.push(event));
        fold.reports(Some(EndReason::Completed), None).remove(0)
    }

    #[test]
    fn the_deviation_is_that_of_the_population() {
        let report =
            fold(&[sent(1), replied(1, 412), sent(2), replied(2, 387), sent(3), replied(3, 371)]);
        assert_eq!(report.rtt_us, Some(RttUs { min: 371, avg: 390, max: 412, stddev: 16 }));
        assert_eq!((report.sent, report.replied, report.lost()), (3, 3, 0));
    }

    /// Found by fuzz target 14: the product overflowed.
    #[test]
    fn times_that_cannot_be_are_summed_all_the_same() {
        let most = u64::MAX;
        let report = fold(&[sent(1), replied(1, most), sent(2), replied(2, most), replied(3, 1)]);
        let times = report.rtt_us.unwrap();
        assert_eq!((times.min, times.max), (1, most));
    }

    #[test]
    fn a_late_reply_is_no_loss_and_has_no_share_in_the_times() {
        let silence = PingEvent::Silence { target: 0, seq: 1, waited_us: 1_000_000 };
        let mut answer = replied(1, 1_180_000);
        if let PingEvent::Replied { late, .. } = &mut answer {
            *late = true;
        }
        let report = fold(&[sent(1), silence, answer]);
        assert_eq!((report.replied, report.late, report.silent, report.lost()), (1, 1, 0, 0));
        assert!(report.lost_seqs.is_empty() && report.rtt_us.is_none());
    }

    #[test]
    fn what_was_not_waited_for_is_pending() {
        let report = fold(&[sent(1), replied(1, 400), sent(2)]);
        assert_eq!((report.sent, report.replied, report.pending, report.lost()), (2, 1, 1, 0));
    }
}
