//! B10 for scan: whatever bytes a banner, a process or an agent has, no output steers a terminal or
//! forges a line.

use netdiag_wire::{
    Event, IcmpMeaning, Line, SendRefusal, Untrusted,
    scan::{
        Confidence, Identity, OsGuess, PortState, ScanEvent, ScanHost, ScanProtocol, ScanRest,
        ScanWhy,
    },
};

use super::scene::{ScanScene, checkout};
use crate::{
    render::{
        Document, Format, Screen, Span, document,
        hostile::{assert_harmless, at, context, payloads},
        scene::icmp,
        stream_line,
    },
    scan::PortProcess,
};

const FORMATS: [Format; 6] =
    [Format::Text, Format::Wide, Format::Json, Format::Ndjson, Format::Yaml, Format::Verdict];

/// The example, where everybody bears the text.
fn scene(text: &str) -> ScanScene {
    let mut scene = checkout();
    // Few ports: what is tested are texts.
    for event in &mut scene.events {
        if let ScanEvent::Rest(rest) = event {
            rest.ports = "9090,9901-9950".parse().unwrap();
        }
    }
    let to = scene.context.to.address;
    scene.context = context(text);
    scene.context.to.address = to;
    scene.known.skipped = Some(Untrusted::from(text).to_string());
    for declared in &mut scene.known.declared {
        declared.name = Some(text.into());
    }
    for led in &mut scene.known.led {
        led.by = text.into();
    }
    for listener in scene.known.listeners.iter_mut().flatten() {
        let process =
            PortProcess { container: Some(text.into()), name: Untrusted::from(text), pid: 1 };
        listener.process = Some(process);
    }
    scene.request.identify = true;
    said(scene, text)
}

/// What the ports and their host say of themselves.
fn said(scene: ScanScene, text: &str) -> ScanScene {
    let address = scene.context.to.address.unwrap();
    let say = |port, product: bool| Identity {
        address,
        protocol: ScanProtocol::Tcp,
        port,
        speaks: vec![text.into(), text.into()],
        product: product.then(|| text.into()),
        version: product.then(|| text.into()),
        info: Some(text.into()),
        banner: Some(text.into()),
    };
    scene
        .then(ScanEvent::Host(ScanHost {
            address,
            name: Some(text.into()),
            is_up: true,
            why: None,
            rtt_us: None,
        }))
        .then(ScanEvent::Identified(say(8080, true)))
        .then(ScanEvent::Identified(say(8443, false)))
        .then(ScanEvent::Os(OsGuess {
            address,
            name: text.into(),
            confidence: Confidence::Low,
            ttl: 62,
            window: 1,
            options: text.into(),
        }))
        .then(ScanEvent::Rest(ScanRest {
            address,
            protocol: ScanProtocol::Udp,
            state: PortState::Filtered,
            why: ScanWhy::Rejected,
            by: Some([10, 89, 0, 12].into()),
            icmp: Some(icmp(IcmpMeaning::AdminProhibited, 3, 13)),
            refusal: None,
            ports: "53".parse().unwrap(),
        }))
        .not_sent("99", SendRefusal::Other { message: text.into() })
}

/// Everything that is printed of one scan.
fn everything(format: Format, text: &str) -> String {
    let screen = Screen { format, detail: 1, ..Screen::default() };
    let scene = ScanScene { screen: screen.clone(), ..scene(text) };
    let out = &mut scene.shown().into_bytes();
    for event in &scene.events {
        let line = Line { at: at(), event: Event::Probe(event.clone()) };
        stream_line(out, &screen, &line).unwrap();
    }
    let span = Span { started_at: at(), took_us: 1 };
    let report = Document::new("ScanReport", span, &scene.findings())
        .from(scene.context.from.clone())
        .to(scene.context.to.clone())
        .part("scan", &scene.report())
        .and_then(|document| document.part("known", &scene.known));
    document(out, &screen, &report.unwrap()).unwrap();
    String::from_utf8(std::mem::take(out)).unwrap()
}

#[test]
fn b10_140_banners_in_a_scans_fields_of_6_formats_steer_nothing() {
    for format in FORMATS {
        let lines = everything(format, "ab").lines().count();
        for payload in payloads() {
            let shown = everything(format, &payload);
            assert_harmless(shown.as_bytes(), &payload);
            assert_eq!(shown.lines().count(), lines, "{payload:?} makes lines in {format:?}");
        }
    }
}

#[test]
fn b10_every_field_of_a_scan_is_really_reached() {
    // A mark instead of a payload: what does not carry it here is not tested above.
    for (format, at_least) in FORMATS.into_iter().zip([20, 20, 20, 30, 20, 3]) {
        let reached = everything(format, "MARK").matches("MARK").count();
        assert!(reached >= at_least, "{format:?}: {reached}\n{}", everything(format, "MARK"));
    }
}
