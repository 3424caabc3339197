//! dig's layout, line by line, so that the two can be laid beside each other (dig 9.18).

use std::io::{self, Write};

use jiff::tz::TimeZone;
use netdiag_wire::dns::{
    DnsMessage, DnsMode, DnsOutcome, DnsQuery, DnsReport, DnsTransport, Edns, Question, Rcode,
    Record, RecordType,
};

use super::{DnsView, answer, shown, waited};
use crate::{
    args::Shown,
    dns::words,
    render::{Screen, paint::Role},
};

/// Every query that was an answer, or the steps from the root.
pub(super) fn body(
    out: &mut dyn Write,
    screen: &Screen,
    view: &DnsView,
    report: &DnsReport,
) -> io::Result<()> {
    let is_trace = view.request.mode == DnsMode::Iterate;
    for (query, at) in answer::own_queries(report).zip(0..) {
        if at > 0 {
            writeln!(out)?;
        }
        let mut lines = Lines { shown: view.shown, lines: Vec::new() };
        match (&query.message, is_trace) {
            (Some(message), true) => lines.step(query, message),
            (Some(message), false) => lines.message(query, message, view),
            (None, _) => {}
        }
        lines.strangers(query);
        // Tabs are dig's; of what came from the network `shown` leaves none.
        for line in &lines.lines {
            writeln!(out, "{line}")?;
        }
        if query.message.is_none() {
            let fate = fate(query, view);
            writeln!(out, "{}", screen.paint(Role::Bad, &screen.safe(&fate)))?;
        }
    }
    Ok(())
}

/// `+short`: the data of the answers and nothing else.
pub(super) fn short(
    out: &mut dyn Write,
    screen: &Screen,
    view: &DnsView,
    report: &DnsReport,
) -> io::Result<()> {
    if let Some(entry) = &report.in_hosts {
        for address in &entry.addresses {
            writeln!(out, "{address}")?;
        }
    }
    for query in answer::own_queries(report) {
        let message = query.message.as_ref();
        for record in message.iter().flat_map(|message| &message.answer) {
            let data = shown(&record.data);
            let data = screen.safe(&data);
            let (server, ms) = (query.server, rtt_us(query) / 1_000);
            match view.shown.identify {
                true => writeln!(out, "{data} from server {server} in {ms} ms.")?,
                false => writeln!(out, "{data}")?,
            }
        }
    }
    Ok(())
}

struct Lines {
    shown: Shown,
    lines: Vec<String>,
}

impl Lines {
    fn push(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    fn message(&mut self, query: &DnsQuery, message: &DnsMessage, view: &DnsView) {
        let is_transfer = matches!(query.kind, RecordType::AXFR | RecordType::IXFR);
        if query.truncated_first && self.shown.comments {
            self.push(";; Truncated, retrying in TCP mode.");
        }
        if is_transfer && query.outcome == DnsOutcome::Answered {
            message.answer.iter().for_each(|record| self.record(record));
        } else {
            self.answer(query, message);
        }
        if self.shown.stats {
            self.statistics(query, message, is_transfer, view);
        }
        while self.lines.last().is_some_and(String::is_empty) {
            self.lines.pop();
        }
    }

    fn answer(&mut self, query: &DnsQuery, message: &DnsMessage) {
        if self.shown.comments {
            self.header(query, message);
        }
        if self.shown.question {
            self.title("QUESTION");
            message.question.iter().for_each(|question| self.lines.push(question_line(question)));
            self.gap();
        }
        for (is_shown, title, records) in [
            (self.shown.answer, "ANSWER", &message.answer),
            (self.shown.authority, "AUTHORITY", &message.authority),
            (self.shown.additional, "ADDITIONAL", &message.additional),
        ] {
            if is_shown && !records.is_empty() {
                self.title(title);
                records.iter().for_each(|record| self.record(record));
                self.gap();
            }
        }
    }

    fn title(&mut self, section: &str) {
        if self.shown.comments {
            self.push(format!(";; {section} SECTION:"));
        }
    }

    /// dig leaves the blank lines out where it leaves the comments out.
    fn gap(&mut self) {
        if self.shown.comments {
            self.push("");
        }
    }

    fn record(&mut self, record: &Record) {
        self.push(record_line(record, self.shown.ttl));
    }

    fn header(&mut self, query: &DnsQuery, message: &DnsMessage) {
        self.push(";; Got answer:");
        self.push(format!(
            ";; ->>HEADER<<- opcode: {}, status: {}, id: {}",
            message.opcode, message.rcode, message.id
        ));
        let flags = flags(message);
        let additional = message.additional.len() + usize::from(message.edns.is_some());
        self.push(format!(
            ";; flags:{flags}; QUERY: {}, ANSWER: {}, AUTHORITY: {}, ADDITIONAL: {additional}",
            message.question.len(),
            message.answer.len(),
            message.authority.len(),
        ));
        if message.flags.rd && !message.flags.ra {
            self.push(";; WARNING: recursion requested but not available");
        }
        if let (Some(problem), DnsOutcome::Malformed) = (&query.problem, query.outcome) {
            self.push(format!(";; Got bad packet: {}", shown(problem)));
        }
        self.push("");
        if let Some(edns) = &message.edns {
            self.push(";; OPT PSEUDOSECTION:");
            self.edns(edns);
        }
    }

    fn edns(&mut self, edns: &Edns) {
        let flags = if edns.dnssec_ok { " do" } else { "" };
        let (version, bytes) = (edns.version, edns.udp_bytes);
        self.push(format!("; EDNS: version: {version}, flags:{flags}; udp: {bytes}"));
        for error in &edns.extended_errors {
            let name = words::extended_error(error.code);
            let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
            let text = match error.text.as_bytes() {
                [] => String::new(),
                _ => format!(": ({})", shown(&error.text)),
            };
            self.push(format!("; EDE: {}{name}{text}", error.code));
        }
        for option in &edns.options {
            let data = match option.data.as_bytes() {
                [] => String::new(),
                _ => format!(": {}", shown(&option.data)),
            };
            self.push(format!("; {}{data}", option_name(option.code)));
        }
    }

    fn statistics(
        &mut self,
        query: &DnsQuery,
        message: &DnsMessage,
        is_transfer: bool,
        view: &DnsView,
    ) {
        let (server, port) = (query.server, query.port);
        let asked = query.server_name.as_ref().map_or_else(|| server.to_string(), shown);
        let transport = transport(query.transport);
        let when = view.started_at.to_zoned(TimeZone::UTC).strftime("%a %b %d %H:%M:%S UTC %Y");
        self.push(format!(";; Query time: {} msec", rtt_us(query) / 1_000));
        self.push(format!(";; SERVER: {server}#{port}({asked}) ({transport})"));
        self.push(format!(";; WHEN: {when}"));
        self.push(match is_transfer {
            true => format!(
                ";; XFR size: {} records (messages {}, bytes {})",
                message.answer.len(),
                message.messages.unwrap_or(1),
                message.size_bytes
            ),
            false => format!(";; MSG SIZE  rcvd: {}", message.size_bytes),
        });
    }

    /// One step of `+trace`.
    fn step(&mut self, query: &DnsQuery, message: &DnsMessage) {
        message.answer.iter().chain(&message.authority).for_each(|record| self.record(record));
        if !matches!(message.rcode, Rcode::NOERROR) {
            self.push(format!(";; status: {}", message.rcode));
        }
        let (server, port, bytes) = (query.server, query.port, message.size_bytes);
        let name = query.server_name.as_ref().map_or_else(|| server.to_string(), shown);
        let name = name.trim_end_matches('.');
        let ms = rtt_us(query) / 1_000;
        self.push(format!(";; Received {bytes} bytes from {server}#{port}({name}) in {ms} ms"));
    }

    /// Answers that were not used.
    fn strangers(&mut self, query: &DnsQuery) {
        if let Some(strangers) = words::discarded(&query.discarded) {
            self.push(format!(";; Warning: thrown away: {strangers}"));
        }
    }
}

/// What became of a query that nobody answered.
fn fate(query: &DnsQuery, view: &DnsView) -> String {
    let (server, port) = (query.server, query.port);
    let who = view.server(server).map(|who| format!(" ({who})")).unwrap_or_default();
    let at = format!("{server}#{port}{who}, {}", transport(query.transport));
    let problem = query.problem.as_ref().map(|problem| format!(": {}", shown(problem)));
    let problem = problem.unwrap_or_default();
    match query.outcome {
        DnsOutcome::Silence => {
            format!(";; silence: {} to {at}", waited(query.sent.into(), query.took_us))
        }
        DnsOutcome::Refused => format!(";; refused: RST from {at}"),
        DnsOutcome::Reset => format!(";; reset: by {at}"),
        DnsOutcome::TlsFailed => format!(";; TLS failed: with {at}{problem}"),
        DnsOutcome::HttpFailed => format!(";; HTTP failed: with {at}{problem}"),
        DnsOutcome::Malformed => format!(";; Got bad packet{problem}"),
        DnsOutcome::Rejected
        | DnsOutcome::NotSent
        | DnsOutcome::Overtaken
        | DnsOutcome::Answered
        | DnsOutcome::NoData
        | DnsOutcome::Referral
        | DnsOutcome::NxDomain
        | DnsOutcome::ServFail
        | DnsOutcome::RefusedQuery
        | DnsOutcome::OtherCode
        | DnsOutcome::Unknown => format!(";; {} ({at})", super::fate(query).text),
    }
}

/// Of the try that was answered.
fn rtt_us(query: &DnsQuery) -> u64 {
    query.rtt_us.unwrap_or(query.took_us)
}

fn transport(transport: DnsTransport) -> &'static str {
    match transport {
        DnsTransport::Udp => "UDP",
        DnsTransport::Tcp => "TCP",
        DnsTransport::Tls => "TLS",
        DnsTransport::Https => "HTTPS",
        DnsTransport::Unknown => "?",
    }
}

fn flags(message: &DnsMessage) -> String {
    let flags = &message.flags;
    let words = [
        (flags.qr, "qr"),
        (flags.aa, "aa"),
        (flags.tc, "tc"),
        (flags.rd, "rd"),
        (flags.ra, "ra"),
        (flags.ad, "ad"),
        (flags.cd, "cd"),
    ];
    let set = words.iter().filter(|(is_set, _)| *is_set);
    let words: String = set.map(|(_, word)| format!(" {word}")).collect();
    if flags.z { format!("{words}; MBZ: 0x4") } else { words }
}

/// As dig names the options that it knows.
fn option_name(code: u16) -> String {
    match code {
        1 => "LLQ".into(),
        2 => "UPDATE-LEASE".into(),
        3 => "NSID".into(),
        5 => "DAU".into(),
        6 => "DHU".into(),
        7 => "N3U".into(),
        8 => "CLIENT-SUBNET".into(),
        9 => "EXPIRE".into(),
        10 => "COOKIE".into(),
        11 => "TCP KEEPALIVE".into(),
        12 => "PAD".into(),
        14 => "KEY-TAG".into(),
        16 => "CLIENT-TAG".into(),
        17 => "SERVER-TAG".into(),
        other => format!("OPT={other}"),
    }
}

/// Columns of dig's style: TTL, class, type, data.
const TTL: usize = 24;
const CLASS: usize = 32;
const TYPE: usize = 40;
const DATA: usize = 48;

fn record_line(record: &Record, has_ttl: bool) -> String {
    let mut line = Columns::new(&shown(&record.name));
    // Without TTLs the others move up by one column.
    let (class, kind, data) = if has_ttl { (CLASS, TYPE, DATA) } else { (TTL, CLASS, TYPE) };
    if has_ttl {
        line.at(TTL, &record.ttl_seconds.to_string());
    }
    line.at(class, &record.class.to_string());
    line.at(kind, &record.kind.to_string());
    line.at(data, &shown(&record.data));
    line.text
}

fn question_line(question: &Question) -> String {
    let mut line = Columns::new(&shown(&question.name));
    line.at(CLASS, &question.class.to_string());
    line.at(TYPE, &question.kind.to_string());
    format!(";{}", line.text)
}

/// A line that is led to its columns by tabs, as BIND's `indent` does (lib/dns/masterdump.c).
struct Columns {
    text: String,
    column: usize,
}

impl Columns {
    fn new(name: &str) -> Self {
        Self { text: name.to_owned(), column: name.len() }
    }

    fn at(&mut self, column: usize, text: &str) {
        let to = column.max(self.column + 1);
        let tabs = to / 8 - self.column / 8;
        let from = if tabs > 0 { to / 8 * 8 } else { self.column };
        self.text.push_str(&"\t".repeat(tabs));
        self.text.push_str(&" ".repeat(to - from));
        self.text.push_str(text);
        self.column = to + text.len();
    }
}
