//! What `--mtu` found: a size that vanishes, or one that is said to be too large.

use netdiag_wire::trace::{MtuHop, MtuLimit};

use super::Path;
use crate::finding::{Code, Finding, Label, PeerKind, Severity};

const BLACK_HOLE: Code = Code(306);

impl Path<'_> {
    /// A finding where larger packets are lost without a word.
    pub(super) fn sizes(&self) -> Option<Finding> {
        let (at, hop, sent, passes) =
            self.report.mtu.iter().enumerate().find_map(|(at, hop)| {
                let MtuLimit::Silence { sent } = hop.limit.as_ref()? else { return None };
                Some((at, hop, *sent, hop.passes_bytes?))
            })?;
        let lost = u32::from(passes) + 1;
        let summary = format!(
            "MTU black hole {}: {passes} bytes pass, {lost} are lost in silence",
            self.between(&self.report.mtu[..at], hop)
        );
        let swept = match sent {
            1 => "sent once".to_owned(),
            2 => "sent twice".to_owned(),
            more => format!("sent {more} times"),
        };
        let seen = format!(
            "{}no ICMP \"fragmentation needed\" came back for {lost} bytes ({swept})",
            self.interface().map(|it| format!("{it} and ")).unwrap_or_default()
        );
        let means = "connections open, then hang on the first large answer (TLS: after the \
            ClientHello)";
        let back = self.way_back();
        let finding = Finding::new(Severity::Fail, BLACK_HOLE, summary).with(Label::Seen(seen));
        Some(finding.with(Label::Means(means.into())).with(back))
    }

    fn between(&self, before: &[MtuHop], hop: &MtuHop) -> String {
        let near = before.iter().rev().find_map(|hop| hop.address);
        let near = near.map_or_else(|| "the source".into(), |address| self.named(address));
        match hop.address.map(|address| self.named(address)) {
            Some(far) if far == near => format!("at {far}"),
            Some(far) => format!("between {near} and {far}"),
            None => format!("behind {near}"),
        }
    }

    /// `the pod's eth0 has MTU 1500`.
    fn interface(&self) -> Option<String> {
        let interface = self.report.interface.as_ref()?;
        let whose = match self.context.from.kind {
            PeerKind::Pod => "the pod's",
            PeerKind::Node => "the node's",
            _ => "the source's",
        };
        Some(format!("{whose} {} has MTU {}", interface.name, interface.mtu))
    }

    /// The answers come back over the same link, and may vanish there too.
    fn way_back(&self) -> Option<Label> {
        let context = self.context;
        let can_send = matches!(context.to.kind, PeerKind::Pod | PeerKind::Node);
        let can_be_named = matches!(context.from.kind, PeerKind::Pod | PeerKind::Node);
        (can_send && can_be_named).then(|| {
            let (to, from) = (context.from.word(), context.to.word());
            let words = ["kubectl", "netdiag", "trace", &to, "--mtu", "--from", &from];
            Label::Next(words.map(str::to_owned).to_vec())
        })
    }

    /// `; 1400 bytes pass, as node-1 says of more`: what is announced is found by clients as well.
    pub(super) fn passes(&self) -> String {
        let Some(target) = self.report.mtu.last() else { return String::new() };
        let Some(bytes) = target.passes_bytes else {
            return "; how much passes could not be told".into();
        };
        let said = self.report.mtu.iter().find_map(|hop| match &hop.limit {
            Some(MtuLimit::Icmp { address, .. }) => Some(self.named(*address)),
            _ => None,
        });
        match said {
            Some(who) => format!("; {bytes} bytes pass, and {who} says so when more is sent"),
            None => format!("; {bytes} bytes pass all the way"),
        }
    }
}
