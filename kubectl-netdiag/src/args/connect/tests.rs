use crate::{
    args::{
        Command, ConnectArgs, ProbeArgs, Target, parse,
        tests::{refused, words},
    },
    code,
};

fn connect(line: &str) -> ConnectArgs {
    match parse(&words(line)) {
        Ok(Command::Connect(args)) => *args,
        other => panic!("{line}: {other:?}"),
    }
}

fn request(line: &str) -> String {
    serde_json::to_string(&connect(line).request("a".into(), 80)).unwrap()
}

#[test]
fn flags_reach_the_request() {
    for (line, json) in [
        ("connect a:80", ""),
        ("connect a 80", ""),
        ("connect a:80 --count 50 --interval 0.2", r#","count":50,"intervalUs":200000"#),
        ("connect a:80 --for 1m", r#","forUs":60000000"#),
        ("connect a:80 -w 0.5 --banner 2", r#","waitUs":500000,"bannerUs":2000000"#),
        ("connect a:80 -S 10.0.0.1 -4", r#","family":"v4","sourceAddress":"10.0.0.1""#),
        ("connect a:80 -p 4000 -T 0x10", r#","sourcePort":4000,"tos":16"#),
    ] {
        let golden = format!(r#"{{"targets":[{{"host":"a","port":80}}]{json}}}"#);
        assert_eq!(request(line), golden, "{line}");
    }
    let both_ends = connect("connect pod/a:80 --listen -u").request("a".into(), 80);
    assert_eq!((both_ends.banner_us, both_ends.send), (1_000_000, Some("netdiag".into())));
    assert_eq!(connect("connect pod/a:80 --listen").request("a".into(), 80).send, None);
    let sent = r#"{"targets":[{"host":"a","port":80}],"protocol":"udp","send":"a\r\n"}"#;
    assert_eq!(request(r"connect a:80 -u --send a\r\x0a"), sent);
}

#[test]
fn a_port_is_part_of_the_target_or_a_word_of_its_own() {
    for (line, target, port) in [
        ("connect pod/foo:8080", "pod/foo", Some("8080")),
        ("connect pod/foo 8080", "pod/foo", Some("8080")),
        ("connect pod/foo metrics", "pod/foo", Some("metrics")),
        ("connect shop/svc/checkout:http", "shop/svc/checkout", Some("http")),
        ("connect pod foo:8080", "pod/foo", Some("8080")),
        ("connect pod/foo", "pod/foo", None),
    ] {
        let args = connect(line);
        let Target::Object(object) = args.target().unwrap() else { panic!("{line}") };
        let asked = args.port().unwrap().map(|port| port.to_string());
        assert_eq!((object.to_string().as_str(), asked.as_deref()), (target, port), "{line}");
    }
    assert_eq!(connect("connect ::1 80").target(), Ok(Target::Address("::1".parse().unwrap())));
}

#[test]
fn a_check_ends_by_itself_unless_it_is_told_for_how_long() {
    let seconds = |line| connect(line).deadline().map(|deadline| deadline.as_secs());
    assert_eq!(seconds("connect a:80"), Some(30));
    assert_eq!(seconds("connect a:80 --for 5m"), None);
    assert_eq!(seconds("connect a:80 --count 100"), None);
    assert_eq!(seconds("connect a:80 --for 5m --deadline 10"), Some(10));
}

#[test]
fn what_cannot_be_is_refused_with_its_bound() {
    for (line, message) in [
        ("connect", "TARGET is missing"),
        ("connect a", "connect a: a port is missing: TARGET:PORT"),
        ("connect a:0", "connect a:0: port 0: must be 1 to 65535"),
        ("connect a 0", "connect a 0: port 0: must be 1 to 65535"),
        ("connect a:65536", "connect a:65536: port 65536: must be 1 to 65535"),
        (
            "connect a:http",
            "connect a:http: only an object has names for its ports; give http as a number",
        ),
        (
            "connect pod/foo HTTP",
            r#"connect pod/foo HTTP: port "HTTP": must be 1 to 65535 or a name of the object's"#,
        ),
        ("connect a:1 b:2", "connect a:1 b:2: one TARGET at a time"),
        ("connect a:80 b c", r#""c" is one word too many"#),
        ("connect 10.0.0.0/24 80", "connect 10.0.0.0/24 80: a network; one address is wanted"),
        ("connect a:80 --count 0", "--count 0: the count must be 1 to 4294967295"),
        ("connect a:80 --interval 0.001", "--interval 0.001: the interval must be 0.01 s to 1 h"),
        ("connect a:80 -w 61", "-w 61: the wait must be 0.001 s to 60 s"),
        ("connect a:80 -p 0", "-p 0: the source port must be 1 to 65535"),
        ("connect a:80 -T 256", "-T 256: the type of service must be 0 to 255, or 0x00 to 0xff"),
        (r"connect a:80 -u --send \q", r"--send \q: after \ comes n, r, t, 0, \ or xHH"),
        ("connect a:80 -u -i", "-u does not go with -i"),
        ("connect a:80 -4 -6", "-4 does not go with -6"),
        ("connect ::1 80 -4", "connect ::1: an IPv6 address, and -4 was given"),
        ("connect 10.0.0.1:80 -S ::1", "-S ::1: cannot send to 10.0.0.1, another family"),
    ] {
        let failure = refused(line);
        assert_eq!(failure.message, message, "{line}");
        assert!(matches!(failure.code, Some(code::BAD_VALUE | code::CLASSIC_FLAG)), "{line}");
    }
    let far = refused("connect svc/a:80 --listen").message;
    assert!(far.contains("a Service has no network of its own; name the pod"), "{far}");
    let far = refused("connect 10.0.0.1:80 --listen").message;
    assert!(far.contains("does not say whose it is; name the pod or node"), "{far}");
    for flag in ["-i", "--tls", "--count 2", "--for 1m", "--crlf"] {
        let far = refused(&format!("connect pod/a:80 --listen {flag}")).message;
        assert!(far.contains("does not go with"), "{flag}: {far}");
    }
    let both = refused("connect a:80 -i --count 2").message;
    assert!(both.starts_with("-i, --crlf, --lf, --tls: a session"), "{both}");
}
