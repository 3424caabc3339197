//! `render FILE|-`: a saved `-o ndjson`, or what `netdiag-agent local` prints, as people read it.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    net::IpAddr,
    path::Path,
};

use jiff::Timestamp;
use netdiag_wire::{EndReason, ErrorBody, Event, Line, Untrusted};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    agent::refusal,
    args::RenderArgs,
    code, connect, dns,
    finding::{Failure, Peer, PeerKind, Severity},
    http, listen, local, ping,
    probe::Conclusion,
    render::{self, Span},
    scan,
    session::{Clock, Session, Stopped},
    sockets, tls, trace,
};

/// A line of events is far shorter; the document at the end may be long.
const MAX_LINE: u64 = 16 * 1024 * 1024;

/// A probe that is shown again from its events, without its command line.
pub(crate) trait Replay: Default {
    const NAME: &'static str;
    const KIND: &'static str;
    type Event: DeserializeOwned + Serialize;
    /// Nothing is shown before the end, so that a document tells more than the events.
    const IS_WHOLE: bool;

    fn take(
        &mut self,
        from: &mut Peer,
        event: Self::Event,
        at: Timestamp,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped>;

    /// From a document, without its events.
    fn of_document(&mut self, document: &Value, to: Peer) -> serde_json::Result<()>;

    /// The conclusion and the target; none where there was no event of this probe.
    fn conclude(
        self,
        from: &Peer,
        ended: Option<EndReason>,
        session: &mut Session<'_>,
    ) -> Result<Option<(Conclusion, Option<Peer>)>, Stopped>;
}

/// Reads line by line, so that what is still being written is shown as it comes.
pub(crate) fn run(args: &RenderArgs, session: &mut Session<'_>) -> Result<Severity, Stopped> {
    show(Input { path: &args.file, read: open(&args.file)? }, session)
}

fn show(mut input: Input<'_>, session: &mut Session<'_>) -> Result<Severity, Stopped> {
    let clock = Clock::now();
    let mut before = Vec::new();
    while let Some(value) = input.next()? {
        let whose = whose(&value);
        before.push(value);
        match whose {
            Whose::Nobodys => {}
            Whose::Ping => return replay::<ping::Saved>(before, input, session, clock),
            Whose::Trace => return replay::<trace::Saved>(before, input, session, clock),
            Whose::Connect => return replay::<connect::Saved>(before, input, session, clock),
            Whose::Listen => return replay::<listen::Saved>(before, input, session, clock),
            Whose::Scan => return replay::<scan::Saved>(before, input, session, clock),
            Whose::Dns => return replay::<dns::Saved>(before, input, session, clock),
            Whose::Http => return replay::<http::Saved>(before, input, session, clock),
            Whose::Tls => return replay::<tls::Saved>(before, input, session, clock),
            Whose::Sockets => return replay::<sockets::Saved>(before, input, session, clock),
            Whose::Another(kind) => {
                let why = format!("a {kind} cannot be rendered by this release");
                return Err(input.wrong(&why).into());
            }
        }
    }
    // Nothing but what every stream has: an error of the agent, or too little.
    replay::<ping::Saved>(before, input, session, clock)
}

/// Which probe a line belongs to.
enum Whose {
    /// It stands in every stream.
    Nobodys,
    Ping,
    Trace,
    Connect,
    Listen,
    Dns,
    Sockets,
    Scan,
    Tls,
    Http,
    Another(Untrusted),
}

fn whose(line: &Value) -> Whose {
    if line.get("apiVersion").is_some() {
        return match line["kind"].as_str().unwrap_or_default() {
            "PingReport" if line.get("service").is_some() => {
                Whose::Another("ping of a Service".into())
            }
            "PingReport" => Whose::Ping,
            "TraceReport" => Whose::Trace,
            "ConnectReport" => Whose::Connect,
            "ListenReport" => Whose::Listen,
            "DnsReport" => Whose::Dns,
            "SocketsReport" => Whose::Sockets,
            "ScanReport" => Whose::Scan,
            "TlsReport" => Whose::Tls,
            "HttpReport" => Whose::Http,
            other => Whose::Another(other.into()),
        };
    }
    match line["event"].as_str() {
        Some("accepted") if line.get("from").is_some() => Whose::Listen,
        Some("listening") => Whose::Listen,
        Some("accepted" | "heartbeat" | "end" | "error") => Whose::Nobodys,
        Some("started") if line.get("lane").is_some() => Whose::Scan,
        Some("started") if line.get("method").is_some() => Whose::Trace,
        Some("started") if line.get("addresses").is_some() => Whose::Connect,
        Some("reaching") => Whose::Http,
        Some("dialing" | "connection" | "certificate" | "staple" | "handshake") => Whose::Tls,
        Some("attempt") => Whose::Connect,
        Some("flow" | "hop" | "name" | "passes" | "intercepted") => Whose::Trace,
        Some("resolver" | "inHosts" | "query" | "records" | "link") => Whose::Dns,
        Some("sockets" | "process" | "counters" | "round" | "skipped") => Whose::Sockets,
        _ => Whose::Ping,
    }
}

/// The file as JSON values, one a line, but for a document that is spread over many.
struct Input<'a> {
    path: &'a Path,
    read: Box<dyn BufRead>,
}

impl Input<'_> {
    fn next(&mut self) -> Result<Option<Value>, Failure> {
        let mut line = Vec::new();
        while line.trim_ascii().is_empty() {
            line.clear();
            let read = (&mut self.read).take(MAX_LINE).read_until(b'\n', &mut line);
            if read.map_err(|error| self.wrong(&error.to_string()))? == 0 {
                return Ok(None);
            }
        }
        if line.len() as u64 == MAX_LINE {
            return Err(self.wrong("a line of more than 16 MiB"));
        }
        // The document of `-o json` is spread over lines: the rest belongs to it.
        if line.trim_ascii() == b"{" {
            let read = (&mut self.read).take(MAX_LINE).read_to_end(&mut line);
            read.map_err(|error| self.wrong(&error.to_string()))?;
        }
        let value = serde_json::from_slice(&line);
        value.map(Some).map_err(|error| self.wrong(&format!("not what netdiag prints: {error}")))
    }

    fn wrong(&self, why: &str) -> Failure {
        unreadable(self.path, why)
    }
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

/// Shows what was read already and what is still to come.
fn replay<R: Replay>(
    before: Vec<Value>,
    mut input: Input<'_>,
    session: &mut Session<'_>,
    clock: Clock,
) -> Result<Severity, Stopped> {
    let mut stream = Stream::<R>::new();
    for value in before {
        stream.take(value, &input, session)?;
    }
    while let Some(value) = input.next()? {
        stream.take(value, &input, session)?;
    }
    stream.conclude(&input, session, clock)
}

/// What was read so far.
struct Stream<R> {
    replay: R,
    from: Peer,
    ended: Option<EndReason>,
    error: Option<ErrorBody>,
    has_events: bool,
    /// The document that ends a saved stream: it knows both ends by name.
    document: Option<Value>,
    /// When the probe ran, which is not when it is rendered.
    span: Option<Span>,
}

impl<R: Replay> Stream<R> {
    fn new() -> Self {
        Self {
            replay: R::default(),
            from: local::peer(),
            ended: None,
            error: None,
            has_events: false,
            document: None,
            span: None,
        }
    }

    fn take(
        &mut self,
        value: Value,
        input: &Input<'_>,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        if value.get("apiVersion").is_some() {
            self.span = span_of(&value).or(self.span);
            self.document = Some(value);
            return Ok(());
        }
        let line: Line<R::Event> = serde_json::from_value(value)
            .map_err(|error| input.wrong(&format!("no event of {}: {error}", R::NAME)))?;
        let started_at = self.span.map_or(line.at, |span| span.started_at);
        let took_us = line.at.duration_since(started_at).as_micros();
        self.span = Some(Span { started_at, took_us: took_us.try_into().unwrap_or_default() });
        if !matches!(line.event, Event::Heartbeat | Event::Error { .. }) {
            render::stream_line(session.out, &session.screen, &line)?;
        }
        match line.event {
            Event::Heartbeat => {}
            Event::Accepted { node, .. } => {
                let name = node.to_string();
                let node = Some(name.clone());
                self.from = Peer { kind: PeerKind::Node, name, node, ..Peer::default() };
            }
            Event::End { reason } => self.ended = Some(reason),
            Event::Error { error } => self.error = Some(error),
            Event::Probe(event) => {
                self.has_events = true;
                self.replay.take(&mut self.from, event, line.at, session)?;
            }
        }
        Ok(())
    }

    fn conclude(
        mut self,
        input: &Input<'_>,
        session: &mut Session<'_>,
        clock: Clock,
    ) -> Result<Severity, Stopped> {
        let is_wanted = R::IS_WHOLE || !self.has_events;
        if let Some(document) = self.document.take().filter(|_| is_wanted) {
            self.from = peer(&document["source"]);
            self.replay
                .of_document(&document, peer(&document["target"]))
                .map_err(|error| input.wrong(&format!("no report of {}: {error}", R::NAME)))?;
        }
        if let Some(error) = &self.error {
            let message = error.message.to_string();
            return Err(Failure::new(refusal::code_of(error.code), message).into());
        }
        let span = self.span.unwrap_or_else(|| clock.span());
        match self.replay.conclude(&self.from, self.ended, session)? {
            Some((conclusion, to)) => conclusion.show(R::KIND, span, (self.from, to), session),
            None => Err(input.wrong("no event of a probe").into()),
        }
    }
}

fn span_of(document: &Value) -> Option<Span> {
    let started_at = document["startedAt"].as_str()?.parse().ok()?;
    Some(Span { started_at, took_us: document["tookUs"].as_u64()? })
}

/// The target as it was typed: an address, or a name that the source resolved.
pub(crate) fn typed(host: &Untrusted, address: Option<IpAddr>, port: Option<u16>) -> Peer {
    let name = host.to_string();
    let is_address = address.is_some_and(|address| name.parse() == Ok(address));
    let kind = if is_address { PeerKind::Address } else { PeerKind::Host };
    Peer { kind, name, address, port, ..Peer::default() }
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
        port: value["port"].as_u64().and_then(|port| port.try_into().ok()),
        ..Peer::default()
    }
}

#[cfg(test)]
mod fuzz;
