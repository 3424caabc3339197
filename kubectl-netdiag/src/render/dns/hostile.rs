//! T23, B10 for names: whatever bytes stand in whatever field of a lookup, no output steers a
//! terminal or forges a line.

use netdiag_wire::{
    ErrorBody, ErrorCode, IcmpMeaning, SendRefusal, Untrusted,
    dns::{
        ChainLink, DnsEvent, DnsMode, DnsOutcome, DnsQuery, DnsRequest, DnsServer, Edns,
        EdnsOption, ExtendedError, HostsEntry, Libc, Proof, Question, RecordType, ResolverSettings,
    },
};

use super::scene::{Lookup, query, record};
use crate::{
    dns::answer,
    finding::Finding,
    render::{
        Document, Format, Screen, Span, document,
        hostile::{assert_harmless, hostile_names, hostile_peer, payloads, screens},
        scene::icmp,
        stream_line, verdict,
    },
};

/// Every kind of event, with `text` in every field that holds text.
fn events(text: &str) -> Vec<DnsEvent> {
    let any = || Untrusted::from(text);
    let mut events = vec![
        DnsEvent::Resolver(ResolverSettings {
            nameservers: vec![[10, 96, 0, 10].into()],
            search: vec![any(), any()],
            ndots: 5,
            timeout_seconds: 1,
            attempts: 9,
            libc: Libc::Musl,
            ignored: vec![any()],
            ..ResolverSettings::default()
        }),
        DnsEvent::Link(ChainLink {
            name: any(),
            kind: RecordType::DNSKEY,
            proof: Proof::Indeterminate,
            reason: any(),
        }),
    ];
    let outcomes = [
        DnsOutcome::Answered,
        DnsOutcome::ServFail,
        DnsOutcome::Malformed,
        DnsOutcome::Silence,
        DnsOutcome::Rejected,
        DnsOutcome::NotSent,
        DnsOutcome::TlsFailed,
        DnsOutcome::HttpFailed,
    ];
    for (outcome, index) in outcomes.into_iter().zip(0..) {
        let query = hostile_query(text, outcome);
        events.push(DnsEvent::Query(Box::new(DnsQuery { index, ..query })));
    }
    events
}

fn hostile_query(text: &str, outcome: DnsOutcome) -> DnsQuery {
    let mut asked = query(text, RecordType::TXT, outcome, 610);
    asked.server_name = Some(text.into());
    asked.problem = Some(text.into());
    asked.by = Some([10, 244, 1, 7].into());
    asked.icmp = Some(icmp(IcmpMeaning::PortUnreachable, 3, 3));
    asked.refusal = Some(SendRefusal::Other { message: text.into() });
    if let Some(message) = &mut asked.message {
        let cname = record(text, RecordType::CNAME, &format!("{text}2"));
        message.question = vec![Question { name: text.into(), ..message.question[0].clone() }];
        message.answer = vec![cname, record(&format!("{text}2"), RecordType::TXT, text)];
        message.authority = vec![record(text, RecordType::NS, text)];
        message.additional = message.authority.clone();
        message.edns = Some(Edns {
            options: vec![EdnsOption { code: 3, data: text.into() }],
            extended_errors: vec![ExtendedError { code: 18, text: text.into() }],
            ..Edns::default()
        });
    }
    asked
}

/// A lookup in each way and layout, that ends well and that does not.
fn lookups(text: &str) -> Vec<Lookup> {
    let mut lookups = Vec::new();
    for mode in [DnsMode::Walk, DnsMode::Ask, DnsMode::EveryServer, DnsMode::Iterate] {
        for (is_short, is_ill) in [(false, false), (mode == DnsMode::Ask, true)] {
            let server = DnsServer { host: text.into(), port: None };
            let request = DnsRequest {
                types: vec![RecordType::TXT],
                mode,
                servers: vec![server],
                ..DnsRequest::walk(text)
            };
            let mut lookup = Lookup::new(request);
            lookup.events = events(text);
            if is_ill {
                lookup.events.rotate_left(3);
                lookup.events.truncate(7);
            }
            lookup.view.shown.short = is_short;
            lookup.view.unicode = Some(text.into());
            lookup.view.from = hostile_peer(crate::finding::PeerKind::Pod, text);
            lookup.view.names = hostile_names(text);
            lookup.context.ends.from = lookup.view.from.clone();
            lookup.context.ends.names = lookup.view.names.clone();
            lookup.context.ends.default_source = true;
            lookup.context.near = Some((text.into(), text.into()));
            lookup.context.hidden_servers = Some(text.into());
            lookup.context.truth = Some(Err(text.into()));
            lookups.push(lookup);
        }
    }
    let mut hosts = Lookup::walk(text);
    let entry = HostsEntry { name: text.into(), addresses: vec![[10, 0, 0, 5].into()], line: 7 };
    hosts.events.push(DnsEvent::InHosts(entry));
    lookups.push(hosts.knows(&[[10, 96, 14, 7]]));
    lookups
}

fn everything(screen: &Screen, text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    // To a program every way of asking is the same document.
    let few = if screen.is_machine() { 2 } else { usize::MAX };
    for mut lookup in lookups(text).into_iter().take(few) {
        lookup.screen = screen.clone();
        out.extend(lookup.evidence().into_bytes());
        let at = lookup.view.started_at;
        for event in &lookup.events {
            let event = netdiag_wire::Event::Probe(event.clone());
            stream_line(&mut out, screen, &netdiag_wire::Line { at, event }).unwrap();
        }
        let findings: Vec<Finding> = lookup.findings();
        verdict(&mut out, screen, &findings).unwrap();
        let error = ErrorBody::new(ErrorCode::Internal, text);
        let report = netdiag_wire::dns::DnsReport { error: Some(error), ..lookup.report() };
        let span = Span { started_at: at, took_us: 1 };
        let report = Document::new("DnsReport", span, &findings).part("dns", &report).unwrap();
        document(&mut out, screen, &report).unwrap();
    }
    out
}

#[test]
fn b10_140_payloads_in_every_field_of_a_lookup_steer_nothing() {
    let payloads = payloads();
    assert_eq!(payloads.len(), 140);
    for screen in screens() {
        let harmless = everything(&screen, "ab");
        let count = |shown: &[u8], sign: u8| shown.iter().filter(|byte| **byte == sign).count();
        for payload in &payloads {
            let mut shown = everything(&screen, payload);
            for sign in *b"\n\t" {
                let (is, was) = (count(&shown, sign), count(&harmless, sign));
                let may_differ = sign == b'\t' && screen.format != Format::Json;
                // A longer name leaves less room for dig's tabs, never more.
                assert!(is == was || may_differ && is < was, "{payload:?} in {:?}", screen.format);
            }
            // What is left of them is dig's own.
            shown.retain(|byte| *byte != b'\t');
            assert_harmless(&shown, payload);
        }
    }
}

#[test]
fn b10_every_field_of_a_lookup_is_really_reached() {
    // A mark instead of a payload: what does not carry it here is not tested above.
    for (screen, at_least) in screens().iter().zip([195, 195, 124, 222, 124, 36]) {
        let shown = String::from_utf8(everything(screen, "MARK")).unwrap();
        let reached = shown.matches("MARK").count();
        assert!(reached >= at_least, "{:?}: {reached}\n{shown}", screen.format);
    }
}

#[test]
fn bytes_that_are_no_text_are_shown_as_dig_shows_them() {
    for (bytes, shown) in [
        (&b"a\xff\x1b[2J"[..], r"a\255\027[2J"),
        ("m\u{fc}\u{202e}".as_bytes(), r"m\195\188\226\128\174"),
        (br"a\.b\010", r"a\.b\010"),
    ] {
        assert_eq!(answer::shown(&bytes.to_vec().into()), shown);
    }
}
