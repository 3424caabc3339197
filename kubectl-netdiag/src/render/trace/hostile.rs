//! B10 for trace: whatever bytes stand in its fields, no output of it steers a terminal, forges a
//! line or ends a string of the graph.

use netdiag_wire::{
    EndReason, Event, IcmpMeaning, Line, SendRefusal, Untrusted,
    trace::{
        Interface, MtuLimit, TraceEvent, TraceFold, TraceHop, TraceMethod, TraceOutcome,
        TraceProtocol, TraceReport,
    },
};
use serde_json::Value;

use super::{
    Hops, TraceView,
    scene::{TraceScene, answer, expired, rejected},
    trace_dot, trace_header, trace_sizes, trace_tree,
};
use crate::{
    diagnose,
    render::{
        Document, Format, Screen, Span, document, failure,
        hostile::{assert_harmless, at, context, payloads},
        scene::icmp,
        stream_line, verdict,
    },
};

const FORMATS: [Format; 7] = [
    Format::Text,
    Format::Wide,
    Format::Json,
    Format::Ndjson,
    Format::Yaml,
    Format::Verdict,
    Format::Dot,
];

/// A path on which everybody bears the text, in one flow or two.
fn scene(text: &str, flows: u8) -> TraceScene {
    let mut scene = TraceScene::tcp();
    scene.context = context(text);
    scene.context.to.address = Some([10, 244, 1, 7].into());
    scene.events[0] = TraceEvent::Started {
        host: Untrusted::from(text),
        address: [10, 244, 1, 7].into(),
        source: [10, 244, 1, 23].into(),
        method: TraceMethod::Sequential,
        port: Some(8080),
        interface: Some(Interface { name: Untrusted::from(text), mtu: 1500 }),
    };
    for flow in 0..flows {
        if flow > 0 {
            scene = scene.next_flow();
        }
        let prohibited = rejected([10, 89, 0, 11], 310, icmp(IcmpMeaning::AdminProhibited, 3, 13));
        let mut rewritten = expired([10, 244, 1, 1], 41);
        rewritten.rewritten_to = Some([10, 244, 1, 9].into());
        scene = scene.hop(1, &[rewritten, expired([198, 51, 100, 1], 40)]).hop(2, &[prohibited]);
    }
    scene.then(TraceEvent::Name { address: [198, 51, 100, 1].into(), name: Untrusted::from(text) })
}

/// The same path with another end each.
fn scenes(text: &str) -> Vec<TraceScene> {
    let not_sent = SendRefusal::Other { message: text.into() };
    let refused = TraceHop { ttl: 1, not_sent: Some(not_sent), ..TraceHop::default() };
    let silence = Some(MtuLimit::Silence { sent: 2 });
    let said = Some(MtuLimit::Icmp { address: [10, 89, 0, 11].into(), mtu: 1400 });
    let arrival = answer([10, 244, 1, 7].into(), 400, TraceOutcome::Open);
    let mut stopped = scene(text, 1);
    stopped.ended = Some(EndReason::SourceGone);
    let mut unsent = scene(text, 1);
    unsent.events.truncate(2);
    let mut silent = scene(text, 1);
    silent.events.remove(3);
    let mut plain = scene(text, 1);
    plain.request.protocol = TraceProtocol::Udp;
    vec![
        scene(text, 2),
        stopped,
        unsent.then(TraceEvent::Hop(refused)),
        silent.silent(2..=30, true),
        scene(text, 1).hop(3, &[arrival]),
        plain.passes(1, [10, 244, 1, 1], 1500, said).passes(2, [10, 89, 0, 11], 1400, silence),
    ]
}

/// Everything that is printed of one trace.
fn everything(screen: &Screen, scene: &TraceScene) -> Vec<u8> {
    let out = &mut Vec::new();
    let (request, context) = (&scene.request, &scene.context);
    let mut fold = TraceFold::new(request);
    let ends = (&context.from, &context.to);
    trace_header(out, screen, request, TraceMethod::Sequential, ends).unwrap();
    let mut hops = Hops::default();
    for event in &scene.events {
        fold.push(event);
        let line = Line { at: at(), event: Event::Probe(event.clone()) };
        stream_line(out, screen, &line).unwrap();
        if let TraceEvent::Hop(hop) = event {
            hops.push(hop.clone());
        }
    }
    let report: TraceReport = fold.report(scene.ended, None);
    let view = TraceView {
        request,
        report: &report,
        from: &context.from,
        to: &context.to,
        names: &context.names,
    };
    hops.show(out, screen, &view, true).unwrap();
    trace_tree(out, screen, &view).unwrap();
    trace_sizes(out, screen, &view).unwrap();
    let findings = diagnose::trace(&report, request, context);
    trace_dot(out, screen, &view, &findings).unwrap();
    verdict(out, screen, &findings).unwrap();
    let span = Span { started_at: at(), took_us: 1 };
    let report = Document::new("TraceReport", span, &findings)
        .from(context.from.clone())
        .to(context.to.clone())
        .part("trace", &report)
        .and_then(|document| document.part("addresses", &Value::Array(view.addresses())));
    document(out, screen, &report.unwrap()).unwrap();
    let cut = diagnose::cut_off("2 hops", &context.from, "it ended");
    failure(out, screen, &cut).unwrap();
    std::mem::take(out)
}

fn all(format: Format, text: &str) -> String {
    let screen = Screen { format, detail: 1, ..Screen::default() };
    let shown = scenes(text).iter().flat_map(|scene| everything(&screen, scene)).collect();
    String::from_utf8(shown).unwrap()
}

#[test]
fn b10_140_payloads_in_a_traces_fields_of_7_formats_steer_nothing() {
    for format in FORMATS {
        let lines = all(format, "ab").lines().count();
        for payload in payloads() {
            let shown = all(format, &payload);
            assert_harmless(shown.as_bytes(), &payload);
            assert_eq!(shown.lines().count(), lines, "{payload:?} makes lines in {format:?}");
        }
    }
}

#[test]
fn b10_every_field_of_a_trace_is_really_reached() {
    // A mark instead of a payload: what does not carry it here is not tested above.
    for (format, at_least) in FORMATS.into_iter().zip([120, 120, 60, 60, 60, 8, 55]) {
        let reached = all(format, "MARK").matches("MARK").count();
        assert!(reached >= at_least, "{format:?}: {reached}\n{}", all(format, "MARK"));
    }
}

/// No quote of a name ends a string of the graph: every line is one of the few forms.
#[test]
fn b10_no_name_leaves_its_string_in_the_graph() {
    for payload in payloads() {
        let shown = all(Format::Dot, &payload);
        for line in shown.lines().filter(|line| line.contains("label=")) {
            let plain = line.replace("\\\\", "").replace("\\\"", "");
            let quotes = plain.matches('"').count();
            assert!(quotes.is_multiple_of(2), "{payload:?}: {line}");
            assert!(line.ends_with("];"), "{payload:?}: {line}");
        }
    }
}
