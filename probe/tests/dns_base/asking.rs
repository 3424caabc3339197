//! Whom mode Ask asks, and what it refuses to.

use std::net::{SocketAddr, UdpSocket};

use netdiag_probe::{Probe, ProbeError};
use netdiag_wire::{
    ErrorCode, Family,
    dns::{DnsMode, DnsOutcome, DnsRequest, DnsServer, RecordType},
};

use super::{
    ask, drive, drive_to, queries, request,
    server::{Server, response, with_address},
};
use crate::lab::Netns;

fn answering() -> Server {
    Server::udp(|socket, query, from| {
        socket.send_to(&with_address(query, [10, 0, 0, 7]), from).unwrap();
    })
}

fn at(address: SocketAddr) -> DnsServer {
    DnsServer { host: address.ip().to_string(), port: Some(address.port()) }
}

#[test]
fn servers_are_asked_in_turn_until_one_says_something() {
    let outcomes = Netns::new().enter(|| {
        let failing = Server::udp(|socket, query, from| {
            socket.send_to(&response(query, 2), from).unwrap();
        });
        let never = answering();
        let mute = UdpSocket::bind("127.0.0.1:0").unwrap();
        let silent = mute.local_addr().unwrap();
        let servers = ["127.0.0.1:53".parse().unwrap(), silent, failing.address, never.address];
        let mut request = request(RecordType::A, never.address);
        request.servers = servers.map(at).into();
        let queries = queries(drive(&request).unwrap());
        queries.iter().map(|query| (query.index, query.outcome)).collect::<Vec<_>>()
    });
    let wanted = [(0, DnsOutcome::Rejected), (1, DnsOutcome::Silence), (2, DnsOutcome::ServFail)];
    assert_eq!(outcomes, wanted);
}

#[test]
fn each_type_is_a_question() {
    let queries = Netns::new().enter(|| {
        let server = answering();
        let mut request = request(RecordType::A, server.address);
        request.types = vec![RecordType::MX, RecordType(65_280), RecordType::A];
        queries(drive(&request).unwrap())
    });
    let kinds: Vec<_> = queries.iter().map(|query| query.kind).collect();
    assert_eq!(kinds, [RecordType::MX, RecordType(65_280), RecordType::A]);
}

#[test]
fn a_server_may_be_a_name() {
    Netns::new().enter(|| {
        let server = answering();
        let mut named = request(RecordType::A, server.address);
        named.servers[0].host = "ns.example".into();
        let sockets = named.open().unwrap();
        let report = drive_to(&named, sockets, "", "127.0.0.1 ns.example\n", &|_| Ok(())).unwrap();
        let query = &queries(report)[0];
        assert_eq!((query.outcome, query.server), (DnsOutcome::Answered, [127, 0, 0, 1].into()));
        assert_eq!(query.server_name, Some("ns.example".into()));
        named.servers[0].host = "no..name".into();
        assert_eq!(drive(&named).unwrap_err().code(), ErrorCode::NameResolution);
    });
}

#[test]
fn without_a_server_those_of_resolv_conf_are_asked() {
    let report = Netns::new().enter(|| {
        let mut request = DnsRequest::walk("web.shop.svc");
        request.mode = DnsMode::Ask;
        request.in_cluster = true;
        let sockets = request.open().unwrap();
        let resolv_conf = "nameserver 127.0.0.1\nsearch shop.svc.lab.local svc.lab.local\n";
        drive_to(&request, sockets, resolv_conf, "", &|_| Ok(())).unwrap()
    });
    assert_eq!(report.resolver.unwrap().nameservers.len(), 1);
    assert_eq!(report.names[0].name, "web.shop.svc.lab.local.".into());
    let kinds: Vec<_> = report.names[0].queries.iter().map(|query| query.kind).collect();
    assert_eq!(kinds, [RecordType::A, RecordType::AAAA]);
}

#[test]
fn nothing_is_sent_where_nothing_may_be_sent() {
    Netns::new().enter(|| {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        server.set_nonblocking(true).unwrap();
        let request = request(RecordType::A, server.local_addr().unwrap());
        let sockets = request.open().unwrap();
        let forbid = |address| Err(ProbeError::Forbidden { address, why: "off limits".into() });
        let refused = drive_to(&request, sockets, "", "", &forbid).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::Forbidden);
        assert!(server.recv(&mut [0; 16]).is_err());
    });
}

#[test]
fn the_source_is_ours_to_choose() {
    let namespace = Netns::new();
    let mut chosen = request(RecordType::A, "127.0.0.1:53".parse().unwrap());
    chosen.source_port = Some(40_053);
    chosen.source_address = Some([127, 0, 0, 9].into());
    let foreign = namespace.enter(|| chosen.open()).unwrap_err();
    assert_eq!(foreign.code(), ErrorCode::SourceAddress);
    namespace.ip("addr add 127.0.0.9/8 dev lo");
    namespace.enter(|| {
        let server = Server::udp(|socket, query, from| {
            assert_eq!(from, "127.0.0.9:40053".parse().unwrap());
            socket.send_to(&with_address(query, [10, 0, 0, 7]), from).unwrap();
        });
        chosen.servers = vec![at(server.address)];
        assert_eq!(ask(&chosen).outcome, DnsOutcome::Answered);
        let _taken = UdpSocket::bind("127.0.0.9:40053").unwrap();
        assert_eq!(drive(&chosen).unwrap_err().code(), ErrorCode::Socket);
    });
}

#[test]
fn what_cannot_be_asked_is_refused_in_words() {
    let server: SocketAddr = "127.0.0.1:53".parse().unwrap();
    let bad = |change: fn(&mut DnsRequest)| {
        let mut request = request(RecordType::A, server);
        change(&mut request);
        let refused = drive(&request).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::BadRequest);
        refused.to_string()
    };
    let label = bad(|r| r.name = "a".repeat(64));
    assert!(label.ends_with("a label of 64 octets, at most 63 fit"), "{label}");
    let name = bad(|r| r.name = "abcdefg.".repeat(32));
    assert!(name.ends_with("257 octets, must be at most 255"), "{name}");
    assert!(bad(|r| r.name = "bücher.example".into()).contains("not ASCII"));
    assert!(bad(|r| r.name = "a..example".into()).ends_with("has an empty label"));
    let subnet = bad(|r| r.options.subnet = Some("10.0.0.0/33".into()));
    assert_eq!(subnet, "options.subnet: \"10.0.0.0/33\", must be ADDRESS/LENGTH");
    let family = bad(|r| r.family = Family::V6);
    assert_eq!(family, "127.0.0.1 has no IPv6 address");
}
