use super::*;
use crate::{EndReason, Event, IcmpError, IcmpMeaning, Line, SendRefusal};

fn attempt(outcome: ConnectOutcome) -> ConnectAttempt {
    ConnectAttempt {
        target: 0,
        round: 1,
        remote: "10.96.14.7:80".parse().unwrap(),
        local: Some("10.244.1.23:41822".parse().unwrap()),
        took_us: 520,
        mss: None,
        beside: false,
        outcome,
    }
}

#[test]
fn golden_request() {
    let mut request = ConnectRequest::to("10.244.2.7", 80);
    let golden = r#"{"targets":[{"host":"10.244.2.7","port":80}]}"#;
    assert_eq!(serde_json::to_string(&request).unwrap(), golden);
    request.protocol = ConnectProtocol::Udp;
    request.count = NonZeroU32::new(50);
    request.interval_us = 200_000;
    request.tos = Some(0x10);
    request.send = Some("hello".into());
    let golden = r#"{"targets":[{"host":"10.244.2.7","port":80}],"protocol":"udp","count":50,"intervalUs":200000,"tos":16,"send":"hello"}"#;
    assert_eq!(serde_json::to_string(&request).unwrap(), golden);
    assert_eq!(serde_json::from_str::<ConnectRequest>(golden).unwrap(), request);
    let newer = r#"{"targets":[{"host":"a","port":1}],"mptcp":true}"#;
    assert!(serde_json::from_str::<ConnectRequest>(newer).is_err());
}

#[test]
fn golden_events() {
    let common = r#""round":1,"remote":"10.96.14.7:80","local":"10.244.1.23:41822","tookUs":520"#;
    let icmp = IcmpError { meaning: IcmpMeaning::PortUnreachable, kind: 3, code: 3, mtu: None };
    for (outcome, golden) in [
        (ConnectOutcome::Connected { banner: None, closed: false }, r#""outcome":"connected""#),
        (
            ConnectOutcome::Connected { banner: Some("SSH-2.0\r\n".into()), closed: true },
            r#""outcome":"connected","banner":"SSH-2.0\r\n","closed":true"#,
        ),
        (ConnectOutcome::Reset { banner: None }, r#""outcome":"reset""#),
        (ConnectOutcome::Intercepted, r#""outcome":"intercepted""#),
        (ConnectOutcome::Refused { ttl: Some(62) }, r#""outcome":"refused","ttl":62"#),
        (
            ConnectOutcome::Rejected { by: [10, 244, 1, 1].into(), icmp },
            r#""outcome":"rejected","by":"10.244.1.1","icmp":{"meaning":"portUnreachable","type":3,"code":3}"#,
        ),
        (ConnectOutcome::Silence { sent: 3, bytes: None }, r#""outcome":"silence","sent":3"#),
        (
            ConnectOutcome::NotSent { refusal: SendRefusal::NoRoute },
            r#""outcome":"notSent","refusal":{"reason":"noRoute"}"#,
        ),
        (
            ConnectOutcome::Replied { from: None, bytes: 2, data: vec![0xff, 0].into() },
            r#""outcome":"replied","bytes":2,"data":{"base64":"/wA="}"#,
        ),
        (ConnectOutcome::Abandoned, r#""outcome":"abandoned""#),
    ] {
        let event = ConnectEvent::Attempt(attempt(outcome));
        let json = format!(r#"{{"event":"attempt",{common},{golden}}}"#);
        assert_eq!(serde_json::to_string(&event).unwrap(), json);
        let line = format!(r#"{{"at":"2026-11-23T02:00:00Z",{}"#, &json[1..]);
        let read: Line<ConnectEvent> = serde_json::from_str(&line).unwrap();
        assert_eq!(read.event, Event::Probe(event));
    }
}

#[test]
fn what_a_newer_agent_says_is_unknown() {
    let event = |json| serde_json::from_str::<ConnectEvent>(json).unwrap();
    assert_eq!(event(r#"{"event":"teleported","to":1}"#), ConnectEvent::Unknown);
    let newer = r#"{"event":"attempt","round":1,"remote":"10.96.14.7:80","local":"10.244.1.23:41822","tookUs":520,"outcome":"dissolved","into":"air"}"#;
    assert_eq!(event(newer), ConnectEvent::Attempt(attempt(ConnectOutcome::Unknown)));
}

#[test]
fn bounds_are_named_by_field() {
    let refusal = |change: fn(&mut ConnectRequest)| {
        let mut request = ConnectRequest::to("a", 80);
        change(&mut request);
        request.check().unwrap_err()
    };
    assert_eq!(refusal(|r| r.targets.clear()), "targets: 0, must be 1 to 128");
    assert_eq!(refusal(|r| r.targets[0].port = 0), "port: 0, must be 1 to 65535");
    assert_eq!(refusal(|r| r.wait_us = Some(9)), "waitUs: 9, must be 1000 to 60000000");
    assert_eq!(refusal(|r| r.interval_us = 1), "intervalUs: 1, must be 10000 to 3600000000");
    assert_eq!(refusal(|r| r.concurrency = 65), "concurrency: 65, must be 1 to 64");
    assert!(refusal(|r| r.send = Some("x".into())).starts_with("send: only a datagram"));
}

#[test]
fn routers_are_counted_from_the_nearest_first_ttl() {
    let routers = |ttl| ConnectOutcome::Refused { ttl }.routers();
    let shown = [Some(64), Some(62), Some(128), Some(120), Some(250), None].map(routers);
    assert_eq!(shown, [Some(0), Some(2), Some(0), Some(8), Some(5), None]);
}

#[test]
fn a_round_counts_once_however_many_addresses_were_tried() {
    let mut fold = ConnectFold::default();
    let at = |text: &str| text.parse().unwrap();
    let beside = ConnectAttempt {
        beside: true,
        ..attempt(ConnectOutcome::NotSent { refusal: SendRefusal::NoRoute })
    };
    let connected = attempt(ConnectOutcome::Connected { banner: None, closed: false });
    let refused = ConnectAttempt { took_us: 900, ..attempt(ConnectOutcome::Refused { ttl: None }) };
    for (seconds, attempt) in [(0, beside), (1, connected.clone()), (2, connected), (3, refused)] {
        fold.push(&ConnectEvent::Attempt(attempt), at(&format!("2026-11-23T02:00:0{seconds}Z")));
    }
    let report = fold.report(Some(EndReason::Completed));
    assert_eq!((report.rounds(), report.well(), report.attempts.len()), (3, 2, 4));
    let tally = &report.tallies[0];
    assert_eq!((tally.count, tally.first_at), (2, at("2026-11-23T02:00:01Z")));
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<ConnectReport>(&json).unwrap(), report);
}
