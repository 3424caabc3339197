use std::time::Duration;

use super::*;
use crate::code;

pub(super) fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn ping(line: &str) -> PingArgs {
    match parse(&words(line)) {
        Ok(Command::Ping(args)) => *args,
        other => panic!("{line}: {other:?}"),
    }
}

pub(super) fn refused(line: &str) -> Failure {
    match parse(&words(line)) {
        Err(Stop::Refused(failure)) => *failure,
        other => panic!("{line}: {other:?}"),
    }
}

fn request(line: &str) -> String {
    serde_json::to_string(&ping(line).request(["a".to_owned()])).unwrap()
}

#[test]
fn a_bare_ping_asks_for_nothing_special() {
    assert_eq!(request("ping pod/foo"), r#"{"targets":[{"host":"a"}]}"#);
}

#[test]
fn pings_flags_reach_the_request() {
    for (line, json) in [
        ("ping a -c 3", r#""count":3"#),
        ("ping a --count=3", r#""count":3"#),
        ("ping a -c3 -i 0.2", r#""count":3,"intervalUs":200000"#),
        ("ping a -i 200ms", r#""intervalUs":200000"#),
        ("ping a -W 0.5", r#""waitUs":500000"#),
        ("ping a --size 1400 --df", r#""size":1400,"dontFragment":true"#),
        ("ping a -t 5", r#""ttl":5"#),
        ("ping a --once", r#""once":true"#),
        ("ping a -S 10.0.0.1", r#""sourceAddress":"10.0.0.1""#),
        ("ping a -6", r#""family":"v6""#),
    ] {
        assert_eq!(request(line), format!(r#"{{"targets":[{{"host":"a"}}],{json}}}"#), "{line}");
    }
}

#[test]
fn kubectls_flags_keep_their_meaning() {
    let args = ping(
        "ping pod/foo -n shop --context prod --as alice --as-group a --as-group b -s https://x \
         --request-timeout=5s --insecure-skip-tls-verify --as-user-extra k=v --v 6",
    );
    let kube = args.kube;
    assert_eq!(kube.namespace.as_deref(), Some("shop"));
    assert_eq!(kube.context.as_deref(), Some("prod"));
    assert_eq!(kube.impersonate.as_deref(), Some("alice"));
    assert_eq!(kube.impersonate_group, ["a", "b"]);
    assert_eq!(kube.impersonate_extra, [("k".to_owned(), "v".to_owned())]);
    assert_eq!(kube.server.as_deref(), Some("https://x"));
    assert_eq!(kube.request_timeout, Some(Duration::from_secs(5)));
    assert_eq!(kube.insecure_skip_tls_verify, Some(true));
    assert_eq!(kube.log_level, Some(6));
}

#[test]
fn a_bare_v_is_detail_and_one_with_a_number_the_log_level() {
    for (line, detail, level) in [
        ("ping a -v", 1, None),
        ("ping a -vv", 2, None),
        ("ping a -v=6", 0, Some(6)),
        ("ping a -v6", 0, Some(6)),
        ("ping a --v 6", 0, Some(6)),
        ("ping a -v --v=8 -v", 2, Some(8)),
    ] {
        let args = ping(line);
        assert_eq!((args.output.detail, args.kube.log_level), (detail, level), "{line}");
    }
}

#[test]
fn targets_in_one_word_or_two() {
    assert_eq!(ping("ping pod foo").target(), ping("ping pod/foo").target());
    assert_eq!(ping("ping foo").target(), Ok(Target::Host("foo".into())));
    assert_eq!(ping("ping --from local 10.0.0.7").source.from, Some(Origin::Local));
}

#[test]
fn the_last_of_a_repeated_flag_counts() {
    assert_eq!(request("ping a -c 3 -c 5"), r#"{"targets":[{"host":"a"}],"count":5}"#);
}

#[test]
fn w_is_pings_deadline() {
    assert_eq!(ping("ping a -w 5").deadline, Some(Duration::from_secs(5)));
    assert_eq!(ping("ping a --deadline 1m").deadline, Some(Duration::from_secs(60)));
}

#[test]
fn what_cannot_be_is_refused_with_its_bound() {
    for (line, message) in [
        ("ping a -c 0", "-c 0: the count must be 1 to 4294967295"),
        ("ping a -c x", "-c x: the count must be 1 to 4294967295"),
        (
            "ping a -i 0.001",
            "-i 0.001: the interval must be at least 0.002 s, and 0.2 s without the right \
             fast-ping",
        ),
        ("ping a -W 0", "-W 0: the wait must be 0.001 s to 1 h"),
        ("ping a --size 65508", "--size 65508: the size must be 0 to 65507"),
        ("ping a --ttl 256", "--ttl 256: the TTL must be 1 to 255"),
        ("ping a -o xml", "-o xml: must be one of wide, json, ndjson, yaml, verdict, dot"),
        ("ping a --xyzzy", "no flag --xyzzy"),
        ("ping a --dedline 3", "no flag --dedline; there is --deadline"),
        ("ping", "TARGET is missing"),
        ("pong a", "no command \"pong\"; there is ping"),
        ("http http://a/ --http3", "no flag --http3: QUIC, and HTTP/3 over it, is not spoken here"),
        ("connect pod/a:9 --sctp", "no flag --sctp: SCTP is not spoken here"),
        (
            "iperf3 pod/a",
            "no command \"iperf3\": throughput is not measured: that would load a network that others \
             share",
        ),
        ("ping a b c", "\"c\" is one word too many"),
        ("ping a b", "ping a b: one TARGET at a time"),
        ("ping ing/web", "ping ing/web: ing is not in this release; name its Service"),
        ("ping a --from foo", "--from foo: must be pod/foo, node/foo, deploy/foo or local"),
        (
            "ping a -n Shop_1",
            "-n: -n is kubectl's --namespace; ping never looks up names, so leave it out",
        ),
        ("ping a --namespace Shop", "--namespace Shop: no name for a namespace"),
        ("ping -4 ::1", "ping ::1: an IPv6 address, and -4 was given"),
        ("ping 10.0.0.1 -S ::1", "-S ::1: cannot send to 10.0.0.1, another family"),
        ("ping a -4 -6", "-4 does not go with -6"),
    ] {
        let failure = refused(line);
        assert_eq!(failure.message, message, "{line}");
        assert!(matches!(failure.code, Some(code::BAD_VALUE | code::CLASSIC_FLAG)), "{line}");
    }
}

#[test]
fn help_is_for_stdout() {
    for line in ["--help", "", "ping --help", "ping -h", "doctor --help", "options", "--version"] {
        assert!(matches!(parse(&words(line)), Err(Stop::Say(_))), "{line:?}");
    }
}

#[test]
fn verdicts_make_the_exit_code() {
    use crate::finding::Severity::{Fail, Ok, Unknown, Warn};
    for (line, codes) in [
        ("ping a", [0, 0, 1, 1]),
        ("ping a --fail-on warn", [0, 1, 1, 1]),
        ("ping a --fail-on fail", [0, 0, 0, 1]),
        ("ping a --fail-on fail,warn", [0, 1, 1, 1]),
    ] {
        let output = ping(line).output;
        assert_eq!([Ok, Warn, Unknown, Fail].map(|v| output.exit_code(v)), codes, "{line}");
    }
}

#[test]
fn a_token_is_not_shown() {
    assert!(!format!("{:?}", ping("ping a --token hunter2")).contains("hunter2"));
}

#[test]
fn the_definition_holds_together() {
    definition().debug_assert();
}
