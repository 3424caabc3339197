//! Listening in the server's namespace, as whoever connects from the client's sees it and as nc
//! would.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket},
    process::{Child, Command, Stdio},
    thread,
};

use bytes::Bytes;
use netdiag_probe::{
    ProbeError, StreamProbe,
    names::ResolverFiles,
    stream::{Caller, Outgoing, QUEUE},
};
use netdiag_wire::{
    ErrorCode,
    connect::stream::ConnectionEnd,
    listen::{Arrival, ListenEvent, ListenRequest},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::lab::{CLIENT, Lab, Netns, SERVER, SERVER6, runtime};

const PORT: u16 = 9999;

/// What a caller sees of a listener that ended by itself.
struct Heard {
    events: Vec<ListenEvent>,
    bytes: Vec<u8>,
    result: Result<(), ProbeError>,
}

impl Heard {
    fn accepted(&self) -> Vec<(SocketAddr, Arrival)> {
        let accepted = |event: &ListenEvent| match event {
            ListenEvent::Accepted { from, arrival, .. } => Some((*from, arrival.clone())),
            _ => None,
        };
        self.events.iter().filter_map(accepted).collect()
    }

    fn closed(&self) -> Vec<(u64, u64, ConnectionEnd)> {
        let closed = |event: &ListenEvent| match event {
            ListenEvent::Closed { sent, received, end } => Some((*sent, *received, *end)),
            _ => None,
        };
        self.events.iter().filter_map(closed).collect()
    }
}

/// Listens in `place`; `peer` runs once it does, and makes so many connections.
fn listen(
    place: &Netns,
    request: &ListenRequest,
    stdin: &[&'static [u8]],
    connections: usize,
    peer: impl FnOnce() + Send,
) -> Heard {
    let (ready, is_ready) = std::sync::mpsc::channel();
    let stop = CancellationToken::new();
    thread::scope(|scope| {
        let stop_after = stop.clone();
        let listening = scope.spawn(move || {
            place.enter(|| {
                let sockets = request.open();
                runtime().block_on(hear(request, sockets, stdin, &ready, stop))
            })
        });
        if is_ready.recv().is_ok() {
            peer();
            if request.keep || request.udp {
                // Each connection that was begun is heard to its end.
                (0..connections).for_each(|_| is_ready.recv().unwrap());
                stop_after.cancel();
            }
        }
        listening.join().unwrap()
    })
}

async fn hear(
    request: &ListenRequest,
    sockets: Result<<ListenRequest as StreamProbe>::Sockets, ProbeError>,
    stdin: &[&'static [u8]],
    ready: &std::sync::mpsc::Sender<()>,
    stop: CancellationToken,
) -> Heard {
    let mut heard = Heard { events: Vec::new(), bytes: Vec::new(), result: Ok(()) };
    let sockets = match sockets {
        Ok(sockets) => sockets,
        Err(error) => return Heard { result: Err(error), ..heard },
    };
    let ((input, from), (to, mut output)) = (mpsc::channel(QUEUE), mpsc::channel(QUEUE));
    let files = ResolverFiles::default();
    let caller = Caller { from, to };
    let running = request.run(sockets, &files, &|_| Ok(()), caller, stop);
    let typing = async {
        for text in stdin {
            input.send(Bytes::from_static(text)).await.unwrap();
        }
        // Where the answer is fixed, the end of what is typed would be that of the listener.
        match request.answer.is_some() && stdin.is_empty() {
            true => Some(input),
            false => None,
        }
    };
    let reading = async {
        while let Some(outgoing) = output.recv().await {
            match outgoing {
                Outgoing::Event(event) => {
                    let is_told =
                        matches!(event, ListenEvent::Listening { .. } | ListenEvent::Closed { .. });
                    if is_told {
                        // Nobody waits for the end of an only connection.
                        let _ = ready.send(());
                    }
                    heard.events.push(event);
                }
                Outgoing::Data(bytes) => heard.bytes.extend(bytes),
                Outgoing::End => {}
            }
        }
    };
    let (result, _input, ()) = tokio::join!(running, typing, reading);
    heard.result = result;
    heard
}

fn exchange(lab: &Lab, to: &str, say: &[u8]) -> (SocketAddr, Vec<u8>) {
    lab.client.enter(|| {
        let mut stream = TcpStream::connect((to, PORT)).unwrap();
        stream.write_all(say).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut said = Vec::new();
        stream.read_to_end(&mut said).unwrap();
        (stream.local_addr().unwrap(), said)
    })
}

#[test]
fn a_connection_is_told_as_it_arrived() {
    let lab = Lab::new();
    lab.client.ip("link set eth0 mtu 1400");
    for (to, mss) in [(SERVER, 1_360), (SERVER6, 1_340)] {
        let mut peer = None;
        let heard = listen(&lab.server, &ListenRequest::on(PORT), &[b"pong"], 1, || {
            peer = Some(exchange(&lab, to, b"ping"));
        });
        heard.result.as_ref().unwrap();
        let (from, said) = peer.unwrap();
        let accepted = heard.accepted();
        assert_eq!((accepted[0].0, accepted.len()), (from, 1));
        let Arrival { ttl, mss: seen, window_scale, .. } = &accepted[0].1;
        // One router between.
        assert_eq!((*ttl, *seen), (Some(63), Some(mss)));
        assert!(window_scale.is_some());
        assert_eq!((said.as_slice(), heard.bytes.as_slice()), (&b"pong"[..], &b"ping"[..]));
        assert_eq!(heard.closed(), [(4, 4, ConnectionEnd::Finished)]);
    }
}

#[test]
fn an_address_that_was_rewritten_on_the_way_is_the_one_that_is_told() {
    let lab = Lab::new();
    lab.router.nft("add table ip nat");
    lab.router.nft("add chain ip nat post { type nat hook postrouting priority 100 ; }");
    lab.router.nft("add rule ip nat post oif right masquerade");
    let heard = listen(&lab.server, &ListenRequest::on(PORT), &[], 1, || {
        exchange(&lab, SERVER, b"");
    });
    let from = heard.accepted()[0].0.ip();
    assert_eq!(from.to_string(), "10.9.2.1");
    assert_ne!(from.to_string(), CLIENT);
}

#[test]
fn with_keep_each_is_answered_and_the_port_is_free_afterwards() {
    let lab = Lab::new();
    let mut request = ListenRequest::on(PORT);
    request.keep = true;
    request.answer = Some("HTTP/1.0 204 No Content\r\n\r\n".into());
    for _ in 0..2 {
        let heard = listen(&lab.server, &request, &[], 3, || {
            for _ in 0..3 {
                let (_, said) = exchange(&lab, SERVER, b"GET / HTTP/1.0\r\n\r\n");
                assert_eq!(said, b"HTTP/1.0 204 No Content\r\n\r\n");
            }
        });
        heard.result.as_ref().unwrap();
        assert_eq!(heard.accepted().len(), 3);
        assert_eq!(heard.closed(), [(27, 18, ConnectionEnd::Finished); 3]);
        assert_eq!(heard.bytes, b"GET / HTTP/1.0\r\n\r\n".repeat(3));
    }
}

#[test]
fn a_caller_who_ends_gives_the_port_back_where_the_answer_is_fixed() {
    let lab = Lab::new();
    let mut request = ListenRequest::on(PORT);
    (request.keep, request.answer) = (true, Some("hello\n".into()));
    for _ in 0..2 {
        let heard = lab.server.enter(|| {
            let (ready, _is_ready) = std::sync::mpsc::channel();
            let sockets = request.open();
            let listening = hear(&request, sockets, &[b""], &ready, CancellationToken::new());
            runtime().block_on(listening)
        });
        heard.result.as_ref().unwrap();
        assert_eq!(heard.events.len(), 1, "{:?}", heard.events);
    }
}

#[test]
fn nc_takes_and_sends_the_same_bytes() {
    let lab = Lab::new();
    let heard = listen(&lab.server, &ListenRequest::on(PORT), &[b"from the listener\n"], 1, || {
        let said = nc(&lab, &["-N", SERVER], b"from the client\n");
        assert_eq!(said, b"from the listener\n");
    });
    assert_eq!(heard.bytes, b"from the client\n");
}

fn nc(lab: &Lab, words: &[&str], say: &[u8]) -> Vec<u8> {
    lab.client.enter(|| {
        #[expect(clippy::disallowed_methods, reason = "the classic tool beside ours")]
        let mut nc: Child = Command::new("nc")
            .args(words)
            .arg(PORT.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        nc.stdin.take().unwrap().write_all(say).unwrap();
        nc.wait_with_output().unwrap().stdout
    })
}

#[test]
fn a_peer_that_ends_ends_the_listener_though_the_caller_has_not() {
    let lab = Lab::new();
    let request = ListenRequest::on(PORT);
    lab.server.enter(|| {
        let sockets = request.open().unwrap();
        runtime().block_on(async {
            // Held open to the end of the test, as a terminal is.
            let ((_input, from), (to, mut output)) = (mpsc::channel(QUEUE), mpsc::channel(QUEUE));
            let files = ResolverFiles::default();
            let (caller, stop) = (Caller { from, to }, CancellationToken::new());
            let running = request.run(sockets, &files, &|_| Ok(()), caller, stop);
            let peer = tokio::task::spawn_blocking(|| {
                TcpStream::connect(("127.0.0.1", PORT)).unwrap().write_all(b"bye").unwrap();
            });
            let reading = async { while output.recv().await.is_some() {} };
            let (ran, peer, ()) = tokio::join!(running, peer, reading);
            ran.unwrap();
            peer.unwrap();
        });
    });
}

#[test]
fn a_reset_is_told_as_one() {
    let lab = Lab::new();
    let heard = listen(&lab.server, &ListenRequest::on(PORT), &[], 1, || {
        lab.client.enter(|| {
            let stream = TcpStream::connect((SERVER, PORT)).unwrap();
            socket2::SockRef::from(&stream).set_linger(Some(std::time::Duration::ZERO)).unwrap();
        });
    });
    assert_eq!(heard.closed(), [(0, 0, ConnectionEnd::Reset)]);
}

#[test]
fn a_port_in_use_is_an_error_that_says_who_has_it() {
    let lab = Lab::new();
    let _tcp = lab.server.enter(|| TcpListener::bind(("10.9.2.2", PORT)).unwrap());
    let _udp = lab.server.enter(|| UdpSocket::bind(("0.0.0.0", PORT)).unwrap());
    for (udp, local) in [(false, "10.9.2.2:9999"), (true, "0.0.0.0:9999")] {
        let request = ListenRequest { udp, ..ListenRequest::on(PORT) };
        let error =
            listen(&lab.server, &request, &[], 1, || panic!("it listens")).result.unwrap_err();
        assert_eq!(error.code(), ErrorCode::PortUnavailable);
        let said = format!("port 9999 is in use: a process of uid 0 has {local}");
        assert_eq!(error.to_string(), said);
    }
}

#[test]
fn an_address_of_somebody_else_is_refused() {
    let lab = Lab::new();
    let request = ListenRequest { address: Some([10, 9, 1, 2].into()), ..ListenRequest::on(PORT) };
    let error = lab.server.enter(|| request.open().unwrap_err());
    assert_eq!(error.code(), ErrorCode::SourceAddress);
}

#[test]
fn datagrams_are_told_by_sender_and_answered() {
    let lab = Lab::new();
    let mut request = ListenRequest { udp: true, keep: true, ..ListenRequest::on(PORT) };
    request.answer = Some("pong".into());
    let mut senders = Vec::new();
    let heard = listen(&lab.server, &request, &[], 0, || {
        lab.client.enter(|| {
            for (bind, to) in [("0.0.0.0", SERVER), ("::", SERVER6)] {
                let socket = UdpSocket::bind((bind, 0)).unwrap();
                socket.connect((to, PORT)).unwrap();
                for _ in 0..2 {
                    socket.send(b"ping").unwrap();
                    let mut answer = [0; 16];
                    let length = socket.recv(&mut answer).unwrap();
                    assert_eq!(&answer[..length], b"pong");
                }
                senders.push(socket.local_addr().unwrap());
            }
        });
    });
    heard.result.as_ref().unwrap();
    let accepted: Vec<_> = heard.accepted().into_iter().map(|(from, a)| (from, a.ttl)).collect();
    assert_eq!(accepted, senders.iter().map(|from| (*from, Some(63))).collect::<Vec<_>>());
    assert_eq!(heard.bytes, b"pingpingpingping");
}
