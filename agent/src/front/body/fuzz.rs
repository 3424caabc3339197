//! Fuzz target 10 of security.md: whatever JSON comes, a request that is accepted keeps every bound
//! and reads back as itself. Seen to fail with the upper bound of ping's targets taken out of
//! `PingRequest::check`.

use std::{fs, path::Path, sync::LazyLock};

use netdiag_wire::{
    connect::{ConnectRequest, stream::ConnectStreamRequest},
    dns::DnsRequest,
    http::HttpRequest,
    listen::ListenRequest,
    ping::PingRequest,
    scan::ScanRequest,
    sockets::SocketsRequest,
    tls::TlsRequest,
    trace::TraceRequest,
};
use proptest::{prelude::*, sample::Index};
use serde::Serialize;
use serde_json::Value;

use super::*;
use crate::front::probe::Probe;

static SEEDS: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/requests");
    let mut all = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let probe = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(path).unwrap();
        all.extend(text.lines().map(|line| (probe.clone(), line.to_owned())));
    }
    all.sort();
    all
});

/// What an accepted number may be at most and at least, by a field's name; as the reference of each
/// probe has it, not as `check` is written.
const BOUNDS: [(&str, u64, u64); 12] = [
    ("intervalUs", 2_000, 3_600_000_000),
    ("waitUs", 1_000, 3_600_000_000),
    ("handshakeUs", 1_000, u32::MAX as u64),
    ("bannerUs", 0, 60_000_000),
    ("concurrency", 1, 64),
    ("port", 1, 65_535),
    ("sourcePort", 1, 65_535),
    ("maxTtl", 1, 255),
    ("firstTtl", 1, 255),
    ("queries", 1, 100),
    ("flows", 1, 64),
    ("size", 0, 65_535),
];
/// Longest list and longest text of a request that is accepted.
const MOST_ITEMS: usize = 128;
const MOST_TEXT: usize = 64 * 1024;

fn keep_bounds(value: &Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let bound = BOUNDS.iter().find(|(bounded, ..)| bounded == name);
                if let (Some((_, least, most)), Some(number)) = (bound, field.as_u64()) {
                    assert!((*least..=*most).contains(&number), "{name}: {number}");
                }
                keep_bounds(field);
            }
        }
        Value::Array(items) => {
            assert!(items.len() <= MOST_ITEMS, "{} items", items.len());
            items.iter().for_each(keep_bounds);
        }
        Value::String(text) => assert!(text.len() <= MOST_TEXT),
        Value::Number(_) | Value::Bool(_) | Value::Null => {}
    }
}

/// Whether it is accepted; a refusal says something, on one line that is no echo of the request.
fn accepts<P: Probe + Serialize>(bytes: &[u8]) -> bool {
    let checked = parse::<P>(bytes).and_then(|request| {
        request.probe.check().map_err(|message| bad(format!("probe.{message}")))?;
        Ok(request)
    });
    let request = match checked {
        Ok(request) => request,
        Err(refusal) => {
            assert!(!refusal.message.as_bytes().is_empty());
            return false;
        }
    };
    let written = serde_json::to_value(&request).unwrap();
    keep_bounds(&written["probe"]);
    let again = parse::<P>(written.to_string().as_bytes()).unwrap();
    assert_eq!(serde_json::to_value(&again).unwrap(), written);
    assert_eq!(again.probe.check(), Ok(()));
    assert!(request.probe.targets().len() <= 2 * MOST_ITEMS);
    true
}

fn accepts_as(probe: &str, bytes: &[u8]) -> bool {
    match probe {
        "ping" => accepts::<PingRequest>(bytes),
        "trace" => accepts::<TraceRequest>(bytes),
        "dns" => accepts::<DnsRequest>(bytes),
        "connect" => accepts::<ConnectRequest>(bytes),
        "connect-stream" => accepts::<ConnectStreamRequest>(bytes),
        "listen" => accepts::<ListenRequest>(bytes),
        "scan" => accepts::<ScanRequest>(bytes),
        "sockets" => accepts::<SocketsRequest>(bytes),
        "tls" => accepts::<TlsRequest>(bytes),
        "http" => accepts::<HttpRequest>(bytes),
        other => panic!("{other} is no probe"),
    }
}

#[test]
fn every_seed_is_accepted_and_refused_cut_anywhere() {
    assert!(SEEDS.len() >= 20, "{}", SEEDS.len());
    for (probe, seed) in SEEDS.iter() {
        assert!(accepts_as(probe, seed.as_bytes()), "{probe}: {seed}");
        for length in 0..seed.len() {
            assert!(!accepts_as(probe, &seed.as_bytes()[..length]), "{probe}: {length} bytes");
        }
    }
}

/// What a field may hold instead of what it should.
fn absurd() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(vec![0_u64, 1, 255, 256, 65_535, 65_536, 1 << 32, u64::MAX])
            .prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        "\\PC{0,40}".prop_map(Value::from),
        (1_usize..70_000).prop_map(|length| "a".repeat(length).into()),
        Just(Value::Array(vec![])),
        Just(serde_json::json!({})),
        Just(serde_json::json!({"base64": "////"})),
    ]
}

/// One field, somewhere, is another value, is there many times or is gone.
fn change(value: &mut Value, at: &[Index], to: &Value, kind: u8) {
    let Some((first, rest)) = at.split_first() else { return value.clone_from(to) };
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let name = fields.keys().nth(first.index(fields.len())).unwrap().clone();
            match kind {
                0 => drop(fields.remove(&name)),
                1 => drop(fields.insert(format!("{name}2"), to.clone())),
                _ => change(fields.get_mut(&name).unwrap(), rest, to, kind),
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let at = first.index(items.len());
            match kind {
                2 => *items = vec![items[at].clone(); usize::from(first.index(400) as u16)],
                _ => change(&mut items[at], rest, to, kind),
            }
        }
        _ => value.clone_from(to),
    }
}

proptest! {
    #[test]
    fn a_changed_request_is_refused_or_within_bounds(
        which: Index,
        at in prop::collection::vec(any::<Index>(), 1..5),
        to in absurd(),
        kind in 0..8_u8,
    ) {
        let (probe, seed) = which.get(&SEEDS);
        let mut value: Value = serde_json::from_str(seed).unwrap();
        change(&mut value, &at, &to, kind);
        accepts_as(probe, value.to_string().as_bytes());
    }

    #[test]
    fn changed_bytes_are_refused_or_within_bounds(
        which: Index,
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 0..6),
        more in prop::collection::vec(any::<u8>(), 0..8),
    ) {
        let (probe, seed) = which.get(&SEEDS);
        let mut bytes = seed.as_bytes().to_vec();
        changes.iter().for_each(|(at, value)| *at.get_mut(&mut bytes) = *value);
        bytes.extend(more);
        accepts_as(probe, &bytes);
    }
}
