//! T23, B10: whatever bytes stand in whatever field, no output steers a terminal or forges a line.

use std::net::IpAddr;

use jiff::Timestamp;
use netdiag_wire::{
    ErrorBody, ErrorCode, Event, IcmpMeaning, Line, SendRefusal, Untrusted,
    ping::{PingEvent, PingFold, PingRequest},
    untrusted::is_hostile,
};
use proptest::prelude::*;
use serde_json::Value;

use super::{
    Cell, Column, Document, Format, Names, NodeAddress, NodeFacts, PodFacts, Screen, Span, Table,
    document, failure, header, names::ServiceFacts, note, ping_event, scene, stream_line, table,
    verdict,
};
use crate::{
    diagnose::{self, Context},
    explain,
    finding::{Code, Failure, Finding, Label, Object, Peer, PeerKind, Severity},
};

const FORMATS: [Format; 6] =
    [Format::Text, Format::Wide, Format::Json, Format::Ndjson, Format::Yaml, Format::Verdict];

/// What people have sent to terminals, each a sentence of its own.
pub(crate) const CRAFTED: [&str; 40] = [
    "\x1b]52;c;cm0gLXJmIC8=\x07",
    "\x1b]52;p;?\x1b\\",
    "\u{9d}52;c;cm0gLXJm\u{9c}",
    "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "\x1b]0;title\x07",
    "\x1b]2;title\x1b\\",
    "\x1bk tmux title\x1b\\",
    "\x1bP@kitty-cmd{\"cmd\":\"launch\"}\x1b\\",
    "\x1b_Ga=T,f=100;AAAA\x1b\\",
    "\x1bP$q\"p\x1b\\",
    "\x1bP+q544e\x1b\\",
    "\x1b[c",
    "\x1b[6n",
    "\x1b[21t",
    "\x1b[2J\x1b[H",
    "\u{9b}2J",
    "\u{9b}31mFAIL",
    "\x1b[31;1mFAIL\x1b[0m",
    "\x1b[?1049h",
    "\x1b[?25l",
    "\x1b[1;1r",
    "\x1bc",
    "\x1b#8",
    "\x1b(0",
    "\x1b]4;1;?\x07",
    "\x1b]1337;File=name=eA==;inline=1:AAAA\x07",
    "\x1b]777;notify;a;b\x07",
    "\x1b]9;hello\x07",
    "\x1b]50;?\x07",
    "\x1b[20;1;\"cat /etc/passwd\"p",
    "well\rOK       3 of 3 echoes replied",
    "well\r\nOK       3 of 3 echoes replied",
    "well\nOK       3 of 3 echoes replied",
    "well\x0bOK\x0cOK",
    "FAIL\x08\x08\x08\x08OK  ",
    "\u{202e}liaf\u{202c}",
    "\u{2066}a\u{2069}\u{2067}b\u{2069}\u{2068}c\u{2069}",
    "f\u{200b}o\u{200c}o\u{200d}\u{feff}\u{2060}",
    "a\u{2028}OK\u{2029}OK",
    "'; rm -rf / #\\\"$(reboot)`id`\x1b",
];

/// [`CRAFTED`], and every single control and format character in the middle of a word.
pub(super) fn payloads() -> Vec<String> {
    let singles = (0u32..=0x1f)
        .chain(0x7f..=0x9f)
        .chain([0xad, 0x61c, 0x180e, 0xfeff, 0xe0001, 0xe0041, 0xe007f])
        .chain(0x200b..=0x200f)
        .chain(0x2028..=0x202e)
        .chain(0x2060..=0x206f);
    let single = singles.filter_map(char::from_u32).map(|c| format!("a{c}b"));
    CRAFTED.iter().map(|text| (*text).to_owned()).chain(single).collect()
}

pub(super) fn at() -> Timestamp {
    "2026-11-22T03:07:11Z".parse().unwrap()
}

pub(super) fn hostile_peer(kind: PeerKind, text: &str) -> Peer {
    Peer {
        kind,
        namespace: Some(text.into()),
        name: text.into(),
        uid: Some(text.into()),
        node: Some(text.into()),
        address: Some([10, 244, 1, 23].into()),
        port: None,
        words: vec![text.into()],
    }
}

pub(super) fn hostile_names(text: &str) -> Names {
    let node = NodeFacts {
        name: text.into(),
        addresses: vec![NodeAddress { address: [10, 89, 0, 11].into(), kind: text.into() }],
        pod_cidrs: vec!["10.244.1.0/24".parse().unwrap()],
        ready: Some(false),
        resource_version: text.into(),
        ..NodeFacts::default()
    };
    let pod = PodFacts {
        namespace: text.into(),
        name: text.into(),
        node: Some(text.into()),
        addresses: vec![[10, 244, 1, 7].into()],
        resource_version: text.into(),
        ..PodFacts::default()
    };
    let service = ServiceFacts {
        namespace: text.into(),
        name: text.into(),
        cluster_ips: vec![[10, 244, 1, 23].into()],
        ports: Vec::new(),
    };
    Names { nodes: vec![node], pods: vec![pod], services: vec![service] }
}

pub(super) fn context(text: &str) -> Context {
    let names = hostile_names(text);
    Context {
        from: hostile_peer(PeerKind::Pod, text),
        to: hostile_peer(PeerKind::Pod, &format!("{text}2")),
        default_source: true,
        target_pod: names.pods.first().cloned(),
        target_node: names.nodes.first().cloned(),
        names,
        now_at: at(),
    }
}

fn events(text: &str) -> Vec<PingEvent> {
    let address = IpAddr::from([10, 244, 1, 7]);
    let icmp = scene::icmp(IcmpMeaning::HostUnreachable, 3, 1);
    let refusal = SendRefusal::Other { message: text.into() };
    let mut rejections = Vec::new();
    for by in [[10, 89, 0, 11], [10, 244, 1, 1], [10, 244, 1, 7], [10, 244, 1, 23], [10, 244, 1, 9]]
    {
        let (by, icmp) = (by.into(), icmp.clone());
        rejections.push(PingEvent::Rejected { target: 0, seq: 1, by, icmp, after_us: 3_000_000 });
    }
    let socket = netdiag_wire::ping::SocketKind::Raw;
    let host = Untrusted::from(text);
    let mut events = vec![
        PingEvent::Started { target: 0, host, address, source: address, socket },
        PingEvent::Sent { target: 0, seq: 1 },
        PingEvent::Silence { target: 1, seq: 1, waited_us: 1_000_000 },
        PingEvent::NotSent { target: 0, seq: 2, refusal },
    ];
    events.extend(rejections);
    events
}

/// Everything that this crate prints, with `text` in every field that holds text.
fn everything(screen: &Screen, text: &str) -> Vec<u8> {
    let out = &mut Vec::new();
    let (context, events) = (context(text), events(text));
    let mut request = PingRequest::to(text);
    request.targets.push(request.targets[0].clone());
    header(out, screen, &context.from, std::slice::from_ref(&context.to)).unwrap();
    accepted(out, screen, text);
    let mut fold = PingFold::new(&request);
    for event in &events {
        fold.push(event);
        let line = Line { at: at(), event: Event::Probe(event.clone()) };
        stream_line(out, screen, &line).unwrap();
        ping_event(out, screen, &request, &context.names, event, at()).unwrap();
    }
    let error = ErrorBody::new(ErrorCode::Internal, text);
    let mut findings = Vec::new();
    let reports = fold.reports(None, Some(&error));
    for report in &reports {
        findings.extend(diagnose::ping(report, &request, &context));
    }
    findings.push(hostile_finding(text));
    note(out, screen, Code(901), &[text]).unwrap();
    table(out, screen, &hostile_table(text)).unwrap();
    verdict(out, screen, &findings).unwrap();
    let span = Span { started_at: at(), took_us: 1 };
    let report = Document::new("PingReport", span, &findings)
        .from(context.from.clone())
        .to(context.to.clone())
        .part("ping", &reports)
        .unwrap();
    document(out, screen, &report).unwrap();
    let cut = diagnose::cut_off(text, &context.from, text);
    failure(out, screen, &cut).unwrap();
    failure(out, screen, &explain::explain(Some(text)).unwrap_err()).unwrap();
    let labels = hostile_finding(text).labels;
    failure(out, screen, &Failure { code: None, message: text.into(), labels }).unwrap();
    out.clone()
}

fn accepted(out: &mut Vec<u8>, screen: &Screen, text: &str) {
    let event: Event<PingEvent> = Event::Accepted {
        probe_id: text.into(),
        agent: text.into(),
        node: text.into(),
        version: text.into(),
    };
    stream_line(out, screen, &Line { at: at(), event }).unwrap();
}

fn hostile_finding(text: &str) -> Finding {
    let text = text.to_owned();
    let argv = vec!["kubectl".to_owned(), "-n".to_owned(), text.clone()];
    let object = Object {
        kind: text.clone(),
        namespace: Some(text.clone()),
        name: text.clone(),
        resource_version: text.clone(),
    };
    Finding::new(Severity::Fail, Code(302), text.clone())
        .with(Label::Seen(text.clone()))
        .with(Label::SeenOf { text: text.clone(), object })
        .with(Label::Unless(text.clone()))
        .with(Label::Differ(text.clone()))
        .with(Label::Means(text.clone()))
        .with(Label::Note(text.clone()))
        .with(Label::Next(argv.clone()))
        .with(Label::Admin(argv))
        .with(Label::AdminText(text))
}

fn hostile_table(text: &str) -> Table {
    let column = Column { name: text.into(), nodes: true, drop: Some(1), ..Column::default() };
    let cells = || vec![Cell::doubtful(text), Cell::from(text)];
    Table { columns: vec![column.clone(), column], rows: vec![cells(), cells()] }
}

pub(super) fn screens() -> Vec<Screen> {
    let screen = |format| Screen { format, detail: 1, timestamps: true, ..Screen::default() };
    FORMATS.map(screen).into()
}

pub(super) fn assert_harmless(bytes: &[u8], payload: &str) {
    let shown = str::from_utf8(bytes).unwrap_or_else(|_| panic!("{payload:?} is shown raw"));
    let forbidden = shown.chars().find(|c| *c != '\n' && is_hostile(*c));
    assert_eq!(forbidden, None, "{payload:?} in {shown}");
}

#[test]
fn b10_140_payloads_in_every_field_of_6_formats_steer_nothing() {
    let payloads = payloads();
    assert_eq!((payloads.len(), CRAFTED.len()), (140, 40));
    for screen in screens() {
        let harmless = everything(&screen, "ab");
        let lines = harmless.split(|byte| *byte == b'\n').count();
        for payload in &payloads {
            let shown = everything(&screen, payload);
            assert_harmless(&shown, payload);
            let forged = shown.split(|byte| *byte == b'\n').count();
            assert_eq!(forged, lines, "{payload:?} makes lines in {:?}", screen.format);
        }
    }
}

#[test]
fn b10_every_field_is_really_reached() {
    // A mark instead of a payload: what does not carry it here is not tested above.
    for (screen, at_least) in screens().iter().zip([81, 81, 72, 78, 72, 23]) {
        let shown = String::from_utf8(everything(screen, "MARK")).unwrap();
        let reached = shown.matches("MARK").count();
        assert!(reached >= at_least, "{:?}: {reached}\n{shown}", screen.format);
    }
}

#[test]
fn b10_colour_adds_only_what_it_may() {
    for format in FORMATS {
        let screen = Screen { format, colour: true, ..Screen::default() };
        for payload in payloads() {
            let shown = String::from_utf8(everything(&screen, &payload)).unwrap();
            let mut plain = shown;
            for sgr in ["0", "1", "2", "31", "32", "33", "35", "36"] {
                plain = plain.replace(&format!("\x1b[{sgr}m"), "");
            }
            assert_harmless(plain.as_bytes(), &payload);
        }
    }
}

#[test]
fn b10_json_and_yaml_read_back_every_byte() {
    payloads().iter().for_each(|payload| reads_back(payload));
}

fn reads_back(payload: &str) {
    let span = Span { started_at: at(), took_us: 1 };
    let findings = [hostile_finding(payload)];
    let report = Document::new("PingReport", span, &findings).part("ping", &payload).unwrap();
    for format in [Format::Json, Format::Ndjson, Format::Yaml] {
        let mut out = Vec::new();
        document(&mut out, &Screen { format, ..Screen::default() }, &report).unwrap();
        let text = str::from_utf8(&out).unwrap();
        let read: Value = match format {
            Format::Yaml => serde_saphyr::from_str(text).unwrap(),
            _ => serde_json::from_str(text).unwrap(),
        };
        assert_eq!(read["ping"], payload, "{format:?}");
        assert_eq!(read, serde_json::to_value(&report).unwrap(), "{format:?}");
    }
}

#[test]
fn b10_bytes_that_are_no_text_are_shown_as_numbers() {
    for bytes in [vec![0x9b, 0x32, 0x4a], vec![0xff, 0xfe], b"a\xc2".to_vec(), vec![0xe2, 0x80]] {
        let refusal = SendRefusal::Other { message: bytes.clone().into() };
        let event = PingEvent::NotSent { target: 0, seq: 1, refusal };
        for screen in screens() {
            let mut out = Vec::new();
            let request = PingRequest::to("a");
            let line = Line { at: at(), event: Event::Probe(event.clone()) };
            stream_line(&mut out, &screen, &line).unwrap();
            ping_event(&mut out, &screen, &request, &Names::default(), &event, at()).unwrap();
            assert_harmless(&out, &format!("{bytes:?}"));
        }
    }
}

proptest! {
    /// Fuzz target 15 of security.md. Seen to fail with a writer of text that lets ESC through.
    #[test]
    fn b10_any_text_in_every_field_steers_nothing(text in "\\PC{0,8}(?s:.{1,24})\\PC{0,8}") {
        for screen in screens() {
            assert_harmless(&everything(&screen, &text), &text);
        }
    }

    #[test]
    fn b10_any_text_reads_back_from_json_and_yaml(text in "(?s).{0,60}") {
        reads_back(&text);
    }
}
