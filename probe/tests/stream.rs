//! Byte streams: sessions with real daemons, and more bytes than anybody may hold.

use std::{
    fs, io,
    net::{IpAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use netdiag_probe::{
    StreamProbe,
    names::ResolverFiles,
    stream::{Caller, Outgoing, QUEUE},
};
use netdiag_wire::{
    connect::stream::{ConnectStreamEvent, ConnectStreamRequest, ConnectionEnd},
    frame::MAX_DATA_BYTES,
};
use tokio::{
    sync::mpsc::{Receiver, Sender, channel},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    identify::daemons::{Daemons, SETTINGS},
    lab::{Lab, Netns, SERVER, runtime},
};

type Output = Receiver<Outgoing<ConnectStreamEvent>>;

/// For a daemon to listen, and for a session with it.
const SOON: Duration = Duration::from_secs(30);

/// Connects from there; `caller` has the other ends of both queues.
fn stream<T: Send>(
    from: &Netns,
    port: u16,
    caller: impl AsyncFnOnce(Sender<Bytes>, Output) -> T + Send,
) -> T {
    let request = ConnectStreamRequest::to(SERVER, port);
    stream_by(from, &request, &ResolverFiles::default(), caller)
}

fn stream_by<T: Send>(
    from: &Netns,
    request: &ConnectStreamRequest,
    files: &ResolverFiles,
    caller: impl AsyncFnOnce(Sender<Bytes>, Output) -> T + Send,
) -> T {
    from.enter(|| {
        let sockets = request.open().unwrap();
        let ((input, from), (to, output)) = (channel(QUEUE), channel(QUEUE));
        let stop = CancellationToken::new();
        let running = request.run(sockets, files, &|_| Ok(()), Caller { from, to }, stop);
        runtime().block_on(async {
            let (ran, told) = tokio::join!(running, caller(input, output));
            ran.unwrap();
            told
        })
    })
}

/// What is awaited of the server, and what is then sent to it.
type Turn = (&'static str, &'static str);

/// With every one of them the last line asks for the end.
const SESSIONS: [(&str, u16, &[Turn]); 5] = [
    (
        "SMTP (exim)",
        25,
        &[
            ("220 mail.target.example ", "EHLO client.example\r\n"),
            ("250 HELP\r\n", "MAIL FROM:<a@client.example>\r\n"),
            ("250 OK\r\n", "RSET\r\n"),
            ("250 ", "QUIT\r\n"),
            ("221 mail.target.example closing connection\r\n", ""),
        ],
    ),
    (
        "POP3 (dovecot)",
        110,
        &[("+OK ", "CAPA\r\n"), ("\r\n.\r\n", "QUIT\r\n"), ("+OK Logging out", "")],
    ),
    (
        "IMAP (dovecot)",
        143,
        &[
            ("* OK [CAPABILITY IMAP4rev1 ", "a NOOP\r\n"),
            ("a OK ", "b LOGOUT\r\n"),
            ("b OK Logout completed", ""),
        ],
    ),
    (
        "Redis",
        6379,
        &[
            ("", "PING\r\n"),
            ("+PONG\r\n", "SET key value\r\n"),
            ("+OK\r\n", "GET key\r\n"),
            ("$5\r\nvalue\r\n", "QUIT\r\n"),
            ("+OK\r\n", ""),
        ],
    ),
    (
        "memcached",
        11211,
        &[
            ("", "set key 0 0 5\r\nvalue\r\n"),
            ("STORED\r\n", "get key\r\n"),
            ("VALUE key 0 5\r\nvalue\r\nEND\r\n", "quit\r\n"),
        ],
    ),
];

/// In the foreground, with the settings that they are identified by.
const DAEMONS: [&str; 4] = [
    "exim4 -bdf -oX 25 -C {dir}/exim.conf",
    "dovecot -F -c {dir}/dovecot.conf",
    "redis-server --port 6379 --bind 0.0.0.0 --protected-mode no --save {none} --dir {dir}",
    "memcached -u nobody -p 11211 -U 0",
];

#[test]
fn servers_are_talked_to_and_end_in_order() {
    let lab = Lab::new();
    let daemons = Daemons::run(&lab.server, &SETTINGS, &["chown Debian-exim {dir}/exim"], &DAEMONS);
    for (name, port, turns) in SESSIONS {
        listens(&lab.client, port, &daemons);
        let talked = stream(&lab.client, port, async |input, output| {
            timeout(SOON, talk(turns, input, output)).await
        });
        let (said, closed) = talked.unwrap_or_else(|_| panic!("{name} hangs"));
        let sent: usize = turns.iter().map(|(_, line)| line.len()).sum();
        let want = (sent as u64, said.len() as u64, ConnectionEnd::Finished);
        assert_eq!(closed, Some(want), "{name}: {}", said.escape_debug());
    }
}

fn listens(from: &Netns, port: u16, daemons: &Daemons) {
    let (server, deadline): (IpAddr, _) = (SERVER.parse().unwrap(), Instant::now() + SOON);
    from.enter(|| {
        while TcpStream::connect((server, port)).is_err() {
            assert!(Instant::now() < deadline, "nobody listens on {port}: {}", daemons.said());
            thread::sleep(Duration::from_millis(50));
        }
    });
}

/// All that the server said, and how the connection was closed.
async fn talk(
    turns: &[Turn],
    input: Sender<Bytes>,
    mut output: Output,
) -> (String, Option<(u64, u64, ConnectionEnd)>) {
    let (mut said, mut heard) = (String::new(), 0);
    for (awaited, line) in turns {
        while !said[heard..].contains(awaited) {
            match output.recv().await {
                Some(Outgoing::Data(bytes)) => said += str::from_utf8(&bytes).unwrap(),
                Some(Outgoing::Event(ConnectStreamEvent::Connected { .. })) => {}
                other => panic!("{other:?} instead of {awaited:?} after {said:?}"),
            }
        }
        heard = said.len();
        if !line.is_empty() {
            input.send(Bytes::from_static(line.as_bytes())).await.unwrap();
        }
    }
    let (mut input, mut closed) = (Some(input), None);
    while let Some(outgoing) = output.recv().await {
        match outgoing {
            Outgoing::Data(bytes) => said += str::from_utf8(&bytes).unwrap(),
            // The server hung up first: so do we.
            Outgoing::End => drop(input.take()),
            Outgoing::Event(ConnectStreamEvent::Closed { sent, received, end }) => {
                closed = Some((sent, received, end));
            }
            Outgoing::Event(_) => {}
        }
    }
    (said, closed)
}

/// Takes connections on that port and ends each as the client does.
fn serve(at: &Netns, port: u16) {
    let listener = at.enter(|| TcpListener::bind(("0.0.0.0", port)).unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = io::copy(&mut stream, &mut io::sink());
        }
    });
}

/// As nc and telnet try them.
#[test]
fn every_address_of_a_name_is_tried_in_turn() {
    let lab = Lab::new();
    serve(&lab.server, 80);
    let ask = |hosts: String| {
        let files = ResolverFiles { hosts: hosts.into_bytes(), ..ResolverFiles::default() };
        let request = ConnectStreamRequest::to("both", 80);
        stream_by(&lab.client, &request, &files, async |input, mut output| {
            drop(input);
            let mut told = Vec::new();
            while let Some(outgoing) = output.recv().await {
                match outgoing {
                    Outgoing::Event(ConnectStreamEvent::NotConnected { remote, more, .. }) => {
                        told.push(format!("not {remote} {more}"));
                    }
                    Outgoing::Event(ConnectStreamEvent::Connected { remote, .. }) => {
                        told.push(remote.to_string());
                    }
                    _ => {}
                }
            }
            told
        })
    };
    let told = ask(format!("127.0.0.1 both\n{SERVER} both\n"));
    assert_eq!(told, ["not 127.0.0.1:80 true".to_owned(), format!("{SERVER}:80")]);
    let told = ask("127.0.0.1 both\n127.0.0.2 both\n".into());
    assert_eq!(told, ["not 127.0.0.1:80 true", "not 127.0.0.2:80 false"]);
}

/// The fixture of a mesh, as that of a check in `connect.rs`; its healthy twin has no rule yet.
#[test]
fn bytes_that_the_sources_own_proxy_takes_are_not_the_targets() {
    let lab = Lab::new();
    serve(&lab.server, 80);
    serve(&lab.client, 15001);
    let is_intercepted = || {
        stream(&lab.client, 80, async |input, mut output| {
            let Some(Outgoing::Event(ConnectStreamEvent::Connected { intercepted, .. })) =
                output.recv().await
            else {
                panic!("not connected")
            };
            drop(input);
            while output.recv().await.is_some() {}
            intercepted
        })
    };
    assert!(!is_intercepted());
    lab.client.nft("add table ip mesh");
    lab.client.nft("add chain ip mesh out { type nat hook output priority -100; }");
    lab.client.nft(
        "add rule ip mesh out meta skuid != 1337 ip daddr 10.9.2.2 tcp dport 80 redirect to :15001",
    );
    assert!(is_intercepted());
}

/// As many bytes as pass in some seconds also where nothing is optimised.
const MANY: u64 = 1 << 30;
/// What this process may grow by meanwhile, with whatever other tests run in it.
const FEW: u64 = 256 << 20;
/// Prime, so that a chunk that is lost or comes twice does not go unnoticed.
const PERIOD: u64 = 251;

#[test]
fn a_gibibyte_passes_both_ways_in_little_memory() {
    let lab = Lab::new();
    let listener = lab.server.enter(|| TcpListener::bind((SERVER, 7)).unwrap());
    let echoing = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut back = stream.try_clone().unwrap();
        let echoed = io::copy(&mut stream, &mut back).unwrap();
        back.shutdown(std::net::Shutdown::Write).unwrap();
        echoed
    });
    let pattern: Vec<u8> =
        (0..MAX_DATA_BYTES as u64 + PERIOD).map(|i| (i % PERIOD) as u8).collect();
    let pattern = Bytes::from(pattern);
    let before = resident();
    let (received, most) = stream(&lab.client, 7, async |input, output| {
        let fed = pattern.clone();
        let (_, counted) = tokio::join!(feed(input, fed), count(output, &pattern));
        counted
    });
    assert_eq!((received, echoing.join().unwrap()), (MANY, MANY));
    assert!(most.saturating_sub(before) < FEW, "{before} bytes grew to {most}");
}

async fn feed(input: Sender<Bytes>, pattern: Bytes) {
    let mut sent = 0;
    while sent < MANY {
        let from = (sent % PERIOD) as usize;
        let length = (MANY - sent).min(MAX_DATA_BYTES as u64);
        input.send(pattern.slice(from..from + length as usize)).await.unwrap();
        sent += length;
    }
}

/// How many came as they were sent, and the most memory that this process had meanwhile.
async fn count(mut output: Output, pattern: &[u8]) -> (u64, u64) {
    let (mut received, mut most, mut closed) = (0, 0, None);
    while let Some(outgoing) = output.recv().await {
        match outgoing {
            Outgoing::Data(bytes) => {
                let from = (received % PERIOD) as usize;
                assert!(bytes == pattern[from..from + bytes.len()], "behind byte {received}");
                if received >> 24 != (received + bytes.len() as u64) >> 24 {
                    most = most.max(resident());
                }
                received += bytes.len() as u64;
            }
            Outgoing::Event(ConnectStreamEvent::Closed { sent, received, end }) => {
                closed = Some((sent, received, end));
            }
            Outgoing::Event(_) | Outgoing::End => {}
        }
    }
    assert_eq!(closed, Some((MANY, MANY, ConnectionEnd::Finished)));
    (received, most)
}

/// Memory of this process, in bytes.
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}
