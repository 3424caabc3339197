//! What a status means (RFC 9110, section 15).

use http::StatusCode;
use netdiag_wire::http::{HttpAnswer, field};

use super::{
    HttpCase,
    whose::{self, Whose},
};
use crate::{
    args::http::Scheme,
    finding::{Code, Finding, Label, Severity},
};

const CLIENTS: Code = Code(801);
const SERVERS: Code = Code(802);
const TLS_WANTED: Code = Code(804);
const MISDIRECTED: Code = Code(810);
const INTERCEPTED: &str = "a proxy in the source's own namespace took the connection: the answer is \
                           its own or came through it";

impl HttpCase<'_> {
    pub(super) fn of_status(&self, answer: &HttpAnswer) -> Finding {
        let expected = &self.args.shown.expect;
        let status = answer.status;
        let shown = shown(status);
        let finding = match status {
            _ if expected.contains(&status) => Finding::ok(format!("{shown}, as expected")),
            _ if !expected.is_empty() => {
                let wanted: Vec<_> = expected.iter().map(u16::to_string).collect();
                let summary = format!("{shown}, and expected was {}", wanted.join(" or "));
                Finding::new(Severity::Fail, CLIENTS, summary).with(self.by(answer))
            }
            100..=399 => Finding::ok(self.well(answer)),
            _ if self.wants_tls(answer) => self.plain_to_tls(answer),
            421 => Finding::new(Severity::Fail, MISDIRECTED, format!("{shown}: not its host"))
                .with(self.by(answer))
                .with(Label::Means(
                    "the server answers for other names than Host, or SNI and Host differ".into(),
                )),
            400..=499 => {
                // To curl's -f it is a failure.
                let severity = if self.args.shown.fail { Severity::Fail } else { Severity::Warn };
                let finding = Finding::new(severity, CLIENTS, format!("reached, but: {shown}"));
                finding.with(self.by(answer)).with(hint(answer))
            }
            _ => self.server_error(answer),
        };
        match self.is_taken() {
            true => finding.with(Label::Note(INTERCEPTED.into())),
            false => finding,
        }
    }

    fn well(&self, answer: &HttpAnswer) -> String {
        let shown = shown(answer.status);
        match field(&answer.fields, "location").filter(|_| answer.status / 100 == 3) {
            Some(to) if !self.args.way.location => format!("{shown}, to {to} (-L follows)"),
            _ => format!("answered: {shown}"),
        }
    }

    /// Who answered, where a field says it.
    pub(super) fn by(&self, answer: &HttpAnswer) -> Option<Label> {
        match whose::of(answer) {
            Whose::Proxy { seen, .. } | Whose::Server { seen } => Some(Label::Seen(seen)),
            Whose::Unknown => {
                let server = field(&answer.fields, "server")?;
                Some(Label::Seen(format!("server \"{server}\"")))
            }
        }
    }

    fn server_error(&self, answer: &HttpAnswer) -> Finding {
        let shown = shown(answer.status);
        let is_gateway = matches!(answer.status, 502 | 504);
        let whose = whose::of(answer);
        let summary = match &whose {
            Whose::Proxy { name, .. } => format!("{shown}: {name}'s own, not the app's"),
            Whose::Server { .. } => format!("{shown}: from the server behind the proxy"),
            Whose::Unknown if is_gateway => {
                format!("{shown}: a gateway's, which got no good answer from the server behind it")
            }
            Whose::Unknown => {
                format!("{shown}: the server failed, or a proxy that does not say so")
            }
        };
        let finding = Finding::new(Severity::Fail, SERVERS, summary).with(self.by(answer));
        let after = field(&answer.fields, "retry-after");
        let finding = finding.with(after.map(|after| Label::Seen(format!("retry-after {after}"))));
        match whose {
            Whose::Unknown if !is_gateway => finding.with(Label::Unless(
                "a proxy without fields of its own answered: ask the pod itself".into(),
            )),
            _ => finding,
        }
    }

    /// nginx has a status of its own for it; the body of others was looked into by the agent.
    fn wants_tls(&self, answer: &HttpAnswer) -> bool {
        let reason = answer.reason.to_string().to_lowercase();
        let says = self.last().report.over.as_ref().is_some_and(|over| over.wants_tls);
        says || answer.status == 497 || (answer.status == 400 && reason.contains("https"))
    }

    /// A server of TLS that understood the plain request well enough to say so.
    fn plain_to_tls(&self, answer: &HttpAnswer) -> Finding {
        let shown = shown(answer.status);
        let summary = format!("{shown}: HTTP in the clear, to a port that wants TLS");
        let url = self.last().ask.place.in_scheme(Scheme::Https).url();
        Finding::new(Severity::Fail, TLS_WANTED, summary)
            .with(self.by(answer))
            .with(crate::http::command(&["http", &url], &self.from()))
    }
}

fn hint(answer: &HttpAnswer) -> Option<Label> {
    let has = |name: &str| field(&answer.fields, name);
    Some(match answer.status {
        401 => Label::Seen(format!("www-authenticate \"{}\"", has("www-authenticate")?)),
        404 => Label::Means(
            "the server or ingress knows no such path, or no such Host (-H 'Host: NAME')".into(),
        ),
        405 => Label::Seen(format!("allow \"{}\"", has("allow")?)),
        407 => Label::Means("the proxy wants credentials: -x http://USER:PASSWORD@HOST".into()),
        426 => Label::Seen(format!("upgrade \"{}\"", has("upgrade")?)),
        429 => Label::Seen(format!("retry-after {}", has("retry-after")?)),
        _ => return None,
    })
}

/// `404 Not Found`; the usual reason, since the server's own is nobody's standard.
pub(super) fn shown(status: u16) -> String {
    let known = StatusCode::from_u16(status).ok();
    match known.and_then(|known| known.canonical_reason()) {
        Some(reason) => format!("{status} {reason}"),
        None => status.to_string(),
    }
}
