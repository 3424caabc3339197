//! Over UDP.

use std::net::{SocketAddr, UdpSocket};

use netdiag_wire::{
    IcmpMeaning,
    dns::{Discarded, DnsOutcome, DnsTransport, RecordType},
};

use super::{
    ask, request,
    server::{Server, response, with_address},
};
use crate::lab::Netns;

#[test]
fn an_answer_is_shown() {
    let query = Netns::new().enter(|| {
        let server = Server::udp(|socket, query, from| {
            socket.send_to(&with_address(query, [10, 0, 0, 7]), from).unwrap();
        });
        ask(&request(RecordType::A, server.address))
    });
    assert_eq!((query.outcome, query.sent), (DnsOutcome::Answered, 1), "{query:#?}");
    let message = query.message.unwrap();
    assert_eq!(message.answer[0].data, "10.0.0.7".into());
    assert_eq!(message.answer[0].name, "a.example.".into());
    assert!(query.rtt_us.unwrap() <= query.took_us);
}

#[test]
fn every_code_is_an_outcome() {
    for (rcode, outcome) in [
        (0, DnsOutcome::NoData),
        (1, DnsOutcome::OtherCode),
        (2, DnsOutcome::ServFail),
        (3, DnsOutcome::NxDomain),
        (5, DnsOutcome::RefusedQuery),
    ] {
        let query = Netns::new().enter(|| {
            let server = Server::udp(move |socket, query, from| {
                socket.send_to(&response(query, rcode), from).unwrap();
            });
            ask(&request(RecordType::A, server.address))
        });
        assert_eq!(query.outcome, outcome, "{query:#?}");
    }
}

#[test]
fn silence_is_an_outcome() {
    let query = Netns::new().enter(|| {
        let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
        ask(&request(RecordType::A, silent.local_addr().unwrap()))
    });
    assert_eq!((query.outcome, query.sent), (DnsOutcome::Silence, 3));
    assert!((900_000..1_200_000).contains(&query.took_us), "{query:#?}");
}

#[test]
fn a_closed_port_is_rejected_by_its_host() {
    let query = Netns::new().enter(|| {
        let closed: SocketAddr = "127.0.0.1:53".parse().unwrap();
        ask(&request(RecordType::A, closed))
    });
    assert_eq!(query.outcome, DnsOutcome::Rejected, "{query:#?}");
    assert_eq!(query.by, Some([127, 0, 0, 1].into()));
    assert_eq!(query.icmp.unwrap().meaning, IcmpMeaning::PortUnreachable);
    assert_eq!(query.transport, DnsTransport::Udp);
}

#[test]
fn what_does_not_belong_is_counted_and_not_used() {
    let query = Netns::new().enter(|| {
        let server = Server::udp(|socket, query, from| {
            let answer = with_address(query, [10, 0, 0, 7]);
            let spoofed = with_address(query, [10, 6, 6, 6]);
            let changed = |at: usize, bit: u8| {
                let mut changed = spoofed.clone();
                changed[at] ^= bit;
                changed
            };
            let elsewhere = UdpSocket::bind("127.0.0.1:0").unwrap();
            elsewhere.send_to(&spoofed, from).unwrap();
            // Another id, no response, another name, nothing.
            for lie in [changed(1, 1), changed(2, 0x80), changed(13, 1), vec![0; 3]] {
                socket.send_to(&lie, from).unwrap();
            }
            socket.send_to(&answer, from).unwrap();
        });
        ask(&request(RecordType::A, server.address))
    });
    assert_eq!(query.outcome, DnsOutcome::Answered);
    assert_eq!(query.message.unwrap().answer[0].data, "10.0.0.7".into());
    let wanted = Discarded { id: 1, question: 1, source: 1, no_response: 2, cookie: 0 };
    assert_eq!(query.discarded, wanted);
}

#[test]
fn a_server_gets_its_cookie_back_once() {
    let query = Netns::new().enter(|| {
        let server = Server::udp(|socket, query, from| {
            let has_servers = query.ends_with(&[9; 8]);
            let end = query.len() - if has_servers { 8 } else { 0 };
            let client = *query[..end].last_chunk::<8>().unwrap();
            let mut answer = match has_servers {
                true => with_address(query, [10, 0, 0, 7]),
                false => response(query, 7),
            };
            answer[11] = 1;
            // BADCOOKIE is 23: the upper bits stand in the OPT record.
            let high = u8::from(!has_servers);
            answer.extend([0, 0, 41, 4, 208, high, 0, 0, 0, 0, 20, 0, 10, 0, 16]);
            answer.extend([client, [9; 8]].concat());
            socket.send_to(&answer, from).unwrap();
        });
        ask(&request(RecordType::A, server.address))
    });
    assert_eq!((query.outcome, query.sent), (DnsOutcome::Answered, 2), "{query:#?}");
    assert_eq!(query.discarded, Discarded::default());
}
