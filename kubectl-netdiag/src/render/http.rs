//! An HTTP exchange: who was asked, what came, and where the time went.

use std::{
    io::{self, Write},
    net::IpAddr,
};

use netdiag_wire::http::{HttpAnswer, HttpEvent, HttpField, field};

mod each;

pub(crate) use each::{EachView, http_each};

use super::{Screen, number};
use crate::{
    finding::{Peer, PeerKind},
    http::{Ask, Exchanged, Phases, is_secret},
};

/// In the place of a value that is a secret.
pub(crate) const HIDDEN: &str = "(hidden; --show-secrets shows it)";

/// Columns of a phase's name and time.
const NAMED: usize = 18;
/// Columns of the bar that is all of the time.
const BAR: u64 = 50;

/// What there is to show.
pub(crate) struct HttpView<'a> {
    pub(crate) exchanged: &'a Exchanged,
}

/// Who asks for which URL; a port by the name that was typed.
pub(crate) fn http_header(
    out: &mut dyn Write,
    screen: &Screen,
    (from, to): (&Peer, &Peer),
    (url, port): (&str, Option<&str>),
) -> io::Result<()> {
    let brackets = match (to.kind, to.address, to.port) {
        (PeerKind::Address, ..) | (PeerKind::Local, ..) => String::new(),
        (PeerKind::Host, Some(address), _) => format!(" ({address})"),
        (PeerKind::Host, None, _) => String::new(),
        (_, Some(address), Some(number)) => {
            let named = port.map(|port| format!(":{port}")).unwrap_or_default();
            let bare = Peer { port: None, ..to.clone() };
            let node = to.node.iter().filter(|_| to.kind != PeerKind::Node);
            let node: String = node.map(|node| format!(", {node}")).collect();
            format!(" ({}{named}, {address} TCP {number}{node})", bare.word())
        }
        _ => format!(" ({})", to.word()),
    };
    super::header_line(out, screen, from, &format!("{url}{brackets}"))
}

/// Where a redirect leads.
pub(crate) fn http_onward(
    out: &mut dyn Write,
    screen: &Screen,
    url: &str,
    addresses: &[IpAddr],
) -> io::Result<()> {
    if !screen.shows_evidence() {
        return Ok(());
    }
    let address = addresses.first().map(|address| format!(" ({address})")).unwrap_or_default();
    writeln!(out, "  -> {}", screen.safe(&format!("{url}{address}")))
}

/// With `-v`: the heads as they go and come.
pub(crate) fn http_event(
    out: &mut dyn Write,
    screen: &Screen,
    event: &HttpEvent,
    ask: &Ask,
    show_secrets: bool,
) -> io::Result<()> {
    if !screen.shows_evidence() || screen.detail == 0 {
        return Ok(());
    }
    match event {
        HttpEvent::Sending => {
            let line = format!("> {} {}", ask.method, ask.place.path);
            writeln!(out, "{}", screen.safe(&line))?;
            fields(out, screen, "> ", &ask.fields(), show_secrets)
        }
        HttpEvent::Interim { status, fields: came } => {
            writeln!(out, "< {status}")?;
            fields(out, screen, "< ", came, show_secrets)
        }
        HttpEvent::Answer(answer) => head(out, screen, "< ", answer, show_secrets),
        _ => Ok(()),
    }
}

fn head(
    out: &mut dyn Write,
    screen: &Screen,
    mark: &str,
    answer: &HttpAnswer,
    show_secrets: bool,
) -> io::Result<()> {
    let line = format!("{mark}{}", status_line(answer));
    writeln!(out, "{}", screen.safe(&line))?;
    fields(out, screen, mark, &answer.fields, show_secrets)
}

/// `HTTP/1.1 200 OK`.
fn status_line(answer: &HttpAnswer) -> String {
    format!("{} {}", answer.version, status(answer))
}

/// `name: value`, or in whose place the value stands.
fn field_line(field: &HttpField, show_secrets: bool) -> String {
    match is_secret(field) && !show_secrets {
        true => format!("{}: {HIDDEN}", field.name),
        false => format!("{}: {}", field.name, field.value),
    }
}

fn fields(
    out: &mut dyn Write,
    screen: &Screen,
    mark: &str,
    fields: &[HttpField],
    show_secrets: bool,
) -> io::Result<()> {
    for field in fields {
        let line = format!("{mark}{}", field_line(field, show_secrets));
        writeln!(out, "{}", screen.safe(&line))?;
    }
    Ok(())
}

/// `GET -> 200 OK, HTTP/1.1, application/json, 27 bytes, server "envoy"`.
pub(crate) fn http_status(
    out: &mut dyn Write,
    screen: &Screen,
    exchanged: &Exchanged,
) -> io::Result<()> {
    if !screen.shows_evidence() {
        return Ok(());
    }
    let Some(answer) = exchanged.answer() else { return Ok(()) };
    let has = |name: &str| field(&answer.fields, name).map(ToString::to_string);
    let bytes = exchanged.report.over.as_ref().map(|over| over.body_bytes);
    let bytes = bytes.map(|bytes| format!("{} bytes", number::count(bytes)));
    let parts = [
        Some(status(answer)),
        Some(answer.version.to_string()),
        has("content-type"),
        bytes,
        has("server").map(|server| format!("server \"{server}\"")),
        has("location").filter(|_| answer.status / 100 == 3).map(|to| format!("to {to}")),
        has("retry-after").map(|after| format!("retry-after {after}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let line = format!("{} -> {}", exchanged.ask.method, parts.join(", "));
    writeln!(out, "{}", screen.safe(&line))
}

/// The status, and where the time went.
pub(crate) fn http_answer(
    out: &mut dyn Write,
    screen: &Screen,
    view: &HttpView<'_>,
) -> io::Result<()> {
    if !screen.shows_evidence() || !view.exchanged.is_connected() {
        return Ok(());
    }
    http_status(out, screen, view.exchanged)?;
    if let Some(tls) = view.tls() {
        writeln!(out, "{}", screen.safe(&tls))?;
    }
    view.phases(out, screen)
}

impl HttpView<'_> {
    /// `TLS 1.3, TLS_AES_256_GCM_SHA384, ALPN h2`.
    fn tls(&self) -> Option<String> {
        let served = self.exchanged.report.tls.as_ref()?;
        let agreed = served.handshake.as_ref()?.agreed.as_ref()?;
        let alpn = agreed.alpn.as_ref().map(|alpn| format!(", ALPN {alpn}")).unwrap_or_default();
        Some(format!("{}, {}{alpn}", agreed.version, agreed.cipher_suite))
    }

    fn phases(&self, out: &mut dyn Write, screen: &Screen) -> io::Result<()> {
        let Exchanged { report, request, .. } = self.exchanged;
        let phases = Phases::of(report);
        let total = phases.total();
        let from = self.exchanged.address_from;
        let name = match (phases.name, from) {
            (Some(_), _) | (None, "") => String::new(),
            (None, from) => format!("({from})"),
        };
        let refused = if self.exchanged.is_refused { "certificate not accepted" } else { "" };
        let is_plain = request.tls.is_none();
        let tls = if is_plain { "(plain)" } else { refused };
        let mut rows = vec![("name", phases.name, name.as_str()), ("connect", phases.connect, "")];
        if request.tunnel.is_some() {
            rows.push(("proxy", phases.proxy, ""));
        }
        rows.push(("tls", phases.tls, tls));
        let is_sent = report.sent;
        if is_sent {
            rows.push(("first byte", phases.first_byte, ""));
            rows.push(("body", phases.body, ""));
        }
        for (label, us, note) in rows {
            row(out, screen, (label, us, note), total)?;
        }
        if phases.first_byte.is_some() {
            writeln!(out, "{}  ms", named("total", &number::ms_digits(total)))?;
        }
        Ok(())
    }
}

fn row(
    out: &mut dyn Write,
    screen: &Screen,
    (label, us, note): (&str, Option<u64>, &str),
    total: u64,
) -> io::Result<()> {
    let digits = us.map(number::ms_digits).unwrap_or_else(|| "-".into());
    let block = if screen.ascii { "#" } else { "\u{2588}" };
    let bar = block.repeat(bar(us.unwrap_or_default(), total));
    let behind: String = [bar.as_str(), note]
        .iter()
        .filter(|it| !it.is_empty())
        .map(|it| format!("  {it}"))
        .collect();
    writeln!(out, "{}{}", named(label, &digits), behind)
}

fn named(label: &str, digits: &str) -> String {
    format!("{label}{digits:>width$}", width = NAMED - label.len())
}

/// Proportional to the share; none below 1 %.
fn bar(us: u64, total: u64) -> usize {
    // An agent may say any time.
    let (us, total) = (u128::from(us), u128::from(total));
    match us * 100 < total || total == 0 {
        true => 0,
        false => ((us.min(total) * u128::from(BAR) + total / 2) / total).max(1) as usize,
    }
}

/// `200 OK`.
fn status(answer: &HttpAnswer) -> String {
    let known = http::StatusCode::from_u16(answer.status).ok();
    let usual = known.and_then(|known| known.canonical_reason()).unwrap_or_default().to_owned();
    let reason = match answer.reason.as_bytes() {
        [] => usual,
        _ => answer.reason.to_string(),
    };
    format!("{} {reason}", answer.status).trim_end().to_owned()
}

/// With `-i` above a body: the head as it came.
pub(crate) fn http_head(answer: &HttpAnswer, show_secrets: bool) -> String {
    let fields = answer.fields.iter().map(|field| field_line(field, show_secrets) + "\n");
    format!("{}\n{}\n", status_line(answer), fields.collect::<String>())
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod screens;
