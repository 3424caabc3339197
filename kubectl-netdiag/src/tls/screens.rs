//! The screens of a handshake, as screens.md has them where it does.

use netdiag_wire::tls::{TlsAsked, TlsEnd, TlsHandshake, TlsServed, TlsTaken};

use super::scene::Shop;

/// 90 days from then.
const GOOD: &str = "2027-02-20 22:55:00Z";

#[test]
fn good() {
    let shop = Shop::new();
    insta::assert_snapshot!(shop.scene(shop.checkout(GOOD)).shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/svc/checkout:https (10.96.14.7 TCP 443)
    TLS 1.3, TLS_AES_256_GCM_SHA384, X25519MLKEM768, ALPN h2; SNI checkout.shop.svc
    tcp 0.520 ms, handshake 6.10 ms; no client certificate asked for, no OCSP staple
    #  SUBJECT               ISSUER              VALID UNTIL (UTC)    LEFT     KEY
    0  CN=checkout.shop.svc  CN=shop-issuing-ca  2027-02-20 22:55:00  90 days  EC P-256
    1  CN=shop-issuing-ca    CN=shop-root        2031-03-01 00:00:00  4 years  EC P-384
    good for checkout.shop.svc, checkout.shop.svc.cluster.local; not for checkout, checkout.shop

    OK       strict clients accept it: chain to CN=shop-root (secret/shop-ca), name, dates, keys good
    ");
}

#[test]
fn expired() {
    let shop = Shop::new();
    let chain = shop.checkout("2026-11-21 22:55:00Z");
    insta::assert_snapshot!(shop.scene(chain).shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/svc/checkout:https (10.96.14.7 TCP 443)
    TLS 1.3, TLS_AES_256_GCM_SHA384, X25519MLKEM768, ALPN h2; SNI checkout.shop.svc
    tcp 0.520 ms, handshake 6.10 ms; no client certificate asked for, no OCSP staple
    #  SUBJECT               ISSUER              VALID UNTIL (UTC)    LEFT                KEY
    0  CN=checkout.shop.svc  CN=shop-issuing-ca  2026-11-21 22:55:00  expired 4 h 12 min  EC P-256
    1  CN=shop-issuing-ca    CN=shop-root        2031-03-01 00:00:00  4 years             EC P-384
    good for checkout.shop.svc, checkout.shop.svc.cluster.local; not for checkout, checkout.shop

    FAIL     ND0701  the certificate expired 4 h 12 min ago (2026-11-21 22:55:00 UTC)
      seen   name, chain and key are in order, checked as if it were still valid
      means  curl, Go, Java, browsers refuse; curl -k and clients that skip verification do not notice
    ");
}

#[test]
fn a_private_ca_is_not_self_signed() {
    let shop = Shop::new();
    let scene = shop.scene(shop.checkout(GOOD)).trusting_the_public();
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/svc/checkout:https (10.96.14.7 TCP 443)
    TLS 1.3, TLS_AES_256_GCM_SHA384, X25519MLKEM768, ALPN h2; SNI checkout.shop.svc
    tcp 0.520 ms, handshake 6.10 ms; no client certificate asked for, no OCSP staple
    #  SUBJECT               ISSUER              VALID UNTIL (UTC)    LEFT     KEY
    0  CN=checkout.shop.svc  CN=shop-issuing-ca  2027-02-20 22:55:00  90 days  EC P-256
    1  CN=shop-issuing-ca    CN=shop-root        2031-03-01 00:00:00  4 years  EC P-384
    good for checkout.shop.svc, checkout.shop.svc.cluster.local; not for checkout, checkout.shop

    WARN     ND0704  issuer not among the public CAs (Mozilla's list); clients need CN=shop-root
      next   kubectl netdiag tls shop/svc/checkout:443 --ca-file FILE --from shop/pod/web-7d4c9b5f6-x2x9z
    ");
}

#[test]
fn another_name() {
    let shop = Shop::new();
    let names = ["chekout.shop.svc", "pay.shop.svc"];
    let chain = vec![shop.certificate("chekout.shop.svc", &names, GOOD), shop.signed_by()];
    insta::assert_snapshot!(shop.scene(chain).shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/svc/checkout:https (10.96.14.7 TCP 443)
    TLS 1.3, TLS_AES_256_GCM_SHA384, X25519MLKEM768, ALPN h2; SNI checkout.shop.svc
    tcp 0.520 ms, handshake 6.10 ms; no client certificate asked for, no OCSP staple
    #  SUBJECT              ISSUER              VALID UNTIL (UTC)    LEFT     KEY
    0  CN=chekout.shop.svc  CN=shop-issuing-ca  2027-02-20 22:55:00  90 days  EC P-256
    1  CN=shop-issuing-ca   CN=shop-root        2031-03-01 00:00:00  4 years  EC P-384
    good for chekout.shop.svc, pay.shop.svc; not for checkout.shop.svc, checkout.shop.svc.cluster.local, checkout, checkout.shop

    FAIL     ND0703  the certificate is not for checkout.shop.svc; the nearest is DNS:chekout.shop.svc
      seen   good for chekout.shop.svc, pay.shop.svc
    ");
}

#[test]
fn an_intermediate_is_missing() {
    let shop = Shop::new();
    let mut chain = shop.checkout(GOOD);
    chain.pop();
    insta::assert_snapshot!(shop.scene(chain).shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/svc/checkout:https (10.96.14.7 TCP 443)
    TLS 1.3, TLS_AES_256_GCM_SHA384, X25519MLKEM768, ALPN h2; SNI checkout.shop.svc
    tcp 0.520 ms, handshake 6.10 ms; no client certificate asked for, no OCSP staple
    #  SUBJECT               ISSUER              VALID UNTIL (UTC)    LEFT     KEY
    0  CN=checkout.shop.svc  CN=shop-issuing-ca  2027-02-20 22:55:00  90 days  EC P-256
    good for checkout.shop.svc, checkout.shop.svc.cluster.local; not for checkout, checkout.shop

    FAIL     ND0706  the chain ends at CN=checkout.shop.svc: the certificate of its issuer, CN=shop-issuing-ca, is missing
      seen   the issuer is not among secret/shop-ca either
      means  browsers may find the missing one elsewhere; curl, Go, Java refuse
    ");
}

#[test]
fn without_a_name_another_certificate() {
    let shop = Shop::new();
    let mut scene = shop.scene(shop.checkout(GOOD));
    let other = shop.certificate("default.shop.svc", &["default.shop.svc"], GOOD);
    let handshake = Some(TlsHandshake::default());
    let certificates = vec![other, shop.signed_by()];
    scene.report.without_name = Some(TlsServed { handshake, certificates, staple: None });
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/svc/checkout:https (10.96.14.7 TCP 443)
    TLS 1.3, TLS_AES_256_GCM_SHA384, X25519MLKEM768, ALPN h2; SNI checkout.shop.svc
    tcp 0.520 ms, handshake 6.10 ms; no client certificate asked for, no OCSP staple
    #  SUBJECT               ISSUER              VALID UNTIL (UTC)    LEFT     KEY
    0  CN=checkout.shop.svc  CN=shop-issuing-ca  2027-02-20 22:55:00  90 days  EC P-256
    1  CN=shop-issuing-ca    CN=shop-root        2031-03-01 00:00:00  4 years  EC P-384
    good for checkout.shop.svc, checkout.shop.svc.cluster.local; not for checkout, checkout.shop
    without SNI another certificate: CN=default.shop.svc, of CN=shop-issuing-ca

    OK       strict clients accept it: chain to CN=shop-root (secret/shop-ca), name, dates, keys good
    ");
}

fn asked(shop: &Shop) -> TlsAsked {
    let root = shop.issuing.der();
    let read = crate::certificates::Certificate::parse(root).unwrap();
    TlsAsked { authorities: vec![read.issuer.der.into()], not_listed: 2, sent: false }
}

#[test]
fn a_client_certificate_demanded() {
    let shop = Shop::new();
    let scene = shop.scene(shop.checkout(GOOD)).but(|handshake| {
        handshake.asked = Some(asked(&shop));
        handshake.end = TlsEnd::Alert { alert: 116 };
    });
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/svc/checkout:https (10.96.14.7 TCP 443)
    TLS 1.3, TLS_AES_256_GCM_SHA384, X25519MLKEM768, ALPN h2; SNI checkout.shop.svc
    tcp 0.520 ms, handshake 6.10 ms; a client certificate asked for, no OCSP staple
    #  SUBJECT               ISSUER              VALID UNTIL (UTC)    LEFT     KEY
    0  CN=checkout.shop.svc  CN=shop-issuing-ca  2027-02-20 22:55:00  90 days  EC P-256
    1  CN=shop-issuing-ca    CN=shop-root        2031-03-01 00:00:00  4 years  EC P-384
    good for checkout.shop.svc, checkout.shop.svc.cluster.local; not for checkout, checkout.shop

    FAIL     ND0733  shop/svc/checkout:443 demands a client certificate (mTLS)
      seen   alert certificate_required (116) after the handshake, as TLS 1.3 has it: none was sent
      seen   it takes those of CN=shop-root and 2 more
      means  clients without a certificate of a CA that it trusts are refused
      next   kubectl netdiag tls shop/svc/checkout:443 --cert FILE --key FILE --from shop/pod/web-7d4c9b5f6-x2x9z
    ");
}

#[test]
fn a_client_certificate_refused() {
    let shop = Shop::new();
    let scene = shop.scene(shop.checkout(GOOD)).but(|handshake| {
        handshake.asked = Some(TlsAsked { sent: true, ..asked(&shop) });
        handshake.end = TlsEnd::Alert { alert: 48 };
    });
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/svc/checkout:https (10.96.14.7 TCP 443)
    TLS 1.3, TLS_AES_256_GCM_SHA384, X25519MLKEM768, ALPN h2; SNI checkout.shop.svc
    tcp 0.520 ms, handshake 6.10 ms; a client certificate asked for and sent, no OCSP staple
    #  SUBJECT               ISSUER              VALID UNTIL (UTC)    LEFT     KEY
    0  CN=checkout.shop.svc  CN=shop-issuing-ca  2027-02-20 22:55:00  90 days  EC P-256
    1  CN=shop-issuing-ca    CN=shop-root        2031-03-01 00:00:00  4 years  EC P-384
    good for checkout.shop.svc, checkout.shop.svc.cluster.local; not for checkout, checkout.shop

    FAIL     ND0738  shop/svc/checkout:443 refuses the client certificate
      seen   alert unknown_ca (48): of a CA that it does not trust
      seen   it takes those of CN=shop-root and 2 more
      means  the server's certificate is judged all the same
    ");
}

#[test]
fn a_server_that_speaks_no_tls() {
    let shop = Shop::new();
    let said = "HTTP/1.1 400 Bad Request\r\nServer: nginx/1.22.1\r\n";
    let scene = shop.scene(Vec::new()).ends(TlsEnd::PlainText { said: said.into() });
    insta::assert_snapshot!(scene.shown(), @r#"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/svc/checkout:https (10.96.14.7 TCP 443)
    tcp 0.520 ms, handshake 6.10 ms

    FAIL     ND0730  shop/svc/checkout:443 speaks no TLS but HTTP on this port
      seen   it said "HTTP/1.1 400 Bad Request"
      means  TLS clients say "wrong version number" or "not a TLS record"
    "#);
}

#[test]
fn with_v_all_that_is_known() {
    let shop = Shop::new();
    let mut scene = shop.scene(Vec::new()).but(|handshake| handshake.asked = Some(asked(&shop)));
    scene.screen.detail = 1;
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/svc/checkout:https (10.96.14.7 TCP 443)
    TLS 1.3, TLS_AES_256_GCM_SHA384, X25519MLKEM768, ALPN h2; SNI checkout.shop.svc
    tcp 0.520 ms, handshake 6.10 ms; a client certificate asked for, no OCSP staple
    2,811 bytes read, 1,844 written
    2 session tickets, resumption not seen; no early data
    client certificates of CN=shop-root and 2 more

    OK       the handshake was completed
      note   a client certificate was asked for, and none was sent: the handshake stands, but nginx refuses in HTTP (400), and others may in theirs
    ");
}

fn taken(version: &str, suites: &[&str]) -> TlsTaken {
    TlsTaken {
        version: version.into(),
        suites: suites.iter().map(|suite| (*suite).into()).collect(),
        groups: vec!["x25519".into(), "secp256r1".into()],
        own_order: Some(true),
        ..TlsTaken::default()
    }
}

#[test]
fn what_a_server_takes() {
    let shop = Shop::new();
    let mut scene = shop.scene(Vec::new());
    let old = ["TLS_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"];
    let refused = Some(TlsEnd::Alert { alert: 70 });
    scene.report.versions = vec![
        TlsTaken { version: "SSL 3.0".into(), refused, ..TlsTaken::default() },
        taken("TLS 1.0", &old),
        taken("TLS 1.2", &["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"]),
        taken("TLS 1.3", &["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]),
    ];
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/svc/checkout:https (10.96.14.7 TCP 443)
    VERSION  CIPHER SUITE                           GRADE  RULES
    TLS 1.0  TLS_RSA_WITH_3DES_EDE_CBC_SHA          D      old-version 3des no-forward-secrecy
    TLS 1.0  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA     D      old-version cbc
    TLS 1.2  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384  A      -
    TLS 1.3  TLS_AES_256_GCM_SHA384                 A      -
    TLS 1.3  TLS_CHACHA20_POLY1305_SHA256           A      -
    SSL 3.0: not taken (alert protocol_version)
    TLS 1.0: groups x25519, secp256r1; by the server's order
    TLS 1.2: groups x25519, secp256r1; by the server's order
    TLS 1.3: groups x25519, secp256r1; by the server's order

    WARN     ND0741  shop/svc/checkout:443 takes what is weak: old-version, 3des, no-forward-secrecy
      seen   old-version (D, TLS 1.0): deprecated by RFC 8996; today's clients refuse it
      seen   3des (C, TLS 1.0): blocks of 64 bits repeat (SWEET32)
      seen   no-forward-secrecy (C, TLS 1.0): who gets the server's key reads what was recorded
    ");
}

#[test]
fn a_long_table_is_folded_where_suites_are_alike() {
    let shop = Shop::new();
    let mut scene = shop.scene(Vec::new());
    let weak: Vec<String> = (0..40).map(|n| format!("TLS_RSA_WITH_AES_{n}_CBC_SHA")).collect();
    let mut suites: Vec<&str> = weak.iter().map(String::as_str).collect();
    suites.insert(20, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384");
    scene.report.versions = vec![taken("TLS 1.2", &suites)];
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> shop/svc/checkout:https (10.96.14.7 TCP 443)
    VERSION  CIPHER SUITE                           GRADE  RULES
    TLS 1.2  TLS_RSA_WITH_AES_0_CBC_SHA             C      no-forward-secrecy cbc
    TLS 1.2  TLS_RSA_WITH_AES_1_CBC_SHA             C      no-forward-secrecy cbc
    TLS 1.2  TLS_RSA_WITH_AES_2_CBC_SHA             C      no-forward-secrecy cbc
    TLS 1.2  37 more (-v lists them)                C      no-forward-secrecy cbc
    TLS 1.2  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384  A      -
    TLS 1.2: groups x25519, secp256r1; by the server's order

    WARN     ND0741  shop/svc/checkout:443 takes what is weak: no-forward-secrecy
      seen   no-forward-secrecy (C, TLS 1.2): who gets the server's key reads what was recorded
    ");
    scene.screen.detail = 1;
    assert!(scene.shown().contains("TLS_RSA_WITH_AES_39_CBC_SHA"));
}
