use netdiag_wire::trace::TraceProtocol;

use crate::{
    args::{
        Command, ProbeArgs, Target, TraceArgs, parse,
        tests::{refused, words},
    },
    code,
};

fn trace(line: &str) -> TraceArgs {
    match parse(&words(line)) {
        Ok(Command::Trace(args)) => *args,
        other => panic!("{line}: {other:?}"),
    }
}

fn request(line: &str) -> String {
    let args = trace(line);
    let protocol = args.protocol().unwrap_or(TraceProtocol::Udp);
    serde_json::to_string(&args.request("a".into(), protocol, None)).unwrap()
}

#[test]
fn traceroutes_flags_reach_the_request() {
    for (line, json) in [
        ("trace a", ""),
        ("trace a -f 3", r#","firstTtl":3"#),
        ("trace a -M 3", r#","firstTtl":3"#),
        ("trace a -m 12 -q 1", r#","maxTtl":12,"queries":1"#),
        ("trace a -w 0.5", r#","waitUs":500000"#),
        ("trace a --size 1400 --df", r#","size":1400,"dontFragment":true"#),
        ("trace a --flows 8", r#","queries":1,"flows":8"#),
        ("trace a --flows 8 -q 3", r#","flows":8"#),
        ("trace a --mtu", r#","mtu":true"#),
        ("trace a --no-names", r#","noNames":true"#),
        ("trace a -S 10.0.0.1 -4", r#","sourceAddress":"10.0.0.1","family":"v4""#),
    ] {
        assert_eq!(request(line), format!(r#"{{"host":"a","protocol":"udp"{json}}}"#), "{line}");
    }
}

#[test]
fn the_protocol_has_traceroutes_letters() {
    for (line, protocol) in [
        ("trace a", None),
        ("trace a -I", Some(TraceProtocol::Icmp)),
        ("trace a -T", Some(TraceProtocol::Tcp)),
        ("trace a -U", Some(TraceProtocol::Udp)),
        ("trace a -P TCP", Some(TraceProtocol::Tcp)),
        ("trace a --protocol=icmp", Some(TraceProtocol::Icmp)),
    ] {
        assert_eq!(trace(line).protocol(), protocol, "{line}");
    }
}

#[test]
fn a_port_stands_in_the_target_or_in_its_flag() {
    for (line, port) in [
        ("trace pod/foo", None),
        ("trace pod/foo:8080", Some("8080")),
        ("trace pod/foo -p http", Some("http")),
        ("trace pod/foo:80 -p 80", Some("80")),
    ] {
        let shown = trace(line).port().unwrap().map(|port| port.to_string());
        assert_eq!(shown.as_deref(), port, "{line}");
    }
    assert_eq!(trace("trace a:80").target(), Ok(Target::Host("a".into())));
}

#[test]
fn what_cannot_be_is_refused_with_its_bound() {
    for (line, message) in [
        ("trace -m 0 pod/foo", "-m 0: the maximum TTL must be 1 to 255"),
        ("trace a -m 256", "-m 256: the maximum TTL must be 1 to 255"),
        ("trace a -f 0", "-f 0: the first TTL must be 1 to 255"),
        ("trace a -f 5 -m 4", "-f 5: the first TTL must be at most the last, -m 4"),
        ("trace a -P sctp", "-P sctp: the protocol must be udp, tcp or icmp"),
        ("trace a -p 0", "-p 0: must be 1 to 65535"),
        ("trace a:0", "trace a:0: port 0: must be 1 to 65535"),
        ("trace a:80 -p 81", "-p 81: TARGET has another port, 80"),
        ("trace a:80 -I", "-P icmp: an echo has no port; leave 80 out, or the protocol"),
        ("trace a -q 0", "-q 0: the number of probes must be 1 to 100"),
        ("trace a -w 61", "-w 61: the wait must be 0.001 s to 60 s"),
        ("trace a --size 27", "--size 27: the size must be 28 to 65535, with the IP header"),
        ("trace a --flows 65", "--flows 65: the number of flows must be 1 to 64"),
        ("trace a --flows 2 --mtu", "--flows 2: --mtu sweeps one flow"),
        ("trace a --size 1400 --mtu", "--size 1400: --mtu chooses the sizes itself"),
        ("trace a --flows 64 -q 100", "--flows 64 -q 100: too many probes at once with -m 30"),
        ("trace -4 ::1", "trace ::1: an IPv6 address, and -4 was given"),
        ("trace 10.0.0.1 -S ::1", "-S ::1: cannot send to 10.0.0.1, another family"),
        ("trace a -I -T", "-I does not go with -T"),
        ("trace ing/web", "trace ing/web: ing is not in this release; name its Service"),
        ("trace", "TARGET is missing"),
        ("trace -n 10.0.0.1", "-n: -n is kubectl's --namespace; --no-names leaves reverse DNS out"),
        ("trace -s 10.0.0.1 a", "-s 10.0.0.1: -s is kubectl's --server; the source address is -S"),
        ("trace -i eth0 a", "-i is not here; -S (--source) takes an address of the source"),
        ("trace -F a", "-F is not here; --df forbids fragmentation"),
        ("ping pod/foo -o dot", "-o dot: only trace draws a graph"),
    ] {
        let failure = refused(line);
        assert_eq!(failure.message, message, "{line}");
        assert!(matches!(failure.code, Some(code::BAD_VALUE | code::CLASSIC_FLAG)), "{line}");
    }
}
