//! `docs/audit.md` names every field of an audit line, and no other. Seen to fail with `tookMs` taken
//! out of the page, and with a field added to it.

use std::collections::BTreeSet;
use std::{fs, path::Path};

use serde_json::Value;

use super::*;

fn full(what: What) -> Value {
    let text = || Some(Untrusted::from("x"));
    let request = RequestFacts {
        probe_id: "x".into(),
        agent: "x".into(),
        node: "x".into(),
        probe: text(),
        user: text(),
        credential_id: text(),
        claimed_user_unverified: text(),
        source: Some(SourceFacts {
            kind: "pod",
            namespace: text(),
            name: "x".into(),
            uid: Some("x".into()),
        }),
        targets: vec!["x".into()],
        scan: Some(ScanFacts { lane: ScanLane::Full, addresses: 1, ports: 1 }),
    };
    let line = Line { time: Timestamp::UNIX_EPOCH, request, what };
    serde_json::from_str(&writer::to_json(1, &line)).unwrap()
}

fn paths(value: &Value, above: &str, into: &mut BTreeSet<String>) {
    for (name, field) in value.as_object().unwrap() {
        let path = format!("{above}{name}");
        match field {
            Value::Object(_) if name != "outcome" => paths(field, &format!("{path}."), into),
            _ => drop(into.insert(path)),
        }
    }
}

#[test]
fn the_page_names_every_field_and_no_other() {
    let outcome = Outcome::Ended(EndReason::Completed);
    let mut written = BTreeSet::new();
    for what in [
        What::Start { verdict: Verdict::Allowed, granted: vec![], deadline_ms: 1 },
        What::Refused {
            verdict: Verdict::Refused,
            code: ErrorCode::BadRequest,
            message: "x".into(),
        },
        What::End { outcome, netns: 1, bytes: 1, bytes_from_caller: 1, took_ms: 1 },
    ] {
        paths(&full(what), "", &mut written);
    }
    let slow = ScanLane::Held { rate: 200, hosts: 16 };
    paths(&serde_json::to_value(slow).unwrap(), "scan.", &mut written);
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/audit.md");
    let page = fs::read_to_string(page).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let named: BTreeSet<String> = rows.map(str::to_owned).collect();
    assert_eq!(named, written);
}
