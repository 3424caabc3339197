use super::*;
use crate::{EndReason, tls::TlsHandshake};

#[test]
fn golden_request() {
    let golden = r#"{"host":"10.96.14.7","port":80,"method":"GET","target":"/","fields":[]}"#;
    let mut request = HttpRequest::to("10.96.14.7", 80);
    assert_eq!(serde_json::to_string(&request).unwrap(), golden);
    assert_eq!(serde_json::from_str::<HttpRequest>(golden).unwrap(), request);
    request.fields = vec![HttpField::new("Host".to_owned(), "web".to_owned())];
    request.version = HttpVersion::Http2;
    request.with_body = true;
    let golden = r#"{"host":"10.96.14.7","port":80,"method":"GET","target":"/","fields":[{"name":"Host","value":"web"}],"version":"2","withBody":true}"#;
    assert_eq!(serde_json::to_string(&request).unwrap(), golden);
    assert_eq!(serde_json::from_str::<HttpRequest>(golden).unwrap(), request);
    let newer = r#"{"host":"a","port":80,"method":"GET","target":"/","fields":[],"follow":true}"#;
    assert!(serde_json::from_str::<HttpRequest>(newer).is_err());
}

#[test]
fn bounds_are_named_by_field() {
    let refused = |change: fn(&mut HttpRequest)| {
        let mut request = HttpRequest::to("web", 80);
        change(&mut request);
        request.check().unwrap_err()
    };
    assert_eq!(refused(|it| it.method.clear()), "method: 0 bytes, must be 1 to 32");
    assert_eq!(refused(|it| it.target.clear()), "target: 0 bytes, must be 1 to 16384");
}

#[test]
fn a_head_is_bounded() {
    let field = |bytes| HttpField::new("a".to_owned(), "b".repeat(bytes));
    let mut request = HttpRequest::to("web", 80);
    request.fields = vec![field(1); MAX_FIELDS + 1];
    assert_eq!(request.check().unwrap_err(), "fields: 101, must be at most 100");
    request.fields = vec![field(MAX_HEAD_BYTES)];
    assert_eq!(request.check().unwrap_err(), "fields: 16389 bytes, must be at most 16384");
    request.fields = vec![HttpField::default()];
    assert_eq!(request.check().unwrap_err(), "fields.name: 0 bytes, must be 1 to 16384");
    request.fields.clear();
    request.answer_us = Some(9);
    assert_eq!(request.check().unwrap_err(), "answerUs: 9, must be at least 1000");
}

#[test]
fn a_secret_is_in_no_log() {
    let mut request = HttpRequest::to("web", 80);
    request.fields = vec![HttpField::new("Authorization".to_owned(), "Basic c2VjcmV0".to_owned())];
    let logged = format!("{request:?}");
    assert!(logged.contains("Authorization") && !logged.contains("c2VjcmV0"), "{logged}");
}

#[test]
fn golden_events_fold_into_the_report() {
    let answer = HttpAnswer {
        version: "HTTP/1.1".into(),
        status: 200,
        fields: vec![HttpField::new("server".to_owned(), "nginx".to_owned())],
        first_byte_us: 1840,
        head_us: 1850,
        ..HttpAnswer::default()
    };
    let over = HttpOver { body_bytes: 27, read_bytes: 120, ..HttpOver::default() };
    let mut fold = HttpFold::default();
    for (event, golden) in [
        (HttpEvent::Sending, r#"{"event":"sending"}"#),
        (
            HttpEvent::Interim { status: 103, fields: Vec::new() },
            r#"{"event":"interim","status":103,"fields":[]}"#,
        ),
        (
            HttpEvent::Answer(Box::new(answer.clone())),
            r#"{"event":"answer","version":"HTTP/1.1","status":200,"fields":[{"name":"server","value":"nginx"}],"firstByteUs":1840,"headUs":1850}"#,
        ),
        (
            HttpEvent::Over(Box::new(over.clone())),
            r#"{"event":"over","sentBytes":0,"bodyBytes":27,"readBytes":120,"writtenBytes":0,"bodyUs":0,"end":"whole"}"#,
        ),
    ] {
        assert_eq!(serde_json::to_string(&event).unwrap(), golden);
        assert_eq!(serde_json::from_str::<HttpEvent>(golden).unwrap(), event);
        fold.push(&event);
    }
    let newer: HttpEvent = serde_json::from_str(r#"{"event":"pushed","path":"/x"}"#).unwrap();
    assert_eq!(newer, HttpEvent::Unknown);
    fold.push(&newer);
    let report = fold.report(Some(EndReason::Completed));
    assert!(report.sent);
    assert_eq!((report.answer, report.over), (Some(answer), Some(over)));
    assert_eq!(report.interim.len(), 1);
}

#[test]
fn certificates_come_in_pieces() {
    let mut fold = HttpFold::default();
    for (number, der) in [(0, "ab"), (0, "cd"), (1, "ef")] {
        fold.push(&HttpEvent::Certificate { number, der: der.into() });
    }
    fold.push(&HttpEvent::Handshake(Box::<TlsHandshake>::default()));
    let served = fold.report(None).tls.unwrap();
    assert_eq!(served.certificates, ["abcd".into(), "ef".into()]);
    assert!(served.handshake.is_some());
}
