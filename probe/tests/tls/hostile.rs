//! Servers that do what no server should: every run ends, and says how.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use netdiag_wire::tls::{StartTls, TlsEnd, TlsRequest};
use socket2::SockRef;

use super::ask;
use crate::lab::Netns;

type Behaves = fn(TcpStream);
type IsExpected = fn(&TlsEnd) -> bool;

fn hello(mut stream: &TcpStream) {
    let _ = stream.read(&mut [0; 4096]);
}

/// A record of handshake messages that never come to an end.
fn endless_records(mut stream: TcpStream) {
    hello(&stream);
    let record = [&[22, 3, 3, 0x40, 0][..], &[11; 0x4000]].concat();
    while stream.write_all(&record).is_ok() {}
}

fn slow_drip(mut stream: TcpStream) {
    hello(&stream);
    let first = [22, 3, 3, 0x40, 0, 2, 0, 0x3f];
    for byte in first.iter().chain(std::iter::repeat(&0)) {
        if stream.write_all(&[*byte]).is_err() {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn says(mut stream: &TcpStream, bytes: &[u8]) {
    hello(stream);
    let _ = stream.write_all(bytes);
    // What is unread would make a reset of the end.
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let _ = stream.read(&mut [0; 4096]);
}

const SERVERS: [(&str, Behaves, IsExpected); 14] = [
    ("endless records", endless_records, |end| matches!(end, TlsEnd::Misbehaved { .. })),
    ("slow drip", slow_drip, |end| *end == TlsEnd::Silence),
    (
        "silence",
        |stream| {
            hello(&stream);
            thread::sleep(Duration::from_secs(5));
        },
        |end| *end == TlsEnd::Silence,
    ),
    ("closed at once", drop, |end| matches!(end, TlsEnd::Closed | TlsEnd::Reset)),
    ("closed after ClientHello", |stream| says(&stream, b""), |end| *end == TlsEnd::Closed),
    ("closed within a header", |stream| says(&stream, &[22, 3]), |end| *end == TlsEnd::Closed),
    (
        "closed within a record",
        |stream| says(&stream, &[22, 3, 3, 0, 99, 2, 0, 0, 95]),
        |end| *end == TlsEnd::Closed,
    ),
    (
        "reset",
        |stream| {
            hello(&stream);
            let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        },
        |end| *end == TlsEnd::Reset,
    ),
    (
        "garbage",
        |stream| says(&stream, &[0xa5; 600]),
        |end| matches!(end, TlsEnd::PlainText { .. }),
    ),
    (
        "garbage in a record",
        |stream| says(&stream, &[22, 3, 3, 0, 4, 0xa5, 0xa5, 0xa5, 0xa5]),
        |end| matches!(end, TlsEnd::Misbehaved { .. } | TlsEnd::Closed),
    ),
    (
        "HTTP",
        |stream| says(&stream, b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        |end| matches!(end, TlsEnd::PlainText { said } if said.as_bytes().starts_with(b"HTTP/1.1 400")),
    ),
    (
        "an alert",
        |stream| says(&stream, &[21, 3, 3, 0, 2, 2, 112]),
        |end| *end == TlsEnd::Alert { alert: 112 },
    ),
    (
        "an alert of no name",
        |stream| says(&stream, &[21, 3, 3, 0, 2, 2, 200]),
        |end| *end == TlsEnd::Alert { alert: 200 },
    ),
    (
        "a handshake of 16 MiB",
        |stream| says(&stream, &[22, 3, 3, 0, 4, 2, 0xff, 0xff, 0xff]),
        |end| matches!(end, TlsEnd::Misbehaved { .. } | TlsEnd::Closed),
    ),
];

fn serve(namespace: &Netns, behave: Behaves) -> u16 {
    let listener = namespace.enter(|| TcpListener::bind("127.0.0.1:0").unwrap());
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || behave(stream));
        }
    });
    port
}

#[test]
fn every_hostile_server_has_an_end() {
    let namespace = Netns::new();
    for (name, behave, is_expected) in SERVERS {
        let mut request = TlsRequest::to("127.0.0.1", serve(&namespace, behave));
        request.handshake_us = 700_000;
        let report = ask(&namespace, &request);
        let end = report.asked.unwrap().handshake.unwrap().end;
        assert!(is_expected(&end), "{name}: {end:?}");
        // What a scan hears of it is a refusal of every version, and an end as well.
        request.scan = true;
        let report = ask(&namespace, &request);
        assert_eq!(report.versions.len(), 5, "{name}");
        assert!(report.versions.iter().all(|taken| taken.refused.is_some()), "{name}: {report:?}");
    }
}

#[test]
fn what_does_not_change_to_tls_has_an_end_too() {
    let namespace = Netns::new();
    for (protocol, behave) in [
        (
            StartTls::Smtp,
            (|mut stream| {
                let _ = stream.write_all(b"554 go away\r\n");
                hello(&stream);
            }) as Behaves,
        ),
        (StartTls::Imap, |stream| {
            let _ = (&stream).write_all(b"* BYE\r\n");
            hello(&stream);
        }),
        (StartTls::Pop3, |stream| {
            let _ = (&stream).write_all(b"+OK\r\n-ERR no\r\n");
            hello(&stream);
        }),
        (StartTls::Postgres, |stream| says(&stream, b"N")),
        (StartTls::Mysql, |stream| {
            let _ = (&stream).write_all(b"\x05\0\0\0\xff\x15\x04no");
            hello(&stream);
        }),
        (StartTls::Ldap, |stream| {
            says(&stream, b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x34\x04\0\x04\0");
        }),
        (StartTls::Xmpp, |stream| says(&stream, b"<stream:features></stream:features>")),
        (StartTls::Xmpp, |mut stream| {
            hello(&stream);
            while stream.write_all(&[b'x'; 4096]).is_ok() {}
        }),
    ] {
        let mut request = TlsRequest::to("127.0.0.1", serve(&namespace, behave));
        request.start_tls = Some(protocol);
        request.handshake_us = 700_000;
        let end = ask(&namespace, &request).asked.unwrap().handshake.unwrap().end;
        assert!(matches!(end, TlsEnd::NotUpgraded { .. }), "{protocol:?}: {end:?}");
    }
}
