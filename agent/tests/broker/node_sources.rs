//! Workers in the node's own namespace: what they may reach, and connections for front.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
};

use netdiag_agent::ipc::{self, ANSWER_BYTES, Answer, Order, Refusal};
use netdiag_wire::{ErrorBody, ErrorCode, Event, ping::PingEvent};
use rustix::io::Errno;

use crate::{
    client::{Broker, ping},
    node::{netns_of, on_a_node, run, wait_for},
};

/// What the one error line says; no packet was sent.
fn refused(broker: &Broker, host: &str, change: impl Fn(&mut ipc::WorkerOrder)) -> ErrorBody {
    let worker = broker.order(&Order::Node).unwrap();
    let mut order = ping(host, Some(1));
    order.is_node = true;
    change(&mut order);
    let events = worker.events(&order);
    let sent = events.iter().any(|event| matches!(event, Event::Probe(PingEvent::Sent { .. })));
    assert!(!sent, "{events:#?}");
    match events.last() {
        Some(Event::Error { error }) => error.clone(),
        other => panic!("{host}: {other:?}"),
    }
}

#[test]
fn a_nodes_own_address_needs_its_right() {
    on_a_node(|| {
        run("ip address add 192.0.2.10 dev lo");
        run("ip route add local 198.51.100.0/24 dev lo");
        let broker = Broker::start();
        let own = ["127.0.0.1", "0.0.0.0", "192.0.2.10", "198.51.100.7", "::1", "::ffff:127.0.0.1"];
        for host in own {
            let error = refused(&broker, host, |order| order.may_loopback = false);
            assert_eq!(error.code, ErrorCode::Forbidden, "{host}");
            let missing = error.missing.expect("the missing right");
            let missing = (missing.resource.to_string(), missing.right.to_string());
            assert_eq!(missing, ("destinations".into(), "loopback".into()), "{host}");
        }
        let worker = broker.order(&Order::Node).unwrap();
        assert_eq!((worker.netns, worker.is_node), (netns_of(std::process::id()), true));
        let events = worker.events(&ping("192.0.2.10", Some(1)));
        assert!(
            events.iter().any(|e| matches!(e, Event::Probe(PingEvent::Replied { .. }))),
            "with the right: {events:#?}"
        );
    });
}

#[test]
fn a_metadata_service_needs_its_right() {
    on_a_node(|| {
        run("ip address add 169.254.169.254 dev lo");
        let broker = Broker::start();
        for host in ["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254"] {
            let error = refused(&broker, host, |order| order.may_metadata = false);
            assert_eq!(error.code, ErrorCode::Forbidden, "{host}");
            assert_eq!(error.missing.unwrap().right.to_string(), "metadata", "{host}");
        }
    });
}

fn connected(broker: &Broker, addresses: Vec<SocketAddr>) -> Result<TcpStream, Answer> {
    let worker = broker.order(&Order::Connect(addresses)).unwrap();
    let mut frame = [0; ANSWER_BYTES];
    let (read, mut descriptors) = ipc::receive(&worker.stream, &mut frame).unwrap();
    assert_eq!(read, ANSWER_BYTES);
    match descriptors.pop() {
        Some(socket) => Ok(TcpStream::from(socket)),
        None => Err(Answer::decode(&frame).unwrap()),
    }
}

#[test]
fn a_connection_for_front_is_made_in_the_nodes_namespace() {
    on_a_node(|| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let open = listener.local_addr().unwrap();
        let closed = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let broker = Broker::start();

        let mut socket = connected(&broker, vec![closed, open]).unwrap();
        let (mut accepted, _) = listener.accept().unwrap();
        socket.write_all(b"hello").unwrap();
        let mut heard = [0; 5];
        accepted.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"hello");
        wait_for("the worker's end", || broker.children().is_empty().then_some(()));

        let refused = connected(&broker, vec![closed]).unwrap_err();
        let errno = Errno::CONNREFUSED.raw_os_error();
        assert_eq!(refused, Answer::Refused { refusal: Refusal::Connect, errno });
    });
}
