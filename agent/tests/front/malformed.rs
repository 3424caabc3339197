//! B1 and T16: what is no request gets a 4xx or a closed connection, starts nothing, and costs
//! neither memory nor anybody else's turn. Every case bears a valid token.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    client::{self, raw},
    fixture::{Agent, USER, node_ping},
};

/// A name for the failure message, and the bytes.
type Case = (String, Vec<u8>);

/// A request that would be answered with 200 but for what a case does to it.
struct Base {
    token: String,
    body: String,
}

impl Base {
    fn fields(&self) -> Vec<String> {
        vec![
            "Host: localhost".into(),
            format!("Authorization: Bearer {}", self.token),
            format!("Content-Length: {}", self.body.len()),
        ]
    }

    fn with(&self, line: &[u8], fields: &[Vec<u8>], end: &[u8]) -> Vec<u8> {
        let mut bytes = line.to_vec();
        for field in fields {
            bytes.extend_from_slice(end);
            bytes.extend_from_slice(field);
        }
        bytes.extend([end, end, self.body.as_bytes()].concat());
        bytes
    }

    fn line(&self, line: impl AsRef<[u8]>) -> Case {
        let fields: Vec<_> = self.fields().into_iter().map(String::into_bytes).collect();
        let bytes = self.with(line.as_ref(), &fields, b"\r\n");
        (format!("request line {:?}", String::from_utf8_lossy(line.as_ref())), bytes)
    }

    fn field(&self, field: impl AsRef<[u8]>) -> Case {
        let mut fields: Vec<_> = self.fields().into_iter().map(String::into_bytes).collect();
        fields.push(field.as_ref().to_vec());
        let name = format!("field {:?}", String::from_utf8_lossy(field.as_ref()));
        (name, self.with(b"POST /v1/ping HTTP/1.1", &fields, b"\r\n"))
    }

    /// In place of the plain Content-Length.
    fn framed(&self, framing: &[&str], body: impl AsRef<[u8]>) -> Case {
        let own = self.fields();
        let fields = own[..2].iter().map(String::as_str).chain(framing.iter().copied());
        let mut bytes = b"POST /v1/ping HTTP/1.1".to_vec();
        fields.for_each(|field| bytes.extend([b"\r\n", field.as_bytes()].concat()));
        bytes.extend([b"\r\n\r\n", body.as_ref()].concat());
        (format!("framing {framing:?}"), bytes)
    }
}

fn request_lines(base: &Base) -> Vec<Case> {
    let mut cases = Vec::new();
    for method in
        ["", "GE T", "P@ST", "POST\t", "PO\0ST", "POST:", "(POST)", "\u{fc}", "\"POST\"", "PO/ST"]
    {
        cases.push(base.line(format!("{method} /v1/ping HTTP/1.1")));
    }
    for version in [
        "",
        "HTTP/0.9",
        "HTTP/1.0",
        "HTTP/1.2",
        "HTTP/2",
        "HTTP/2.0",
        "HTTP/3",
        "HTTP/11",
        "HTTP/1.1x",
        "http/1.1",
        "HTTP/ 1.1",
        "HTTP 1.1",
        "HTPP/1.1",
        "HTTP/1,1",
        "HTTP/1.1 ",
        "HTTP/-1.1",
        "HTTP/\u{661}.1",
    ] {
        cases.push(base.line(format!("POST /v1/ping {version}")));
    }
    for target in [
        "",
        "*",
        "ping",
        "http://localhost/v1/ping",
        "localhost:9443",
        "//[::1]:9443 /v1/ping",
        "/v1/ping ",
        "/v1/ ping",
        "/v1\t/ping",
        "/v1/ping#part",
        "\\v1\\ping",
        "/v1\\ping",
        "/v1/\"ping\"",
        "/<script>",
        "/../v1/ping",
        "/v1/../v1/ping",
        "/v1/%70ing",
        "/v1//ping",
        "/V1/PING",
        "/v1/ping%00",
        "?x=1",
    ] {
        cases.push(base.line(format!("POST {target} HTTP/1.1")));
    }
    for bytes in [
        &b"\xc0\xaf"[..],
        b"\xe0\x80\xaf",
        b"\xf0\x80\x80\xaf",
        b"\xff",
        b"\x80",
        b"\xc3\xa4",
        b"\0",
        b"\x7f",
        b"\x1b[2J",
        b"\r",
        b"\n",
        b"\x0b",
        b"\x0c",
    ] {
        cases.push(base.line([b"POST /v1/ping", bytes, b" HTTP/1.1"].concat()));
    }
    cases.push(base.line("POST  /v1/ping HTTP/1.1"));
    cases.push(base.line(" POST /v1/ping HTTP/1.1"));
    cases.push(base.line("POST /v1/ping  HTTP/1.1"));
    cases.push(base.line(format!("POST /{} HTTP/1.1", "a".repeat(16 * 1024))));
    cases.push(base.line("PRI * HTTP/2.0"));
    cases.push(base.line("\r\nPOST /v1/ping HTTP/1.1"));
    cases
}

fn fields(base: &Base) -> Vec<Case> {
    let mut cases = Vec::new();
    let in_names = (0..=32).chain(127..=255).chain(b"()<>@,;\\\"/[]?={}".iter().copied());
    for byte in in_names {
        cases.push(base.field([b"X", &[byte][..], b"Y: 1"].concat()));
    }
    for byte in (0..32).filter(|byte| *byte != b'\t').chain([127, 128, 192, 255]) {
        cases.push(base.field([b"X-Y: a", &[byte][..], b"b"].concat()));
    }
    for field in [
        "no colon",
        ": no name",
        " Leading: space",
        "\tLeading: tab",
        "Trailing : space",
        "Trailing\t: tab",
        "",
        "Host: again",
        "host: again",
        "Content-Length: 0",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: identity",
        "transfer-encoding: xchunked",
        "X: a\r\n folded",
        "X: a\r\n\tfolded",
        "X: a\rb",
        "X: a\nb",
        "X: a\n\r\n",
        "Authorization: Bearer other",
    ] {
        cases.push(base.field(field));
    }
    cases.push(base.field(format!("X: {}", "x".repeat(16 * 1024))));
    cases.push(base.field("X: y\r\n".repeat(100).trim_end()));
    cases.push(base.field("X: y\r\n".repeat(5_000).trim_end()));
    cases
}

fn framings(base: &Base) -> Vec<Case> {
    let body = &base.body;
    let length = body.len();
    let chunk = |head: &str, tail: &str| format!("{head}\r\n{body}\r\n{tail}");
    let hex = format!("{length:x}");
    let mut cases = Vec::new();
    for value in [
        "",
        "-1",
        "+5",
        "0x10",
        "5,5",
        "5 5",
        "5;",
        "1e3",
        "\u{665}",
        "18446744073709551616",
        "99999999999999999999999",
        "NaN",
        "5.0",
        "'5'",
        "5\t6",
    ] {
        cases.push(base.framed(&[&format!("Content-Length: {value}")], body));
    }
    let plain = format!("Content-Length: {length}");
    for pair in [
        [&plain[..], &plain],
        [&plain, "Content-Length: 0"],
        ["Content-Length: 0", &plain],
        [&plain, "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", &plain],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
    ] {
        cases.push(base.framed(&pair, chunk(&hex, "0\r\n\r\n")));
    }
    for coding in [
        "gzip",
        "chunked, gzip",
        "gzip, chunked",
        "chunked, chunked",
        "chunked;q=1",
        "\"chunked\"",
        "chunke",
        "",
        ",chunked",
        "chunked,",
        "x chunked",
        "chunk ed",
        "identity",
        "deflate",
        "\u{b}chunked",
    ] {
        cases.push(
            base.framed(&[&format!("Transfer-Encoding: {coding}")], chunk(&hex, "0\r\n\r\n")),
        );
    }
    let chunked = ["Transfer-Encoding: chunked"];
    for size in [
        "",
        "-1",
        "+5",
        "0x5",
        "g",
        "5 5",
        "ffffffffffffffff",
        "fffffffffffffffff",
        "\u{665}",
        ";",
        "\0",
        "5\u{b}",
        "\n5",
        "1e3",
    ] {
        cases.push(base.framed(&chunked, chunk(size, "0\r\n\r\n")));
    }
    cases.push(base.framed(&chunked, format!("{hex}\n{body}\r\n0\r\n\r\n")));
    cases.push(base.framed(&chunked, format!("{hex}\r\n{body}0\r\n\r\n")));
    cases.push(base.framed(&chunked, format!("{hex}\r\n{body}\n0\r\n\r\n")));
    cases.push(base.framed(&chunked, format!("{hex}\r\n{}", &body[..length - 1])));
    cases.push(
        base.framed(&chunked, format!("{hex};{}\r\n{body}\r\n0\r\n\r\n", "x".repeat(32 * 1024))),
    );
    cases.push(base.framed(&chunked, "1\r\n \r\n".repeat(70_000)));
    cases.push(base.framed(&chunked, ""));
    cases.push(base.framed(&["Content-Length: 1073741824"], " ".repeat(200_000)));
    cases.push(base.framed(&[&format!("Content-Length: {}", length + 1)], body));
    cases.push(base.framed(&[&format!("Content-Length: {}", length - 1)], body));
    cases.push(base.framed(&[], body));
    cases
}

fn whole(base: &Base) -> Vec<Case> {
    let fields: Vec<_> = base.fields().into_iter().map(String::into_bytes).collect();
    let line = b"POST /v1/ping HTTP/1.1";
    let good = base.with(line, &fields, b"\r\n");
    let mut cases = vec![
        ("bare LF".into(), base.with(line, &fields, b"\n")),
        ("bare CR".into(), base.with(line, &fields, b"\r")),
        ("LF CR".into(), base.with(line, &fields, b"\n\r")),
        ("CR CR LF".into(), base.with(line, &fields, b"\r\r\n")),
        ("no Host".into(), base.with(line, &fields[1..], b"\r\n")),
        ("nothing".into(), vec![]),
        ("a NUL".into(), vec![0]),
        ("TLS hello".into(), b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec()),
        ("HTTP/2 preface".into(), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec()),
        ("SSH".into(), b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec()),
        ("1 MiB of a".into(), vec![b'a'; 1 << 20]),
        ("1 MiB of NUL".into(), vec![0; 1 << 20]),
        ("1 MiB of CRLF".into(), b"\r\n".repeat(1 << 19)),
        (
            "10 MiB of fields".into(),
            [&b"GET / HTTP/1.1\r\n"[..], &b"X: y\r\n".repeat(1_700_000)].concat(),
        ),
        ("UTF-16".into(), good.iter().flat_map(|byte| [*byte, 0]).collect()),
        ("BOM".into(), [b"\xef\xbb\xbf", &good[..]].concat()),
    ];
    let head = good.len() - base.body.len();
    for cut in (1..head).step_by(20) {
        cases.push((format!("cut after {cut} bytes"), good[..cut].to_vec()));
    }
    cases
}

#[tokio::test]
async fn b1_malformed_requests_start_nothing() {
    let agent = Agent::start_with(&["--rate", "100000", "--burst", "100000"]).await;
    agent.allow(&["nodes/ping", "destinations/loopback"]);
    let base = Base { token: agent.token(USER), body: node_ping(&json!({})).to_string() };
    let fields_of_good: Vec<_> = base.fields().into_iter().map(String::into_bytes).collect();
    let good = base.with(b"POST /v1/ping HTTP/1.1", &fields_of_good, b"\r\n");
    assert!(
        raw(agent.address, &good).await.starts_with(b"HTTP/1.1 200 "),
        "the base is well-formed"
    );

    let cases: Vec<Case> =
        [request_lines, fields, framings, whole].iter().flat_map(|make| make(&base)).collect();
    assert!(cases.len() >= 300, "{} cases", cases.len());
    let answers = stream::iter(&cases)
        .map(async |(name, bytes)| (name, raw(agent.address, bytes).await))
        .buffer_unordered(32)
        .collect::<Vec<_>>();
    for (name, answer) in answers.await {
        let refused = answer.is_empty() || answer.starts_with(b"HTTP/1.1 4");
        let said = String::from_utf8_lossy(&answer[..answer.len().min(300)]);
        assert!(refused, "{name}: {said}");
        let answers = answer
            .windows(10)
            .filter(|seen| *seen == b"HTTP/1.1 2" || *seen == b"HTTP/1.1 4")
            .count();
        assert!(answers <= 1, "{name}: {answers} answers");
    }

    assert!(raw(agent.address, &good).await.starts_with(b"HTTP/1.1 200 "), "front lives");
    agent.wait("the lines of two probes", || agent.started() == 2).await;
    assert!(agent.front_rss_kib() < 40 * 1024, "{} KiB", agent.front_rss_kib());
    println!("{} malformed requests; front has {} KiB", cases.len(), agent.front_rss_kib());
}

#[tokio::test]
async fn a_second_request_on_a_connection_is_never_read() {
    let agent = Agent::start().await;
    agent.allow(&["nodes/ping", "destinations/loopback"]);
    let about = "GET /v1/about HTTP/1.1\r\nHost: a\r\n\r\n";
    let answer = raw(agent.address, about.repeat(10_000).as_bytes()).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 200 ") || answer.is_empty(), "{answer}");
    assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{answer}");
}

#[tokio::test]
async fn t16_half_open_connections_do_not_shut_others_out() {
    let agent = Agent::start().await;
    let mut silent = Vec::new();
    for n in 0..256 {
        let mut stream = TcpStream::connect(agent.address).await.unwrap();
        if n % 2 == 0 {
            stream.write_all(b"POST /v1/ping HTTP/1.1\r\nHost: a\r\n").await.unwrap();
        }
        silent.push(stream);
    }
    for _ in 0..20 {
        let asked = Instant::now();
        let about = client::post(agent.address, "/v1/about", None, "").await;
        assert_eq!(about.status, 200);
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    }
    assert!(agent.is_live(), "the liveness probe stays green");
    assert!(agent.front_rss_kib() < 40 * 1024, "{} KiB", agent.front_rss_kib());
}
