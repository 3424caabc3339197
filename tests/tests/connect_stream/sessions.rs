//! Sessions in text protocols, as telnet holds them. The servers are small ones of ours.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
};

use anyhow::Result;
use netdiag_tests::{Pair, turn};

use crate::serve::{exits, fed, netdiag, serve};

/// Says `banner`, then to each line that ends in CR LF what `answer` has; none ends it.
fn talk(stream: TcpStream, banner: &str, answer: fn(&str) -> Option<&'static str>) {
    let Ok(mut to) = stream.try_clone() else { return };
    let _ = to.write_all(banner.as_bytes());
    for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        let said = line.strip_suffix('\r').map_or(Some("-ERR no CR\r\n"), answer);
        let Some(said) = said else { return };
        let _ = to.write_all(said.as_bytes());
    }
}

fn smtp(stream: TcpStream) {
    talk(stream, "220 mail ESMTP\r\n", |line| match line {
        "EHLO a" => Some("250-mail\r\n250 8BITMIME\r\n"),
        "QUIT" => None,
        _ => Some("500 what\r\n"),
    });
}

fn pop3(stream: TcpStream) {
    talk(stream, "+OK pop3\r\n", |line| match line {
        "QUIT" => None,
        "CAPA" => Some("+OK\r\nUSER\r\n.\r\n"),
        _ => Some("-ERR\r\n"),
    });
}

fn imap(stream: TcpStream) {
    talk(stream, "* OK imap\r\n", |line| match line {
        "a NOOP" => Some("a OK\r\n"),
        "b LOGOUT" => None,
        _ => Some("* BAD\r\n"),
    });
}

fn redis(stream: TcpStream) {
    talk(stream, "", |line| match line {
        "PING" => Some("+PONG\r\n"),
        "QUIT" => None,
        _ => Some("-ERR\r\n"),
    });
}

fn memcached(stream: TcpStream) {
    talk(stream, "", |line| match line {
        "get a" => Some("VALUE a 0 1\r\n1\r\nEND\r\n"),
        "quit" => None,
        _ => Some("ERROR\r\n"),
    });
}

fn http(stream: TcpStream) {
    talk(stream, "", |line| match line {
        "" => Some("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi\n"),
        "bye" => None,
        _ => Some(""),
    });
}

/// Steers the terminal, and negotiates as a telnet server does.
fn hostile(stream: TcpStream) {
    talk(stream, "\u{1b}]0;owned\u{7}login: ", |_| None);
}

/// A protocol's name, its server, what is typed and what is shown.
type Case = (&'static str, fn(TcpStream), &'static str, &'static str);

#[test]
#[ignore = "needs a cluster: talks to servers in a pod"]
fn text_protocols_are_spoken() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let table: [Case; 7] = [
        ("SMTP", smtp, "EHLO a\nQUIT\n", "220 mail ESMTP\n250-mail\n250 8BITMIME\n"),
        ("POP3", pop3, "CAPA\nQUIT\n", "+OK pop3\n+OK\nUSER\n.\n"),
        ("IMAP", imap, "a NOOP\nb LOGOUT\n", "* OK imap\na OK\n"),
        ("Redis", redis, "PING\nQUIT\n", "+PONG\n"),
        ("memcached", memcached, "get a\nquit\n", "VALUE a 0 1\n1\nEND\n"),
        (
            "HTTP/1",
            http,
            "GET / HTTP/1.1\nHost: a\n\nbye\n",
            "HTTP/1.1 200 OK\nContent-Length: 3\n\nhi\n",
        ),
        ("hostile", hostile, "x\n", "\\u{1b}]0;owned\\u{7}login: "),
    ];
    for (name, server, typed, shown) in table {
        let port = serve(&pair.server, server)?;
        let output = fed(netdiag(&pair, port, &["-i"])?, typed.as_bytes())?;
        let said = exits(&output, 0);
        assert_eq!(String::from_utf8_lossy(&output.stdout), shown, "{name}");
        assert!(said.starts_with(&format!("connected to {}:{port}", pair.server.ip())), "{said}");
    }
    Ok(())
}
