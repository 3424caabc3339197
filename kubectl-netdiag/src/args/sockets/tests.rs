use super::*;
use crate::args::{
    Command, parse,
    tests::{refused, words},
};

fn sockets(line: &str) -> SocketsArgs {
    match parse(&words(line)) {
        Ok(Command::Sockets(args)) => *args,
        other => panic!("{line}: {other:?}"),
    }
}

fn request(line: &str) -> String {
    serde_json::to_string(&sockets(line).request()).unwrap()
}

#[test]
fn flags_reach_the_request() {
    let all = r#""protocols":["tcp","udp","raw"]"#;
    for (line, json) in [
        ("pod/foo", format!(r#"{{{all},"which":"connected"}}"#)),
        ("pod/foo -l", format!(r#"{{{all},"which":"listening","fullQueueWaitMs":2000}}"#)),
        ("pod/foo -a", format!(r#"{{{all},"fullQueueWaitMs":2000}}"#)),
        ("pod/foo -al", format!(r#"{{{all},"fullQueueWaitMs":2000}}"#)),
        ("pod/foo -tup", r#"{"protocols":["tcp","udp"],"which":"connected","processes":true}"#.into()),
        ("pod/foo -x", r#"{"protocols":["unix"],"which":"connected"}"#.into()),
        ("pod/foo -t6i", r#"{"protocols":["tcp"],"family":"v6","which":"connected","tcpInfo":true}"#.into()),
        (
            "pod/foo -t --state TIME_WAIT,syn-recv",
            r#"{"protocols":["tcp"],"states":["synReceived","timeWait"],"fullQueueWaitMs":2000}"#
                .into(),
        ),
        (
            "pod/foo -t --port 8080 --peer 10.0.0.0/8:443",
            r#"{"protocols":["tcp"],"which":"connected","localPort":8080,"peer":"10.0.0.0/8","peerPort":443}"#
                .into(),
        ),
        (
            "pod/foo -t --watch",
            r#"{"protocols":["tcp"],"which":"connected","watch":{"intervalMs":1000}}"#.into(),
        ),
        (
            "pod/foo -lt --watch=0.5 --count 3",
            r#"{"protocols":["tcp"],"which":"listening","watch":{"intervalMs":500,"rounds":3}}"#
                .into(),
        ),
        (
            "pod/foo -t --stats",
            r#"{"protocols":["tcp"],"which":"listening","stats":true,"fullQueueWaitMs":2000}"#
                .into(),
        ),
    ] {
        assert_eq!(request(&format!("sockets {line}")), json, "{line}");
    }
}

#[test]
fn states_have_the_names_of_ss_and_of_netstat() {
    for (text, state) in [
        ("established", SocketState::Established),
        ("ESTAB", SocketState::Established),
        ("FIN_WAIT2", SocketState::FinWait2),
        ("fin-wait-2", SocketState::FinWait2),
        ("LISTENING", SocketState::Listen),
        ("unconn", SocketState::Unconnected),
    ] {
        assert_eq!(words::states(text), Ok(States(vec![state])), "{text}");
    }
    assert_eq!(words::states("connected").map(|states| states.0.len()), Ok(9));
    assert!(words::states("open").is_err());
}

#[test]
fn a_peer_is_an_address_a_network_or_a_port() {
    let parts = |text: &str| {
        let peer = words::peer(text).unwrap();
        (peer.network, peer.port.map(NonZeroU16::get))
    };
    for (text, network, port) in [
        ("10.0.0.7", Some("10.0.0.7"), None),
        ("10.0.0.7:80", Some("10.0.0.7"), Some(80)),
        ("10.0.0.0/8", Some("10.0.0.0/8"), None),
        ("fd00::7", Some("fd00::7"), None),
        ("[fd00::7]:80", Some("fd00::7"), Some(80)),
        ("[fd00::7]", Some("fd00::7"), None),
        ("fd00::/64", Some("fd00::/64"), None),
        (":443", None, Some(443)),
        ("*:443", None, Some(443)),
    ] {
        assert_eq!(parts(text), (network.map(str::to_owned), port), "{text}");
    }
    for text in ["web", "10.0.0.0/33", ":0", ":", "10.0.0.7:http", ""] {
        assert!(words::peer(text).is_err(), "{text}");
    }
}

#[test]
fn the_place_is_the_target_whatever_else_is_set() {
    use crate::args::Kind;
    let at = |line: &str| sockets(line).place().unwrap();
    let object = |kind, name: &str| {
        let object = Object { namespace: None, kind, name: name.into() };
        Some(Origin::Object(object))
    };
    assert_eq!(at("sockets pod/foo"), object(Kind::Pod, "foo"));
    assert_eq!(at("sockets pod foo"), object(Kind::Pod, "foo"));
    assert_eq!(at("sockets node/node-1"), object(Kind::Node, "node-1"));
    assert_eq!(at("sockets local"), Some(Origin::Local));
    assert!(matches!(sockets("sockets svc/web").whose(), Ok(Place::Service(_))));
}

#[test]
fn what_cannot_be_is_refused_with_its_bound() {
    for (line, message) in [
        ("sockets", "TARGET is missing"),
        (
            "sockets 10.0.0.7",
            "sockets 10.0.0.7: an address cannot be looked into; name a pod, a node or local",
        ),
        (
            "sockets web",
            "sockets web: a host name cannot be looked into; name a pod, a node or local",
        ),
        (
            "sockets pod/foo --from node/node-1",
            "--from node/node-1: sockets reads the table of TARGET itself; leave --from out",
        ),
        ("sockets pod/foo --port 0", "--port 0: the port must be 1 to 65535"),
        ("sockets pod/foo --port 65536", "--port 65536: the port must be 1 to 65535"),
        ("sockets pod/foo --watch=0.1", "--watch 0.1: the interval must be 0.2 s to 1 h"),
        ("sockets pod/foo --count 3", "--watch is missing"),
        (
            "sockets pod/foo --peer web",
            "--peer web: must be an address, a CIDR or either with :PORT",
        ),
        ("sockets pod/foo -4 --peer ::1", "--peer ::1: of the family that -4 or -6 leaves out"),
        ("sockets pod/foo -x --port 80", "-x: a unix socket has no port and no peer"),
        (
            "sockets pod/foo --sort size",
            "--sort size: must be one of local, peer, state, recv-q, send-q, process, rtt, \
             retransmits",
        ),
        ("sockets pod/foo -4 -6", "-4 does not go with -6"),
    ] {
        assert_eq!(refused(line).message, message, "{line}");
    }
    assert!(
        refused("sockets pod/foo --state open")
            .message
            .starts_with("--state open: must be a state")
    );
}
