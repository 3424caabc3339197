//! The verdict on one target's echoes.

use std::net::IpAddr;

use netdiag_wire::{
    EndReason,
    ping::{PingReport, PingRequest, Rejection},
};

use super::{Context, ended, labels};
use crate::{
    finding::{Code, Finding, Label, Severity},
    render::{number, words},
};

const LOSS: Code = Code(301);
const SILENCE: Code = Code(302);
const TOO_LITTLE: Code = Code(309);
const ODD_REPLIES: Code = Code(311);

/// Commands to run next, at most.
const MAX_NEXT: usize = 2;

pub(super) struct Case<'a> {
    pub(super) report: &'a PingReport,
    pub(super) request: &'a PingRequest,
    pub(super) context: &'a Context,
}

impl Case<'_> {
    pub(super) fn finding(&self) -> Finding {
        let report = self.report;
        let finding = match report {
            _ if report.tried() == 0 => self.nothing_sent(),
            _ if report.sent == 0 => self.not_sent(),
            PingReport { replied: 0, .. } => self.unanswered(),
            _ if report.lost() > 0 => self.loss(),
            _ => self.answered(),
        };
        self.framed(finding)
    }

    /// What every verdict of a ping says besides its own sentence.
    fn framed(&self, mut finding: Finding) -> Finding {
        let context = self.context;
        if self.request.targets.len() > 1 {
            finding.summary = format!("{}: {}", context.to.word(), finding.summary);
        }
        if context.default_source {
            finding.summary = format!("{}, from {}", finding.summary, context.from.name);
        }
        if let Some(service) = labels::service_of(context) {
            if matches!(finding.severity, Severity::Fail) {
                finding.severity = Severity::Unknown;
            }
            // From elsewhere or again, an echo to a Service tells as little.
            finding.labels.retain(|label| !matches!(label, Label::Next(_)));
            finding.labels.extend(service);
        }
        if context.default_source {
            finding.labels.extend(labels::no_wire(context));
        }
        let mut next = 0;
        finding.labels.retain(|label| {
            next += usize::from(matches!(label, Label::Next(_)));
            next <= MAX_NEXT || !matches!(label, Label::Next(_))
        });
        finding
    }

    /// Every echo that was waited for came back.
    fn answered(&self) -> Finding {
        let report = self.report;
        let odd = self.oddities();
        let mut sentence = format!("{} echoes replied", of(report.replied, report.tried()));
        if report.pending > 0 {
            sentence.push_str(&format!(" ({} still awaited at the end)", report.pending));
        }
        if !odd.is_empty() {
            let summary = format!("{sentence}, {}", odd.join(", "));
            let finding = Finding::new(Severity::Warn, ODD_REPLIES, summary);
            return finding.with(self.times()).with(self.ended());
        }
        if let Some(rtt) = self.rtt() {
            sentence = format!("{sentence}, {rtt}");
        }
        match report.ended {
            Some(EndReason::Deadline) if ended::is_short(report, self.request) => {
                Finding::new(Severity::Unknown, TOO_LITTLE, sentence).with(self.ended())
            }
            Some(EndReason::Completed | EndReason::Cancelled | EndReason::Deadline) => {
                Finding::ok(format!("{sentence}{}", ended::short_of(report, self.request)))
            }
            _ => Finding::new(Severity::Warn, TOO_LITTLE, sentence).with(self.ended()),
        }
    }

    fn loss(&self) -> Finding {
        let report = self.report;
        let (lost, tried) = (report.lost(), report.tried());
        let share = number::percent(lost, tried);
        let lost = format!("{} echoes lost ({share} %)", of(lost, tried));
        let summary = [lost].into_iter().chain(self.oddities()).collect::<Vec<_>>().join(", ");
        let which = format!("lost icmp_seq {}", number::ranges(&report.lost_seqs));
        let mut finding = Finding::new(Severity::Warn, LOSS, summary)
            .with(Label::Seen(which))
            .with(self.times())
            .with(labels::one_run(&report.lost_seqs, self.request.interval_us));
        finding.labels.extend(report.rejections.iter().map(|r| self.rejection(r)));
        if report.not_sent > 0 {
            let why = report.refusals.iter().map(words::refusal).collect::<Vec<_>>().join("; ");
            finding.labels.push(Label::Seen(format!("{} not sent: {why}", report.not_sent)));
        }
        finding.labels.extend(self.ended());
        finding.labels.extend(labels::loss_next(self.context, report.tried()));
        finding
    }

    /// Something was sent and nothing came back as it was sent.
    fn unanswered(&self) -> Finding {
        let report = self.report;
        match report.rejections.iter().rev().max_by_key(|rejection| rejection.count) {
            Some(rejection) => self.rejected(rejection),
            None if report.corrupted > 0 => self.damaged(),
            None if report.silent > 0 => self.silence(),
            None => {
                let sent = number::counted(report.sent, "echo was", "echoes were");
                let summary = format!("cannot tell: {sent} sent, and no reply was waited for");
                Finding::new(Severity::Unknown, TOO_LITTLE, summary).with(self.ended())
            }
        }
    }

    fn silence(&self) -> Finding {
        let none = of(0, self.report.tried());
        let summary = format!("silence: {none} echoes replied, and nobody on the way said why");
        let mut finding = Finding::new(Severity::Fail, SILENCE, summary);
        finding.labels.extend(labels::target_state(self.context));
        finding.labels.extend(labels::silence_unless(self.context));
        finding.labels.extend(self.ended());
        finding.labels.extend(labels::silence_next(self.context));
        finding
    }

    fn damaged(&self) -> Finding {
        let corrupted = number::counted(self.report.corrupted, "reply", "replies");
        let none = of(0, self.report.tried());
        let summary =
            format!("{none} echoes replied soundly: {corrupted} came with a wrong ICMP checksum");
        let cause = "a device on the way rewrites packets or a link damages them".to_owned();
        let finding = Finding::new(Severity::Fail, ODD_REPLIES, summary).with(Label::Note(cause));
        finding.with(self.ended())
    }

    fn nothing_sent(&self) -> Finding {
        let why = ended::why(self.report.ended, &self.context.from);
        let why = why.unwrap_or_else(|| "it ended before the first echo".into());
        Finding::new(Severity::Unknown, TOO_LITTLE, format!("cannot tell: nothing was sent, {why}"))
    }

    pub(super) fn rejection(&self, rejection: &Rejection) -> Label {
        let what = words::icmp(&rejection.icmp);
        Label::Seen(format!(
            "{} rejected by {}: {what}",
            rejection.count,
            self.speaker(rejection.by)
        ))
    }

    pub(super) fn speaker(&self, by: IpAddr) -> String {
        match by {
            by if Some(by) == self.report.source_address => "the source itself".into(),
            by if Some(by) == self.report.address => "the target itself".into(),
            by => self.context.names.owner_of(by).unwrap_or_else(|| by.to_string()),
        }
    }

    fn oddities(&self) -> Vec<String> {
        let report = self.report;
        let odd = [
            (report.late, "late"),
            (report.duplicates, if report.duplicates == 1 { "duplicate" } else { "duplicates" }),
            (report.reordered, "reordered"),
            (report.corrupted, "corrupted"),
            (report.wrong_data, "with wrong data"),
        ];
        odd.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect()
    }

    fn times(&self) -> Option<Label> {
        let in_time = self.report.replied.saturating_sub(self.report.late);
        self.rtt().map(|rtt| Label::Seen(format!("{rtt} over the {in_time} in time")))
    }

    fn rtt(&self) -> Option<String> {
        let rtt = self.report.rtt_us?;
        let times = [rtt.min, rtt.avg, rtt.max, rtt.stddev].map(number::ms_digits).join("/");
        Some(format!("rtt min/avg/max/stddev {times} ms"))
    }

    pub(super) fn ended(&self) -> Option<Label> {
        ended::note(self.report, self.request, &self.context.from)
    }
}

/// `9 of 1,000`.
fn of(part: u32, whole: u32) -> String {
    format!("{} of {}", number::count(part.into()), number::count(whole.into()))
}
