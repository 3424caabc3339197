//! B8 of security.md: servers that say this and close, each with the one end that is told of it.

use std::time::Duration;

use netdiag_wire::http::HttpEnd;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{exchange, http1::against, request};

const OK: &str = "HTTP/1.1 200 OK\r\n";

/// What follows a good status line.
const HEADS: &[(&str, &str)] = &[
    ("Content-Length: 0\r\n\r\n", "Whole"),
    ("\r\n", "Whole"),
    ("Content-Length: 1\r\nContent-Length: 1\r\n\r\na", "Whole"),
    // RFC 9110, section 8.6: may be taken.
    ("Content-Length: 1, 1\r\n\r\na", "Whole"),
    ("Content-Length: 1\r\nContent-Length: 2\r\n\r\na", "Malformed"),
    ("Content-Length: +1\r\n\r\na", "Malformed"),
    ("Content-Length: 0x1\r\n\r\na", "Malformed"),
    ("Content-Length: 1.0\r\n\r\na", "Malformed"),
    ("Content-Length: one\r\n\r\na", "Malformed"),
    ("Content-Length: \r\n\r\n", "Malformed"),
    ("Content-Length: 99999999999999999999999\r\n\r\n", "Malformed"),
    ("Content-Length: 18446744073709551614\r\n\r\na", "Malformed"),
    ("content-length:18446744073709551615\r\n\r\na", "Malformed"),
    ("Content-Length: 9\r\n\r\n", "CutBody"),
    ("Content-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\n\r\n", "Surplus"),
    ("Content-Length: 0\r\n\r\nHTTP/1.1 500 No\r\n\r\n", "Surplus"),
    ("Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\0\0", "Whole"),
    ("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "Whole"),
    ("Transfer-Encoding: chunked\r\n\r\n", "CutBody"),
    ("Transfer-Encoding: chunked\r\n\r\n0\r\n", "CutBody"),
    ("Transfer-Encoding: chunked\r\n\r\n3\r\nab", "CutBody"),
    ("Transfer-Encoding: chunked\r\n\r\n-1\r\na\r\n", "Malformed"),
    ("Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\na", "Malformed"),
    ("Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", "Malformed"),
    ("Transfer-Encoding: chunked\r\n\r\n1;a=b\r\na\r\n0\r\n\r\n", "Whole"),
    ("Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n", "Whole"),
    ("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nmore", "Surplus"),
    ("Transfer-Encoding: gzip\r\n\r\nabc", "Whole"),
    ("A\r\n\r\n", "Malformed"),
    (": b\r\n\r\n", "Malformed"),
    ("A : b\r\n\r\n", "Malformed"),
    ("A: b\rc\r\n\r\n", "Malformed"),
    ("A: b\0c\r\n\r\n", "Malformed"),
    ("A: \x1b[2J\r\n\r\n", "Malformed"),
    ("A: b\r\n folded\r\n\r\n", "Malformed"),
    ("A: b\r\n", "CutHead"),
    ("A: b\n\n", "Whole"),
    ("\x1b[31m: b\r\n\r\n", "Malformed"),
];

/// What comes first.
const FIRSTS: &[(&str, &str)] = &[
    ("", "Empty"),
    ("H", "CutHead"),
    ("HTTP/1.1", "CutHead"),
    ("HTTP/1.1 200", "CutHead"),
    ("HTTP/1.1 200 OK\r\n", "CutHead"),
    ("HTTP/1.1 200\r\n\r\n", "Whole"),
    ("HTTP/1.0 200 OK\r\n\r\n", "Whole"),
    ("HTTP/1.1 99 A\r\n\r\n", "Malformed"),
    ("HTTP/1.1 20 A\r\n\r\n", "Malformed"),
    ("HTTP/1.1 2000 A\r\n\r\n", "Malformed"),
    ("HTTP/1.1 000 A\r\n\r\n", "Malformed"),
    ("HTTP/1.1 -20 A\r\n\r\n", "Malformed"),
    ("HTTP/1.1 OK 200\r\n\r\n", "Malformed"),
    ("HTTP/1.2 200 OK\r\n\r\n", "Malformed"),
    ("HTTP/2 200 OK\r\n\r\n", "Malformed"),
    ("HTTP/9.9 200 OK\r\n\r\n", "Malformed"),
    ("http/1.1 200 OK\r\n\r\n", "Malformed"),
    ("HTTPS/1.1 200 OK\r\n\r\n", "Malformed"),
    ("ICY 200 OK\r\n\r\n", "Malformed"),
    ("RTSP/1.0 200 OK\r\n\r\n", "Malformed"),
    ("SIP/2.0 200 OK\r\n\r\n", "Malformed"),
    ("220 mail ESMTP\r\n", "Malformed"),
    ("* OK IMAP4\r\n", "Malformed"),
    ("-ERR unknown command\r\n", "Malformed"),
    ("SSH-2.0-x\r\n", "Malformed"),
    ("\x15\x03\x01\0\x02\x02\x46", "Malformed"),
    ("\0\0\0\x04\0\0\0\0\0", "Malformed"),
    ("<html>old</html>", "Malformed"),
    ("{\"error\":1}", "Malformed"),
    ("GET / HTTP/1.1\r\n\r\n", "Malformed"),
    ("\0\0\0\0", "Malformed"),
    ("\x1b]0;title\x07", "Malformed"),
    ("HTTP/1.1 204 No\r\n\r\nbody", "Surplus"),
    ("HTTP/1.1 304 Not\r\nContent-Length: 9\r\n\r\n", "Whole"),
    ("HTTP/1.1 304 Not\r\n\r\nbody", "Surplus"),
    ("HTTP/1.1 999 Odd\r\n\r\n", "Whole"),
];

/// What the server says, and the end by its name.
fn rows() -> Vec<(String, &'static str)> {
    let mut rows = vec![
        (format!("{OK}A: {}\r\n\r\n", "a".repeat(17_000)), "HeadTooLong"),
        (format!("{OK}{}: a\r\n\r\n", "a".repeat(17_000)), "HeadTooLong"),
        (format!("{OK}{}", "A: b\r\n".repeat(10_000)), "HeadTooLong"),
        (format!("HTTP/1.1 200 {}\r\n\r\n", "a".repeat(17_000)), "HeadTooLong"),
        (
            format!("{}{OK}Content-Length: 0\r\n\r\n", "HTTP/1.1 100 C\r\n\r\n".repeat(3_000)),
            "Whole",
        ),
        ("HTTP/1.1 103 E\r\nA: b\r\n\r\n".repeat(3_000), "CutHead"),
        (
            format!("{OK}Transfer-Encoding: chunked\r\n\r\n{}", "1\r\na\r\n".repeat(2_000)),
            "CutBody",
        ),
        (format!("{OK}Content-Length: 18446744073709551613\r\n\r\na"), "CutBody"),
    ];
    rows.extend(HEADS.iter().map(|(head, end)| (format!("{OK}{head}"), *end)));
    rows.extend(FIRSTS.iter().map(|(first, end)| ((*first).to_owned(), *end)));
    rows
}

#[tokio::test]
async fn eighty_hostile_servers_are_judged() {
    let rows = rows();
    assert!(rows.len() >= 80, "{}", rows.len());
    let mut wrong = Vec::new();
    for (says, expected) in rows {
        let heads = against(request(), says.as_bytes(), false, &[]).await;
        assert!(heads.interim.len() <= 64);
        let end = format!("{:?}", heads.over.end);
        if !end.starts_with(expected) {
            wrong.push(format!("{:?}: {end:.120}, not {expected}", &says[..says.len().min(80)]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn an_answer_to_head_has_no_body() {
    let mut request = request();
    request.method = "HEAD".into();
    let says = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
    let heads = against(request, says, false, &[]).await;
    assert_eq!((heads.over.end, heads.over.body_bytes), (HttpEnd::Whole, 0));
}

/// Some bytes each second, of a head or of a body.
#[tokio::test(start_paused = true)]
async fn an_endless_answer_ends_at_its_time() {
    let body = format!("{OK}\r\n");
    for (first, size) in [(OK.to_owned(), 1), (body.clone(), 1), (body, 4096)] {
        let length = first.len() as u64;
        let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
        let dripping = tokio::spawn(async move {
            theirs.read_exact(&mut [0; 16]).await.unwrap();
            theirs.write_all(first.as_bytes()).await.unwrap();
            while theirs.write_all(&vec![b'a'; size]).await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let heads = exchange(&request(), ours, None, &[]).await;
        assert_eq!(heads.over.end, HttpEnd::TooLate);
        assert!(heads.over.read_bytes > length);
        dripping.await.unwrap();
    }
}
