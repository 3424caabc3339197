//! `render FILE|-`: a saved `-o ndjson`, or what `netdiag-agent local` prints, as people read it.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use jiff::Timestamp;
use netdiag_wire::{
    EndReason, ErrorBody, Event, Line, Untrusted,
    ping::{MAX_TARGETS, PingEvent, PingFold, PingReport, PingRequest},
};
use serde_json::Value;

use crate::{
    agent::refusal,
    args::RenderArgs,
    code,
    diagnose::{self, PingContext},
    finding::{Failure, Finding, Peer, PeerKind, Severity, worst},
    local,
    render::{self, Document, Names, Span},
    session::{Clock, Session, Stopped},
};

/// A line of events is far shorter; the document at the end may be long.
const MAX_LINE: u64 = 16 * 1024 * 1024;

/// Reads line by line, so that what is still being written is shown as it comes.
pub(crate) fn run(args: &RenderArgs, session: &mut Session<'_>) -> Result<Severity, Stopped> {
    let clock = Clock::now();
    let mut input = open(&args.file)?;
    let mut saved = Saved::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut input).take(MAX_LINE).read_until(b'\n', &mut line);
        if read.map_err(|error| unreadable(&args.file, &error.to_string()))? == 0 {
            break;
        }
        if line.len() as u64 == MAX_LINE {
            return Err(unreadable(&args.file, "a line of more than 16 MiB").into());
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        // The document of `-o json` is spread over lines: the rest belongs to it.
        if line.trim_ascii() == b"{" {
            (&mut input).take(MAX_LINE).read_to_end(&mut line)?;
        }
        saved.take(&line, &args.file, session)?;
    }
    saved.conclude(&args.file, session, clock)
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).map_err(|error| unreadable(path, &error.to_string()))?;
    Ok(Box::new(BufReader::new(file)))
}

fn unreadable(path: &Path, why: &str) -> Failure {
    Failure::new(code::BAD_VALUE, format!("render {}: {why}", path.display()))
}

fn span_of(document: &Value) -> Option<Span> {
    let started_at = document["startedAt"].as_str()?.parse().ok()?;
    Some(Span { started_at, took_us: document["tookUs"].as_u64()? })
}

/// What was read so far.
struct Saved {
    request: PingRequest,
    fold: PingFold,
    from: Peer,
    to: Vec<Peer>,
    has_header: bool,
    ended: Option<EndReason>,
    error: Option<ErrorBody>,
    /// The document that ends a saved stream: it knows both ends by name.
    document: Option<Value>,
    /// When the probe ran, which is not when it is rendered.
    span: Option<Span>,
}

impl Saved {
    fn new() -> Self {
        let mut any = PingRequest::to("");
        any.targets = vec![any.targets[0].clone(); MAX_TARGETS];
        let mut request = PingRequest::to("");
        request.targets.clear();
        Self {
            request,
            fold: PingFold::new(&any),
            from: local::peer(),
            to: Vec::new(),
            has_header: false,
            ended: None,
            error: None,
            document: None,
            span: None,
        }
    }

    fn take(&mut self, line: &[u8], path: &Path, session: &mut Session<'_>) -> Result<(), Stopped> {
        let parsed: Value = serde_json::from_slice(line)
            .map_err(|error| unreadable(path, &format!("not what netdiag prints: {error}")))?;
        if parsed.get("apiVersion").is_some() {
            self.span = span_of(&parsed).or(self.span);
            self.document = Some(parsed);
            return Ok(());
        }
        let line: Line<PingEvent> = serde_json::from_value(parsed)
            .map_err(|error| unreadable(path, &format!("no event of ping: {error}")))?;
        let started_at = self.span.map_or(line.at, |span| span.started_at);
        let took_us = line.at.duration_since(started_at).as_micros();
        self.span = Some(Span { started_at, took_us: took_us.try_into().unwrap_or_default() });
        match line.event {
            Event::Heartbeat => {}
            Event::Accepted { node, .. } => {
                let name = node.to_string();
                let node = Some(name.clone());
                self.from = Peer { kind: PeerKind::Node, name, node, ..Peer::default() };
            }
            Event::End { reason } => self.ended = Some(reason),
            Event::Error { error } => self.error = Some(error),
            Event::Probe(event) => self.show(&event, line.at, session)?,
        }
        Ok(())
    }

    fn show(
        &mut self,
        event: &PingEvent,
        at: Timestamp,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        self.fold.push(event);
        if let PingEvent::Started { host, address, source, .. } = event {
            self.from.address.get_or_insert(*source);
            let host = host.to_string();
            self.request.targets.extend(PingRequest::to(host.clone()).targets);
            let kind =
                if host.parse() == Ok(*address) { PeerKind::Address } else { PeerKind::Host };
            self.to.push(Peer { kind, name: host, address: Some(*address), ..Peer::default() });
            return Ok(());
        }
        self.header(session)?;
        let (out, screen) = (&mut *session.out, &session.screen);
        render::ping_event(out, screen, &self.request, &Names::default(), event, at)?;
        Ok(())
    }

    fn header(&mut self, session: &mut Session<'_>) -> io::Result<()> {
        if std::mem::replace(&mut self.has_header, true) {
            return Ok(());
        }
        render::header(session.out, &session.screen, &self.from, &self.to)
    }

    fn conclude(
        mut self,
        path: &Path,
        session: &mut Session<'_>,
        clock: Clock,
    ) -> Result<Severity, Stopped> {
        let mut reports = self.fold.reports(self.ended, self.error.as_ref());
        reports.truncate(self.to.len());
        if let (true, Some(document)) = (self.to.is_empty(), self.document.take()) {
            reports.push(self.of_document(&document, path)?);
        }
        if let Some(error) = &self.error {
            let message = error.message.to_string();
            return Err(Failure::new(refusal::code_of(error.code), message).into());
        }
        if reports.is_empty() {
            return Err(unreadable(path, "no event of a probe").into());
        }
        self.header(session)?;
        let span = self.span.unwrap_or_else(|| clock.span());
        let findings = self.findings(&reports);
        let (out, screen) = (&mut *session.out, &session.screen);
        render::verdict(out, screen, &findings)?;
        let document = Document::new("PingReport", span, &findings).from(self.from);
        let document = match self.to.into_iter().next() {
            Some(to) => document.to(to),
            None => document,
        };
        let document = document.part("ping", &reports[0]).map_err(io::Error::from)?;
        render::document(out, screen, &document)?;
        Ok(worst(&findings))
    }

    /// One report a target, each judged by itself.
    fn findings(&self, reports: &[PingReport]) -> Vec<Finding> {
        let judge = |(report, to): (&PingReport, &Peer)| {
            let context = PingContext {
                from: self.from.clone(),
                to: to.clone(),
                now_at: Timestamp::now(),
                ..PingContext::default()
            };
            diagnose::ping(report, &self.request, &context)
        };
        reports.iter().zip(&self.to).flat_map(judge).collect()
    }

    /// A file that holds the report alone.
    fn of_document(&mut self, document: &Value, path: &Path) -> Result<PingReport, Failure> {
        let wrong = |why: String| unreadable(path, &why);
        let kind = document["kind"].as_str().unwrap_or_default();
        if kind != "PingReport" {
            let kind = Untrusted::from(kind);
            return Err(wrong(format!("a {kind} cannot be rendered by this release")));
        }
        let report: PingReport = serde_json::from_value(document["ping"].clone())
            .map_err(|error| wrong(format!("no report of ping: {error}")))?;
        self.from = peer(&document["source"]);
        self.to = vec![peer(&document["target"])];
        self.request = PingRequest::to(report.host.to_string());
        Ok(report)
    }
}

/// An end of the probe, from a document of ours or of anybody's.
fn peer(value: &Value) -> Peer {
    let text = |key: &str| value[key].as_str().map(|text| Untrusted::from(text).to_string());
    Peer {
        kind: match value["kind"].as_str() {
            Some("pod") => PeerKind::Pod,
            Some("node") => PeerKind::Node,
            Some("svc") => PeerKind::Service,
            Some("local") => PeerKind::Local,
            Some("host") => PeerKind::Host,
            _ => PeerKind::Address,
        },
        namespace: text("namespace"),
        name: text("name").unwrap_or_default(),
        node: text("node"),
        address: value["address"].as_str().and_then(|address| address.parse().ok()),
        ..Peer::default()
    }
}
