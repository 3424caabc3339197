use netdiag_wire::dns::{DnsMode, RecordType};

use super::*;
use crate::args::{Command, Stop, parse};

fn args(line: &str) -> DnsArgs {
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    match parse(&words) {
        Ok(Command::Dns(args)) => *args,
        other => panic!("{line}: {other:?}"),
    }
}

fn request(line: &str) -> String {
    let question = args(line).question().unwrap();
    let name = match &question.what {
        What::Name(name) => name.asked.clone(),
        What::Object(object) => object.to_string(),
    };
    serde_json::to_string(&question.request(&name, false)).unwrap()
}

fn refused(line: &str) -> String {
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    match parse(&words) {
        Err(Stop::Refused(failure)) => failure.message,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn a_name_alone_is_walked_and_everything_of_digs_is_asked() {
    assert_eq!(request("dns checkout"), r#"{"name":"checkout"}"#);
    assert_eq!(request("dns checkout mx"), r#"{"name":"checkout","types":["MX"]}"#);
    assert_eq!(request("dns mx"), r#"{"name":"mx"}"#);
    assert_eq!(request("dns mx a"), r#"{"name":"mx","types":["A"]}"#);
    assert_eq!(request("dns svc/web"), r#"{"name":"svc/web"}"#);
    assert_eq!(request("dns svc web"), r#"{"name":"svc/web"}"#);
    assert_eq!(request("dns a in mx"), r#"{"name":"a","types":["MX"]}"#);
    for dig in ["+nsid", "--dig", "@10.0.0.1", "--tcp", "--dnssec"] {
        assert!(args(&format!("dns a {dig}")).question().unwrap().is_dig, "{dig}");
    }
    for walk in ["--short", "--timeout=1", "--tries=1", "--retry=1", "-t a"] {
        let question = args(&format!("dns a {walk}")).question().unwrap();
        assert_eq!((question.is_dig, question.mode), (false, DnsMode::Walk), "{walk}");
    }
}

#[test]
fn words_come_in_any_order_as_dig_takes_them() {
    let wanted = r#"{"name":"example.com","types":["MX"],"class":"CH","mode":"ask","servers":[{"host":"10.96.0.10","port":5353}],"options":{"transport":"tcp","noRecurse":true}}"#;
    for line in [
        "dns @10.96.0.10 -p 5353 example.com MX CH +tcp +norecurse",
        "dns MX +vc CH @10.96.0.10#5353 +norec example.com",
        "dns +tcp @10.96.0.10 -t mx -c ch -q example.com -p 5353 +nordflag",
        "dns example.com -tmx -cCH @10.96.0.10#5353 --tcp --norecurse",
    ] {
        assert_eq!(request(line), wanted, "{line}");
    }
    let ask = |rest: &str| format!(r#"{{"name":"a","types":["A"],"mode":"ask",{rest}}}"#);
    let server = r#""servers":[{"host":"ns.example"}]"#;
    assert_eq!(request("dns a @ns.example"), ask(server));
    assert_eq!(request("dns a @[fd00::a]#53"), ask(r#""servers":[{"host":"fd00::a","port":53}]"#));
}

#[test]
fn each_option_of_dig_is_a_flag_as_well() {
    for (plus, flag, json) in [
        ("+tcp", "--tcp", r#""transport":"tcp""#),
        ("+tls", "--tls", r#""transport":"tls""#),
        ("+https", "--https", r#""transport":"https""#),
        ("+https=/q", "--https=/q", r#""transport":"https","httpPath":"/q""#),
        ("+ignore", "--ignore", r#""keepTruncated":true"#),
        ("+dnssec", "--do", r#""dnssecOk":true"#),
        ("+do", "--do", r#""dnssecOk":true"#),
        ("+norecurse", "--norecurse", r#""noRecurse":true"#),
        ("+cd", "--cdflag", r#""checkingDisabled":true"#),
        ("+noadflag", "--noadflag", r#""noAd":true"#),
        ("+noedns", "--noedns", r#""noEdns":true"#),
        ("+bufsize=512", "--bufsize=512", r#""bufsize":512"#),
        ("+time=1", "--timeout=1 --dig", r#""timeoutUs":1000000"#),
        ("+tries=1", "--tries=1 --dig", r#""tries":1"#),
        ("+retry=0", "--retry=0 --dig", r#""tries":1"#),
        ("+subnet=192.0.2.0/24", "--subnet=192.0.2.0/24", r#""subnet":"192.0.2.0/24""#),
        ("+nsid", "--nsid", r#""nsid":true"#),
        ("+nocookie", "--nocookie", r#""noCookie":true"#),
        ("+cookie=0123456789abcdef", "--cookie=0123456789abcdef", r#""cookie":"0123456789abcdef""#),
        ("+tls-hostname=a", "--tls-hostname=a", r#""tlsName":"a""#),
    ] {
        let wanted = format!(r#"{{"name":"a","types":["A"],"mode":"ask","options":{{{json}}}}}"#);
        assert_eq!(request(&format!("dns a {plus}")), wanted, "{plus}");
        assert_eq!(request(&format!("dns a {flag}")), wanted, "{flag}");
    }
    assert_eq!(request("dns a +trace"), request("dns a --trace"));
    assert_eq!(request("dns a +tcp +notcp"), request("dns a --dig"));
    assert!(args("dns a +noall +answer").question().unwrap().dig.shown.answer);
    assert!(!args("dns a +noall +answer").question().unwrap().dig.shown.stats);
}

#[test]
fn dnssec_as_a_flag_validates_and_as_an_option_only_sets_do() {
    let [flag, option] = ["dns a --dnssec", "dns a +dnssec"].map(|line| {
        let question = args(line).question().unwrap();
        question.request("a", false)
    });
    assert!(flag.validate && flag.options.dnssec_ok);
    assert!(!option.validate && option.options.dnssec_ok);
}

#[test]
fn the_other_ways_to_ask() {
    let question = args("dns web --every-server --libc musl").question().unwrap();
    assert_eq!((question.mode, question.types[..].len()), (DnsMode::EveryServer, 1));
    assert_eq!(
        request("dns -x 10.244.1.23"),
        r#"{"name":"23.1.244.10.in-addr.arpa.","types":["PTR"]}"#
    );
    assert_eq!(
        request("dns a @10.0.0.1 -b 10.0.0.2#5300 -4"),
        r#"{"name":"a","types":["A"],"mode":"ask","servers":[{"host":"10.0.0.1"}],"sourceAddress":"10.0.0.2","sourcePort":5300,"family":"v4"}"#
    );
    assert_eq!(request("dns a -b 0.0.0.0#5300"), r#"{"name":"a","sourcePort":5300}"#);
    assert_eq!(
        args("dns 64/26.2.0.192.in-addr.arpa").question().unwrap().types,
        [RecordType::A; 0]
    );
    assert_eq!(args("dns a").deadline(), Some(Duration::from_secs(30)));
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_asked() {
    let long = ["a".repeat(63), "a".repeat(63), "a".repeat(63), "a".repeat(62)].join(".");
    for (line, message) in [
        ("dns", "NAME is missing"),
        ("dns +tcp", "NAME is missing"),
        ("dns 127.0.0.1", "127.0.0.1: an address; -x 127.0.0.1 asks for the name it has"),
        ("dns ::1", "::1: an address; -x ::1 asks for the name it has"),
        (
            "dns web frob",
            "\"frob\" is no class and no type of record; TYPE123 is any by its number",
        ),
        ("dns example.com AAA", "\"AAA\" is no class and no type of record; there is AAAA"),
        ("dns a -t frob", "-t frob: no type of record; TYPE123 is any by its number"),
        ("dns a -t TYPE65536", "-t TYPE65536: no type of record; TYPE123 is any by its number"),
        ("dns a @10.0.0.1#0", "@10.0.0.1#0: the port must be 1 to 65535"),
        ("dns a @10.0.0.1 -p 0", "-p 0: the port must be 1 to 65535"),
        ("dns a -p 5353", "-p 5353: needs @SERVER"),
        ("dns a @0.0.0.0", "@0.0.0.0: nobody's address; 127.0.0.1 is the source itself"),
        (
            "dns a @svc/kube-dns",
            "@svc/kube-dns: must be an address or a name; of a Service, its address",
        ),
        ("dns a @10.0.0.1 -b ::1", "-b ::1: cannot send to 10.0.0.1, another family"),
        ("dns a @fd00::1 -4", "@fd00::1: an IPv6 address, and -4 was given"),
        ("dns a -b 10.0.0.1:53", "-b 10.0.0.1:53: must be 10.0.0.1#53"),
        ("dns a -b eth0", "-b eth0: must be an IPv4 or IPv6 address"),
        ("dns -x web", "-x web: must be an IPv4 or IPv6 address"),
        ("dns -x 10.0.0.1 web", "\"web\" is no type and no class, and there is a name"),
        ("dns a..b", "\"a..b\" has an empty label"),
        (&format!("dns {}", "a".repeat(64)), "a label of 64 octets; at most 63 are allowed"),
        (&format!("dns {long}"), "a name of 254 octets; at most 253 are allowed"),
        ("dns node/node-1", "node/node-1 has no name in the cluster's DNS; svc and pod have"),
        ("dns a +frob", "+frob: no option of dig"),
        ("dns a +shrt", "+shrt: no option of dig; there is +short"),
        (
            "dns a +t",
            "+t: may be +tcp or +tls or +tls-ca or +tls-hostname or +timeout or +tries or +trace or +ttlid",
        ),
        ("dns a +multiline", "+multiline: dig has it, but it is not here"),
        ("dns a +tcp=1", "+tcp=1: +tcp takes no value"),
        ("dns a +bufsize=65536", "+bufsize=65536: the size must be 0 to 65535 bytes"),
        ("dns a --bufsize 65536", "--bufsize 65536: the size must be 0 to 65535 bytes"),
        ("dns a +tries=0", "+tries=0: must be 1 to 10"),
        ("dns a +retry=10", "+retry=10: must be 0 to 9"),
        ("dns a +timeout=0", "+timeout=0: the wait must be 0.001 s to 60 s"),
        ("dns a +subnet=192.0.2.0/33", "+subnet=192.0.2.0/33: the length must be 0 to 32"),
        ("dns a +subnet", "+subnet: must be +subnet=ADDRESS/LENGTH"),
        ("dns a +cookie=zz", "+cookie=zz: must be 8 to 40 bytes in hexadecimal"),
        ("dns a +edns=1", "+edns=1: only version 0 of EDNS is here"),
        (
            "dns a +trace @10.0.0.1",
            "@10.0.0.1: +trace begins at the root servers; --root-hints FILE names others",
        ),
        ("dns a --root-hints f", "--root-hints: needs +trace"),
        ("dns a +trace --every-server", "+trace does not go with --every-server"),
    ] {
        assert_eq!(refused(line), message, "{line}");
    }
}
