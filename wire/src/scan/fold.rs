//! A scan's events folded into one report.

use super::{ScanEvent, ScanReport};
use crate::{EndReason, ErrorBody};

/// Most events of a kind that a report holds: every port of a full scan, and all of a /16.
const MAX_LISTED: usize = 70_000;

/// The report of one scan, kept as the events come.
#[derive(Clone, Debug, Default)]
pub struct ScanFold {
    report: ScanReport,
}

impl ScanFold {
    pub fn push(&mut self, event: &ScanEvent) {
        let report = &mut self.report;
        match event {
            ScanEvent::Started { method, lane, .. } => {
                report.method = Some(*method);
                report.lane = Some(lane.clone());
            }
            ScanEvent::Host(host) => push(&mut report.hosts, host),
            ScanEvent::Port(port) => push(&mut report.ports, port),
            ScanEvent::Rest(rest) => push(&mut report.rest, rest),
            ScanEvent::Identified(identity) => push(&mut report.identified, identity),
            ScanEvent::Os(guess) => push(&mut report.os, guess),
            ScanEvent::Done { took_us, asked_again, sent } => {
                report.took_us = Some(*took_us);
                report.asked_again = *asked_again;
                report.sent = *sent;
            }
            ScanEvent::Intercepted => report.intercepted = true,
            ScanEvent::Progress { .. } | ScanEvent::Unknown => {}
        }
    }

    /// What is known by now, in order.
    pub fn report(&self, ended: Option<EndReason>, error: Option<&ErrorBody>) -> ScanReport {
        let mut report = self.report.clone();
        report.ports.sort_by_key(|port| (port.address, port.protocol, port.port));
        report.rest.sort_by_key(|rest| (rest.address, rest.protocol, rest.state, rest.why));
        report.identified.sort_by_key(|one| (one.address, one.protocol, one.port));
        report.ended = ended;
        report.error = error.cloned();
        report
    }
}

fn push<T: Clone>(list: &mut Vec<T>, item: &T) {
    if list.len() < MAX_LISTED {
        list.push(item.clone());
    }
}
