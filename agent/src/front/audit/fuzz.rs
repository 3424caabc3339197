//! Fuzz target 16 of security.md: whatever a caller wrote, a line of the audit log is one line, is
//! one JSON object, and says what was put into it. Seen to fail with `is_hostile` left out of
//! `to_json` (a line separator came through), and with `text.push('\n')` left out.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn untrusted() -> impl Strategy<Value = Untrusted> {
    prop_oneof![
        "(?s).{0,60}".prop_map(Untrusted::from),
        prop::collection::vec(any::<u8>(), 0..60).prop_map(Untrusted::from),
        prop::sample::select(vec![
            "evil\n{\"audit\":\"start\"}",
            "\u{202e}gpj",
            "\u{2028}\u{2029}",
            "\"},\"seq\":1,{\"",
            "\\u000a",
        ])
        .prop_map(Untrusted::from),
    ]
}

prop_compose! {
    fn facts()(
        probe in prop::option::of(untrusted()),
        user in prop::option::of(untrusted()),
        claimed in prop::option::of(untrusted()),
        namespace in prop::option::of(untrusted()),
        name in untrusted(),
        targets in prop::collection::vec(untrusted(), 0..6),
    ) -> RequestFacts {
        RequestFacts {
            probe_id: "p-1".into(),
            probe,
            user,
            claimed_user_unverified: claimed,
            source: Some(SourceFacts { kind: "pod", namespace, name, uid: None }),
            targets,
            ..RequestFacts::default()
        }
    }
}

proptest! {
    #[test]
    fn any_request_is_one_line_that_says_it(
        request in facts(),
        message in untrusted(),
        seq: u64,
        starts: bool,
    ) {
        let what = match starts {
            true => What::Start { verdict: Verdict::Allowed, granted: vec!["ping"], deadline_ms: 1 },
            false => What::Refused {
                verdict: Verdict::Refused,
                code: ErrorCode::BadRequest,
                message: message.clone(),
            },
        };
        let line = Line { time: Timestamp::UNIX_EPOCH, request: request.clone(), what };
        let text = writer::to_json(seq, &line);
        prop_assert!(text.ends_with("}\n") && text.matches('\n').count() == 1, "{}", text);
        prop_assert!(!text.trim_end().chars().any(netdiag_wire::untrusted::is_hostile), "{}", text);
        let read: Value = serde_json::from_str(&text).unwrap();
        let own = |value: &Untrusted| serde_json::to_value(value).unwrap();
        let or_absent = |value: &Option<Untrusted>| value.as_ref().map_or(Value::Null, own);
        prop_assert_eq!(&read["seq"], &Value::from(seq));
        prop_assert_eq!(&read["audit"], if starts { "start" } else { "refused" });
        prop_assert_eq!(&read["probe"], &or_absent(&request.probe));
        prop_assert_eq!(&read["user"], &or_absent(&request.user));
        prop_assert_eq!(&read["claimedUserUnverified"], &or_absent(&request.claimed_user_unverified));
        let source = request.source.unwrap();
        prop_assert_eq!(&read["source"]["namespace"], &or_absent(&source.namespace));
        prop_assert_eq!(&read["source"]["name"], &own(&source.name));
        prop_assert_eq!(&read["targets"], &serde_json::to_value(&request.targets).unwrap());
        if !starts {
            prop_assert_eq!(&read["message"], &own(&message));
        }
    }
}
