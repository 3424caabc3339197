//! `connect` with bytes: through a canned agent that breaks off or lies, and from this machine.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
};

use crate::{
    canned::{Agent, Canned},
    run::{Plugin, Run},
    stream::ACCEPTED,
};

const HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.netdiag.stream\r\nconnection: close\r\n\r\n";
const CONNECTED: &str =
    r#""event":"connected","local":"10.89.0.11:41822","remote":"10.244.2.7:80","tookUs":520"#;
const END: &str = r#""event":"end","reason":"completed""#;

fn frame(kind: u8, carried: &[u8]) -> Vec<u8> {
    let length = (carried.len() as u32 + 1).to_be_bytes();
    [&length[..], &[kind], carried].concat()
}

fn event(event: &str) -> Vec<u8> {
    frame(b'e', format!("{{\"at\":\"2026-11-22T03:07:11Z\",{event}}}").as_bytes())
}

/// What the plugin makes of these frames.
fn told(flags: &str, frames: &[Vec<u8>]) -> Run {
    let answer = [HEAD.as_bytes(), &frames.concat()].concat();
    let canned = Canned::new(Agent::Says(answer));
    let line = format!("connect shop/pod/foo:80 --from node/node-1 {flags}");
    Plugin::new(&line).kubeconfig(&canned.kubeconfig()).fed(b"hello\n")
}

#[test]
fn a_stream_that_ends_in_order_is_well() {
    let closed = r#""event":"closed","sent":6,"received":3,"end":"finished""#;
    let frames = [
        event(ACCEPTED),
        event(CONNECTED),
        frame(b'd', b"ab\x1b"),
        frame(b'z', b""),
        event(closed),
        event(END),
    ];
    let run = told("", &frames).exits(0);
    assert_eq!(run.stdout, "ab\x1b");
    assert_eq!(run.stderr, "\nOK       connected; 6 bytes sent, 3 received\n");
    assert_eq!(told("-i", &frames).exits(0).stdout, "ab\\u{1b}");
    assert_eq!(told("-i --raw", &frames).exits(0).stdout, "ab\x1b");
}

#[test]
fn whatever_breaks_off_is_an_error_with_the_bytes_so_far() {
    let begun = [event(ACCEPTED), event(CONNECTED), frame(b'd', b"abc")];
    let cut = |rest: &[u8]| told("", &[begun.concat(), rest.to_vec()]).exits(2);
    for rest in [&b""[..], &frame(b'z', b""), &frame(b'd', b"xyz")[..6]] {
        let run = cut(rest);
        assert!(run.stdout.starts_with("abc"), "{run:#?}");
        let error = "error    ND0006  cut off after 3 bytes received: ";
        assert!(run.stderr.starts_with(error), "{rest:?} {run:#?}");
    }
}

#[test]
fn an_agent_that_breaks_the_protocol_is_named() {
    let connected = [event(ACCEPTED), event(CONNECTED)].concat();
    for (frames, what) in [
        (vec![connected.clone(), b"\xff\xff\xff\xffd".to_vec()], "a frame of 4294967295 bytes"),
        (vec![connected.clone(), frame(b'q', b"")], "a frame of unknown kind 0x71"),
        (vec![connected.clone(), frame(b'd', b"")], "a Data frame of 0 bytes"),
        (vec![connected, frame(b'e', b"{}")], "a line that is no event"),
        (vec![event(ACCEPTED), frame(b'd', b"early")], "bytes before a connection"),
    ] {
        let run = told("", &frames).exits(2);
        assert!(run.stderr.starts_with("error    ND0007  "), "{what}: {run:#?}");
        assert!(run.stderr.contains(what), "{what}: {run:#?}");
        assert!(run.stdout.is_empty());
    }
}

/// Serves one connection.
fn server(answer: impl FnOnce(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    thread::spawn(move || answer(listener.accept().unwrap().0));
    format!("connect {to} --from local")
}

#[test]
fn a_pipe_from_this_machine_half_closes_and_hears_the_answer() {
    let line = server(|mut stream| {
        let mut asked = Vec::new();
        stream.read_to_end(&mut asked).unwrap();
        asked.reverse();
        stream.write_all(&asked).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
    });
    let run = Plugin::new(&line).fed(b"abc\ndef").exits(0);
    assert_eq!(run.stdout, "fed\ncba");
}

/// The peer takes all and says nothing, also of TLS.
#[test]
fn a_pipe_from_this_machine_ends_at_its_deadline() {
    for flags in ["", "--tls"] {
        let line = server(|mut stream| drop(stream.read_to_end(&mut Vec::new())));
        let line = format!("{line} {flags} --deadline 1");
        let run = Plugin::new(&line).fed_and_kept_open(b"abc");
        assert_ne!(run.code, None, "{flags}: {run:#?}");
        assert!(run.stderr.contains("deadline"), "{flags}: {run:#?}");
    }
}

#[test]
fn a_source_port_that_somebody_has_is_named() {
    let held = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = held.local_addr().unwrap().port();
    for flags in ["", "-i --raw --lf"] {
        let line = server(drop);
        let run = Plugin::new(&format!("{line} -p {port} {flags}")).fed(b"").exits(2);
        let error = format!("error    ND0622  port {port} is in use\n");
        assert!(run.stderr.starts_with(&error), "{flags}: {run:#?}");
    }
}

#[test]
fn an_empty_stdin_only_checks() {
    let line = server(|mut stream| drop(stream.read_to_end(&mut Vec::new())));
    let run = Plugin::new(&line).fed(b"").exits(0);
    assert!(run.stdout.contains("\nconnected in "), "{run:#?}");
    assert!(run.stdout.contains("\nOK       connected\n"), "{run:#?}");
}

#[test]
fn typed_lines_end_in_cr_lf_unless_told_otherwise() {
    for (flags, want) in [("-i", "a\r\nb"), ("-i --lf", "a\nb"), ("--crlf", "a\r\nb"), ("", "a\nb")]
    {
        let line = server(|mut stream| {
            let mut heard = Vec::new();
            stream.read_to_end(&mut heard).unwrap();
            stream.write_all(format!("{heard:?}").as_bytes()).unwrap();
        });
        let run = Plugin::new(&format!("{line} {flags}")).fed(b"a\nb").exits(0);
        assert_eq!(run.stdout, format!("{:?}", want.as_bytes()), "{flags}");
    }
}

/// Says back inside TLS what it hears, to the end.
fn echo_in_tls(stream: TcpStream) {
    let pair = rcgen::generate_simple_self_signed(vec!["a".to_owned()]).unwrap();
    let key = pair.signing_key.serialize_der().try_into().unwrap();
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let config = rustls::ServerConfig::builder_with_provider(provider.into());
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = config.with_single_cert(vec![pair.cert.der().clone()], key).unwrap();
    let connection = rustls::ServerConnection::new(config.into()).unwrap();
    let mut stream = rustls::StreamOwned::new(connection, stream);
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).unwrap();
    stream.write_all(&heard).unwrap();
    stream.conn.send_close_notify();
    stream.flush().unwrap();
}

#[test]
fn inside_tls_the_bytes_are_the_same_and_it_is_said_what_was_agreed_on() {
    let bytes = "some text\n".repeat(100_000);
    let run = Plugin::new(&format!("{} --tls", server(echo_in_tls))).fed(bytes.as_bytes()).exits(0);
    assert!(run.stdout == bytes, "{} bytes", run.stdout.len());
    let agreed = "TLS 1.3, TLS13_AES_256_GCM_SHA384; the certificate was not verified\n";
    assert!(run.stderr.starts_with(agreed), "{}", run.stderr);
}

#[test]
fn a_server_without_tls_is_a_finding() {
    let line = server(|mut stream| {
        let _ = stream.write_all(b"220 plain text\r\n");
        let _ = stream.read(&mut [0; 16]);
    });
    let run = Plugin::new(&format!("{line} --tls")).fed(b"x").exits(1);
    assert!(
        run.stderr.contains("FAIL     ND0624  connected, but TLS could not begin: "),
        "{run:#?}"
    );
    assert!(run.stdout.is_empty());
}
