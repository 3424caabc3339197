//! Many attempts on one port: all alike, or a port that comes and goes.

use netdiag_wire::{
    EndReason,
    connect::{ConnectAttempt, ConnectTally},
};

use super::Case;
use crate::{
    diagnose::{ended, labels},
    finding::{Code, Finding, Label, Severity},
    render::number,
};

const FLAPS: Code = Code(621);

impl Case<'_> {
    pub(super) fn often(&self) -> Finding {
        let report = self.report;
        let (rounds, well) = (report.rounds(), report.well());
        let finding = match well {
            0 => self.never(),
            well if well == rounds => self.always(),
            well => {
                let counts = self.counts().join(", ");
                let summary = format!("comes and goes: {well} of {rounds} well; {counts}");
                let mut finding = Finding::new(Severity::Fail, FLAPS, summary);
                finding.labels.extend(report.tallies.iter().map(|tally| self.seen(tally)));
                finding
            }
        };
        finding.with(self.ended())
    }

    /// `50 of 50 connected, 0.412-0.618 ms`.
    fn always(&self) -> Finding {
        let tallies = &self.report.tallies;
        let least = tallies.iter().map(|tally| tally.least_us).min().unwrap_or_default();
        let most = tallies.iter().map(|tally| tally.most_us).max().unwrap_or_default();
        let rounds = self.report.rounds();
        let words: Vec<String> = tallies.iter().map(|tally| tally.outcome.to_string()).collect();
        let times = format!("{}-{}", number::ms_digits(least), number::ms(most));
        Finding::ok(format!("{rounds} of {rounds} {}, {times}", words.join(" or ")))
    }

    /// By what it mostly was.
    fn never(&self) -> Finding {
        let report = self.report;
        let most = report.tallies.iter().rev().max_by_key(|tally| tally.count);
        let is_most = |attempt: &&ConnectAttempt| {
            most.is_some_and(|most| most.outcome.as_bytes() == attempt.outcome.word().as_bytes())
        };
        let Some(attempt) = report.decisive().find(is_most) else { return self.nothing() };
        let mut finding = self.one(attempt);
        let (rounds, count) = (report.rounds(), most.map_or(0, |most| most.count));
        finding.summary = format!("{count} of {rounds} times: {}", finding.summary);
        let seen = report.tallies.iter().map(|tally| self.seen(tally));
        finding.labels.splice(0..0, seen);
        finding
    }

    fn counts(&self) -> Vec<String> {
        let tallies = self.report.tallies.iter();
        tallies.map(|tally| format!("{} {}", tally.count, word(tally))).collect()
    }

    /// `3 refused, first 03:07:11 UTC, last 03:07:14 UTC`.
    fn seen(&self, tally: &ConnectTally) -> Label {
        let [first, last] =
            [tally.first_at, tally.last_at].map(|at| labels::instant(at, self.context.now_at));
        let count = number::count(tally.count.into());
        let when = if first == last {
            format!("at {first}")
        } else {
            format!("first {first}, last {last}")
        };
        Label::Seen(format!("{count} {}, {when}", word(tally)))
    }

    fn ended(&self) -> Option<Label> {
        let by_wish = matches!(self.report.ended, Some(EndReason::Completed));
        let why = ended::why(self.report.ended, &self.context.from).filter(|_| !by_wish)?;
        Some(Label::Note(format!("ended after {} attempts: {why}", self.report.rounds())))
    }
}

fn word(tally: &ConnectTally) -> String {
    match tally.outcome.as_bytes() {
        b"notSent" => "not sent".into(),
        b"intercepted" => "taken by a proxy".into(),
        _ => tally.outcome.to_string(),
    }
}
