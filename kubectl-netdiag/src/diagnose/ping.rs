//! The verdict on one target's echoes.

use std::net::IpAddr;

use netdiag_wire::{
    EndReason,
    ping::{IcmpMeaning, PingReport, PingRequest, Rejection, SendRefusal},
};

use super::{PingContext, ended, labels};
use crate::{
    finding::{Code, Finding, Label, PeerKind, Severity},
    render::{number, words},
};

const LOSS: Code = Code(301);
const SILENCE: Code = Code(302);
const REJECTED: Code = Code(304);
const NOT_SENT: Code = Code(305);
const TOO_LITTLE: Code = Code(309);
const ODD_REPLIES: Code = Code(311);

/// Commands to run next, at most.
const MAX_NEXT: usize = 2;

pub(super) struct Case<'a> {
    pub(super) report: &'a PingReport,
    pub(super) request: &'a PingRequest,
    pub(super) context: &'a PingContext,
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
            finding.labels.splice(0..0, service);
        }
        if context.default_source && labels::same_node(context) {
            finding.labels.push(Label::Note("same node: nothing here crosses a wire".into()));
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

    fn rejected(&self, rejection: &Rejection) -> Finding {
        let context = self.context;
        let by = self.speaker(rejection.by);
        let target = self.report.address.unwrap_or(rejection.by);
        let claim = words::claim(&rejection.icmp, target, rejection.after_us);
        let summary = format!("rejected by {by}: {claim}");
        let mut finding = Finding::new(Severity::Fail, REJECTED, summary);
        if self.report.rejections.len() > 1 || self.report.silent > 0 {
            finding.labels.extend(self.report.rejections.iter().map(|r| self.rejection(r)));
        }
        if self.report.silent > 0 {
            let silent = self.report.silent;
            let text = format!(
                "{silent} silent; that proves nothing: Linux sends one ICMP error a second"
            );
            finding.labels.push(Label::Note(text));
        }
        finding.labels.extend(labels::node_not_ready(context));
        finding.labels.extend(self.ended());
        finding.labels.extend(self.rejected_next(rejection));
        finding
    }

    fn rejected_next(&self, rejection: &Rejection) -> Vec<Label> {
        match rejection.icmp.meaning {
            IcmpMeaning::TtlExceeded => labels::again(self.context, &[]),
            IcmpMeaning::FragmentationNeeded => match rejection.icmp.mtu {
                Some(mtu) => self.again_within(mtu),
                None => Vec::new(),
            },
            IcmpMeaning::AdminProhibited => labels::policies(self.context),
            IcmpMeaning::NetUnreachable
            | IcmpMeaning::HostUnreachable
            | IcmpMeaning::ProtocolUnreachable
            | IcmpMeaning::PortUnreachable
            | IcmpMeaning::SourceRouteFailed
            | IcmpMeaning::BeyondScope
            | IcmpMeaning::ReassemblyTimeExceeded
            | IcmpMeaning::ParameterProblem
            | IcmpMeaning::Other => labels::between_nodes(self.context),
        }
    }

    /// This host's kernel refused every echo.
    fn not_sent(&self) -> Finding {
        let refusal = self.report.refusals.first().unwrap_or(&SendRefusal::Unknown);
        let from = self.context.from.word();
        let to = self.target_words();
        let bytes = u32::from(self.request.size) + 8 + self.header_bytes();
        let summary = match refusal {
            SendRefusal::NoRoute => {
                format!("no route: the kernel of {from} knows no way to {to}, nothing was sent")
            }
            SendRefusal::TooLong { .. } => format!(
                "nothing was sent: {bytes} bytes are {}, and --df forbids fragments",
                words::refusal(refusal)
            ),
            SendRefusal::Denied
            | SendRefusal::InterfaceDown
            | SendRefusal::QueueFull
            | SendRefusal::Other { .. }
            | SendRefusal::Unknown => {
                format!("nothing was sent from {from} to {to}: {}", words::refusal(refusal))
            }
        };
        let mut finding = Finding::new(Severity::Fail, NOT_SENT, summary);
        if matches!(refusal, SendRefusal::NoRoute) {
            let clients = r#"clients get "Network is unreachable" or "No route to host" at once"#;
            finding.labels.push(Label::Means(clients.into()));
        }
        finding.labels.extend(self.report.refusals.iter().skip(1).map(|other| {
            Label::Seen(format!("some were not sent for another reason: {}", words::refusal(other)))
        }));
        finding.labels.extend(self.ended());
        finding.labels.extend(match refusal {
            SendRefusal::TooLong { mtu: Some(mtu) } => self.again_within(*mtu),
            SendRefusal::NoRoute | SendRefusal::Denied => labels::from_own_node(self.context),
            _ => Vec::new(),
        });
        finding
    }

    fn nothing_sent(&self) -> Finding {
        let why = ended::why(self.report.ended, &self.context.from);
        let why = why.unwrap_or_else(|| "it ended before the first echo".into());
        Finding::new(Severity::Unknown, TOO_LITTLE, format!("cannot tell: nothing was sent, {why}"))
    }

    /// The same ping with the most data that an MTU takes.
    fn again_within(&self, mtu: u32) -> Vec<Label> {
        match mtu.checked_sub(self.header_bytes() + 8) {
            Some(size) => labels::again(self.context, &["--df", "--size", &size.to_string()]),
            None => Vec::new(),
        }
    }

    fn header_bytes(&self) -> u32 {
        match self.report.address {
            Some(IpAddr::V6(_)) => 40,
            _ => 20,
        }
    }

    fn target_words(&self) -> String {
        match (self.context.to.kind, self.report.address) {
            (PeerKind::Address, _) | (_, None) => self.context.to.word(),
            (_, Some(address)) => address.to_string(),
        }
    }

    fn rejection(&self, rejection: &Rejection) -> Label {
        let what = words::icmp(&rejection.icmp);
        Label::Seen(format!(
            "{} rejected by {}: {what}",
            rejection.count,
            self.speaker(rejection.by)
        ))
    }

    fn speaker(&self, by: IpAddr) -> String {
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

    fn ended(&self) -> Option<Label> {
        ended::note(self.report, self.request, &self.context.from)
    }
}

/// `9 of 1,000`.
fn of(part: u32, whole: u32) -> String {
    format!("{} of {}", number::count(part.into()), number::count(whole.into()))
}
