use super::*;
use crate::args::{self, Command, Target};

fn args(line: &str) -> TraceArgs {
    let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
    match args::parse(&words) {
        Ok(Command::Trace(args)) => *args,
        other => panic!("{line}: {other:?}"),
    }
}

fn declared(name: &str, number: u16, protocol: PortProtocol) -> DeclaredPort {
    DeclaredPort { name: Some(name.into()), number, protocol }
}

/// A pod with a UDP and two TCP ports.
fn aim() -> Aim {
    let mut aim = crate::plan::target::unlooked(&Target::Host("pod".into()));
    aim.ports = vec![
        declared("dns", 53, PortProtocol::Udp),
        declared("http", 8080, PortProtocol::Tcp),
        declared("metrics", 9090, PortProtocol::Tcp),
    ];
    aim
}

#[test]
fn tcp_goes_to_a_declared_port_and_udp_where_there_is_none() {
    use TraceProtocol::{Icmp, Tcp, Udp};
    for (line, protocol, port) in [
        ("trace a", Tcp, Some(8080)),
        ("trace a -U", Udp, None),
        ("trace a -I", Icmp, None),
        ("trace a -T", Tcp, Some(8080)),
        ("trace a -p 443", Tcp, Some(443)),
        ("trace pod/a:metrics", Tcp, Some(9090)),
        ("trace pod/a:dns", Udp, Some(53)),
        ("trace pod/a:53", Udp, Some(53)),
        ("trace pod/a:53 -T", Tcp, Some(53)),
        ("trace a --mtu", Udp, None),
        ("trace a --mtu -p 443", Udp, Some(443)),
    ] {
        let mut aim = aim();
        let request = request(&args(line), &mut aim).unwrap();
        assert_eq!((request.protocol, request.port), (protocol, port), "{line}");
        assert_eq!(aim.peer.port, port, "{line}");
    }
    let mut bare = aim();
    bare.ports.clear();
    assert_eq!(request(&args("trace a"), &mut bare).unwrap().protocol, Udp);
}

#[test]
fn a_name_that_is_not_declared_lists_those_that_are() {
    let failure = request(&args("trace pod/a:web"), &mut aim()).unwrap_err();
    assert_eq!(
        failure.message,
        r#"pod has no such port "web"; it declares dns (53), http (8080), metrics (9090)"#
    );
    let failure = request(&args("trace pod/a:http -U"), &mut aim()).unwrap_err();
    assert!(failure.message.starts_with(r#"pod has no such port "http""#), "{failure}");
}
