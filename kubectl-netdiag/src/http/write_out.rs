//! `-w`: curl's variables (curl(1), --write-out), and its exit code for what came of an exchange.

use std::io::{self, Write};

use netdiag_wire::{
    connect::ConnectOutcome,
    http::{HttpEnd, field},
};
use serde_json::Value;

use super::{Exchanged, Phases, Stuck, Trail};
use crate::finding::Severity;

/// `fail` is `-f`.
pub(super) fn print(
    format: &str,
    (trail, fail): (&Trail, bool),
    out: &mut dyn Write,
) -> io::Result<()> {
    out.write_all(expand(format, (trail, fail)).as_bytes())?;
    out.flush()
}

/// `%{name}`, `%header{name}`, `%%`, `\n`, `\r`, `\t`.
fn expand(format: &str, trail: (&Trail, bool)) -> String {
    let mut text = String::new();
    let mut rest = format;
    while let Some(at) = rest.find(['%', '\\']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let (piece, length) = one(rest, trail);
        text.push_str(&piece);
        rest = &rest[length..];
    }
    text + rest
}

/// What stands first, and how much of the format it took.
fn one(rest: &str, (trail, fail): (&Trail, bool)) -> (String, usize) {
    for (escape, meant) in [("%%", "%"), ("\\n", "\n"), ("\\r", "\r"), ("\\t", "\t")] {
        if rest.starts_with(escape) {
            return (meant.into(), escape.len());
        }
    }
    let braced = |start: &str| {
        let inside = rest.strip_prefix(start)?;
        let end = inside.find('}')?;
        Some((&inside[..end], start.len() + end + 1))
    };
    if let Some((name, length)) = braced("%header{") {
        let last = trail.last().answer();
        let value = last.and_then(|answer| field(&answer.fields, name));
        return (value.map(ToString::to_string).unwrap_or_default(), length);
    }
    if let Some((name, length)) = braced("%{") {
        let value = variable(name, (trail, fail));
        return (
            value.unwrap_or_else(|| format!("unknown --write-out variable: '{name}'")),
            length,
        );
    }
    (rest.chars().take(1).collect(), rest.chars().next().map_or(0, char::len_utf8))
}

/// None: curl has it, or nobody has.
fn variable(name: &str, (trail, fail): (&Trail, bool)) -> Option<String> {
    let last = trail.last();
    let (report, answer, over) = (&last.report, last.answer(), last.report.over.as_ref());
    let phases = Phases::of(report);
    let seconds = |us: u64| format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
    let attempt = report.attempts.last();
    let count = |number: u64| Some(number.to_string());
    let text = |text: Option<String>| Some(text.unwrap_or_default());
    let has_tls = report.tls.is_some();
    match name {
        "http_code" | "response_code" => Some(format!("{:03}", answer.map_or(0, |it| it.status))),
        "http_connect" => {
            let status = report.tunnelled.as_ref().and_then(|tunnelled| tunnelled.status);
            Some(format!("{:03}", status.unwrap_or_default()))
        }
        "http_version" => Some(match answer.map(|answer| answer.version.to_string()).as_deref() {
            None => "0".into(),
            Some("HTTP/2.0") => "2".into(),
            Some(version) => version.trim_start_matches("HTTP/").to_owned(),
        }),
        "content_type" => {
            text(answer.and_then(|it| field(&it.fields, "content-type")).map(ToString::to_string))
        }
        "method" => Some(last.ask.method.clone()),
        "url" => Some(trail.hops[0].ask.place.url()),
        "url_effective" => Some(last.ask.place.url()),
        "scheme" => Some(last.ask.place.scheme.to_string().to_uppercase()),
        "redirect_url" => text(last.leads_to().and_then(Result::ok).map(|place| place.url())),
        "num_redirects" => count(trail.hops.len() as u64 - 1),
        "num_connects" => count(trail.hops.len() as u64),
        "num_headers" => count(answer.map_or(0, |answer| answer.fields.len() as u64)),
        "remote_ip" => text(attempt.map(|attempt| attempt.remote.ip().to_string())),
        "remote_port" => count(attempt.map_or(0, |attempt| attempt.remote.port().into())),
        "local_ip" => text(attempt.and_then(|it| it.local).map(|local| local.ip().to_string())),
        "local_port" => {
            count(attempt.and_then(|it| it.local).map_or(0, |local| local.port().into()))
        }
        "size_download" => count(over.map_or(0, |over| over.body_bytes)),
        "size_upload" => count(over.map_or(0, |over| over.sent_bytes)),
        "size_header" => {
            count(over.map_or(0, |over| over.read_bytes.saturating_sub(over.body_bytes)))
        }
        "size_request" => {
            count(over.map_or(0, |over| over.written_bytes.saturating_sub(over.sent_bytes)))
        }
        "speed_download" => {
            let bytes = over.map_or(0, |over| over.body_bytes);
            count(bytes.saturating_mul(1_000_000) / phases.total().max(1))
        }
        "speed_upload" => {
            let bytes = over.map_or(0, |over| over.sent_bytes);
            count(bytes.saturating_mul(1_000_000) / phases.total().max(1))
        }
        "time_namelookup" => Some(seconds(phases.until(1))),
        "time_connect" => Some(seconds(phases.until(2))),
        "time_appconnect" => Some(seconds(if has_tls { phases.until(4) } else { 0 })),
        "time_pretransfer" => Some(seconds(phases.until(4))),
        "time_starttransfer" => Some(seconds(phases.until(5))),
        "time_total" => Some(seconds(phases.total())),
        "time_redirect" => {
            let before = &trail.hops[..trail.hops.len() - 1];
            Some(seconds(
                before
                    .iter()
                    .map(|hop| Phases::of(&hop.report).total())
                    .fold(0, u64::saturating_add),
            ))
        }
        "ssl_verify_result" => {
            let is_bad = last.certificates.iter().any(|it| it.severity == Severity::Fail);
            count(is_bad.into())
        }
        "exitcode" => count(curl_exit_of(trail, fail).into()),
        "errormsg" => Some(String::new()),
        "filename_effective" => Some(String::new()),
        "header_json" => Some(header_json(last)),
        "stdout" | "stderr" => Some(String::new()),
        _ => None,
    }
}

fn header_json(exchanged: &Exchanged) -> String {
    let mut all = serde_json::Map::new();
    for field in exchanged.answer().iter().flat_map(|answer| &answer.fields) {
        let values = all.entry(field.name.to_string()).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(values) = values {
            values.push(field.value.to_string().into());
        }
    }
    Value::Object(all).to_string()
}

fn curl_exit_of(trail: &Trail, fail: bool) -> u8 {
    match trail.stuck {
        Some(Stuck::TooMany(_) | Stuck::Loop(_)) => 47,
        Some(Stuck::Nowhere(_)) => 3,
        None => curl_exit(trail.last(), fail),
    }
}

/// What curl would have ended with (curl(1), EXIT CODES).
pub(super) fn curl_exit(exchanged: &Exchanged, fail: bool) -> u8 {
    let report = &exchanged.report;
    if exchanged.packed_badly.is_some() {
        return 61;
    }
    if fail && exchanged.answer().is_some_and(|answer| answer.status >= 400) {
        return 22;
    }
    if !exchanged.is_connected() {
        return match report.attempts.last().map(|attempt| &attempt.outcome) {
            Some(ConnectOutcome::Silence { .. }) => 28,
            Some(_) => 7,
            None => 6,
        };
    }
    if exchanged.is_refused {
        return 60;
    }
    if report.tunnelled.as_ref().is_some_and(|it| !it.is_open()) {
        return 56;
    }
    if exchanged.request.tls.is_some() && !report.sent {
        return 35;
    }
    match exchanged.end() {
        Some(HttpEnd::Whole | HttpEnd::Surplus) => 0,
        Some(HttpEnd::Empty) => 52,
        Some(HttpEnd::CutBody { .. }) => 18,
        Some(HttpEnd::CutHead | HttpEnd::Reset) => 56,
        Some(HttpEnd::Malformed { .. }) if exchanged.answer().is_some() => 56,
        Some(HttpEnd::Malformed { why, said })
            if said.as_bytes().starts_with(b"HTTP/") && !why.to_string().contains("status") =>
        {
            8
        }
        Some(HttpEnd::Malformed { .. }) => 1,
        Some(HttpEnd::HeadTooLong) => 27,
        Some(HttpEnd::Refused { .. }) => 92,
        Some(HttpEnd::TooLate | HttpEnd::CutOff) | None => 28,
        Some(HttpEnd::Unknown) => 2,
    }
}
