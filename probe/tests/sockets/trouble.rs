//! What the table is looked at for: queues that are full, and connections that get no answer.

use std::{io::Write, os::fd::AsRawFd};

use super::*;

fn connecting(to: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_nonblocking(true).unwrap();
    let _ = socket.connect(&to.into());
    assert!(socket.as_raw_fd() > 0);
    socket
}

#[test]
fn a_full_accept_queue_is_shown_with_what_it_costs() {
    Netns::new().enter(|| {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        listener.listen(1).unwrap();
        let to = listener.local_addr().unwrap().as_socket().unwrap();
        let mut waiting: Vec<_> = (0..2).map(|_| connecting(to)).collect();
        let request = SocketsRequest { full_queue_wait_ms: Some(300), ..Default::default() };
        let looked = look_while(&request, request.open().unwrap(), |event, _| {
            if matches!(event, SocketsEvent::Round(_)) {
                waiting.push(connecting(to));
            }
        });
        let entry = looked.report.entries.iter().find(|entry| entry.state == SocketState::Listen);
        let queue = entry.unwrap().accept_queue.unwrap();
        assert_eq!((queue.waiting, queue.limit, queue.is_full()), (2, 1, true));
        let [before, after] = &looked.report.counters[..] else { panic!("{looked:#?}") };
        let overflows = |at: &netdiag_wire::sockets::CountersReading| {
            at.counters.get("TcpExt", "ListenOverflows").unwrap()
        };
        assert_eq!(overflows(after) - overflows(before), 1);
        assert!(after.at_us - before.at_us >= 300_000);
        let again = look(&SocketsRequest::default());
        let sent = again.of(SocketProtocol::Tcp).filter(|it| it.state == SocketState::SynSent);
        assert_eq!(sent.count(), 1);
    });
}

#[test]
fn a_queue_with_room_is_not_waited_for() {
    Netns::new().enter(|| {
        let _zoo = Zoo::new();
        let request = SocketsRequest { full_queue_wait_ms: Some(60_000), ..Default::default() };
        let looked = look(&request);
        assert!(looked.report.counters.is_empty());
        assert!(looked.report.done.unwrap().took_us < 10_000_000);
    });
}

#[test]
fn a_connection_that_is_not_heard_says_how_often_it_sent_again() {
    let namespace = Netns::new();
    namespace.enter(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (mut client, _server) = connect(&listener);
        let port = listener.local_addr().unwrap().port();
        namespace.filter(&format!("tcp dport {port} drop"));
        client.write_all(&[7; 4_000]).unwrap();
        let request = SocketsRequest {
            protocols: vec![SocketProtocol::Tcp],
            watch: Some(SocketsWatch { interval_ms: 200, rounds: 50.try_into().ok() }),
            ..Default::default()
        };
        let is_resending = |entry: &SocketEntry| entry.retransmits.is_some();
        let looked = look_while(&request, request.open().unwrap(), |event, stop| {
            if let SocketsEvent::Sockets { entries, .. } = event
                && entries.iter().any(is_resending)
            {
                stop.cancel();
            }
        });
        let mut events = looked.events.iter().filter_map(|event| match event {
            SocketsEvent::Sockets { entries, .. } => entries.iter().find(|it| is_resending(it)),
            _ => None,
        });
        let entry = events.next_back().unwrap();
        assert_eq!(entry.peer.unwrap().port, port);
        assert_eq!(entry.send_queue_bytes, Some(4_000));
        let info = entry.tcp_info.as_ref().expect("details of one that sends again");
        assert!(info.total_retransmits >= 1 && info.last_ack_received_us > 0, "{info:?}");
        let others = looked.report.entries.iter().filter(|it| !is_resending(it));
        assert!(others.clone().all(|entry| entry.tcp_info.is_none()));
        assert!(others.count() > 0);
    });
}

#[test]
fn datagrams_that_nobody_reads_are_counted() {
    Netns::new().enter(|| {
        let slow = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        slow.set_recv_buffer_size(4_096).unwrap();
        slow.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        let to = slow.local_addr().unwrap().as_socket().unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..100 {
            sender.send_to(&[0; 1_000], to).unwrap();
        }
        let looked = look(&SocketsRequest::default());
        let entry = looked.on(to.port());
        assert!(entry.drops.unwrap() > 50, "{entry:?}");
        assert!(entry.receive_queue_bytes.unwrap() > 0);
    });
}
