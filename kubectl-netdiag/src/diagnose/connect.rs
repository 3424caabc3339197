//! The verdict on a port: connected, or who says no, or nobody says anything.

use std::net::IpAddr;

use netdiag_wire::{
    EndReason, IcmpError, IcmpMeaning, SendRefusal,
    connect::{ConnectAttempt, ConnectOutcome, ConnectProtocol, ConnectReport, ConnectRequest},
};

mod often;
mod two_ended;

pub(crate) use two_ended::FarSight;

use super::{Context, ended, labels};
use crate::{
    finding::{Code, Finding, Label, Peer, PeerKind, Severity},
    render::{number, words},
};

const NO_ENDPOINTS: Code = Code(101);
const NOT_READY: Code = Code(102);
const SILENCE: Code = Code(302);
const REJECTED: Code = Code(304);
const NOT_SENT: Code = Code(305);
const TOO_LITTLE: Code = Code(309);
const REFUSED: Code = Code(602);
const INTERCEPTED: Code = Code(609);
const UDP_SILENCE: Code = Code(610);
const BROKEN: Code = Code(618);
const ELSEWHERE: Code = Code(314);

/// What the API says of a Service's endpoints.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Endpoints {
    /// No Service, or nobody could be asked.
    Unknown,
    None,
    /// There are so many.
    NoneReady(usize),
    Ready(usize),
}

/// A port and all that is known around it.
struct Case<'a> {
    report: &'a ConnectReport,
    request: &'a ConnectRequest,
    context: &'a Context,
    endpoints: Endpoints,
}

pub(super) fn findings(
    report: &ConnectReport,
    request: &ConnectRequest,
    context: &Context,
    endpoints: Endpoints,
) -> Vec<Finding> {
    let case = Case { report, request, context, endpoints };
    let finding = match (report.rounds(), report.decisive().last()) {
        (0, _) | (_, None) => case.nothing(),
        (1, Some(attempt)) => case.one(attempt),
        (_, Some(_)) => case.often(),
    };
    vec![case.framed(finding)]
}

pub(super) fn with_far_end(
    report: &ConnectReport,
    request: &ConnectRequest,
    context: &Context,
    far: &FarSight<'_>,
) -> Vec<Finding> {
    let case = Case { report, request, context, endpoints: Endpoints::Unknown };
    let finding = match report.decisive().last() {
        None => case.nothing(),
        Some(attempt) => case.two_ended(attempt, far),
    };
    vec![case.framed(finding)]
}

/// How far it came, for a stream that broke off.
pub(crate) fn progress(report: &ConnectReport) -> String {
    let attempts = number::counted(report.rounds(), "attempt", "attempts");
    format!("{attempts} ({} well)", report.well())
}

impl Case<'_> {
    fn framed(&self, mut finding: Finding) -> Finding {
        labels::of_default_source(&mut finding, self.context);
        finding
    }

    fn nothing(&self) -> Finding {
        let why = ended::why(self.report.ended, &self.context.from);
        let why = match (self.report.ended, why) {
            (Some(EndReason::Deadline), Some(why)) => format!("{why}, and nothing had come back"),
            (_, why) => why.unwrap_or_else(|| "it ended before the first answer".into()),
        };
        Finding::new(Severity::Unknown, TOO_LITTLE, format!("cannot tell: {why}"))
    }

    /// By what became of one attempt.
    fn one(&self, attempt: &ConnectAttempt) -> Finding {
        match &attempt.outcome {
            ConnectOutcome::Connected { closed: false, .. } => Finding::ok("connected"),
            ConnectOutcome::Connected { closed: true, .. } => {
                let note = "closed by the other end at once: a proxy without a backend does so, \
                            and a server that turns this client away; one that only ends its \
                            own half looks the same";
                Finding::ok("connected").with(Label::Note(note.into()))
            }
            ConnectOutcome::Replied { from: Some(from), bytes, .. } => {
                let (to, bytes) = (attempt.remote, number::counted(*bytes, "byte", "bytes"));
                let means = "a client whose socket is connected, as most are, gets nothing";
                let summary =
                    format!("{bytes} came back from {from}, not from {to}, which was asked");
                Finding::new(Severity::Warn, ELSEWHERE, summary).with(Label::Means(means.into()))
            }
            ConnectOutcome::Replied { bytes, .. } => {
                let bytes = number::counted(*bytes, "byte", "bytes");
                Finding::ok(format!("open: {bytes} came back"))
            }
            ConnectOutcome::Reset { .. } => self.reset(),
            ConnectOutcome::Intercepted => self.intercepted(attempt),
            ConnectOutcome::Refused { .. } => self.refused(attempt),
            ConnectOutcome::Rejected { by, icmp } => self.rejected(*by, icmp, attempt),
            ConnectOutcome::Silence { .. } => self.silence(),
            ConnectOutcome::NotSent { refusal } => self.not_sent(refusal),
            ConnectOutcome::Abandoned | ConnectOutcome::Unknown => {
                let summary = "cannot tell: the agent saw what this plugin cannot name";
                Finding::new(Severity::Unknown, TOO_LITTLE, summary)
            }
        }
    }

    fn reset(&self) -> Finding {
        let summary = format!("reset by {} right after connecting", self.target());
        let note = "a listener that crashes, or a proxy or rule that takes every connection and \
                    then drops it";
        Finding::new(Severity::Fail, BROKEN, summary).with(Label::Note(note.into()))
    }

    fn intercepted(&self, attempt: &ConnectAttempt) -> Finding {
        let summary = "taken by a proxy in the source's own namespace, not by the target";
        let local = attempt.local.map(|local| local.to_string()).unwrap_or_default();
        let seen = format!("the source's own socket table has {local} as a peer");
        let means = "whether the target takes connections only the proxy knows: it connects by \
                     itself, perhaps later, perhaps to elsewhere";
        Finding::new(Severity::Unknown, INTERCEPTED, summary)
            .with(Label::Seen(seen))
            .with(Label::Means(means.into()))
            .with(self.at_own_node())
    }

    fn refused(&self, attempt: &ConnectAttempt) -> Finding {
        if let Some(finding) = self.without_endpoints("refused") {
            return finding;
        }
        let (to, port) = (self.target(), self.port());
        let refused = |summary| Finding::new(Severity::Fail, REFUSED, summary);
        if self.is_service() {
            let summary = "refused by an endpoint: no listener on its port (not blocked: its \
                           answer came back)";
            let note =
                "the RST bears the Service's address: which endpoint it was, it does not say";
            return refused(summary.into())
                .with(Label::Note(note.into()))
                .with(self.ping_service());
        }
        if attempt.outcome.routers() == Some(0) && self.is_elsewhere() {
            let node = self.context.to.node.as_deref().unwrap_or_default();
            let seen = format!("the RST crossed no router, and {} is on {node}", self.bare());
            return refused(format!("refused by a rule on the source's own node, not by {to}"))
                .with(Label::Seen(seen));
        }
        match self.context.to.kind {
            PeerKind::Pod => {
                refused(format!("refused by {} or by a rule that answers for it", self.bare()))
                    .with(Label::Seen(format!("not dropped: an answer came back for port {port}")))
                    .with(self.sockets())
            }
            PeerKind::Node => refused(format!(
                "refused by {}: nobody listens on {port} there, or a rule answers",
                self.bare()
            ))
            .with(self.sockets()),
            PeerKind::Service
            | PeerKind::Workload(_)
            | PeerKind::Address
            | PeerKind::Host
            | PeerKind::Local => {
                refused(format!("refused by {to}: nobody listens there, or a rule answers for it"))
            }
        }
    }

    fn rejected(&self, by: IpAddr, icmp: &IcmpError, attempt: &ConnectAttempt) -> Finding {
        let is_target = by == attempt.remote.ip();
        let who = match self.context.names.owner_of(by) {
            _ if is_target => format!("{} itself", self.bare()),
            Some(owner) => owner,
            None => by.to_string(),
        };
        if let Some(finding) = self.without_endpoints(&format!("rejected by {who}, not by a pod")) {
            let note = "curl and nc call this \"Connection refused\" as well";
            let at = finding.labels.len() - usize::from(!finding.labels.is_empty());
            let mut finding = finding;
            finding.labels.insert(at, Label::Note(note.into()));
            return finding;
        }
        let is_port = icmp.meaning == IcmpMeaning::PortUnreachable;
        if is_port && is_target && self.request.protocol == ConnectProtocol::Udp {
            let port = self.port();
            let summary = format!("rejected by {who}: nobody listens on UDP {port}");
            return Finding::new(Severity::Fail, REFUSED, summary).with(self.sockets());
        }
        let claim = match icmp.meaning {
            IcmpMeaning::PortUnreachable => "a rule there rejects it (port unreachable)".into(),
            _ => words::claim(icmp, attempt.remote.ip(), attempt.took_us),
        };
        let mut finding =
            Finding::new(Severity::Fail, REJECTED, format!("rejected by {who}: {claim}"));
        if self.request.protocol == ConnectProtocol::Tcp && is_port {
            let note = "curl and nc call this \"Connection refused\" as well";
            finding.labels.push(Label::Note(note.into()));
        }
        finding.labels.extend(labels::node_not_ready(self.context));
        finding.labels.extend(labels::policies(self.context));
        finding
    }

    fn silence(&self) -> Finding {
        let to = self.target();
        if self.request.protocol == ConnectProtocol::Udp {
            let summary =
                "open or filtered: UDP that does not answer looks like UDP that is dropped";
            return Finding::new(Severity::Unknown, UDP_SILENCE, summary).with(self.sockets());
        }
        if let Some(finding) = self.without_endpoints("silence") {
            return finding;
        }
        let summary =
            format!("silence from {to}; neither refused nor rejected, so dropped somewhere");
        let mut finding = Finding::new(Severity::Fail, SILENCE, summary);
        finding.labels.extend(labels::target_state(self.context));
        finding.with(self.trace())
    }

    fn not_sent(&self, refusal: &SendRefusal) -> Finding {
        let (from, to) = (self.context.from.word(), self.target());
        let summary = match refusal {
            SendRefusal::NoRoute => {
                format!("no route: the kernel of {from} knows no way to {to}, nothing was sent")
            }
            _ => format!("nothing was sent from {from} to {to}: {}", words::refusal(refusal)),
        };
        Finding::new(Severity::Fail, NOT_SENT, summary).with(self.at_own_node())
    }

    /// What the API says weighs more than how it shows.
    fn without_endpoints(&self, how: &str) -> Option<Finding> {
        let service = self.bare();
        let (code, what) = match self.endpoints {
            Endpoints::None => (NO_ENDPOINTS, format!("{service} has no endpoints")),
            Endpoints::NoneReady(count) => {
                (NOT_READY, format!("none of the {count} endpoints of {service} is ready"))
            }
            Endpoints::Unknown | Endpoints::Ready(_) => return None,
        };
        let finding = Finding::new(Severity::Fail, code, format!("{how}: {what}"));
        Some(finding.with(self.ping_service()))
    }

    fn is_service(&self) -> bool {
        self.context.to.kind == PeerKind::Service
    }

    /// The target is on another node than the source.
    fn is_elsewhere(&self) -> bool {
        let node_of = |peer: &Peer| match peer.kind {
            PeerKind::Node => Some(peer.name.clone()),
            _ => peer.node.clone(),
        };
        let (from, to) = (node_of(&self.context.from), node_of(&self.context.to));
        from.is_some() && to.is_some() && from != to && self.context.to.kind == PeerKind::Pod
    }

    /// `shop/pod/foo:8080`.
    fn target(&self) -> String {
        self.context.to.word()
    }

    /// `shop/pod/foo`.
    fn bare(&self) -> String {
        Peer { port: None, ..self.context.to.clone() }.word()
    }

    fn port(&self) -> u16 {
        self.report.targets.first().map(|target| target.port).unwrap_or_default()
    }
}

/// What to run next; every command is complete.
impl Case<'_> {
    fn ping_service(&self) -> Option<Label> {
        let (to, from) = (self.bare(), self.context.from.word());
        self.is_service()
            .then(|| labels::command(&["kubectl", "netdiag", "ping", &to, "--from", &from]))
    }

    fn sockets(&self) -> Option<Label> {
        let is_looked_at = matches!(self.context.to.kind, PeerKind::Pod | PeerKind::Node);
        let to = self.bare();
        let mut words = vec!["kubectl", "netdiag", "sockets", &to, "-l"];
        if self.request.protocol == ConnectProtocol::Udp {
            words.push("-u");
        }
        words.push("-p");
        is_looked_at.then(|| labels::command(&words))
    }

    fn trace(&self) -> Label {
        let (to, from) = (self.target(), self.context.from.word());
        let protocol = match self.request.protocol {
            ConnectProtocol::Tcp => "-T",
            ConnectProtocol::Udp => "-U",
        };
        labels::command(&["kubectl", "netdiag", "trace", &to, protocol, "--from", &from])
    }

    /// The same from the source pod's node, where the pod's own rules are not in the way.
    fn at_own_node(&self) -> Option<Label> {
        let from = &self.context.from;
        let node = from.node.as_ref().filter(|_| from.kind == PeerKind::Pod)?;
        let (to, from) = (self.target(), format!("node/{node}"));
        Some(labels::command(&["kubectl", "netdiag", "connect", &to, "--from", &from]))
    }
}
