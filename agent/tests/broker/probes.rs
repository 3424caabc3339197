//! `trace` and `dns` in a worker's sandbox: what they need at run time passes its filter.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    sync::Arc,
    thread,
};

use netdiag_agent::ipc::{ProbeOrder, WorkerOrder};
use netdiag_wire::{
    EndReason, ErrorCode, Event,
    dns::{DnsEvent, DnsMode, DnsOutcome, DnsRequest, DnsServer, DnsTransport, RecordType},
    sockets::{SocketEntry, SocketsEvent, SocketsRequest},
    trace::{TraceEvent, TraceOutcome, TraceProtocol, TraceRequest},
};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::{
    client::{Broker, ping, pod_order},
    node::{Pod, in_new_netns, on_a_node, run, sleeper},
};

const POD: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 244, 1, 7));
const METADATA: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254));
const LINK_LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 1, 1));

fn order(probe: ProbeOrder) -> WorkerOrder {
    WorkerOrder { probe, ..ping("", None) }
}

fn trace(protocol: TraceProtocol, change: impl FnOnce(&mut TraceRequest)) -> WorkerOrder {
    let mut request = TraceRequest::to(POD.to_string(), protocol);
    request.no_names = true;
    change(&mut request);
    order(ProbeOrder::Trace(request))
}

fn dns(transport: DnsTransport, port: u16) -> WorkerOrder {
    let mut request = DnsRequest::ask("a.example.", RecordType::A, POD.to_string());
    request.options.transport = transport;
    request.servers[0].port = Some(port);
    order(ProbeOrder::Dns(Box::new(request)))
}

#[test]
fn a_trace_runs_by_every_protocol_and_on_every_flow() {
    on_a_node(|| {
        let broker = Broker::start();
        let pod = Pod::start(1, &[POD]);
        for (protocol, flows, outcome) in [
            (TraceProtocol::Udp, 64, TraceOutcome::Rejected),
            (TraceProtocol::Tcp, 64, TraceOutcome::Refused),
            (TraceProtocol::Icmp, 64, TraceOutcome::Replied),
        ] {
            let worker = broker.order(&pod_order(&pod, &[POD])).unwrap();
            let order = trace(protocol, |request| (request.flows, request.queries) = (flows, 1));
            let events = worker.events_of::<TraceEvent>(&order);
            let reached = |event: &&Event<TraceEvent>| match event {
                Event::Probe(TraceEvent::Hop(hop)) => {
                    hop.answers.iter().any(|a| a.address == POD && a.outcome == outcome)
                }
                _ => false,
            };
            let count = events.iter().filter(reached).count();
            assert_eq!(count, usize::from(flows), "{protocol:?}: {events:#?}");
            assert_eq!(events.last(), Some(&Event::End { reason: EndReason::Completed }));
        }
    });
}

/// Says NXDOMAIN to whatever it is asked.
fn denial(query: &[u8]) -> Vec<u8> {
    let mut answer = query.to_vec();
    answer[2] |= 0x80;
    answer[3] = 3;
    answer
}

fn deny_over(mut stream: impl Read + Write) {
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut query).unwrap();
    stream.write_all(&[&length[..], &denial(&query)].concat()).unwrap();
    stream.flush().unwrap();
    // Until the asker closes.
    let _ = stream.read(&mut [0]);
}

fn tls() -> Arc<ServerConfig> {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec![POD.to_string()]).unwrap();
    let key = signing_key.serialize_der().try_into().unwrap();
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let config = ServerConfig::builder_with_provider(provider.into());
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    Arc::new(config.with_single_cert(vec![cert.der().clone()], key).unwrap())
}

/// A pod with a DNS server on port 53, over UDP and TCP, and on 853 over TLS.
fn pod_with_dns() -> Pod {
    let (process, udp, tcp, tls_port) = in_new_netns(|| {
        for address in [POD, METADATA, LINK_LOCAL] {
            run(&format!("ip address add {address} dev lo"));
        }
        let any = |port| SocketAddr::from(([0, 0, 0, 0], port));
        let (tcp, tls) =
            (TcpListener::bind(any(53)).unwrap(), TcpListener::bind(any(853)).unwrap());
        (sleeper(), UdpSocket::bind(any(53)).unwrap(), tcp, tls)
    });
    thread::spawn(move || {
        let mut query = [0; 512];
        while let Ok((length, from)) = udp.recv_from(&mut query) {
            udp.send_to(&denial(&query[..length]), from).unwrap();
        }
    });
    thread::spawn(move || tcp.incoming().for_each(|stream| deny_over(stream.unwrap())));
    thread::spawn(move || {
        let config = tls();
        for stream in tls_port.incoming() {
            let connection = ServerConnection::new(config.clone()).unwrap();
            deny_over(StreamOwned::new(connection, stream.unwrap()));
        }
    });
    Pod::of(1, process)
}

#[test]
fn a_question_is_asked_over_every_transport() {
    on_a_node(|| {
        let broker = Broker::start();
        let pod = pod_with_dns();
        for (transport, port) in
            [(DnsTransport::Udp, 53), (DnsTransport::Tcp, 53), (DnsTransport::Tls, 853)]
        {
            let worker = broker.order(&pod_order(&pod, &[POD])).unwrap();
            let events = worker.events_of::<DnsEvent>(&dns(transport, port));
            let outcome = events.iter().find_map(|event| match event {
                Event::Probe(DnsEvent::Query(query)) => Some((query.outcome, query.transport)),
                _ => None,
            });
            assert_eq!(outcome, Some((DnsOutcome::NxDomain, transport)), "{events:#?}");
        }
    });
}

/// T11, by a worker: where it may not go nothing is sent, and the right is named.
#[test]
fn t11_a_worker_goes_only_where_it_may() {
    on_a_node(|| {
        let broker = Broker::start();
        let pod = pod_with_dns();
        let ask = |order: WorkerOrder| {
            let order = WorkerOrder { may_metadata: false, ..order };
            let worker = broker.order(&pod_order(&pod, &[POD])).unwrap();
            // Only the last line counts, which no probe says differently.
            match worker.events_of::<DnsEvent>(&order).pop() {
                Some(Event::Error { error }) => {
                    let missing = error.missing.map(|missing| missing.right.to_string());
                    Some((error.code, missing.unwrap_or_default()))
                }
                _ => None,
            }
        };
        let question = |server: IpAddr, port: Option<u16>| {
            let mut request = DnsRequest::walk("a.example.");
            request.mode = DnsMode::Ask;
            request.servers = vec![DnsServer { host: server.to_string(), port }];
            order(ProbeOrder::Dns(Box::new(request)))
        };
        let to = |to: IpAddr, protocol| trace(protocol, |request| request.host = to.to_string());
        let forbidden = Some((ErrorCode::Forbidden, "metadata".to_owned()));
        assert_eq!(ask(to(METADATA, TraceProtocol::Udp)), forbidden);
        assert_eq!(ask(to(METADATA, TraceProtocol::Icmp)), forbidden);
        assert_eq!(ask(to(LINK_LOCAL, TraceProtocol::Tcp)), forbidden);
        assert_eq!(ask(to(LINK_LOCAL, TraceProtocol::Udp)), None);
        assert_eq!(ask(question(METADATA, None)), forbidden);
        assert_eq!(ask(question(LINK_LOCAL, None)), forbidden, "no resolver of the pod's");
        assert_eq!(ask(question(POD, None)), None);
    });
}

/// Before the drop the worker finds whose they are by SYS_PTRACE alone; after it, it asks the kernel.
#[test]
fn the_sockets_of_a_pod_are_told_with_their_processes() {
    on_a_node(|| {
        let broker = Broker::start();
        let held = in_new_netns(|| {
            run(&format!("ip address add {POD} dev lo"));
            let listener = TcpListener::bind((POD, 8_080)).unwrap();
            holder(listener)
        });
        let pod = Pod::of(1, held);
        let worker = broker.order(&pod_order(&pod, &[POD])).unwrap();
        let request =
            SocketsRequest { processes: true, stats: true, tcp_info: true, ..Default::default() };
        let events = worker.events_of::<SocketsEvent>(&order(ProbeOrder::Sockets(request.into())));
        let entries = events.iter().filter_map(|event| match event {
            Event::Probe(SocketsEvent::Sockets { entries, .. }) => Some(entries),
            _ => None,
        });
        let listens = |entry: &&SocketEntry| entry.local.is_some_and(|local| local.port == 8_080);
        let entry = entries.flatten().find(listens).unwrap();
        assert_eq!(entry.pids, [pod.process.id()], "{events:#?}");
        let named = events.iter().find_map(|event| match event {
            Event::Probe(SocketsEvent::Process(process)) => Some(process),
            _ => None,
        });
        assert_eq!(named.unwrap().name, "sleep".into());
        assert!(events.iter().any(|e| matches!(e, Event::Probe(SocketsEvent::Counters(_)))));
        assert_eq!(events.last(), Some(&Event::End { reason: EndReason::Completed }));
    });
}

#[expect(clippy::disallowed_methods, reason = "a fixture's pod is a process")]
fn holder(listener: TcpListener) -> std::process::Child {
    let descriptor = std::os::fd::OwnedFd::from(listener);
    std::process::Command::new("sleep").arg("infinity").stdin(descriptor).spawn().unwrap()
}
