//! Over TCP.

use std::{
    io::Write,
    net::{Shutdown, SocketAddr, TcpListener},
};

use netdiag_wire::{
    IcmpMeaning,
    dns::{DnsOutcome, DnsTransport, RecordType},
};
use socket2::SockRef;

use super::{
    ask, request,
    server::{Server, address, read_framed, response, with_records, write_framed},
};
use crate::lab::{Lab, Netns, SERVER};

fn tcp(server: SocketAddr) -> netdiag_wire::dns::DnsRequest {
    let mut request = request(RecordType::A, server);
    request.options.transport = DnsTransport::Tcp;
    request
}

#[test]
fn a_cut_answer_is_asked_for_again_over_tcp() {
    let (query, kept) = Netns::new().enter(|| {
        let server = Server::udp(|socket, query, from| {
            let mut cut = response(query, 0);
            cut[2] |= 2;
            socket.send_to(&cut, from).unwrap();
        });
        let _tcp = Server::tcp_on(server.address, |mut stream| {
            let query = read_framed(&mut stream);
            let whole: Vec<_> = (1..=200).map(address).collect();
            write_framed(&mut stream, &with_records(&query, &whole));
        });
        let mut keep = request(RecordType::A, server.address);
        keep.options.keep_truncated = true;
        (ask(&request(RecordType::A, server.address)), ask(&keep))
    });
    assert_eq!((query.outcome, query.transport), (DnsOutcome::Answered, DnsTransport::Tcp));
    assert!(query.truncated_first);
    assert_eq!((query.sent, query.message.unwrap().answer.len()), (2, 200));
    assert_eq!((kept.transport, kept.truncated_first), (DnsTransport::Udp, false));
    assert!(kept.message.unwrap().flags.tc);
}

#[test]
fn what_does_not_belong_is_passed_over() {
    let query = Netns::new().enter(|| {
        let server = Server::tcp(|mut stream| {
            let query = read_framed(&mut stream);
            let mut lie = with_records(&query, &[address(66)]);
            lie[0] ^= 1;
            write_framed(&mut stream, &lie);
            write_framed(&mut stream, &[]);
            write_framed(&mut stream, &with_records(&query, &[address(7)]));
        });
        ask(&tcp(server.address))
    });
    assert_eq!(query.message.unwrap().answer[0].data, "10.0.0.7".into());
    assert_eq!((query.discarded.id, query.discarded.no_response), (1, 1));
}

#[test]
fn refused_and_reset_are_told_apart() {
    Netns::new().enter(|| {
        let closed = ask(&tcp("127.0.0.1:53".parse().unwrap()));
        assert_eq!(closed.outcome, DnsOutcome::Refused);
        let reset = Server::tcp(|mut stream| {
            read_framed(&mut stream);
            SockRef::from(&stream).set_linger(Some(std::time::Duration::ZERO)).unwrap();
        });
        let reset = ask(&tcp(reset.address));
        assert_eq!(reset.outcome, DnsOutcome::Reset);
        assert_eq!(reset.problem, Some("the server reset the connection".into()));
        let ended = Server::tcp(|mut stream| {
            read_framed(&mut stream);
            stream.write_all(&[0, 12, 0]).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
        });
        let ended = ask(&tcp(ended.address));
        assert_eq!(ended.outcome, DnsOutcome::Reset);
        let words = "the server closed the connection without an answer";
        assert_eq!(ended.problem, Some(words.into()));
    });
}

#[test]
fn a_server_that_takes_the_connection_only_is_silent() {
    let query = Netns::new().enter(|| {
        let mute = TcpListener::bind("127.0.0.1:0").unwrap();
        ask(&tcp(mute.local_addr().unwrap()))
    });
    assert_eq!((query.outcome, query.sent), (DnsOutcome::Silence, 1));
}

#[test]
fn who_rejects_is_told() {
    let lab = Lab::new();
    lab.router.nft("add table inet t");
    lab.router.nft("add chain inet t forward { type filter hook forward priority 0; }");
    let reject = "add rule inet t forward meta l4proto { tcp, udp } th dport 53";
    lab.router.nft(&format!("{reject} reject with icmpx type admin-prohibited"));
    let server = SocketAddr::new(SERVER.parse().unwrap(), 53);
    for request in [tcp(server), request(RecordType::A, server)] {
        let query = lab.client.enter(|| ask(&request));
        assert_eq!(query.outcome, DnsOutcome::Rejected, "{query:#?}");
        assert_eq!(query.by, Some([10, 9, 1, 1].into()));
        assert_eq!(query.icmp.unwrap().meaning, IcmpMeaning::AdminProhibited);
    }
}

#[test]
fn what_the_kernel_does_not_send_is_told() {
    let server: SocketAddr = "192.0.2.1:53".parse().unwrap();
    for request in [tcp(server), request(RecordType::A, server)] {
        let query = Netns::new().enter(|| ask(&request));
        assert_eq!((query.outcome, query.sent), (DnsOutcome::NotSent, 0), "{query:#?}");
        assert_eq!(query.refusal, Some(netdiag_wire::SendRefusal::NoRoute));
    }
}
