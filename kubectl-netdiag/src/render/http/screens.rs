//! The screens of `http`.

use netdiag_wire::{EndReason, connect::ConnectOutcome, http::HttpEnd};

use super::{
    EachView, http_each,
    scene::{HttpScene, checkout},
};
use crate::{
    diagnose::{self, ServiceScene},
    finding::{Code, Finding, Peer, PeerKind, Severity},
    http::Answered,
    render::{Screen, verdict},
};

const UP: &str = "http://checkout.shop.svc/up";

fn up() -> HttpScene {
    HttpScene::of(UP, checkout()).connected(520)
}

fn pay() -> HttpScene {
    let to = Peer {
        kind: PeerKind::Host,
        name: "pay.example.net".into(),
        address: Some([198, 51, 100, 7].into()),
        port: Some(443),
        ..Peer::default()
    };
    HttpScene::of("https://pay.example.net/v1", to)
        .named(9_800, "pay.example.net")
        .connected(14_100)
}

#[test]
fn a_slow_first_byte() {
    let fields = [("content-type", "application/json"), ("server", "envoy")];
    let scene = up().answered(200, &fields, 1_840_000).over(27, 110, HttpEnd::Whole);
    insta::assert_snapshot!(scene.shown(), @r#"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> http://checkout.shop.svc/up (shop/svc/checkout:http, 10.96.14.7 TCP 80)
    GET -> 200 OK, HTTP/1.1, application/json, 27 bytes, server "envoy"
    name             -  (address from the API)
    connect      0.520
    tls              -  (plain)
    first byte    1840  ██████████████████████████████████████████████████
    body         0.110
    total         1841  ms

    WARN     ND0803  slow first byte: the server took 1.84 s of 1.84 s, the network 0.520 ms
    "#);
    let mut narrow = up().answered(204, &[], 900).over(0, 0, HttpEnd::Whole);
    narrow.screen = Screen { width: Some(80), ascii: true, ..Screen::default() };
    insta::assert_snapshot!(narrow.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1)
      -> http://checkout.shop.svc/up (shop/svc/checkout:http, 10.96.14.7 TCP 80)
    GET -> 204 No Content, HTTP/1.1, 0 bytes
    name             -  (address from the API)
    connect      0.520  ##################
    tls              -  (plain)
    first byte   0.900  ################################
    body         0.000
    total         1.42  ms

    OK       answered: 204 No Content
    ");
}

#[test]
fn a_certificate_that_is_not_accepted() {
    let summary = "the certificate expired 2 days ago (2026-11-20 03:00:00 UTC)";
    let mut scene = pay().shaken(20_300);
    scene.certificates = vec![Finding::new(Severity::Fail, Code(701), summary)];
    scene.is_refused = true;
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> https://pay.example.net/v1 (198.51.100.7)
    TLS 1.3, TLS_AES_256_GCM_SHA384, ALPN h2
    name          9.80  ███████████
    connect       14.1  ████████████████
    tls           20.3  ███████████████████████  certificate not accepted

    FAIL     ND0701  no request was sent: the certificate expired 2 days ago (2026-11-20 03:00:00 UTC)
      next   kubectl netdiag tls pay.example.net:443 --from shop/pod/web-7d4c9b5f6-x2x9z
      note   --cacert CA trusts a private CA; -k takes any certificate
    ");
}

#[test]
fn over_tls() {
    let scene = pay().shaken(20_300).answered(404, &[("server", "nginx")], 9_000);
    insta::assert_snapshot!(scene.over(9, 200, HttpEnd::Whole).shown(), @r#"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> https://pay.example.net/v1 (198.51.100.7)
    GET -> 404 Not Found, HTTP/1.1, 9 bytes, server "nginx"
    TLS 1.3, TLS_AES_256_GCM_SHA384, ALPN h2
    name          9.80  █████████
    connect       14.1  █████████████
    tls           20.3  ███████████████████
    first byte    9.00  ████████
    body         0.200
    total         53.4  ms

    WARN     ND0801  reached, but: 404 Not Found
      seen   server "nginx"
      means  the server or ingress knows no such path, or no such Host (-H 'Host: NAME')
    "#);
}

#[test]
fn whose_failure_it_is() {
    let own = up().answered(503, &[("server", "istio-envoy")], 3_100);
    insta::assert_snapshot!(own.over(0, 10, HttpEnd::Whole).shown(), @r#"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> http://checkout.shop.svc/up (shop/svc/checkout:http, 10.96.14.7 TCP 80)
    GET -> 503 Service Unavailable, HTTP/1.1, 0 bytes, server "istio-envoy"
    name             -  (address from the API)
    connect      0.520  ███████
    tls              -  (plain)
    first byte    3.10  ███████████████████████████████████████████
    body         0.010
    total         3.63  ms

    FAIL     ND0802  503 Service Unavailable: envoy's own, not the app's
      seen   server "istio-envoy", and no x-envoy-upstream-service-time
    "#);
    let fields = [("server", "istio-envoy"), ("x-envoy-upstream-service-time", "3")];
    let apps = up().answered(500, &fields, 3_100);
    insta::assert_snapshot!(apps.over(0, 10, HttpEnd::Whole).shown(), @r#"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> http://checkout.shop.svc/up (shop/svc/checkout:http, 10.96.14.7 TCP 80)
    GET -> 500 Internal Server Error, HTTP/1.1, 0 bytes, server "istio-envoy"
    name             -  (address from the API)
    connect      0.520  ███████
    tls              -  (plain)
    first byte    3.10  ███████████████████████████████████████████
    body         0.010
    total         3.63  ms

    FAIL     ND0802  500 Internal Server Error: from the server behind the proxy
      seen   x-envoy-upstream-service-time 3: envoy heard a server behind it
    "#);
    let gateway = up().answered(502, &[("server", "nginx")], 3_100);
    insta::assert_snapshot!(gateway.over(0, 10, HttpEnd::Whole).shown(), @r#"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> http://checkout.shop.svc/up (shop/svc/checkout:http, 10.96.14.7 TCP 80)
    GET -> 502 Bad Gateway, HTTP/1.1, 0 bytes, server "nginx"
    name             -  (address from the API)
    connect      0.520  ███████
    tls              -  (plain)
    first byte    3.10  ███████████████████████████████████████████
    body         0.010
    total         3.63  ms

    FAIL     ND0802  502 Bad Gateway: a gateway's, which got no good answer from the server behind it
      seen   server "nginx"
    "#);
}

#[test]
fn no_answer_or_half_of_one() {
    let sent = || up().then(netdiag_wire::http::HttpEvent::Sending);
    insta::assert_snapshot!(sent().over(0, 0, HttpEnd::Empty).shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> http://checkout.shop.svc/up (shop/svc/checkout:http, 10.96.14.7 TCP 80)
    name             -  (address from the API)
    connect      0.520  ██████████████████████████████████████████████████
    tls              -  (plain)
    first byte       -
    body             -

    FAIL     ND0805  empty reply: checkout.shop.svc closed without a byte
      means  the app crashed, or a proxy has no server to pass it to
    ");
    let said = HttpEnd::Malformed { why: "x".into(), said: b"\x15\x03\x01\0\x02".to_vec().into() };
    insta::assert_snapshot!(sent().over(0, 0, said).shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> http://checkout.shop.svc/up (shop/svc/checkout:http, 10.96.14.7 TCP 80)
    name             -  (address from the API)
    connect      0.520  ██████████████████████████████████████████████████
    tls              -  (plain)
    first byte       -
    body             -

    FAIL     ND0804  checkout.shop.svc speaks TLS on this port, and was asked in the clear
      next   kubectl netdiag http https://checkout.shop.svc:80/up --from shop/pod/web-7d4c9b5f6-x2x9z
    ");
    let short = up().answered(200, &[], 900);
    let short = short.over(512, 100, HttpEnd::CutBody { expected: Some(1024) });
    insta::assert_snapshot!(short.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> http://checkout.shop.svc/up (shop/svc/checkout:http, 10.96.14.7 TCP 80)
    GET -> 200 OK, HTTP/1.1, 512 bytes
    name             -  (address from the API)
    connect      0.520  █████████████████
    tls              -  (plain)
    first byte   0.900  ██████████████████████████████
    body         0.100  ███
    total         1.52  ms

    FAIL     ND0806  checkout.shop.svc promised 1,024 bytes and closed after 512
      means  the app died while it wrote, or its length is wrong
    ");
    let mut late = sent();
    late.ended = Some(EndReason::Deadline);
    insta::assert_snapshot!(late.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> http://checkout.shop.svc/up (shop/svc/checkout:http, 10.96.14.7 TCP 80)
    name             -  (address from the API)
    connect      0.520  ██████████████████████████████████████████████████
    tls              -  (plain)
    first byte       -
    body             -

    FAIL     ND0811  checkout.shop.svc took the connection and the request, and answered nothing in time
      means  the app hangs, or waits for somebody who does
      note   --deadline TIME waits longer
    ");
}

#[test]
fn no_connection_and_a_proxy_of_the_sources_own() {
    let refused = HttpScene::of(UP, checkout());
    let refused = refused.then_connection(120, ConnectOutcome::Refused { ttl: Some(62) });
    insta::assert_snapshot!(refused.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> http://checkout.shop.svc/up (shop/svc/checkout:http, 10.96.14.7 TCP 80)

    FAIL     ND0602  refused by an endpoint: no listener on its port (not blocked: its answer came back)
      note   the RST bears the Service's address: which endpoint it was, it does not say
      next   kubectl netdiag ping shop/svc/checkout --from shop/pod/web-7d4c9b5f6-x2x9z
    ");
    let taken = HttpScene::of(UP, checkout()).then_connection(120, ConnectOutcome::Intercepted);
    let taken = taken.answered(200, &[("server", "envoy")], 900).over(5, 10, HttpEnd::Whole);
    insta::assert_snapshot!(taken.shown(), @r#"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> http://checkout.shop.svc/up (shop/svc/checkout:http, 10.96.14.7 TCP 80)
    GET -> 200 OK, HTTP/1.1, 5 bytes, server "envoy"
    name             -  (address from the API)
    connect      0.120  ██████
    tls              -  (plain)
    first byte   0.900  ████████████████████████████████████████████
    body         0.010
    total         1.03  ms

    OK       answered: 200 OK
      note   a proxy in the source's own namespace took the connection: the answer is its own or came through it
    "#);
    let taken = HttpScene::of(UP, checkout()).then_connection(120, ConnectOutcome::Intercepted);
    let taken = taken.then(netdiag_wire::http::HttpEvent::Sending).over(0, 0, HttpEnd::Empty);
    insta::assert_snapshot!(taken.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> http://checkout.shop.svc/up (shop/svc/checkout:http, 10.96.14.7 TCP 80)
    name             -  (address from the API)
    connect      0.120  ██████████████████████████████████████████████████
    tls              -  (plain)
    first byte       -
    body             -

    UNKNOWN  ND0609  taken by a proxy in the source's own namespace, and then no answer came back
      seen   empty reply: checkout.shop.svc closed without a byte
      means  whether it is the proxy or the target, this does not tell
    ");
}

#[test]
fn heads_with_their_secrets_hidden() {
    let mut scene = up().answered(200, &[("set-cookie", "k=secret"), ("x-a", "b")], 900);
    scene = scene.over(5, 10, HttpEnd::Whole);
    scene.screen.detail = 1;
    insta::assert_snapshot!(scene.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> http://checkout.shop.svc/up (shop/svc/checkout:http, 10.96.14.7 TCP 80)
    > GET /up
    > Host: checkout.shop.svc
    > User-Agent: kubectl-netdiag/0.1.0
    > Accept: */*
    < HTTP/1.1 200 OK
    < set-cookie: (hidden; --show-secrets shows it)
    < x-a: b
    GET -> 200 OK, HTTP/1.1, 5 bytes
    name             -  (address from the API)
    connect      0.520  ██████████████████
    tls              -  (plain)
    first byte   0.900  ███████████████████████████████
    body         0.010
    total         1.43  ms

    OK       answered: 200 OK
    ");
}

/// The Service, and two endpoints that answer with these.
fn each(through: u16, statuses: [u16; 2], all: usize) -> String {
    let scene = |status| up().answered(status, &[], 900).over(0, 0, HttpEnd::Whole);
    let trail = scene(through).trail();
    let service = ServiceScene::new();
    let answered: Vec<Answered> = service
        .endpoints
        .into_iter()
        .zip(statuses)
        .map(|(endpoint, status)| Answered { endpoint, trail: scene(status).trail() })
        .collect();
    let (mut out, screen) = (Vec::new(), Screen::default());
    let view = EachView { through: trail.last(), answered: &answered, all };
    http_each(&mut out, &screen, &view).unwrap();
    let own = answered.iter().map(|one| {
        let first = up().findings(&one.trail).into_iter().next().unwrap();
        (one.endpoint.short(), first)
    });
    let own: Vec<_> = own.collect();
    let findings = diagnose::http_of_each(up().findings(&trail), &own, all);
    verdict(&mut out, &screen, &findings).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn each_endpoint_has_its_row_and_who_answers_otherwise_is_named() {
    insta::assert_snapshot!(each(200, [200, 200], 2), @r"
    ADDRESS        WHAT                      ANSWER  CONNECT MS  FIRST BYTE  TOTAL
    10.96.14.7:80  the Service               200          0.520       0.900   1.42
    10.96.14.7:80  pod/checkout-a on node-1  200          0.520       0.900   1.42
    10.96.14.7:80  pod/checkout-b on node-2  200          0.520       0.900   1.42

    OK       answered: 200 OK; both endpoints are well, asked directly
    ");
    insta::assert_snapshot!(each(200, [200, 503], 2), @r"
    ADDRESS        WHAT                      ANSWER  CONNECT MS  FIRST BYTE  TOTAL
    10.96.14.7:80  the Service               200          0.520       0.900   1.42
    10.96.14.7:80  pod/checkout-a on node-1  200          0.520       0.900   1.42
    10.96.14.7:80  pod/checkout-b on node-2  503          0.520       0.900   1.42

    FAIL     ND0802  1 of 2 endpoints: 503 Service Unavailable: the server failed, or a proxy that does not say so
      seen   asked directly: pod/checkout-b
      unless a proxy without fields of its own answered: ask the pod itself
    ");
    insta::assert_snapshot!(each(200, [200, 200], 40), @r"
    ADDRESS        WHAT                      ANSWER  CONNECT MS  FIRST BYTE  TOTAL
    10.96.14.7:80  the Service               200          0.520       0.900   1.42
    10.96.14.7:80  pod/checkout-a on node-1  200          0.520       0.900   1.42
    10.96.14.7:80  pod/checkout-b on node-2  200          0.520       0.900   1.42
    2 of 40 endpoints were asked

    OK       answered: 200 OK; 2 of 40 endpoints, all that were asked, are well
    ");
    insta::assert_snapshot!(each(503, [404, 503], 2), @r"
    ADDRESS        WHAT                      ANSWER  CONNECT MS  FIRST BYTE  TOTAL
    10.96.14.7:80  the Service               503          0.520       0.900   1.42
    10.96.14.7:80  pod/checkout-a on node-1  404          0.520       0.900   1.42
    10.96.14.7:80  pod/checkout-b on node-2  503          0.520       0.900   1.42

    FAIL     ND0802  1 of 2 endpoints: 503 Service Unavailable: the server failed, or a proxy that does not say so
      seen   asked directly: pod/checkout-b
      unless a proxy without fields of its own answered: ask the pod itself
    WARN     ND0801  1 of 2 endpoints: reached, but: 404 Not Found
      seen   asked directly: pod/checkout-a
      means  the server or ingress knows no such path, or no such Host (-H 'Host: NAME')
    ");
}
