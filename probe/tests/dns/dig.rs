//! One question in dig's own words, asked by dig and by the engine, and what both show of the answer.

use netdiag_wire::{
    Family, Untrusted,
    dns::{
        DnsMessage, DnsOutcome, DnsQuery, DnsRequest, DnsServer, DnsTransport, EdnsOption,
        Question, Record, RecordType,
    },
};

use crate::lab::Netns;

/// What stands on dig's screen, part by part; times are left out.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Printed {
    pub(crate) status: String,
    pub(crate) flags: String,
    /// Of the question, answer, authority and additional section.
    pub(crate) counts: Vec<usize>,
    pub(crate) edns: Vec<String>,
    pub(crate) question: Vec<String>,
    /// In the order of the sections.
    pub(crate) records: [Vec<Line>; 3],
    pub(crate) server: String,
    pub(crate) transport: String,
    pub(crate) size: String,
}

#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) ttl: u32,
    pub(crate) class: String,
    pub(crate) kind: String,
    pub(crate) data: String,
}

/// Runs dig with these arguments.
pub(crate) fn dig(namespace: &Netns, arguments: &str) -> String {
    let arguments: Vec<&str> = arguments.split(' ').collect();
    String::from_utf8_lossy(&namespace.output("dig", &arguments).stdout).into_owned()
}

impl Printed {
    /// The last message that dig printed.
    pub(crate) fn by_dig(output: &str) -> Self {
        let mut printed = Self::default();
        let mut section = None;
        for line in output.lines() {
            printed.read(line, &mut section);
        }
        printed
    }

    fn read(&mut self, line: &str, section: &mut Option<usize>) {
        const SECTIONS: [&str; 5] =
            ["QUESTION", "ANSWER", "AUTHORITY", "ADDITIONAL", "OPT PSEUDOSECTION:"];
        if let Some(header) = line.strip_prefix(";; ->>HEADER<<- ") {
            *self = Self { status: after(header, "status: ", ","), ..Self::default() };
        } else if let Some(flags) = line.strip_prefix(";; flags:") {
            let (flags, counts) = flags.split_once(';').unwrap();
            flags.trim().clone_into(&mut self.flags);
            let numbers = counts.split(", ").map(|count| count.rsplit_once(' ').unwrap().1);
            self.counts = numbers.map(|number| number.parse().unwrap()).collect();
        } else if let Some(server) = line.strip_prefix(";; SERVER: ") {
            let (server, transport) = server.rsplit_once(" (").unwrap();
            self.server = server.split('(').next().unwrap().to_owned();
            transport.trim_end_matches(')').clone_into(&mut self.transport);
        } else if let Some(size) = line.strip_prefix(";; MSG SIZE  rcvd: ") {
            size.clone_into(&mut self.size);
        } else if let Some(size) = line.strip_prefix(";; XFR size: ") {
            size.clone_into(&mut self.size);
        } else if let Some(title) = line.strip_prefix(";; ").filter(|t| t.ends_with("SECTION:")) {
            *section = SECTIONS.iter().position(|word| title.starts_with(word));
        } else if !line.is_empty() && !line.starts_with(";;") {
            self.read_in(line, *section);
        }
    }

    fn read_in(&mut self, line: &str, section: Option<usize>) {
        match section {
            Some(0) => {
                let words: Vec<_> = line.trim_start_matches(';').split_whitespace().collect();
                self.question.push(words.join(" "));
            }
            Some(4) => self.edns.push(shape(line.trim_start_matches("; "))),
            Some(section) => self.records[section - 1].push(Line::by_dig(line)),
            // A zone transfer has no sections.
            None if !line.starts_with(';') => self.records[0].push(Line::by_dig(line)),
            None => {}
        }
    }

    /// The same of the engine's, where there was an answer.
    pub(crate) fn by_engine(query: &DnsQuery) -> Self {
        let none = DnsMessage::default();
        let message = query.message.as_ref().unwrap_or(&none);
        let is_transfer = query.kind == RecordType::AXFR && query.outcome == DnsOutcome::Answered;
        let sections = [&message.answer, &message.authority, &message.additional];
        let lines = sections.map(|records| records.iter().map(Line::by_engine).collect());
        let mut printed = Self {
            records: lines,
            server: format!("{}#{}", query.server, query.port),
            transport: format!("{:?}", query.transport).to_uppercase(),
            size: message.size_bytes.to_string(),
            ..Self::default()
        };
        if is_transfer {
            let messages = message.messages.unwrap_or(1);
            let [records, bytes] = [message.answer.len() as u64, message.size_bytes];
            printed.size = format!("{records} records (messages {messages}, bytes {bytes})");
            return printed;
        }
        printed.status = message.rcode.to_string();
        printed.flags = flags(message);
        let opt = usize::from(message.edns.is_some());
        printed.counts = vec![message.question.len()];
        printed.counts.extend(sections.map(Vec::len));
        printed.counts[3] += opt;
        printed.edns = edns(message);
        let question = |q: &Question| format!("{} {} {}", text(&q.name), q.class, q.kind);
        printed.question = message.question.iter().map(question).collect();
        printed
    }

    /// A resolver's clock may tick between two questions.
    pub(crate) fn forgive_a_second(&mut self, other: &Self) {
        for (mine, theirs) in self.records.iter_mut().flatten().zip(other.records.iter().flatten())
        {
            if mine.ttl.abs_diff(theirs.ttl) <= 1 {
                mine.ttl = theirs.ttl;
            }
        }
    }
}

impl Line {
    pub(crate) fn by_dig(line: &str) -> Self {
        let mut rest = line;
        let mut word = || {
            let (word, after) = rest.split_once(['\t', ' ']).unwrap_or((rest, ""));
            rest = after.trim_start();
            word.to_owned()
        };
        let [name, ttl, class, kind] = [word(), word(), word(), word()];
        let ttl = ttl.parse().unwrap_or_else(|_| panic!("{line}"));
        Self { name, ttl, class, kind, data: rest.to_owned() }
    }

    pub(crate) fn by_engine(record: &Record) -> Self {
        Self {
            name: text(&record.name),
            ttl: record.ttl_seconds,
            class: record.class.to_string(),
            kind: record.kind.to_string(),
            data: text(&record.data),
        }
    }
}

fn after(text: &str, start: &str, end: &str) -> String {
    text.split(start).nth(1).unwrap().split(end).next().unwrap().to_owned()
}

fn flags(message: &DnsMessage) -> String {
    let set = message.flags;
    let flags = [
        (set.qr, "qr"),
        (set.aa, "aa"),
        (set.tc, "tc"),
        (set.rd, "rd"),
        (set.ra, "ra"),
        (set.ad, "ad"),
        (set.cd, "cd"),
    ];
    flags.iter().filter(|flag| flag.0).map(|flag| flag.1).collect::<Vec<_>>().join(" ")
}

/// As it came: it is in presentation form already.
fn text(untrusted: &Untrusted) -> String {
    String::from_utf8(untrusted.as_bytes().to_vec()).unwrap()
}

fn edns(message: &DnsMessage) -> Vec<String> {
    let Some(edns) = &message.edns else { return Vec::new() };
    let flags = if edns.dnssec_ok { " do" } else { "" };
    let mut lines =
        vec![format!("EDNS: version: {}, flags:{flags}; udp: {}", edns.version, edns.udp_bytes)];
    lines.extend(edns.options.iter().map(option));
    let mut lines: Vec<_> = lines.iter().map(|line| shape(line)).collect();
    lines.extend(edns.extended_errors.iter().map(|error| match error.text.as_bytes() {
        [] => format!("EDE: {}", error.code),
        _ => format!("EDE: {} ({})", error.code, text(&error.text)),
    }));
    lines
}

fn option(option: &EdnsOption) -> String {
    let word = match option.code {
        3 => "NSID".into(),
        8 => "CLIENT-SUBNET".into(),
        10 => "COOKIE".into(),
        12 => "PAD".into(),
        other => format!("OPT={other}"),
    };
    format!("{word}: {}", text(&option.data))
}

/// A cookie without what is made up anew each time; an extended error without its name.
fn shape(line: &str) -> String {
    if let Some(cookie) = line.strip_prefix("COOKIE: ") {
        let (hex, word) = cookie.split_once(' ').unwrap_or((cookie, ""));
        return format!("COOKIE: {} bytes {word}", hex.len() / 2);
    }
    match (line.strip_prefix("EDE: "), line.split_once(" (")) {
        (Some(_), Some((code, rest))) => {
            let text = rest.split_once("): ").map_or(String::new(), |(_, text)| format!(" {text}"));
            format!("{code}{text}")
        }
        _ => line.to_owned(),
    }
}

/// dig's arguments as the plugin would take them.
pub(crate) fn request(arguments: &str) -> DnsRequest {
    let mut request = DnsRequest::ask("", RecordType::A, "");
    let mut words = arguments.split(' ');
    let mut port = None;
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap();
        match word {
            "-4" => request.family = Family::V4,
            "-6" => request.family = Family::V6,
            "-p" => port = value().parse().ok(),
            "-b" => source(&mut request, value()),
            "-c" => request.class = value().parse().unwrap(),
            "-x" => (request.name, request.types) = (reverse(value()), vec![RecordType::PTR]),
            _ if word.starts_with('+') => option_of(&mut request, word),
            _ if word.starts_with('@') => word[1..].clone_into(&mut request.servers[0].host),
            _ if request.name.is_empty() => word.clone_into(&mut request.name),
            _ => request.types = vec![word.parse().unwrap()],
        }
    }
    let host = request.servers[0].host.clone();
    request.servers = vec![DnsServer { host, port }];
    request
}

fn source(request: &mut DnsRequest, text: &str) {
    let (address, port) = text.split_once('#').unwrap_or((text, ""));
    request.source_address = address.parse().ok();
    request.source_port = port.parse().ok();
}

fn reverse(address: &str) -> String {
    let mut labels: Vec<&str> = address.split('.').collect();
    labels.reverse();
    format!("{}.in-addr.arpa", labels.join("."))
}

fn option_of(request: &mut DnsRequest, word: &str) {
    let options = &mut request.options;
    let (word, value) = word.split_once('=').unwrap_or((word, ""));
    let some = || Some(value.to_owned());
    match word {
        "+tcp" => options.transport = DnsTransport::Tcp,
        "+tls" => options.transport = DnsTransport::Tls,
        "+https" => options.transport = DnsTransport::Https,
        "+ignore" => options.keep_truncated = true,
        "+norecurse" => options.no_recurse = true,
        "+cdflag" => options.checking_disabled = true,
        "+noadflag" => options.no_ad = true,
        "+noedns" => options.no_edns = true,
        "+dnssec" => options.dnssec_ok = true,
        "+bufsize" => options.bufsize = value.parse().unwrap(),
        "+nsid" => options.nsid = true,
        "+nocookie" => options.no_cookie = true,
        "+cookie" => options.cookie = some(),
        "+subnet" => options.subnet = some(),
        "+timeout" => options.timeout_us = value.parse::<u32>().ok().map(|s| s * 1_000_000),
        "+tries" => options.tries = value.parse().ok(),
        other => panic!("{other}"),
    }
}
