//! The verdict on a TLS server: what became of the handshake, and then what its certificates are
//! worth.

use netdiag_wire::{
    EndReason, Untrusted,
    tls::{TlsEnd, TlsHandshake, TlsReport, TlsRequest},
};

mod grade;
mod mesh;
mod plain;
mod refusal;
mod takes;

pub(crate) use grade::{Grade, group_rule, rules_of};

use super::{Context, ended, labels};
use crate::{
    code::certificates::UNKNOWN_ISSUER,
    finding::{Code, Finding, Label, Severity},
    render::number,
};

const TOO_LITTLE: Code = Code(309);
const NO_TLS: Code = Code(730);
const BROKE_OFF: Code = Code(732);
const NOT_UPGRADED: Code = Code(734);
const INCOMPATIBLE: Code = Code(735);

/// A server and all that is known around it.
pub(crate) struct TlsCase<'a> {
    pub(crate) report: &'a TlsReport,
    pub(crate) request: &'a TlsRequest,
    pub(crate) context: &'a Context,
}

/// How far it came, for a stream that broke off.
pub(crate) fn progress(report: &TlsReport) -> String {
    match (&report.asked, report.attempts.len()) {
        (Some(served), _) if served.handshake.is_some() => "a handshake".into(),
        (_, 0) => "nothing".into(),
        _ => "a connection".into(),
    }
}

impl TlsCase<'_> {
    /// Of the handshake; `certificates` are those of what it showed. The connection was made.
    pub(crate) fn findings(&self, certificates: Vec<Finding>) -> Vec<Finding> {
        let Some(handshake) = self.handshake() else { return self.framed(vec![self.nothing()]) };
        let mut findings: Vec<Finding> = self.of_end(handshake).into_iter().collect();
        let is_refused = !findings.is_empty();
        // What was shown is judged even where the server then objects.
        findings.extend(
            certificates.into_iter().filter(|one| !is_refused || one.severity != Severity::Ok),
        );
        if findings.is_empty() {
            findings.push(Finding::ok("the handshake was completed"));
        }
        if let Some(first) = findings.first_mut().filter(|_| !is_refused) {
            first.labels.extend(self.through_a_proxy());
            first.labels.extend(refusal::may_still_refuse(handshake));
        }
        for finding in &mut findings {
            let is_private = finding.code == Some(UNKNOWN_ISSUER);
            if is_private && finding.severity == Severity::Warn {
                finding.labels.push(self.again(&["--ca-file", "FILE"]));
            }
        }
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        self.framed(findings)
    }

    fn handshake(&self) -> Option<&TlsHandshake> {
        self.report.asked.as_ref()?.handshake.as_ref()
    }

    fn framed(&self, mut findings: Vec<Finding>) -> Vec<Finding> {
        if let Some(first) = findings.first_mut() {
            labels::of_default_source(first, self.context);
        }
        findings
    }

    fn nothing(&self) -> Finding {
        let why = ended::why(self.report.ended, &self.context.from);
        let why = why.filter(|_| self.report.ended != Some(EndReason::Completed));
        let why = why.unwrap_or_else(|| "it ended before the handshake did".into());
        Finding::new(Severity::Unknown, TOO_LITTLE, format!("cannot tell: {why}"))
    }

    /// Nothing where the handshake was completed and stood.
    fn of_end(&self, handshake: &TlsHandshake) -> Option<Finding> {
        let finding = match &handshake.end {
            TlsEnd::Well => return None,
            TlsEnd::Alert { alert } => {
                let older = refusal::may_be_of_offer(*alert).then(|| self.older(handshake));
                older.flatten().unwrap_or_else(|| self.alert(*alert, handshake))
            }
            TlsEnd::PlainText { said } => self.plain_text(said),
            TlsEnd::NotUpgraded { said } => self.not_upgraded(said),
            TlsEnd::Incompatible { why } => {
                self.older(handshake).unwrap_or_else(|| self.incompatible(why))
            }
            TlsEnd::Misbehaved { why } => self.misbehaved(why),
            TlsEnd::Closed | TlsEnd::Reset | TlsEnd::Silence => self.broke_off(handshake),
            TlsEnd::Unknown => {
                let summary = "cannot tell: the agent saw what this plugin cannot name";
                Finding::new(Severity::Unknown, TOO_LITTLE, summary)
            }
        };
        Some(self.intercepted(finding))
    }

    fn not_upgraded(&self, said: &Untrusted) -> Finding {
        let protocol = self.protocol();
        let summary = format!("{} does not change to TLS by {protocol}'s STARTTLS", self.target());
        Finding::new(Severity::Fail, NOT_UPGRADED, summary)
            .with(labels::said(said))
            .with(Label::Means(format!("{protocol} clients stay in the clear, or refuse to go on")))
    }

    fn incompatible(&self, why: &Untrusted) -> Finding {
        let text = why.to_string();
        let old =
            text.contains("ServerDoesNotSupportTls12Or13") || text.contains("Tls12NotOffered");
        let summary = match old {
            true => format!("{} speaks only TLS versions below 1.2", self.target()),
            false => format!("{} chose what this client cannot do: {text}", self.target()),
        };
        Finding::new(Severity::Fail, INCOMPATIBLE, summary)
            .with(Label::Means("today's clients offer no less than TLS 1.2".into()))
    }

    fn misbehaved(&self, why: &Untrusted) -> Finding {
        let summary = format!("{} breaks the rules of TLS: {why}", self.target());
        Finding::new(Severity::Fail, BROKE_OFF, summary)
            .with(Label::Means("clients break off".into()))
    }

    fn broke_off(&self, handshake: &TlsHandshake) -> Finding {
        let took = number::took(handshake.took_us);
        let when = match (&handshake.agreed, handshake.read_bytes) {
            (Some(_), _) => "right after the handshake",
            (None, 0) => "before a byte of TLS came",
            (None, _) => "in the middle of the handshake",
        };
        let to = self.target();
        let what = match handshake.end {
            TlsEnd::Closed => format!("{to} closed the connection {when}"),
            TlsEnd::Reset => format!("{to} reset the connection {when}"),
            _ => format!("silence from {to} {when}, {took} long"),
        };
        let finding = Finding::new(Severity::Fail, BROKE_OFF, what);
        match (&handshake.end, handshake.read_bytes) {
            (TlsEnd::Silence, 0) => finding.with(Label::Note(
                "who waits for its client to speak another protocol is as silent as one that hangs"
                    .into(),
            )),
            _ => finding.with(Label::Note(
                "a server that wants a name (SNI) it knows, a firewall that reads names, a proxy \
                 without a backend"
                    .into(),
            )),
        }
    }

    /// `shop/pod/foo:8443`.
    fn target(&self) -> String {
        self.context.to.word()
    }

    fn protocol(&self) -> String {
        self.request
            .start_tls
            .map(|protocol| format!("{protocol:?}").to_lowercase())
            .unwrap_or_default()
    }

    /// The same with other flags.
    fn again(&self, flags: &[&str]) -> Label {
        let (to, from) = (self.target(), self.context.from.word());
        let mut words = vec!["kubectl", "netdiag", "tls", &to];
        words.extend(flags);
        words.extend(["--from", &from]);
        labels::command(&words)
    }
}
