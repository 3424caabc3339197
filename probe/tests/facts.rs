//! What the engine says of a node that the test has made, and of whoever answers in kube-proxy's
//! place.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    thread,
};

use netdiag_probe::Probe;
use netdiag_wire::facts::{Fact, FactsEvent, FactsRequest, NodeFacts};
use tokio_util::sync::CancellationToken;

use crate::{
    lab::{Netns, runtime},
    names::files,
    sandbox,
};

/// As a worker does it: read, then without any privilege.
fn facts(node: &Netns) -> NodeFacts {
    node.enter(|| {
        let request = FactsRequest {};
        let local = request.open().unwrap();
        let (runtime, files) = (runtime(), files(""));
        sandbox::close();
        let mut told = Vec::new();
        let mut emit = |event| told.push(event);
        let never = |address| panic!("asked for {address}");
        let run = request.run(local, &files, &never, &mut emit, CancellationToken::new());
        runtime.block_on(run).unwrap();
        match told.pop() {
            Some(FactsEvent::Facts(facts)) if told.is_empty() => facts,
            other => panic!("{other:?} after {told:?}"),
        }
    })
}

/// Answers everybody with the same bytes, and then for ever with `more`.
fn serve(node: &Netns, port: u16, head: &'static str, more: &'static [u8]) {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let listener = node.enter(|| TcpListener::bind(address).unwrap());
    let answer = move |mut stream: std::net::TcpStream| {
        let _ = stream.read(&mut [0; 1024]);
        let mut sent = stream.write_all(head.as_bytes());
        while sent.is_ok() && !more.is_empty() {
            sent = stream.write_all(more);
        }
        // Open until the other end has had enough.
        let _ = stream.read(&mut [0; 1]);
    };
    thread::spawn(move || {
        listener.incoming().map_while(Result::ok).for_each(|stream| {
            thread::spawn(move || answer(stream));
        });
    });
}

#[test]
fn a_node_without_kube_proxy_tells_all_but_that() {
    let node = Netns::new();
    node.ip("link add cni0 type bridge");
    node.ip("link add cilium_host type veth peer name cilium_net");
    node.sysctl("ipv4/ip_forward", "1");
    node.sysctl("ipv6/conf/all/forwarding", "0");
    let facts = facts(&node);
    assert_eq!((facts.ip_forward_v4, facts.ip_forward_v6), (Some(true), Some(false)));
    let kinds = facts.interfaces.iter().map(|interface| {
        let kind = interface.kind.as_ref().map(ToString::to_string);
        (interface.name.to_string(), kind.unwrap_or_default())
    });
    let kinds: Vec<_> = kinds.collect();
    for (name, kind) in [("lo", ""), ("cni0", "bridge"), ("cilium_host", "veth")] {
        assert!(kinds.contains(&(name.into(), kind.into())), "{name} in {kinds:?}");
    }
    assert_eq!(facts.kernel.as_bytes(), rustix::system::uname().release().to_bytes());
    assert_eq!((facts.kube_proxy.mode, facts.kube_proxy.healthy), (None, None));
    for fact in [Fact::ProxyMode, Fact::ProxySyncs, Fact::ProxyHealth] {
        let why = facts.why_not(fact).unwrap().to_string();
        assert!(why.contains("Connection refused"), "{why}");
    }
}

#[test]
fn more_interfaces_than_are_listed_are_counted() {
    let node = Netns::new();
    let more: String =
        (0..150).map(|at| format!("link add a{at} type veth peer name b{at}\n")).collect();
    let batch = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(batch.path(), more).unwrap();
    node.ip(&format!("-batch {}", batch.path().display()));
    let facts = facts(&node);
    let listed = facts.interfaces.len();
    assert_eq!(listed, netdiag_wire::facts::MAX_INTERFACES);
    assert!(listed + facts.more_interfaces as usize > 300, "{}", facts.more_interfaces);
    assert!(serde_json::to_vec(&facts).unwrap().len() < netdiag_wire::MAX_LINE_BYTES);
}

#[test]
fn whoever_answers_in_its_place_is_not_believed_and_not_waited_for() {
    let endless = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n";
    for (head, more, why) in [
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", &b""[..], "404"),
        (
            "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
            b"",
            "302",
        ),
        ("SSH-2.0-x\r\n", b"", "invalid HTTP"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", b"", "none of kube-proxy's"),
        (endless, b"kubeproxy_sync_proxy_rules_", "length limit"),
        ("", b"", "no answer within 1s"),
    ] {
        let node = Netns::new();
        serve(&node, 10_249, head, more);
        let facts = facts(&node);
        assert_eq!((facts.kube_proxy.mode, facts.kube_proxy.syncs.len()), (None, 0));
        for fact in [Fact::ProxyMode, Fact::ProxySyncs] {
            let said = facts.why_not(fact).unwrap().to_string();
            assert!(said.contains(why), "{head:?}: {said}");
        }
    }
}

#[test]
fn health_is_its_status_alone() {
    for (status, healthy) in
        [("200 OK", Some(true)), ("503 Unavailable", Some(false)), ("500 x", None)]
    {
        let node = Netns::new();
        let head: &'static str = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").leak();
        serve(&node, 10_256, head, b"");
        assert_eq!(facts(&node).kube_proxy.healthy, healthy, "{status}");
    }
}
