//! Web servers that break the rules, each in its way: our verdict beside curl's exit code.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;
use socket2::SockRef;

use crate::run::Plugin;

/// What a server does once it has read the head of a request.
#[derive(Clone, Copy)]
enum Act {
    /// Says this and closes.
    Says(&'static str),
    Raw(&'static [u8]),
    /// Says this and stays.
    Stays(&'static str),
    Resets(&'static str),
    /// Says this, then this byte again and again.
    Drips(&'static str, u8),
    /// Before anything was asked.
    First(&'static str),
    /// `{}` many times this, between two others.
    Many(&'static str, &'static str, usize, &'static str),
}

use Act::{Drips, First, Many, Raw, Resets, Says, Stays};

struct Case {
    name: &'static str,
    act: Act,
    flags: &'static str,
    /// Verdict and codes.
    ours: &'static str,
    /// curl's exit code, as curl itself gives it and as we say it.
    curl: i64,
}

const fn case(name: &'static str, act: Act, ours: &'static str, curl: i64) -> Case {
    Case { name, act, flags: "", ours, curl }
}

const fn asked(name: &'static str, flags: &'static str, act: Act, ours: &'static str) -> Case {
    Case { name, act, flags, ours, curl: 0 }
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

const CASES: &[Case] = &[
    case("well", Says(OK), "ok", 0),
    case("no content", Says("HTTP/1.1 204 No Content\r\n\r\n"), "ok", 0),
    case("to the end", Says("HTTP/1.0 200 OK\r\n\r\nhello"), "ok", 0),
    case(
        "chunked",
        Says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        "ok",
        0,
    ),
    case(
        "chunk extensions",
        Says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n"),
        "ok",
        0,
    ),
    case(
        "trailers",
        Says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n0\r\nA: b\r\n\r\n"),
        "ok",
        0,
    ),
    case(
        "interim",
        Says(
            "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        ),
        "ok",
        0,
    ),
    case("no reason", Says("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"), "ok", 0),
    case("bare line feeds", Says("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"), "ok", 0),
    case(
        "redirect",
        Says("HTTP/1.1 302 Found\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n"),
        "ok",
        0,
    ),
    case(
        "not found",
        Says("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        "warn ND0801",
        0,
    ),
    case(
        "who are you",
        Says(
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"a\"\r\nContent-Length: 0\r\n\r\n",
        ),
        "warn ND0801",
        0,
    ),
    case(
        "misdirected",
        Says("HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n"),
        "fail ND0810",
        0,
    ),
    case("failed", Says("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"), "fail ND0802", 0),
    case(
        "bad gateway",
        Says("HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n"),
        "fail ND0802",
        0,
    ),
    case(
        "envoy alone",
        Says(
            "HTTP/1.1 503 Service Unavailable\r\nserver: istio-envoy\r\nContent-Length: 0\r\n\r\n",
        ),
        "fail ND0802",
        0,
    ),
    case("status beyond", Says("HTTP/1.1 799 Odd\r\nContent-Length: 0\r\n\r\n"), "fail ND0802", 0),
    case(
        "tls wanted",
        Says(
            "HTTP/1.1 400 The plain HTTP request was sent to HTTPS port\r\nContent-Length: 0\r\n\r\n",
        ),
        "fail ND0804",
        0,
    ),
    case("a tls alert", Raw(b"\x15\x03\x03\x00\x02\x02\x46"), "fail ND0804", 1),
    case("http/2 settings", Raw(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"), "fail ND0809", 1),
    case("nothing", Says(""), "fail ND0805", 52),
    case("reset at once", Resets(""), "fail ND0805", 56),
    case("half a head", Says("HTTP/1.1 200 OK\r\nServer: a"), "fail ND0805", 0),
    case("reset in the head", Resets("HTTP/1.1 200 OK\r\nServer: a"), "fail ND0805", 56),
    case("short", Says("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"), "fail ND0806", 18),
    case(
        "no last chunk",
        Says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
        "fail ND0806",
        18,
    ),
    case(
        "half a chunk",
        Says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"),
        "fail ND0806",
        18,
    ),
    case(
        "bad chunk",
        Says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello"),
        "fail ND0806",
        56,
    ),
    case(
        "reset in the body",
        Resets("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"),
        "fail ND0806",
        56,
    ),
    case(
        "longer than it says",
        Says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhello"),
        "warn ND0813",
        0,
    ),
    case("ssh", First("SSH-2.0-OpenSSH_9.2p1\r\n"), "fail ND0807", 1),
    case("smtp", First("220 mail.example ESMTP\r\n"), "fail ND0807", 1),
    case("html without a head", Says("<html>hello</html>"), "fail ND0807", 1),
    case("garbage", Raw(b"\xff\xfe\xfd\xfc\x00\x01\x02\x03"), "fail ND0807", 1),
    case("status is no number", Says("HTTP/1.1 2OO OK\r\n\r\n"), "fail ND0807", 1),
    case(
        "two lengths",
        Says("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc"),
        "fail ND0807",
        18,
    ),
    case(
        "a length below nothing",
        Says("HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc"),
        "fail ND0807",
        8,
    ),
    case("a head without end", Drips("HTTP/1.1 200 OK\r\nA: ", b'a'), "fail ND0812", 27),
    case(
        "fields without end",
        Many("HTTP/1.1 200 OK\r\n", "A: b\r\n", 20_000, "\r\n"),
        "fail ND0812",
        0,
    ),
    case(
        "one long field",
        Many("HTTP/1.1 200 OK\r\nA: ", "aaaaaaaaaa", 40_000, "\r\n\r\n"),
        "fail ND0812",
        27,
    ),
    case("silence", Stays(""), "fail ND0811", 28),
    case("half a head, and silence", Stays("HTTP/1.1 200 OK\r\nA: b\r\n"), "fail ND0811", 28),
    case(
        "half a body, and silence",
        Stays("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"),
        "fail ND0811",
        28,
    ),
    case(
        "events",
        Stays("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: a\n\n"),
        "ok",
        28,
    ),
    case(
        "escapes",
        Says("HTTP/1.1 200 \x1b[31mOK\r\nServer: \x1b]0;a\x07\r\nContent-Length: 0\r\n\r\n"),
        "fail ND0807",
        0,
    ),
    asked(
        "in a circle",
        "-L",
        Says("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"),
        "fail ND0808",
    ),
    asked(
        "to nowhere",
        "-L",
        Says("HTTP/1.1 302 Found\r\nLocation: gopher://a/\r\nContent-Length: 0\r\n\r\n"),
        "fail ND0808",
    ),
    asked(
        "expected",
        "--expect 404",
        Says("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        "ok",
    ),
    asked(
        "-f and 404",
        "-f",
        Says("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        "fail ND0801",
    ),
    asked("not expected", "--expect 204", Says(OK), "fail ND0801"),
    asked("no upgrade", "--websocket", Says(OK), "fail ND0815"),
    asked(
        "no gzip",
        "--compressed --body",
        Says("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"),
        "fail ND0817",
    ),
];

/// Where curl ends otherwise, and why.
const DIFFERENCES: &[(&str, &str)] = &[
    ("half a head", "curl holds a head without its end to be one"),
    ("two lengths", "curl believes the last of them, which RFC 9112, section 6.3, forbids"),
    ("fields without end", "curl stops at 300 KiB and not at 100 fields"),
    ("escapes", "curl takes control characters in a head, which RFC 9112, section 4, forbids"),
];

fn serve(stream: &mut TcpStream, act: Act) {
    if let First(said) = act {
        let _ = stream.write_all(said.as_bytes());
        thread::sleep(Duration::from_millis(200));
        return;
    }
    let mut asked = Vec::new();
    let mut byte = [0];
    while !asked.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => asked.push(byte[0]),
            _ => break,
        }
    }
    match act {
        Says(said) => drop(stream.write_all(said.as_bytes())),
        Raw(said) => drop(stream.write_all(said)),
        Stays(said) => {
            let _ = stream.write_all(said.as_bytes());
            let _ = stream.read(&mut byte);
        }
        Resets(said) => {
            let _ = stream.write_all(said.as_bytes());
            thread::sleep(Duration::from_millis(100));
            let _ = SockRef::from(&*stream).set_linger(Some(Duration::ZERO));
            return;
        }
        Drips(said, again) => {
            let _ = stream.write_all(said.as_bytes());
            while stream.write_all(&[again; 1024]).is_ok() {
                thread::sleep(Duration::from_millis(1));
            }
        }
        Many(before, again, count, behind) => {
            let all = format!("{before}{}{behind}", again.repeat(count));
            let _ = stream.write_all(all.as_bytes());
        }
        First(_) => {}
    }
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
    let _ = stream.read(&mut byte);
}

fn start(act: Act) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || serve(&mut stream, act));
        }
    });
    port
}

fn curl(port: u16) -> i64 {
    #[expect(clippy::disallowed_methods, reason = "the peer is a program")]
    let mut command = Command::new("curl");
    command.args(["-q", "-s", "-m", "2", "-o", "/dev/null"]);
    command.arg(format!("http://127.0.0.1:{port}/")).stdin(Stdio::null()).env_clear();
    command.status().unwrap().code().unwrap().into()
}

/// Verdict and codes, and curl's exit code as we say it.
fn ours(case: &Case, port: u16) -> (String, Option<i64>) {
    let url = format!("http://127.0.0.1:{port}/");
    if case.flags.contains("--body") {
        let run = Plugin::new(&format!("http {url} --from local -m 2 {}", case.flags)).run();
        let line = run.stderr.lines().find(|line| line.starts_with("FAIL")).unwrap_or_default();
        let code = line.split_whitespace().nth(1).unwrap_or_default();
        return (format!("fail {code}"), None);
    }
    let run = Plugin::new(&format!("http {url} --from local -m 2 -o json {}", case.flags)).run();
    let document: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"));
    let codes = document["findings"].as_array().unwrap().iter();
    let codes: Vec<_> = codes.filter_map(|finding| finding["code"].as_str()).collect();
    let verdict = document["verdict"].as_str().unwrap();
    let said = format!("{verdict} {}", codes.join(" ")).trim_end().to_owned();
    (said, document["http"]["curlExit"].as_i64())
}

/// What we say, and what curl does, where that is not as it should be.
fn misjudged(case: &Case) -> Option<String> {
    let port = start(case.act);
    let (said, exit) = ours(case, port);
    let theirs = if case.flags.is_empty() { curl(port) } else { case.curl };
    let is_known = DIFFERENCES.iter().any(|(known, _)| *known == case.name);
    let is_same = exit.is_none_or(|exit| exit == theirs) || !case.flags.is_empty();
    assert!(!(is_same && is_known), "no longer a difference: {}", case.name);
    let is_right = said == case.ours && theirs == case.curl && (is_same || is_known);
    (!is_right).then(|| format!("{}: {said}, curl {theirs}, as we say it {exit:?}", case.name))
}

#[test]
fn nothing_that_a_server_says_is_misjudged() {
    assert!(CASES.len() >= 40, "{}", CASES.len());
    let mut wrong = Vec::new();
    // Some wait for nothing: together they do not wait long.
    for cases in CASES.chunks(8) {
        wrong.extend(thread::scope(|scope| {
            let judged: Vec<_> = cases.iter().map(|case| scope.spawn(|| misjudged(case))).collect();
            let judged = judged.into_iter().filter_map(|one| one.join().unwrap());
            judged.collect::<Vec<_>>()
        }));
    }
    assert!(wrong.is_empty(), "{} are misjudged:\n{}", wrong.len(), wrong.join("\n"));
}
