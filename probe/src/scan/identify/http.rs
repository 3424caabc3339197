//! HTTP/1: one answer as bytes, and what it says.

use std::borrow::Cow;

use super::heard::{Heard, Match, Question, between, contains, product_slash_version};

mod body;

/// Header fields that are looked at.
const MAX_FIELDS: usize = 64;
/// Longest head that is waited for.
const MAX_HEAD: usize = 16_384;
/// What HAProxy answers by itself names nobody; the wording is its own.
const HAPROXY: [&[u8]; 2] = [
    b"<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.",
    b"<html><body><h1>400 Bad request</h1>\nYour browser sent an invalid request.",
];

/// `GET /`, and how the next question may follow on the same connection.
pub(super) fn question(path: &str, host: &str) -> Question {
    let send = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: netdiag\r\nAccept: */*\r\n\r\n"
    );
    Question::new(send, read)
}

/// Whole answers, or what is there of one whose head is whole.
pub(super) fn read(bytes: &[u8]) -> Heard {
    match Answer::parse(bytes) {
        Some(answer) if answer.is_whole => Heard::Yes(answer.says()),
        Some(answer) => Heard::Partly(answer.says()),
        None if bytes.len() < MAX_HEAD && is_start(bytes) => Heard::More,
        None => Heard::No,
    }
}

fn is_start(bytes: &[u8]) -> bool {
    let length = bytes.len().min(7);
    bytes[..length] == b"HTTP/1."[..length]
}

/// One answer.
#[derive(Debug, PartialEq)]
pub(super) struct Answer<'a> {
    is_1_1: bool,
    pub(super) status: u16,
    fields: Vec<(&'a [u8], &'a [u8])>,
    body: Cow<'a, [u8]>,
    is_whole: bool,
}

impl<'a> Answer<'a> {
    /// `None` without a whole head.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let minor =
            bytes.strip_prefix(b"HTTP/1.")?.first().filter(|digit| digit.is_ascii_digit())?;
        let status = str::from_utf8(bytes.get(9..12)?).ok()?.parse().ok()?;
        let (head, rest) = head(bytes)?;
        let lines = head.split(|byte| *byte == b'\n').skip(1).take(MAX_FIELDS);
        let fields = lines.filter_map(field).collect();
        let mut answer =
            Self { is_1_1: *minor == b'1', status, fields, body: rest.into(), is_whole: false };
        let is_empty = matches!(status, 100..200 | 204 | 304);
        let (body, is_whole) = match is_empty {
            true => (Cow::default(), true),
            false => body::read(rest, answer.field("transfer-encoding"), answer.length()),
        };
        (answer.body, answer.is_whole) = (body, is_whole);
        Some(answer)
    }

    pub(super) fn field(&self, name: &str) -> Option<&'a [u8]> {
        let is_it = |one: &[u8]| one.eq_ignore_ascii_case(name.as_bytes());
        self.fields.iter().find(|(one, _)| is_it(one)).map(|(_, value)| *value)
    }

    fn length(&self) -> Option<usize> {
        str::from_utf8(self.field("content-length")?).ok()?.parse().ok()
    }

    /// Whether another question may follow on the connection.
    pub(super) fn stays_open(&self) -> bool {
        let closes = self.field("connection").is_some_and(|value| contains(value, "close"));
        self.is_whole && self.is_1_1 && !closes
    }

    /// A server that wants TLS says so in many words, all of them with status 400.
    pub(super) fn wants_tls(&self) -> bool {
        self.status == 400
            && ["HTTPS", "SSL-enabled", "TLS"].iter().any(|word| contains(&self.body, word))
    }

    /// By whatever the answer to any path shows.
    pub(super) fn says(&self) -> Match {
        let found = Match::of(if self.is_1_1 { "HTTP/1.1" } else { "HTTP/1.0" });
        let server = self.field("server").map(product_slash_version).unwrap_or_default();
        let found = found.and(server).and(self.body_says());
        match self.field("www-authenticate") {
            Some(scheme) => found.info(scheme),
            None => found,
        }
    }

    fn body_says(&self) -> Match {
        let body = &self.body;
        let json = || serde_json::from_slice(body).ok();
        if body.first() == Some(&b'{') {
            return json().and_then(|json| json_says(&json)).unwrap_or_default();
        }
        if is_metrics(self.field("content-type").unwrap_or_default(), body) {
            return metrics_say(body);
        }
        if HAPROXY.iter().any(|words| body.starts_with(words)) {
            return Match::default().product(b"HAProxy");
        }
        if self.status == 403 && body.starts_with(b"Forbidden (user=") {
            return kubelet_says(body);
        }
        Match::default()
    }

    /// What a kubelet without anonymous access answers to everything; alone it is nobody's.
    pub(super) fn is_plain_unauthorized(&self) -> bool {
        self.status == 401 && &*self.body == b"Unauthorized" && self.field("server").is_none()
    }
}

/// What is before the empty line, and what is behind it.
fn head(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = &bytes[..bytes.len().min(MAX_HEAD)];
    let end = start.windows(4).position(|part| part == b"\r\n\r\n");
    Some((&bytes[..end?], &bytes[end? + 4..]))
}

fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    Some((line[..colon].trim_ascii(), line[colon + 1..].trim_ascii()))
}

/// Elasticsearch at `/`, etcd and Kubernetes at `/version`.
fn json_says(json: &serde_json::Value) -> Option<Match> {
    let text = |name: &str| json.pointer(name).and_then(|value| value.as_str()).map(str::as_bytes);
    if let Some(version) = text("/etcdserver") {
        return Some(Match::of("etcd").product(b"etcd").version(version));
    }
    if let (Some(version), Some(_)) = (text("/version/number"), text("/tagline")) {
        let product = text("/version/distribution").unwrap_or(b"elasticsearch");
        let cluster = text("/cluster_name").unwrap_or_default();
        return Some(Match::of("Elasticsearch").product(product).version(version).info(cluster));
    }
    if let (Some(version), Some(_), Some(_)) = (text("/gitVersion"), text("/major"), text("/minor"))
    {
        return Some(Match::of("Kubernetes API").version(version));
    }
    if (text("/kind"), text("/apiVersion")) == (Some(b"Status"), Some(b"v1")) {
        return Some(Match::of("Kubernetes API").info(text("/message").unwrap_or_default()));
    }
    None
}

fn is_metrics(kind: &[u8], body: &[u8]) -> bool {
    let is_text = kind.starts_with(b"text/plain") || kind.starts_with(b"application/openmetrics");
    is_text && (body.starts_with(b"# HELP ") || body.starts_with(b"# TYPE "))
}

/// `NAME_build_info{...,version="1.5.0"} 1` is how programs that export metrics name themselves.
fn metrics_say(body: &[u8]) -> Match {
    let found = Match::of("Prometheus metrics");
    let builds = body.split(|byte| *byte == b'\n').filter_map(|line| {
        let at = line.windows(12).position(|part| part == b"_build_info{")?;
        let name = &line[..at];
        (name != b"go" && !name.starts_with(b"#")).then_some((name, &line[at..]))
    });
    let Some((name, labels)) = { builds }.next() else { return found };
    let version = between(labels, "{version=\"", "\"")
        .or_else(|| between(labels, ",version=\"", "\""))
        .or_else(|| between(labels, "git_version=\"", "\""));
    found.product(name).version(version.unwrap_or_default())
}

/// It asks for rights over its node: `verb=get, resource=nodes, subresource=metrics`.
fn kubelet_says(body: &[u8]) -> Match {
    match contains(body, "resource=nodes, subresource") {
        true => Match::of("kubelet API").product(b"kubelet").info(body),
        false => Match::default(),
    }
}
