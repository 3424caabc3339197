//! The same request again and again, for what comes and goes.

use std::collections::BTreeMap;

use netdiag_wire::EndReason;
use tokio::time::{Instant, sleep_until};

use super::{Ask, Exchanged, Run, Trail, report, sink::Sink};
use crate::{
    diagnose,
    finding::{Label, Severity},
    probe::interruption,
    render::{Names, number},
    session::Session,
    stream::Halt,
};

impl Run<'_> {
    pub(super) async fn many(
        &mut self,
        ask: Ask,
        count: u32,
        session: &mut Session<'_>,
    ) -> Result<Severity, Halt> {
        let mut trails: Vec<Trail> = Vec::new();
        let mut next = Instant::now();
        let mut sink = Sink::Nowhere;
        for number in 0..count {
            if number > 0 {
                let is_stopped = tokio::select! {
                    () = interruption() => true,
                    () = sleep_until(next) => false,
                };
                if is_stopped || self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                    break;
                }
            }
            next = Instant::now() + self.args.way.interval;
            let trail = match number {
                0 => self.follow(ask.clone(), &mut sink, session).await?,
                _ => self.silently(ask.clone(), &mut sink, session).await?,
            };
            let is_over = trail.last().report.ended == Some(EndReason::Cancelled);
            trails.push(trail);
            if is_over {
                break;
            }
        }
        let (out, screen) = report(self.args, session);
        if screen.shows_evidence() {
            writeln!(out, "{}", screen.safe(&counted(&trails)))?;
        }
        let context = self.ends.context(Names::default());
        let mut findings = diagnose::http_of_all(&trails, self.args, &context);
        if let Some(first) = findings.first_mut().filter(|_| trails.len() < count as usize) {
            let note =
                format!("ended after {} of {count}; --deadline TIME waits longer", trails.len());
            first.labels.push(Label::Note(note));
        }
        Ok(self.show(&findings, &trails.iter().collect::<Vec<_>>(), session)?)
    }

    /// What the first one showed is not shown again.
    async fn silently(
        &mut self,
        ask: Ask,
        sink: &mut Sink,
        session: &mut Session<'_>,
    ) -> Result<Trail, Halt> {
        let quiet = std::mem::replace(&mut session.screen.quiet, true);
        let trail = self.follow(ask, sink, session).await;
        session.screen.quiet = quiet;
        trail
    }
}

/// `GET -> 17x 200, 3x 503; first byte min/p50/p95/max 3.10/4.40/18.2/21.7 ms`.
fn counted(trails: &[Trail]) -> String {
    let mut outcomes: BTreeMap<String, u32> = BTreeMap::new();
    for trail in trails {
        *outcomes.entry(trail.last().outcome()).or_default() += 1;
    }
    let outcomes: Vec<_> =
        outcomes.iter().map(|(outcome, count)| format!("{count}x {outcome}")).collect();
    let method = trails.first().map(|trail| trail.last().ask.method.as_str()).unwrap_or_default();
    let first = |exchanged: &Exchanged| exchanged.answer().map(|answer| answer.first_byte_us);
    let mut times: Vec<u64> = trails.iter().filter_map(|trail| first(trail.last())).collect();
    times.sort_unstable();
    let line = format!("{method} -> {}", outcomes.join(", "));
    let (Some(least), Some(most)) = (times.first(), times.last()) else { return line };
    let figures = [*least, percentile(&times, 50), percentile(&times, 95), *most];
    let figures: Vec<_> = figures.into_iter().map(number::ms_digits).collect();
    format!("{line}; first byte min/p50/p95/max {} ms", figures.join("/"))
}

/// The least that so many per cent are not above; of what is sorted and not empty.
fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted[rank - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let sorted: Vec<u64> = (1..=20).collect();
        assert_eq!((percentile(&sorted, 50), percentile(&sorted, 95)), (10, 19));
        assert_eq!(percentile(&[7], 95), 7);
    }
}
