//! Names resolved through a real DNS server in the lab.

use std::{
    error::Error,
    net::{IpAddr, Ipv4Addr, UdpSocket},
    thread,
};

use hickory_resolver::proto::{
    op::{Message, MessageType, ResponseCode},
    rr::{
        Name, RData, Record, RecordType,
        rdata::{A, AAAA, PTR},
    },
};
use netdiag_probe::{
    Probe, ProbeError,
    names::{ResolverFiles, resolve},
};
use netdiag_wire::{ErrorCode, Family, ping::PingRequest};

use crate::lab::{Lab, Netns, SERVER, SERVER6, drive, request, runtime};

const RESOLV_CONF: &str = "nameserver 10.9.1.1\nsearch shop.svc.cluster.local svc.cluster.local\noptions ndots:5 timeout:1 attempts:1\nnonsense\n";

/// Serves `web.shop.svc.cluster.local` and `four.test` until the test's process ends.
pub(crate) fn serve(namespace: &Netns) {
    let socket = namespace.enter(|| UdpSocket::bind("0.0.0.0:53").unwrap());
    thread::spawn(move || {
        let mut buffer = [0; 1500];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).unwrap();
            let answer = answer(Message::from_vec(&buffer[..length]).unwrap());
            socket.send_to(&answer.to_vec().unwrap(), from).unwrap();
        }
    });
}

fn answer(mut message: Message) -> Message {
    let query = message.queries[0].clone();
    let name = query.name().to_string();
    message.metadata.message_type = MessageType::Response;
    message.metadata.recursion_available = true;
    let data = match (name.as_str(), query.query_type()) {
        ("web.shop.svc.cluster.local." | "four.test.", RecordType::A) => {
            Some(RData::A(A(SERVER.parse().unwrap())))
        }
        ("web.shop.svc.cluster.local.", RecordType::AAAA) => {
            Some(RData::AAAA(AAAA(SERVER6.parse().unwrap())))
        }
        ("dressed.test.", RecordType::AAAA) => {
            Some(RData::AAAA(AAAA("::ffff:169.254.169.254".parse().unwrap())))
        }
        ("1.1.9.10.in-addr.arpa.", RecordType::PTR) => {
            Some(RData::PTR(PTR(Name::from_ascii("router.test.").unwrap())))
        }
        ("four.test." | "dressed.test.", _) => None,
        ("broken.test.", _) => {
            message.metadata.response_code = ResponseCode::ServFail;
            None
        }
        _ => {
            message.metadata.response_code = ResponseCode::NXDomain;
            None
        }
    };
    message.answers.extend(data.map(|data| Record::from_rdata(query.name().clone(), 5, data)));
    message
}

pub(crate) fn files(hosts: &str) -> ResolverFiles {
    ResolverFiles { resolv_conf: RESOLV_CONF.into(), hosts: hosts.into(), never_ask: None }
}

fn look_up(lab: &Lab, host: &str, family: Family, hosts: &str) -> Result<Vec<IpAddr>, ProbeError> {
    lab.client.enter(|| {
        let runtime = runtime();
        runtime.block_on(resolve(host, family, &files(hosts)))
    })
}

fn addresses(list: &[&str]) -> Vec<IpAddr> {
    list.iter().map(|address| address.parse().unwrap()).collect()
}

#[test]
fn the_search_list_and_the_family_are_honoured() {
    let lab = Lab::new();
    serve(&lab.router);
    for (host, family, expected) in [
        ("web", Family::Any, vec![SERVER, SERVER6]),
        ("web", Family::V6, vec![SERVER6]),
        ("web.shop", Family::V4, vec![SERVER]),
        ("four.test", Family::Any, vec![SERVER]),
        ("four.test.", Family::Any, vec![SERVER]),
        ("dressed.test", Family::Any, vec!["169.254.169.254"]),
    ] {
        let found = look_up(&lab, host, family, "").unwrap();
        assert_eq!(found, addresses(&expected), "{host} {family:?}");
    }
}

#[test]
fn the_hosts_file_comes_first() {
    let lab = Lab::new();
    serve(&lab.router);
    let hosts = "# comment\n127.0.0.1 localhost\n10.1.2.3\tWEB other # own\nnonsense here\nfd00::3 web\n\u{fffd}\n";
    for (host, family, expected) in [
        ("web", Family::Any, vec!["10.1.2.3", "fd00::3"]),
        ("Other", Family::V4, vec!["10.1.2.3"]),
        ("web.shop", Family::V4, vec![SERVER]),
    ] {
        assert_eq!(look_up(&lab, host, family, hosts).unwrap(), addresses(&expected), "{host}");
    }
}

#[test]
fn what_has_no_address_is_an_error_that_says_why() {
    let lab = Lab::new();
    serve(&lab.router);
    let unknown = "no such name (NXDOMAIN), says nameserver 10.9.1.1";
    let no_name = "not a host name";
    for (host, family, why) in [
        ("nobody", Family::Any, unknown),
        ("127.1", Family::Any, unknown),
        ("2130706433", Family::Any, unknown),
        ("0x7f000001", Family::Any, unknown),
        ("broken.test", Family::Any, "nameserver 10.9.1.1 answered SERVFAIL"),
        (
            "a.INVALID",
            Family::Any,
            "no such name: no nameserver is asked for names in invalid, which is reserved",
        ),
        ("a b", Family::Any, no_name),
        ("..", Family::Any, no_name),
        ("four.test\u{1b}[2J", Family::Any, no_name),
        (
            "four.test",
            Family::V6,
            "the name exists but has no such address, says nameserver 10.9.1.1",
        ),
    ] {
        let error = look_up(&lab, host, family, "").unwrap_err();
        assert_eq!(error.code(), ErrorCode::NameResolution, "{host}");
        assert_eq!(error.to_string(), format!("resolve {host}"));
        assert_eq!(error.source().unwrap().to_string(), why, "{host}");
    }
}

#[test]
fn a_forbidden_nameserver_is_left_out() {
    let lab = Lab::new();
    serve(&lab.router);
    let look_up = |resolv_conf: &str, hosts: &str| {
        let files = ResolverFiles {
            resolv_conf: resolv_conf.into(),
            hosts: hosts.into(),
            never_ask: Some(|address| address == IpAddr::from([10, 9, 1, 53])),
        };
        lab.client.enter(|| runtime().block_on(resolve("four.test", Family::V4, &files)))
    };
    let alone = look_up("nameserver 10.9.1.53\n", "").unwrap_err();
    assert!(alone.to_string().starts_with("10.9.1.53 is off limits: "), "{alone}");
    let hosts = look_up("nameserver 10.9.1.53\n", "10.1.2.3 four.test\n").unwrap();
    assert_eq!(hosts, addresses(&["10.1.2.3"]));
    let second = look_up("nameserver 10.9.1.53\nnameserver 10.9.1.1\n", "").unwrap();
    assert_eq!(second, addresses(&[SERVER]));
}

#[test]
fn a_silent_nameserver_is_named() {
    let lab = Lab::new();
    lab.router.filter("udp dport 53 drop");
    let error = look_up(&lab, "web.", Family::Any, "").unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), "no answer from nameserver 10.9.1.1");
}

#[test]
fn without_a_nameserver_the_source_itself_is_asked() {
    let alone = Netns::new();
    let files = ResolverFiles {
        resolv_conf: b"search a\n".into(),
        hosts: b"10.0.0.1 a".into(),
        never_ask: None,
    };
    let look_up = |host| alone.enter(|| runtime().block_on(resolve(host, Family::Any, &files)));
    assert_eq!(look_up("a").unwrap(), [IpAddr::from(Ipv4Addr::new(10, 0, 0, 1))]);
    let error = look_up("b").unwrap_err();
    assert_eq!(error.code(), ErrorCode::NameResolution);
    assert!(error.source().unwrap().to_string().ends_with("nameserver 127.0.0.1"), "{error:?}");
}

#[test]
fn a_ping_by_name_takes_the_family_that_has_a_route() {
    let lab = Lab::new();
    serve(&lab.router);
    let ping = |request: &PingRequest| {
        lab.client.enter(|| {
            let sockets = request.open().unwrap();
            drive(request, sockets, &files("")).unwrap().reports.remove(0)
        })
    };
    let report = ping(&request("web", 1));
    assert_eq!((report.address, report.replied), (Some(SERVER.parse().unwrap()), 1));
    lab.client.ip("route del default");
    let report = ping(&request("web", 1));
    assert_eq!((report.address, report.replied), (Some(SERVER6.parse().unwrap()), 1));
}

#[test]
fn a_namespace_without_ipv6_pings_names_all_the_same() {
    let lab = Lab::new();
    serve(&lab.router);
    lab.client.sysctl("ipv6/conf/all/disable_ipv6", "1");
    let report = lab.client.enter(|| {
        let request = request("web", 1);
        let sockets = request.open().unwrap();
        drive(&request, sockets, &files("")).unwrap().reports.remove(0)
    });
    assert_eq!((report.address, report.replied), (Some(SERVER.parse().unwrap()), 1));
}
