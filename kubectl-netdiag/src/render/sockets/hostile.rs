//! B10 for sockets: names that processes gave themselves and paths of unix sockets steer nothing.

use netdiag_wire::{
    Event, Line, MissingRight, Untrusted,
    sockets::{SocketEntry, SocketProcess, SocketState, SocketsEvent, UnixKind, UnixSocket},
};

use super::scene::{SocketsScene, connection, listens, port, unheard};
use crate::{
    cluster::leads::Lead,
    finding::PeerKind,
    render::{
        Document, Format, Screen, Span, document,
        hostile::{assert_harmless, at, hostile_names, hostile_peer, payloads},
        sockets, stream_line, verdict,
    },
};

const FORMATS: [Format; 6] =
    [Format::Text, Format::Wide, Format::Json, Format::Ndjson, Format::Yaml, Format::Verdict];

/// A table in which everybody and everything is called so.
fn scene(text: &str) -> SocketsScene {
    let mut scene = SocketsScene::listening();
    scene.events = vec![SocketsEvent::Process(SocketProcess {
        pid: 4711,
        container_pid: Some(1),
        name: text.into(),
        container_id: Some(text.into()),
    })];
    scene.place = hostile_peer(PeerKind::Pod, text);
    scene.known.names = hostile_names(text);
    // Object names come from the API through the same escape.
    let safe = Untrusted::from(text).to_string();
    scene.known.containers = [(safe.clone(), safe)].into();
    scene.known.leads = vec![Lead { service: text.into(), port: port(text, 80), target: 8080 }];
    let unix = UnixSocket { kind: UnixKind::Stream, name: Some(text.into()), peer_inode: None };
    let full = SocketEntry {
        unix: Some(Box::new(unix)),
        local: None,
        protocol: netdiag_wire::sockets::SocketProtocol::Unix,
        ..listens("0.0.0.0", 1, 129, 128)
    };
    let stuck = SocketEntry {
        retransmits: std::num::NonZeroU32::new(5),
        tcp_info: unheard(4_200_000, 5),
        interface: Some(text.into()),
        ..connection(SocketState::Established, 1, ("10.244.1.7", 80))
    };
    scene
        .counters(0, &[(text, text, 1), ("TcpExt", "ListenOverflows", 1)])
        .counters(1, &[(text, text, 2), ("TcpExt", "ListenOverflows", 3)])
        .of(4711, full)
        .of(4711, listens("127.0.0.1", 8080, 0, 128))
        .of(4711, stuck)
}

fn scenes(text: &str) -> Vec<SocketsScene> {
    let [resource, right, user] = [text; 3].map(Untrusted::from);
    let missing = MissingRight { resource, right, namespace: Some(text.into()), user };
    let mut stats = scene(text);
    stats.shown.has_stats = true;
    stats.screen.detail = 1;
    vec![scene(text), stats, scene(text).then(SocketsEvent::Skipped { missing })]
}

/// Everything that is printed of one table.
fn everything(screen: &Screen, scene: &SocketsScene) -> Vec<u8> {
    let mut out = Vec::new();
    for event in &scene.events {
        let line = Line { at: at(), event: Event::Probe(event.clone()) };
        stream_line(&mut out, screen, &line).unwrap();
    }
    let report = scene.report();
    let view = scene.view(&report);
    sockets(&mut out, screen, &view, None).unwrap();
    let findings = scene.findings();
    verdict(&mut out, screen, &findings).unwrap();
    let span = Span { started_at: at(), took_us: 1 };
    let report = Document::new("SocketsReport", span, &findings)
        .from(scene.place.clone())
        .part("sockets", &report)
        .and_then(|document| document.part("addresses", &view.addresses()))
        .and_then(|document| document.part("containers", &scene.known.containers));
    document(&mut out, screen, &report.unwrap()).unwrap();
    out
}

fn all(format: Format, text: &str) -> String {
    let shown = scenes(text).into_iter().flat_map(|scene| {
        let detail = scene.screen.detail;
        everything(&Screen { format, detail, ..Screen::default() }, &scene)
    });
    String::from_utf8(shown.collect()).unwrap()
}

#[test]
fn b10_payloads_in_a_socket_tables_fields_of_6_formats_steer_nothing() {
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
fn b10_every_field_of_a_socket_table_is_really_reached() {
    // A mark instead of a payload: what does not carry it here is not tested above.
    for (format, at_least) in FORMATS.into_iter().zip([20, 20, 20, 20, 20, 5]) {
        let reached = all(format, "MARK").matches("MARK").count();
        assert!(reached >= at_least, "{format:?}: {reached}\n{}", all(format, "MARK"));
    }
}
