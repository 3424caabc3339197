//! The server said no: an alert, and what it stands for here.

use netdiag_tls::names;
use netdiag_wire::tls::{TlsAsked, TlsHandshake};

use super::TlsCase;
use crate::certificates;
use crate::finding::{Code, Finding, Label, Severity};

const REFUSED: Code = Code(731);
const WANTS_CERTIFICATE: Code = Code(733);
const REFUSES_CERTIFICATE: Code = Code(738);

/// Names of CAs in a verdict.
const MAX_NAMES: usize = 4;

const BAD_CERTIFICATE: u8 = 42;
const HANDSHAKE_FAILURE: u8 = 40;
const PROTOCOL_VERSION: u8 = 70;
const INSUFFICIENT_SECURITY: u8 = 71;
const INTERNAL_ERROR: u8 = 80;
const UNRECOGNIZED_NAME: u8 = 112;
const CERTIFICATE_REQUIRED: u8 = 116;
const NO_APPLICATION_PROTOCOL: u8 = 120;

/// Whether another offer may be taken.
pub(super) fn may_be_of_offer(alert: u8) -> bool {
    [HANDSHAKE_FAILURE, PROTOCOL_VERSION, INSUFFICIENT_SECURITY, INTERNAL_ERROR].contains(&alert)
}

/// It asked, and went on with a client that has none.
pub(super) fn may_still_refuse(handshake: &TlsHandshake) -> Option<Label> {
    let is_without = handshake.asked.as_ref().is_some_and(|asked| !asked.sent);
    let note = "a client certificate was asked for, and none was sent: the handshake stands, but \
                nginx refuses in HTTP (400), and others may in theirs";
    is_without.then(|| Label::Note(note.into()))
}

/// Whose certificates it takes, where it says so.
fn authorities(asked: &TlsAsked) -> Option<Label> {
    let names = certificates::of_authorities(&asked.authorities);
    let rest = names.len().saturating_sub(MAX_NAMES) + asked.not_listed as usize;
    let more = if rest == 0 { String::new() } else { format!(" and {rest} more") };
    let shown = &names[..names.len().min(MAX_NAMES)];
    let text = format!("it takes those of {}{more}", shown.join(", "));
    (!names.is_empty()).then_some(Label::Seen(text))
}

/// What an alert says of a client certificate that was sent (RFC 8446, section 6.2).
fn of_certificate(alert: u8) -> Option<&'static str> {
    Some(match alert {
        40 => "servers say so of any certificate that they do not want",
        42 => "it cannot be read, or its signature is wrong",
        43 => "not of a kind that it takes",
        44 => "its CA has revoked it",
        45 => "expired, or not yet valid",
        46 => "it does not say why not",
        48 => "of a CA that it does not trust",
        49 => "a good certificate, whose bearer may not come in",
        51 => "the signature does not fit the certificate",
        _ => return None,
    })
}

impl TlsCase<'_> {
    pub(super) fn alert(&self, alert: u8, handshake: &TlsHandshake) -> Finding {
        let is_asked = handshake.asked.is_some();
        if handshake.asked.as_ref().is_some_and(|asked| asked.sent)
            && let Some(why) = of_certificate(alert)
        {
            return self.refuses_certificate((alert, why), handshake);
        }
        let wants = [BAD_CERTIFICATE, HANDSHAKE_FAILURE, CERTIFICATE_REQUIRED].contains(&alert);
        if alert == CERTIFICATE_REQUIRED || (is_asked && wants) {
            return self.wants_certificate(alert, handshake);
        }
        let name = names::alert(alert);
        let what = match alert {
            PROTOCOL_VERSION => "takes none of the versions offered (TLS 1.2 and 1.3)",
            INSUFFICIENT_SECURITY => "takes none of the cipher suites offered",
            HANDSHAKE_FAILURE => {
                "refuses the handshake: no version, cipher suite or group in common, or no such name"
            }
            UNRECOGNIZED_NAME => "knows no such server name (SNI)",
            NO_APPLICATION_PROTOCOL => "takes none of the protocols offered (ALPN)",
            INTERNAL_ERROR => {
                "broke off with an error of its own: often there is no certificate for this name"
            }
            _ => "refuses the handshake",
        };
        let finding = Finding::new(Severity::Fail, REFUSED, format!("{} {what}", self.target()));
        let finding = finding.with(Label::Seen(format!("alert {name} ({alert})")));
        let asks_name = [UNRECOGNIZED_NAME, HANDSHAKE_FAILURE, INTERNAL_ERROR].contains(&alert);
        match &self.request.offer.server_name {
            Some(name) if asks_name => {
                let note = format!("asked for by the name {name}; --servername asks by another");
                finding.with(Label::Note(note))
            }
            None if asks_name => {
                finding.with(Label::Note("no name was sent; --servername NAME sends one".into()))
            }
            _ => finding,
        }
    }

    /// It refused this client, and agreed with what an older one offers.
    pub(super) fn older(&self, handshake: &TlsHandshake) -> Option<Finding> {
        if handshake.asked.is_some() {
            return None;
        }
        let agreed = self.report.clear.as_ref()?.handshake.as_ref()?.agreed.as_ref()?;
        let (to, version) = (self.target(), &agreed.version);
        let group = agreed.group.as_ref().map(|group| format!(", {group}")).unwrap_or_default();
        let seen = format!(
            "to an older client's offer it agrees: {version}, {}{group}",
            agreed.cipher_suite
        );
        let is_old = !matches!(version.as_bytes(), b"TLS 1.2" | b"TLS 1.3");
        let (severity, summary, means) = match is_old {
            true => (
                Severity::Fail,
                format!("{to} speaks only TLS versions below 1.2"),
                "today's clients offer no less than TLS 1.2, and refuse",
            ),
            false => (
                Severity::Warn,
                format!("{to} takes no suite and group that every client of today has"),
                "Go, rustls and browsers may refuse it; OpenSSL's clients and Java's go on",
            ),
        };
        let finding = Finding::new(severity, super::INCOMPATIBLE, summary).with(Label::Seen(seen));
        Some(finding.with(Label::Means(means.into())).with(self.again(&["--scan"])))
    }

    fn refuses_certificate(&self, (alert, why): (u8, &str), handshake: &TlsHandshake) -> Finding {
        let summary = format!("{} refuses the client certificate", self.target());
        let name = names::alert(alert);
        Finding::new(Severity::Fail, REFUSES_CERTIFICATE, summary)
            .with(Label::Seen(format!("alert {name} ({alert}): {why}")))
            .with(handshake.asked.as_ref().and_then(authorities))
            .with(Label::Means("the server's certificate is judged all the same".into()))
    }

    fn wants_certificate(&self, alert: u8, handshake: &TlsHandshake) -> Finding {
        let summary = format!("{} demands a client certificate (mTLS)", self.target());
        let name = names::alert(alert);
        let when = match handshake.agreed {
            Some(_) => "after the handshake, as TLS 1.3 has it",
            None => "in the handshake",
        };
        Finding::new(Severity::Fail, WANTS_CERTIFICATE, summary)
            .with(Label::Seen(format!("alert {name} ({alert}) {when}: none was sent")))
            .with(handshake.asked.as_ref().and_then(authorities))
            .with(Label::Means(
                "clients without a certificate of a CA that it trusts are refused".into(),
            ))
            .with(self.again(&["--cert", "FILE", "--key", "FILE"]))
    }
}
