//! Over TLS and HTTPS.

use std::{
    io::{Read, Write},
    sync::Arc,
};

use netdiag_wire::dns::{DnsOutcome, DnsQuery, DnsRequest, DnsTransport, RecordType};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ServerConfig, ServerConnection, StreamOwned, pki_types::PrivateKeyDer};

use super::{
    ask, request,
    server::{Server, read_framed, with_address, write_framed},
};
use crate::lab::Netns;

pub(super) const NAME: &str = "dns.example";

pub(super) type Tls = StreamOwned<ServerConnection, std::net::TcpStream>;

/// A server with a certificate, and the CA's.
pub(super) fn tls(mut converse: impl FnMut(&mut Tls) + Send + 'static) -> (Server, String) {
    let mut ca = CertificateParams::new([]).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new([NAME.to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let server = Server::tcp(move |stream| {
        let session = ServerConnection::new(Arc::clone(&config)).unwrap();
        converse(&mut StreamOwned::new(session, stream));
    });
    (server, ca.pem())
}

pub(super) fn framed(stream: &mut Tls) {
    let query = read_framed(stream);
    write_framed(stream, &with_address(&query, [10, 0, 0, 7]));
}

pub(super) fn over(transport: DnsTransport, server: &Server) -> DnsRequest {
    let mut request = request(RecordType::A, server.address);
    request.options.transport = transport;
    // A debug build takes its time for a handshake.
    request.options.timeout_us = Some(5_000_000);
    request
}

#[test]
fn over_tls_an_answer_is_checked_where_there_is_a_ca() {
    Netns::new().enter(|| {
        let (server, ca) = tls(framed);
        let mut request = over(DnsTransport::Tls, &server);
        request.options.ca = Some(ca);
        request.options.tls_name = Some(NAME.into());
        let checked = ask(&request);
        assert_eq!((checked.outcome, &checked.problem), (DnsOutcome::Answered, &None));
        assert_eq!(checked.transport, DnsTransport::Tls);
        let unchecked = ask(&over(DnsTransport::Tls, &server));
        assert_eq!(unchecked.outcome, DnsOutcome::Answered, "{unchecked:#?}");
        let words = "the server's certificate was not checked: no CA was given";
        assert_eq!(unchecked.problem, Some(words.into()));
    });
}

#[test]
fn a_certificate_of_another_name_is_named() {
    Netns::new().enter(|| {
        let (server, ca) = tls(|stream| drop(stream.conn.complete_io(&mut stream.sock)));
        let mut request = over(DnsTransport::Tls, &server);
        request.options.ca = Some(ca);
        request.options.tls_name = Some("other.example".into());
        let query = ask(&request);
        assert_eq!(query.outcome, DnsOutcome::TlsFailed);
        let problem = query.problem.unwrap().to_string();
        assert!(problem.contains("other.example") && problem.contains(NAME), "{problem}");
    });
}

#[test]
fn a_server_without_tls_fails_the_handshake() {
    let query = Netns::new().enter(|| {
        let server = Server::tcp(|mut stream| {
            let _ = stream.read(&mut [0; 16]);
            stream.write_all(b"220 smtp.example ready\r\n").unwrap();
        });
        ask(&over(DnsTransport::Tls, &server))
    });
    assert_eq!(query.outcome, DnsOutcome::TlsFailed, "{query:#?}");
    assert!(query.problem.is_some());
}

/// What becomes of a question over HTTPS that is answered with this head and a good message.
fn https(head: &'static str) -> DnsQuery {
    Netns::new().enter(|| {
        let (server, ca) = tls(move |stream| {
            let query = posted(stream);
            let answer = with_address(&query, [10, 0, 0, 7]);
            write!(stream, "HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", answer.len()).unwrap();
            stream.write_all(&answer).unwrap();
            stream.flush().unwrap();
        });
        let mut request = over(DnsTransport::Https, &server);
        request.options.ca = Some(ca);
        request.options.tls_name = Some(NAME.into());
        ask(&request)
    })
}

/// The body of a request to the usual path.
fn posted(stream: &mut Tls) -> Vec<u8> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    assert!(head.starts_with("post /dns-query http/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("host: {NAME}:")), "{head}");
    assert!(head.contains("content-type: application/dns-message\r\n"), "{head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    body
}

#[test]
fn over_https_an_answer_is_an_answer() {
    let query = https("200 OK\r\nContent-Type: application/dns-message");
    assert_eq!((query.outcome, &query.problem), (DnsOutcome::Answered, &None), "{query:#?}");
    assert_eq!(query.message.unwrap().answer[0].data, "10.0.0.7".into());
}

#[test]
fn what_is_no_dns_over_https_is_named() {
    for (head, problem) in [
        ("404 Not Found", "the server answered 404 Not Found"),
        (
            "200 OK\r\nContent-Type: text/html",
            "the server answered something that is no DNS message",
        ),
    ] {
        let query = https(head);
        assert_eq!(query.outcome, DnsOutcome::HttpFailed);
        assert_eq!(query.problem, Some(problem.into()));
    }
}
