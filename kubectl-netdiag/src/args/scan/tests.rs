use crate::args::{
    Command, parse,
    tests::{refused, words},
};

fn request(line: &str) -> String {
    let args = match parse(&words(line)) {
        Ok(Command::Scan(args)) => args,
        other => panic!("{line}: {other:?}"),
    };
    serde_json::to_string(&args.request("a".into(), &[]).unwrap()).unwrap()
}

#[test]
fn flags_reach_the_request() {
    for (line, json) in [
        ("scan pod/a -p-", r#""tcp":"1-65535""#),
        ("scan pod/a -p -", r#""tcp":"1-65535""#),
        ("scan pod/a -p 80,443", r#""tcp":"80,443""#),
        ("scan pod/a -p 80 -p 443-444 -p http", r#""tcp":"80,443-444""#),
        ("scan pod/a -phttp,https", r#""tcp":"80,443""#),
        ("scan pod/a -p dns --udp", r#""udp":"53""#),
        ("scan pod/a -p 53 --udp --tcp", r#""tcp":"53","udp":"53""#),
        ("scan pod/a --top-ports 2", r#""tcp":"80,443""#),
        ("scan pod/a -p 1-10 --exclude-ports 3-9", r#""tcp":"1-2,10""#),
        ("scan pod/a -p 80 --connect -A", r#""tcp":"80","method":"connect","identify":true"#),
        ("scan pod/a -p 80 --rate 100", r#""tcp":"80","rate":100"#),
        ("scan pod/a -p 80 --no-discovery", r#""tcp":"80","discovery":"never""#),
        ("scan 10.0.0.0/24 --discover", r#""discovery":"always""#),
        (
            "scan 10.0.0.0/24 --discover --exclude 10.0.0.7",
            r#""exclude":["10.0.0.7"],"discovery":"always""#,
        ),
        ("scan pod/a -p 80 -6 -S ::1", r#""tcp":"80","sourceAddress":"::1","family":"v6""#),
    ] {
        assert_eq!(request(line), format!(r#"{{"targets":["a"],{json}}}"#), "{line}");
    }
}

#[test]
fn without_ports_the_most_used_are_asked() {
    let shown = request("scan pod/a");
    assert!(shown.starts_with(r#"{"targets":["a"],"tcp":"1,7,9,"#), "{shown}");
}

#[test]
fn what_cannot_be_is_named_as_it_was_typed() {
    for (line, said) in [
        ("scan pod/a -p 0", "-p 0: \"0\" is no port: must be 1 to 65535"),
        ("scan pod/a -p 65536", "-p 65536: \"65536\" is no port: must be 1 to 65535"),
        ("scan pod/a -p 90-80", "-p 90-80: 90-80 is reversed: write 80-90"),
        ("scan 10.0.0.1 -p kubelt", "-p: no TCP port is called kubelt; there is kubelet"),
        (
            "scan 10.244.1.15/24",
            "scan 10.244.1.15/24 has host bits set: the network is 10.244.1.0/24",
        ),
        ("scan 10.0.0.0/8", "scan 10.0.0.0/8 has 16777216 addresses, must be at most 65536"),
        ("scan 10.0.0.0/33", "scan 10.0.0.0/33: the length must be 0 to 32"),
        ("scan 10.0.0.1 --exclude web", "--exclude \"web\" is neither an address nor a CIDR"),
        ("scan 10.0.0.1 --exclude 10.0.0.1", "--exclude leaves no target"),
        ("scan 10.0.0.1 -p 80 --exclude-ports 80", "--exclude-ports: leaves no port"),
        ("scan 10.0.0.1 --rate 0", "--rate 0: the rate must be 1 or more probes a second"),
        ("scan 10.0.0.1 -6", "scan 10.0.0.1: an IPv4 address, and -6 was given"),
        ("scan pod/a --udp --connect", "--udp does not go with --connect"),
        ("scan ing/web", "scan ing/web: ing is not in this release; name its Service"),
    ] {
        assert_eq!(refused(line).message, said, "{line}");
    }
}

#[test]
fn nmaps_flags_are_caught() {
    for (line, start) in [
        ("scan -sS 10.0.0.1", "-s S: -s is kubectl's --server; half-open"),
        ("scan -sT 10.0.0.1", "-s T: -s is kubectl's --server; whole connections are --connect"),
        ("scan -sU 10.0.0.1", "-s U: -s is kubectl's --server; UDP is --udp"),
        ("scan -sV 10.0.0.1", "-s V: -s is kubectl's --server; protocols and products are -A"),
        ("scan -sn 10.0.0.0/24", "-s n: -s is kubectl's --server; hosts alone are --discover"),
        ("scan -Pn 10.0.0.1", "-P is not here; -Pn is --no-discovery"),
        ("scan -n 10.0.0.1", "-n: -n is kubectl's --namespace; scan never looks up"),
        ("scan -O 10.0.0.1", "-O is not here; -A"),
        ("scan -T4 10.0.0.1", "-T is not here; "),
        ("scan -F 10.0.0.1", "-F is not here; --top-ports 100"),
    ] {
        let said = refused(line).message;
        assert!(said.starts_with(start), "{line}: {said}");
    }
}
