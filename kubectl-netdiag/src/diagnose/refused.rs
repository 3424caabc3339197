//! Echoes that somebody refused: a router, a rule, or the source's own kernel.

use std::net::IpAddr;

use netdiag_wire::{IcmpMeaning, SendRefusal, ping::Rejection};

use super::{labels, ping::Case};
use crate::{
    finding::{Code, Finding, Label, PeerKind, Severity},
    render::words,
};

const REJECTED: Code = Code(304);
const NOT_SENT: Code = Code(305);

impl Case<'_> {
    pub(super) fn rejected(&self, rejection: &Rejection) -> Finding {
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
    pub(super) fn not_sent(&self) -> Finding {
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
}
