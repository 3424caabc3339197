//! Requests from a namespace of their own: phases on a slow way, what is said of the connection, and
//! a proxy that takes it.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use netdiag_probe::{
    StreamProbe,
    names::ResolverFiles,
    stream::{Caller, Outgoing, QUEUE},
};
use netdiag_wire::{
    connect::ConnectOutcome,
    http::{HttpEnd, HttpEvent, HttpField, HttpFold, HttpReport, HttpRequest, ProxyProtocol},
    tls::{TlsOffer, TlsRequest},
};
use tokio::sync::mpsc::channel;
use tokio_util::sync::CancellationToken;

use crate::{
    lab::{CLIENT, Lab, Netns, SERVER, SERVER6, runtime},
    tls::{self, openssl::Servers},
};

fn request(host: &str, port: u16) -> HttpRequest {
    let fields = vec![HttpField::new("Host", host)];
    HttpRequest { fields, answer_us: Some(20_000_000), ..HttpRequest::to(host, port) }
}

/// Runs the engine to its end in that namespace, with no body; what it told, in its order.
fn ask(from: &Netns, request: &HttpRequest) -> (HttpReport, Vec<&'static str>) {
    from.enter(|| {
        let sockets = request.open().unwrap();
        let ((input, from), (to, mut output)) = (channel(QUEUE), channel(QUEUE));
        drop(input);
        let (files, stop) = (ResolverFiles::default(), CancellationToken::new());
        let running = request.run(sockets, &files, &|_| Ok(()), Caller { from, to }, stop);
        let hearing = async {
            let (mut fold, mut told) = (HttpFold::default(), Vec::new());
            while let Some(outgoing) = output.recv().await {
                let Outgoing::Event(event) = outgoing else { panic!("a body: {outgoing:?}") };
                fold.push(&event);
                told.push(word(&event));
            }
            (fold.report(None), told)
        };
        runtime().block_on(async {
            let (ran, heard) = tokio::join!(running, hearing);
            ran.unwrap();
            heard
        })
    })
}

fn word(event: &HttpEvent) -> &'static str {
    match event {
        HttpEvent::Reaching { .. } => "reaching",
        HttpEvent::Connection(_) => "connection",
        HttpEvent::Certificate { .. } => "certificate",
        HttpEvent::Handshake(_) => "handshake",
        HttpEvent::Sending => "sending",
        HttpEvent::Answer(_) => "answer",
        HttpEvent::Over(_) => "over",
        other => panic!("{other:?}"),
    }
}

/// Answers every request with its first line; what it read is sent there as well.
fn serve(namespace: &Netns, address: &str) -> std::sync::mpsc::Receiver<String> {
    let listener = namespace.enter(|| TcpListener::bind(address).unwrap());
    let (to, heard) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read > 0)
            {
                head.push(byte[0]);
            }
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
            // Nobody asks any more when the test is over.
            let _ = to.send(String::from_utf8_lossy(&head).into_owned());
        }
    });
    heard
}

/// What a piece is held for, one way.
const HELD: Duration = Duration::from_millis(100);

/// Holds everything between the two ports.
fn slow_way(namespace: &Netns, port: u16, behind: u16) {
    namespace.enter(|| {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        // In the namespace of the thread that starts it.
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let far = TcpStream::connect(("127.0.0.1", behind)).unwrap();
                let back = (far.try_clone().unwrap(), near.try_clone().unwrap());
                thread::spawn(move || hold(near, far));
                thread::spawn(move || hold(back.0, back.1));
            }
        });
    });
}

fn hold(mut from: TcpStream, mut to: TcpStream) -> io::Result<()> {
    let mut piece = [0; 16 * 1024];
    loop {
        let read = from.read(&mut piece)?;
        thread::sleep(HELD);
        if read == 0 {
            return to.shutdown(Shutdown::Write);
        }
        to.write_all(&piece[..read])?;
    }
}

/// Each phase is at least what that phase was held up for.
#[test]
fn the_phases_of_a_slow_way_are_told_apart() {
    let mut servers = Servers::new();
    servers.start(4433, "ec", "");
    slow_way(&servers.namespace, 8443, 4433);
    // The first SYN is lost, and the next follows after a second (RFC 6298, section 2.1).
    servers
        .namespace
        .filter("tcp dport 8443 tcp flags & (syn | ack) == syn numgen inc mod 2 0 drop");
    let offer = TlsOffer { server_name: Some("shop.test".into()), ..TlsOffer::default() };
    let request = HttpRequest { tls: Some(offer), ..request("127.0.0.1", 8443) };
    let (report, mut told) = ask(&servers.namespace, &request);
    told.dedup();
    let order = ["reaching", "connection", "certificate", "handshake", "sending", "answer", "over"];
    assert_eq!(told, order);
    let held = 2 * u64::try_from(HELD.as_micros()).unwrap();
    let (lost, connecting) = (900_000, report.attempts[0].took_us);
    assert!(connecting >= lost, "{connecting}");
    let handshake = report.tls.unwrap().handshake.unwrap().took_us;
    assert!(handshake >= held, "{handshake}");
    let answer = report.answer.unwrap();
    assert!(answer.first_byte_us >= held, "{answer:?}");
    assert!(answer.head_us >= answer.first_byte_us, "{answer:?}");
    assert_eq!(report.over.unwrap().end, HttpEnd::Whole);
}

#[test]
fn the_first_line_says_whose_connection_it_is_in_both_families() {
    let lab = Lab::new();
    for (host, address, words) in [
        (SERVER, format!("{SERVER}:80"), format!("PROXY TCP4 {CLIENT} {SERVER} ")),
        (SERVER6, format!("[{SERVER6}]:80"), format!("PROXY TCP6 fd09:1::2 {SERVER6} ")),
    ] {
        let heard = serve(&lab.server, &address);
        let (report, _) = ask(
            &lab.client,
            &HttpRequest { proxy_protocol: Some(ProxyProtocol::V1), ..request(host, 80) },
        );
        let (ours, said) = (report.attempts[0].local.unwrap().port(), heard.recv().unwrap());
        let (line, head) = said.split_once("\r\n").unwrap();
        assert_eq!(line, format!("{words}{ours} 80"));
        assert!(head.starts_with("GET / HTTP/1.1\r\n"), "{said}");
        let _ = ask(&lab.client, &request(host, 80));
        assert!(heard.recv().unwrap().starts_with("GET / HTTP/1.1\r\n"), "without the flag");
    }
}

/// The fixture of a mesh, as connect's; its healthy twin has the proxy and no rule.
#[test]
fn what_the_sources_own_proxy_answers_is_not_the_targets() {
    let lab = Lab::new();
    let (heard, taken) = (serve(&lab.server, "0.0.0.0:80"), serve(&lab.client, "0.0.0.0:15001"));
    let plain = || ask(&lab.client, &request(SERVER, 80)).0;
    let outcome = |report: &HttpReport| report.attempts[0].outcome.clone();
    let connected = ConnectOutcome::Connected { banner: None, closed: false };
    assert_eq!(outcome(&plain()), connected);
    assert!(heard.try_recv().is_ok() && taken.try_recv().is_err());
    lab.client.nft("add table ip mesh");
    lab.client.nft("add chain ip mesh out { type nat hook output priority -100; }");
    lab.client.nft(
        "add rule ip mesh out meta skuid != 1337 ip daddr 10.9.2.2 tcp dport 1-1024 redirect to :15001",
    );
    let report = plain();
    assert_eq!(outcome(&report), ConnectOutcome::Intercepted);
    assert_eq!(report.answer.unwrap().status, 204, "the proxy's");
    assert!(heard.try_recv().is_err() && taken.try_recv().is_ok());
    let report = tls::ask(&lab.client, &TlsRequest::to(SERVER, 443));
    assert_eq!(report.attempts[0].outcome, ConnectOutcome::Intercepted);
    assert!(heard.try_recv().is_err(), "nothing came to the target");
}
