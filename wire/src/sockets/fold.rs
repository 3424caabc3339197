//! A socket table's events folded into one report.

use super::{SocketEntry, SocketsEvent, SocketsReport};
use crate::{EndReason, ErrorBody};

/// Most sockets that a report holds.
const MAX_ENTRIES: usize = 200_000;
/// Most processes that a report holds.
const MAX_PROCESSES: usize = 20_000;

/// The report of one run, kept as the events come.
#[derive(Clone, Debug, Default)]
pub struct SocketsFold {
    report: SocketsReport,
    /// Of the round that is still coming.
    coming: Vec<SocketEntry>,
    left_out: u64,
}

impl SocketsFold {
    pub fn push(&mut self, event: &SocketsEvent) {
        let report = &mut self.report;
        match event {
            SocketsEvent::Skipped { missing } => report.skipped = Some(missing.clone()),
            SocketsEvent::Process(process) => {
                if report.processes.len() < MAX_PROCESSES {
                    report.processes.push(process.clone());
                }
            }
            SocketsEvent::Sockets { entries, .. } => {
                let room = MAX_ENTRIES - self.coming.len();
                self.coming.extend(entries.iter().take(room).cloned());
                self.left_out += entries.len().saturating_sub(room) as u64;
            }
            SocketsEvent::Counters(reading) => {
                report.counters.truncate(1);
                report.counters.push(reading.clone());
            }
            SocketsEvent::Round(round) => {
                report.round = Some(*round);
                report.entries = std::mem::take(&mut self.coming);
                report.entries_left_out = std::mem::take(&mut self.left_out);
            }
            SocketsEvent::Done(done) => report.done = Some(*done),
            SocketsEvent::Unknown => {}
        }
    }

    /// What is known by now, in order. A first round that broke off is better than nothing.
    pub fn report(&self, ended: Option<EndReason>, error: Option<&ErrorBody>) -> SocketsReport {
        let mut report = self.report.clone();
        if report.round.is_none() {
            report.entries.clone_from(&self.coming);
            report.entries_left_out = self.left_out;
        }
        report.entries.sort_by_key(|entry| {
            (entry.protocol, entry.state, entry.local, entry.peer, entry.inode)
        });
        report.ended = ended;
        report.error = error.cloned();
        report
    }
}
