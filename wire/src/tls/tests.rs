use super::*;
use crate::{EndReason, Event, Line, connect::ConnectOutcome};

#[test]
fn golden_request() {
    let mut request = TlsRequest::to("10.244.2.7", 443);
    let golden = r#"{"host":"10.244.2.7","port":443}"#;
    assert_eq!(serde_json::to_string(&request).unwrap(), golden);
    request.offer.server_name = Some("checkout.shop.svc".into());
    request.offer.alpn = vec!["h2".into(), "http/1.1".into()];
    request.offer.version = Some(TlsVersion::Tls12);
    request.start_tls = Some(StartTls::Pop3);
    request.resume = true;
    let golden = r#"{"host":"10.244.2.7","port":443,"offer":{"serverName":"checkout.shop.svc","alpn":["h2","http/1.1"],"version":"1.2"},"startTls":"pop3","resume":true}"#;
    assert_eq!(serde_json::to_string(&request).unwrap(), golden);
    assert_eq!(serde_json::from_str::<TlsRequest>(golden).unwrap(), request);
    for newer in [
        r#"{"host":"a","port":1,"ech":true}"#,
        r#"{"host":"a","port":1,"offer":{"grease":true}}"#,
        r#"{"host":"a","port":1,"startTls":"nntp"}"#,
    ] {
        assert!(serde_json::from_str::<TlsRequest>(newer).is_err(), "{newer}");
    }
}

fn handshake() -> TlsHandshake {
    let agreed = TlsAgreed {
        version: "TLS 1.3".into(),
        cipher_suite: "TLS_AES_256_GCM_SHA384".into(),
        group: Some("X25519MLKEM768".into()),
        alpn: Some("h2".into()),
        tickets: 2,
        signature: Some("ecdsa_secp256r1_sha256".into()),
        proven: true,
        ..TlsAgreed::default()
    };
    TlsHandshake { took_us: 6_100, read_bytes: 1, agreed: Some(agreed), ..TlsHandshake::default() }
}

#[test]
fn golden_events() {
    let refused = TlsHandshake {
        purpose: TlsPurpose::WithoutName,
        asked: Some(TlsAsked {
            authorities: vec![vec![0x30, 0x80].into()],
            not_listed: 0,
            sent: false,
        }),
        end: TlsEnd::Alert { alert: 116 },
        ..TlsHandshake::default()
    };
    let der = vec![0x30, 0x82].into();
    for (event, golden) in [
        (
            TlsEvent::Certificate { purpose: TlsPurpose::Asked, number: 0, der },
            r#"{"event":"certificate","purpose":"asked","number":0,"der":{"base64":"MII="}}"#,
        ),
        (
            TlsEvent::Handshake(Box::new(handshake())),
            r#"{"event":"handshake","purpose":"asked","tookUs":6100,"readBytes":1,"writtenBytes":0,"agreed":{"version":"TLS 1.3","cipherSuite":"TLS_AES_256_GCM_SHA384","group":"X25519MLKEM768","alpn":"h2","tickets":2,"signature":"ecdsa_secp256r1_sha256","proven":true},"end":"well"}"#,
        ),
        (
            TlsEvent::Handshake(Box::new(refused)),
            r#"{"event":"handshake","purpose":"withoutName","tookUs":0,"readBytes":0,"writtenBytes":0,"asked":{"authorities":[{"base64":"MIA="}]},"end":"alert","alert":116}"#,
        ),
    ] {
        assert_eq!(serde_json::to_string(&event).unwrap(), golden);
        let line = format!(r#"{{"at":"2026-11-23T02:00:00Z",{}"#, &golden[1..]);
        let read: Line<TlsEvent> = serde_json::from_str(&line).unwrap();
        assert_eq!(read.event, Event::Probe(event));
    }
}

#[test]
fn a_connection_reads_back() {
    let attempt = ConnectAttempt {
        target: 0,
        round: 1,
        remote: "10.96.14.7:443".parse().unwrap(),
        local: None,
        took_us: 520,
        mss: None,
        beside: false,
        outcome: ConnectOutcome::Refused { ttl: Some(62) },
    };
    let event = TlsEvent::Connection { purpose: TlsPurpose::Asked, attempt };
    let json = serde_json::to_string(&event).unwrap();
    assert_eq!(serde_json::from_str::<TlsEvent>(&json).unwrap(), event);
}

#[test]
fn what_a_newer_agent_says_is_unknown() {
    let event = |json| serde_json::from_str::<TlsEvent>(json).unwrap();
    assert_eq!(event(r#"{"event":"teleported","to":1}"#), TlsEvent::Unknown);
    let newer = r#"{"event":"handshake","purpose":"early","tookUs":1,"readBytes":0,"writtenBytes":0,"end":"dissolved","into":"air"}"#;
    let TlsEvent::Handshake(handshake) = event(newer) else { panic!("{newer}") };
    assert_eq!((handshake.purpose, handshake.end), (TlsPurpose::Unknown, TlsEnd::Unknown));
}

#[test]
fn bounds_are_named_by_field() {
    let refusal = |change: fn(&mut TlsRequest)| {
        let mut request = TlsRequest::to("a", 443);
        change(&mut request);
        request.check().unwrap_err()
    };
    assert_eq!(refusal(|r| r.port = 0), "port: 0, must be 1 to 65535");
    assert_eq!(refusal(|r| r.handshake_us = 1), "handshakeUs: 1, must be 1000 to 60000000");
    let name = refusal(|r| r.offer.server_name = Some(String::new()));
    assert_eq!(name, "offer.serverName: 0 bytes, must be 1 to 253");
    assert_eq!(
        refusal(|r| r.offer.alpn = vec!["h2".into(); 17]),
        "offer.alpn: 17, must be at most 16"
    );
    assert_eq!(
        refusal(|r| r.offer.alpn = vec!["x".repeat(256)]),
        "offer.alpn: 256 bytes, must be 1 to 255"
    );
}

#[test]
fn pieces_are_put_together_and_no_others() {
    let mut fold = TlsFold::default();
    let piece = |number, der: &[u8]| TlsEvent::Certificate {
        purpose: TlsPurpose::Asked,
        number,
        der: der.to_vec().into(),
    };
    for event in [piece(0, b"ab"), piece(0, b"c"), piece(1, b"d"), piece(0, b"x"), piece(9, b"y")] {
        fold.push(&event);
    }
    fold.push(&TlsEvent::Handshake(Box::new(handshake())));
    let report = fold.report(Some(EndReason::Completed));
    let served = report.asked.clone().unwrap();
    assert_eq!(served.certificates, [Untrusted::from("abc"), Untrusted::from("d")]);
    assert_eq!(served.handshake, Some(handshake()));
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<TlsReport>(&json).unwrap(), report);
}
