//! Both ends are ours: what was sent beside what arrived.

use std::net::SocketAddr;

use netdiag_wire::{
    connect::{ConnectAttempt, ConnectOutcome, ConnectProtocol},
    listen::{AcceptedConnection, ListenReport},
};

use super::{Case, REJECTED, SILENCE};
use crate::{
    finding::{Code, Finding, Label, PeerKind, Severity},
    render::number,
};

const REWRITTEN: Code = Code(310);
const ELSEWHERE: Code = Code(314);

/// What the listener at the target's end tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FarSight<'a> {
    pub came: &'a ListenReport,
    /// Of the attempt, where it is plain which one it was.
    pub arrived: Option<&'a AcceptedConnection>,
    /// The answer was the listener's own.
    pub is_answered: bool,
}

impl Case<'_> {
    pub(super) fn two_ended(&self, attempt: &ConnectAttempt, far: &FarSight<'_>) -> Finding {
        match (&attempt.outcome, far.arrived) {
            (ConnectOutcome::Connected { .. } | ConnectOutcome::Replied { .. }, Some(arrived)) => {
                self.compared(attempt, arrived)
            }
            (ConnectOutcome::Connected { .. } | ConnectOutcome::Replied { .. }, None) => {
                self.taken(far)
            }
            (ConnectOutcome::Silence { .. }, _) if self.is_udp() => self.lost(far),
            (ConnectOutcome::Silence { .. }, _) => {
                let seen = format!(
                    "the listener in {} saw no connection: the SYN or its answer is lost",
                    self.bare()
                );
                let mut finding = self.one(attempt);
                finding.labels.insert(0, Label::Seen(seen));
                finding
            }
            (ConnectOutcome::Refused { .. }, _) => {
                let summary = format!(
                    "refused by somebody on the way: {} listens there and saw nothing",
                    self.bare()
                );
                Finding::new(Severity::Fail, REJECTED, summary).with(self.trace())
            }
            _ => self.one(attempt),
        }
    }

    /// What differs between the ends.
    fn compared(&self, attempt: &ConnectAttempt, arrived: &AcceptedConnection) -> Finding {
        let (Some(local), from) = (attempt.local, arrived.from) else {
            return self.one(attempt);
        };
        let word = if self.is_udp() { "answered" } else { "connected" };
        let mut finding = if local.ip() == from.address {
            Finding::ok(format!("{word}, and arrived as it was sent"))
        } else {
            let who = self.context.names.owner_of(from.address);
            let who = who.map(|who| format!(" ({who})")).unwrap_or_default();
            let summary = format!(
                "{word}, but rewritten on the way: {} sees {}{who}, not the client",
                self.bare(),
                from.address
            );
            Finding::new(Severity::Warn, REWRITTEN, summary).with(self.means_for_policies())
        };
        let remote = attempt.remote;
        let mut note = |text: String| finding.labels.push(Label::Note(text));
        if local.port() != from.port {
            note(format!("its port was rewritten as well: {} -> {}", local.port(), from.port));
        }
        let to = SocketAddr::new(arrived.to.address, arrived.to.port);
        // A UDP socket on all addresses does not say at which one it was.
        if to != remote && !arrived.to.address.is_unspecified() {
            note(format!("sent to {remote}, it arrived at {to}"));
        }
        if let (Some(sent), Some(mss)) = (attempt.mss, arrived.arrival.mss)
            && sent != mss
        {
            note(format!("its MSS was changed on the way: {sent} -> {mss}"));
        }
        finding
    }

    fn means_for_policies(&self) -> Label {
        let from = &self.context.from;
        Label::Means(match from.kind {
            PeerKind::Pod => format!(
                "a NetworkPolicy that allows pod/{} by label does not match this traffic",
                from.name
            ),
            _ => format!("a rule that allows {} by address does not match this traffic", from.name),
        })
    }

    /// Somebody took the connection, and it was not seen to arrive.
    fn taken(&self, far: &FarSight<'_>) -> Finding {
        let place = self.bare();
        if far.is_answered {
            let count = u32::try_from(far.came.accepted.len()).unwrap_or(u32::MAX);
            let count = number::counted(count, "connection", "connections");
            let summary = format!(
                "connected, but rewritten on the way: none of the {count} that {place} saw bears \
                 the client's address"
            );
            return Finding::new(Severity::Warn, REWRITTEN, summary)
                .with(self.means_for_policies());
        }
        let summary =
            format!("answered by somebody else: the listener in {place} saw nothing of it");
        Finding::new(Severity::Fail, ELSEWHERE, summary).with(self.trace())
    }

    /// A datagram without an answer; the listener answers every one.
    fn lost(&self, far: &FarSight<'_>) -> Finding {
        let place = self.bare();
        let summary = match far.arrived {
            Some(_) => format!("arrived at {place}, but its answer did not come back"),
            None => format!("the datagram did not arrive at {place}, which listened for it"),
        };
        Finding::new(Severity::Fail, SILENCE, summary).with(self.trace())
    }

    fn is_udp(&self) -> bool {
        self.request.protocol == ConnectProtocol::Udp
    }
}
