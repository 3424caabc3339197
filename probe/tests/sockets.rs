//! What the engine tells of sockets that the test has made itself.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    os::unix::net::{UnixDatagram, UnixListener, UnixStream},
};

use netdiag_probe::{Probe, names::ResolverFiles, sockets::OpenSockets};
use netdiag_wire::{
    EndReason,
    sockets::{
        SocketEntry, SocketProtocol, SocketState, SocketsEvent, SocketsFold, SocketsReport,
        SocketsRequest, SocketsWatch, Which,
    },
};
use socket2::{Domain, Protocol, Socket, Type};
use tokio_util::sync::CancellationToken;

mod owners;
mod peers;
mod trouble;

use crate::{
    lab::{Netns, runtime},
    sandbox,
};

/// Both ends of a connection.
pub(crate) type Pair = (TcpStream, TcpStream);

#[derive(Debug)]
pub(crate) struct Looked {
    pub(crate) events: Vec<SocketsEvent>,
    pub(crate) report: SocketsReport,
}

impl Looked {
    fn of(&self, protocol: SocketProtocol) -> impl Iterator<Item = &SocketEntry> {
        self.report.entries.iter().filter(move |entry| entry.protocol == protocol)
    }

    /// The only one with this port.
    fn on(&self, port: u16) -> &SocketEntry {
        let has_port = |entry: &&SocketEntry| entry.local.is_some_and(|local| local.port == port);
        let found: Vec<_> = self.report.entries.iter().filter(has_port).collect();
        let [entry] = found[..] else { panic!("{port}: {found:#?}") };
        entry
    }
}

/// In this thread's namespace; `watch` may stop it.
pub(crate) fn look_while(
    request: &SocketsRequest,
    sockets: OpenSockets,
    mut watch: impl FnMut(&SocketsEvent, &CancellationToken),
) -> Looked {
    let (mut fold, mut events) = (SocketsFold::default(), Vec::new());
    let stop = CancellationToken::new();
    let mut emit = |event: SocketsEvent| {
        watch(&event, &stop);
        fold.push(&event);
        events.push(event);
    };
    let files = ResolverFiles::default();
    let run = request.run(sockets, &files, &|_| Ok(()), &mut emit, stop.clone());
    runtime().block_on(run).unwrap();
    Looked { events, report: fold.report(Some(EndReason::Completed), None) }
}

pub(crate) fn look(request: &SocketsRequest) -> Looked {
    look_while(request, request.open().unwrap(), |_, _| ())
}

fn connect(listener: &TcpListener) -> Pair {
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

fn dual_stack(v6_only: bool) -> TcpListener {
    let socket = Socket::new(Domain::IPV6, Type::STREAM, None).unwrap();
    socket.set_only_v6(v6_only).unwrap();
    socket.bind(&SocketAddr::from(([0_u16; 8], 0)).into()).unwrap();
    socket.listen(16).unwrap();
    socket.into()
}

/// One of every kind, held until it is dropped.
struct Zoo {
    listeners: Vec<TcpListener>,
    _pairs: Vec<Pair>,
    _udp: Vec<UdpSocket>,
    _raw: [Socket; 2],
    _unix: (UnixListener, UnixStream, UnixStream, UnixDatagram, [UnixStream; 2]),
    _dir: tempfile::TempDir,
}

impl Zoo {
    fn new() -> Self {
        let bind = |address: &str| TcpListener::bind(address).unwrap();
        let listeners = vec![
            bind("127.0.0.1:0"),
            bind("0.0.0.0:0"),
            bind("[::1]:0"),
            dual_stack(false),
            dual_stack(true),
        ];
        let mut pairs: Vec<_> = listeners.iter().take(3).map(connect).collect();
        let port = listeners[3].local_addr().unwrap().port();
        let mapped = TcpStream::connect(("127.0.0.1", port)).unwrap();
        pairs.push((mapped, listeners[3].accept().unwrap().0));
        let (ends, waits) = connect(&listeners[0]);
        drop(ends);
        // It stays in CLOSE-WAIT, and the other end in FIN-WAIT-2 once its FIN is acknowledged.
        pairs.push((waits.try_clone().unwrap(), waits));
        let (first, last) = connect(&listeners[0]);
        drop(first);
        drop(last);
        let udp =
            ["127.0.0.1:0", "0.0.0.0:0", "[::]:0", "[::1]:0"].map(|a| UdpSocket::bind(a).unwrap());
        udp[0]
            .connect(udp[1].local_addr().map(|a| (Ipv4Addr::LOCALHOST, a.port())).unwrap())
            .unwrap();
        let raw = [(Domain::IPV4, Protocol::ICMPV4), (Domain::IPV6, Protocol::ICMPV6)]
            .map(|(domain, protocol)| Socket::new(domain, Type::RAW, Some(protocol)).unwrap());
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a b.sock");
        let unix = UnixListener::bind(&path).unwrap();
        let client = UnixStream::connect(&path).unwrap();
        let server = unix.accept().unwrap().0;
        let datagram = UnixDatagram::bind(dir.path().join("d")).unwrap();
        let pair = UnixStream::pair().unwrap().into();
        let fin = SocketsRequest { states: vec![SocketState::FinWait1], ..Default::default() };
        while !look(&fin).report.entries.is_empty() {}
        Self {
            listeners,
            _pairs: pairs,
            _udp: udp.into(),
            _raw: raw,
            _unix: (unix, client, server, datagram, pair),
            _dir: dir,
        }
    }
}

#[test]
fn a_listener_says_where_it_listens() {
    Netns::new().enter(|| {
        let zoo = Zoo::new();
        let looked = look(&SocketsRequest { which: Which::Listening, ..Default::default() });
        let shown = zoo.listeners.iter().map(|listener| {
            let entry = looked.on(listener.local_addr().unwrap().port());
            assert_eq!((entry.state, entry.peer), (SocketState::Listen, None));
            (entry.local.unwrap().address.to_string(), entry.dual_stack)
        });
        let wanted =
            [("127.0.0.1", false), ("0.0.0.0", false), ("::1", false), ("::", true), ("::", false)];
        assert!(shown.eq(wanted.map(|(address, dual)| (address.to_owned(), dual))));
        assert!(looked.report.entries.iter().all(SocketEntry::is_listening));
    });
}

#[test]
fn a_filter_leaves_what_it_names() {
    Netns::new().enter(|| {
        let zoo = Zoo::new();
        let port = zoo.listeners[0].local_addr().unwrap().port();
        let states = |request: SocketsRequest| {
            let looked = look(&request);
            let mut states: Vec<_> =
                looked.report.entries.iter().map(|entry| entry.state).collect();
            states.dedup();
            (looked.report.entries.len(), states)
        };
        let tcp = SocketsRequest { protocols: vec![SocketProtocol::Tcp], ..Default::default() };
        let wanted = vec![SocketState::CloseWait, SocketState::FinWait2];
        let request = SocketsRequest { states: wanted, ..tcp.clone() };
        assert_eq!(states(request), (2, vec![SocketState::FinWait2, SocketState::CloseWait]));
        let request = SocketsRequest {
            local_port: port.try_into().ok(),
            which: Which::Listening,
            ..tcp.clone()
        };
        assert_eq!(states(request), (1, vec![SocketState::Listen]));
        let request = SocketsRequest { peer: Some("::1".into()), ..tcp.clone() };
        assert_eq!(states(request), (2, vec![SocketState::Established]));
        let request = SocketsRequest { peer: Some("10.0.0.0/8".into()), ..tcp.clone() };
        assert_eq!(states(request), (0, vec![]));
        let request = SocketsRequest { peer_port: port.try_into().ok(), ..tcp };
        assert_eq!(
            states(request),
            (3, vec![SocketState::Established, SocketState::FinWait2, SocketState::TimeWait])
        );
    });
}

#[test]
fn rounds_go_on_until_they_are_stopped() {
    Netns::new().enter(|| {
        let _zoo = Zoo::new();
        let watch = Some(SocketsWatch { interval_ms: 200, rounds: None });
        let request = SocketsRequest { watch, stats: true, ..Default::default() };
        let looked = look_while(&request, request.open().unwrap(), |event, stop| {
            if matches!(event, SocketsEvent::Round(round) if round.round == 3) {
                stop.cancel();
            }
        });
        let rounds = looked.events.iter().filter_map(|event| match event {
            SocketsEvent::Round(round) => Some((round.round, round.sockets)),
            _ => None,
        });
        let sockets = looked.report.entries.len() as u64;
        assert!(rounds.eq([(1, sockets), (2, sockets), (3, sockets)]));
        assert!(matches!(looked.events.last(), Some(SocketsEvent::Done(_))));
        let [first, last] = &looked.report.counters[..] else { panic!() };
        assert_eq!((first.round, last.round), (1, 3));
        assert!(last.at_us >= 400_000, "{}", last.at_us);
        assert!(last.counters.get("Tcp", "ActiveOpens") >= Some(6));
        assert!(last.counters.get("sockstat.TCP", "tw") >= Some(1));
    });
}

#[test]
fn everything_is_told_from_within_a_sandbox() {
    Netns::new().enter(|| {
        let _zoo = Zoo::new();
        let request = SocketsRequest {
            processes: true,
            tcp_info: true,
            stats: true,
            watch: Some(SocketsWatch { interval_ms: 200, rounds: 2.try_into().ok() }),
            ..Default::default()
        };
        let sockets = request.open().unwrap();
        let outside = look(&SocketsRequest::default()).report.entries.len();
        let runtime = runtime();
        let files = ResolverFiles::default();
        let mut fold = SocketsFold::default();
        let mut emit = |event| fold.push(&event);
        sandbox::close();
        let run = request.run(sockets, &files, &|_| Ok(()), &mut emit, CancellationToken::new());
        runtime.block_on(run).unwrap();
        let report = fold.report(None, None);
        assert_eq!(report.entries.len(), outside);
        assert_eq!(report.counters.len(), 2);
    });
}
