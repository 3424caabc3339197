//! T23, B10 for http: whatever bytes stand in whatever field of an exchange, no output steers a
//! terminal or forges a line.

use netdiag_wire::{
    Event, Line,
    http::{HttpEnd, HttpEvent, HttpField, HttpInterim, HttpOver},
};

use super::scene::{HttpScene, checkout};
use crate::{
    finding::PeerKind,
    render::{
        Document, Format, Screen, Span, document,
        hostile::{assert_harmless, at, hostile_peer, payloads, screens},
        stream_line,
    },
};

/// The exchanges that show the most, with `text` in every field that a server fills.
fn scenes(text: &str) -> Vec<HttpScene> {
    let names = ["server", "content-type", "location", "retry-after", "www-authenticate", "x-a"];
    let fields: Vec<_> = names.iter().map(|name| (*name, text)).collect();
    let scene = || {
        let mut scene = HttpScene::of("http://web/", checkout()).connected(520);
        scene.context.from = hostile_peer(PeerKind::Pod, text);
        scene
    };
    let malformed = || HttpEnd::Malformed { why: text.into(), said: text.into() };
    let interim = HttpInterim { status: 103, fields: vec![HttpField::new(text, text)] };
    let interim = HttpEvent::Interim { status: interim.status, fields: interim.fields };
    let trailers = vec![HttpField::new(text, text)];
    let over = HttpOver { trailers, ..HttpOver::default() };
    vec![
        scene().then(interim).answered(200, &fields, 900).then(HttpEvent::Over(Box::new(over))),
        scene().answered(302, &fields, 900).over(1, 1, malformed()),
        scene().answered(401, &fields, 900).over(1, 1, HttpEnd::Whole),
        scene().answered(503, &fields, 900).over(1, 1, HttpEnd::Whole),
        scene().then(HttpEvent::Sending).over(0, 0, malformed()),
    ]
}

fn everything(screen: &Screen, text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for mut scene in scenes(text) {
        scene.screen = screen.clone();
        out.extend(scene.shown().into_bytes());
        for event in &scene.events {
            let line = Line { at: at(), event: Event::Probe(event.clone()) };
            stream_line(&mut out, screen, &line).unwrap();
        }
        let trail = scene.trail();
        let span = Span { started_at: at(), took_us: 1 };
        let findings = scene.findings(&trail);
        let whole = Document::new("HttpReport", span, &findings)
            .part("http", &trail.last().report)
            .unwrap();
        document(&mut out, screen, &whole).unwrap();
    }
    out
}

#[test]
fn b10_140_payloads_in_every_field_of_an_exchange_steer_nothing() {
    let payloads = payloads();
    assert_eq!(payloads.len(), 140);
    for screen in screens() {
        let lines = |shown: &[u8]| shown.iter().filter(|byte| **byte == b'\n').count();
        let harmless = lines(&everything(&screen, "ab"));
        for payload in &payloads {
            let shown = everything(&screen, payload);
            assert_harmless(&shown, payload);
            assert_eq!(lines(&shown), harmless, "{payload:?} in {:?}", screen.format);
        }
    }
}

#[test]
fn b10_every_field_of_an_exchange_is_really_reached() {
    for screen in screens() {
        let shown = String::from_utf8(everything(&screen, "MARK")).unwrap();
        let reached = shown.matches("MARK").count();
        let at_least = match screen.format {
            Format::Text | Format::Wide => 45,
            Format::Verdict => 1,
            _ => 30,
        };
        assert!(reached >= at_least, "{:?}: {reached}\n{shown}", screen.format);
    }
}
