//! What servers say, real and hostile.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Instant,
};

use netdiag_wire::scan::ScanWhy;
use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{heard::Reader, *};

mod corpus;
mod hostile;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Every way to read bytes of a server.
fn readers() -> Vec<(&'static str, Reader)> {
    let mut readers: Vec<(&str, Reader)> = vec![
        ("greeting", greeting::read),
        ("caches", caches::question().read),
        ("postgres", databases::postgres().read),
        ("postgres start", databases::postgres_start().read),
        ("mongo", databases::mongo().read),
        ("amqp", brokers::amqp().read),
        ("kafka", brokers::kafka().read),
        ("mqtt", brokers::mqtt().read),
        ("ldap", directory::question().read),
        ("http", http::question("/", "a").read),
        ("http2", http2::question("a", false).read),
        ("dns over tcp", udp::dns_over_tcp().read),
    ];
    readers.extend(udp::questions(53).into_iter().map(|question| ("udp", question.read)));
    readers
}

/// Runs a reader and those that it leads to.
fn read_on(read: Reader, bytes: &[u8]) {
    let mut next = Some(read);
    for _ in 0..4 {
        let Some(read) = next.take() else { return };
        let heard = read(bytes);
        if let heard::Heard::Ask(_, question) = &heard {
            next = Some(question.read);
        }
        for cell in heard.so_far().into_iter().flat_map(|found| [found.product, found.version]) {
            assert!(cell.is_none_or(|cell| cell.as_bytes().len() <= 128));
        }
    }
}

fn open_port(protocol: ScanProtocol, port: u16) -> ScanPort {
    ScanPort {
        address: HERE,
        protocol,
        port,
        state: PortState::Open,
        why: ScanWhy::SynAck,
        by: None,
        icmp: None,
        ttl: None,
        rtt_us: None,
    }
}

async fn identified(ports: &[ScanPort]) -> Vec<Identity> {
    let mut found = Vec::new();
    let mut emit = |event| {
        if let ScanEvent::Identified(identity) = event {
            found.push(identity);
        }
    };
    run(ports, Limits::default(), &mut emit, &CancellationToken::new()).await;
    found
}

proptest! {
    #[test]
    fn no_reader_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for (_, read) in readers() {
            read_on(read, &bytes);
        }
        certificate::names(&bytes);
        certificate::is_kubelets(&bytes);
    }
}

#[tokio::test]
async fn a_scan_that_is_cancelled_ends_at_once() {
    let listener = TcpListener::bind((HERE, 0)).await.unwrap();
    let port = open_port(ScanProtocol::Tcp, listener.local_addr().unwrap().port());
    let stop = CancellationToken::new();
    stop.cancel();
    let start = Instant::now();
    run(&[port], Limits::default(), &mut |_| {}, &stop).await;
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn the_rate_holds_for_connections() {
    let listener = TcpListener::bind((HERE, 0)).await.unwrap();
    let port = open_port(ScanProtocol::Tcp, listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"SSH-2.0-x_1\r\n").await;
        }
    });
    let ports = vec![port; 5];
    let limits = Limits { rate: NonZeroU32::new(10), ..Limits::default() };
    let start = Instant::now();
    let sent = run(&ports, limits, &mut |_| {}, &CancellationToken::new()).await;
    assert_eq!(sent, 5);
    assert!(start.elapsed() >= Duration::from_millis(400), "{:?}", start.elapsed());
}
