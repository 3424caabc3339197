//! From the root down, beside `dig +trace`.

use std::{fs, net::IpAddr};

use netdiag_probe::ProbeError;
use netdiag_wire::dns::{
    DnsMode, DnsOutcome, DnsQuery, DnsReport, DnsRequest, Proof, RecordType, RootServer,
};

use super::{
    bind::Bind,
    dig::Line,
    run::{queries, run, run_to},
    zones::{RESOLVER, ROOT, SILENT},
};

fn iterate(
    bind: &Bind,
    name: &str,
    kind: RecordType,
    change: impl FnOnce(&mut DnsRequest),
) -> DnsReport {
    run(&bind.namespace, &from_the_root(name, kind, change)).unwrap()
}

fn from_the_root(name: &str, kind: RecordType, change: impl FnOnce(&mut DnsRequest)) -> DnsRequest {
    let mut request = DnsRequest::ask(name, kind, "");
    request.mode = DnsMode::Iterate;
    request.servers.clear();
    request.options.timeout_us = Some(200_000);
    request.options.tries = Some(1);
    request.root_servers =
        vec![RootServer { name: "a.root.".into(), address: ROOT.parse().unwrap() }];
    change(&mut request);
    request
}

fn shown(query: &DnsQuery) -> String {
    let behalf = query.on_behalf_of.as_ref().map_or(String::new(), |zone| format!(" for {zone}"));
    let name = query.server_name.as_ref().unwrap();
    format!("{} {}{behalf} @{name} {}: {:?}", query.name, query.kind, query.server, query.outcome)
}

/// What it asks and whom.
fn steps(bind: &Bind, name: &str) -> Vec<String> {
    let report = iterate(bind, name, RecordType::A, |_| ());
    queries(&report).into_iter().map(shown).collect()
}

const DOWN_TO_TEST: [&str; 3] = [
    ". NS for . @a.root. 10.53.0.1: Answered",
    "NAME A @a.root. 10.53.0.1: Referral",
    "a.top. A for test. @a.root. 10.53.0.1: Answered",
];

#[test]
fn referrals_are_followed_and_what_is_in_the_way_is_shown() {
    let bind = Bind::start();
    let cases: [(&str, &[&str]); 6] = [
        ("www.good.test", &["NAME A @ns.good.test. 10.53.0.3: Answered"]),
        ("nobody.good.test", &["NAME A @ns.good.test. 10.53.0.3: NxDomain"]),
        (
            "www.glueless.test",
            &[
                "ns.other. A for glueless.test. @a.root. 10.53.0.1: Referral",
                "ns.other. A for glueless.test. @a.top. 10.53.0.2: Answered",
                "NAME A @ns.other. 10.53.0.3: Answered",
            ],
        ),
        (
            "www.lame.test",
            &[
                "lame.other. A for lame.test. @a.root. 10.53.0.1: Referral",
                "lame.other. A for lame.test. @a.top. 10.53.0.2: Answered",
                "NAME A @lame.other. 10.53.0.4: RefusedQuery",
            ],
        ),
        (
            "www.silent.test",
            &[
                "silent.other. A for silent.test. @a.root. 10.53.0.1: Referral",
                "silent.other. A for silent.test. @a.top. 10.53.0.2: Answered",
                "NAME A @silent.other. 10.53.0.5: Silence",
            ],
        ),
        ("www.loop.test", &["ns.loop2.test. A for loop.test. @a.top. 10.53.0.2: Referral"]),
    ];
    for (name, rest) in cases {
        let down = DOWN_TO_TEST.iter().chain(&["NAME A @a.top. 10.53.0.2: Referral"]);
        let named = |line: &&str| line.replace("NAME", &format!("{name}."));
        let wanted: Vec<_> = down.chain(rest).map(named).collect();
        assert_eq!(steps(&bind, name), wanted);
    }
    let all = steps(&bind, "www.halflame.test");
    assert_eq!(all.last().unwrap(), "www.halflame.test. A @ns.other. 10.53.0.3: Answered");
}

#[test]
fn a_trace_is_validated_with_the_zones_own_servers() {
    let bind = Bind::start();
    let anchors = vec![bind.anchor.clone()];
    for (name, proof) in [
        ("outside.good.test", Proof::Secure),
        ("nobody.nsec3.test", Proof::Secure),
        ("www.child.optout", Proof::Insecure),
        ("www.expired.test", Proof::Bogus),
        ("www.changed.test", Proof::Bogus),
    ] {
        let report = iterate(&bind, name, RecordType::A, |request| {
            request.validate = true;
            request.trust_anchors.clone_from(&anchors);
        });
        assert_eq!(report.proof, Some(proof), "{name} {:#?}", report.chain);
    }
}

/// Whoever has a zone chooses its servers' addresses.
#[test]
fn a_zones_forbidden_server_is_passed_over() {
    let bind = Bind::start();
    let lame = "10.53.0.4";
    let forbid = |address: IpAddr| match address.to_string() == lame {
        true => Err(ProbeError::Forbidden { address, why: "a test's".into() }),
        false => Ok(()),
    };
    let request = from_the_root("www.lame.test", RecordType::A, |_| ());
    let report = run_to(&bind.namespace, &request, &forbid).unwrap();
    let last = queries(&report).pop().unwrap();
    assert_eq!(shown(last), "www.lame.test. A @lame.other. 10.53.0.4: NotSent");
    assert_eq!((last.sent, &last.problem), (0, &Some("10.53.0.4 is off limits: a test's".into())));
    let request = from_the_root("www.good.test", RecordType::A, |request| {
        let first = RootServer { name: "b.root.".into(), address: lame.parse().unwrap() };
        request.root_servers.insert(0, first);
    });
    let report = run_to(&bind.namespace, &request, &forbid).unwrap();
    let steps: Vec<_> = queries(&report).into_iter().map(shown).collect();
    assert_eq!(steps[0], ". NS for . @b.root. 10.53.0.4: NotSent");
    assert_eq!(steps.last().unwrap(), "www.good.test. A @ns.good.test. 10.53.0.3: Answered");
}

#[test]
fn a_run_has_one_budget_whatever_it_validates() {
    let bind = Bind::start();
    let anchors = vec![bind.anchor.clone()];
    let report = iterate(&bind, "www.good.test", RecordType::A, |request| {
        request.types = (1..=32).map(RecordType).collect();
        request.validate = true;
        request.trust_anchors.clone_from(&anchors);
    });
    assert_eq!(queries(&report).len(), 100);
    let last = report.chain.last().unwrap().reason.to_string();
    assert!(last.contains("100 queries have been asked by now"), "{last}");
}

#[test]
fn without_a_root_server_that_answers_there_is_no_more() {
    let bind = Bind::start();
    let silent = RootServer { name: "b.root.".into(), address: SILENT.parse().unwrap() };
    let report = iterate(&bind, "www.good.test", RecordType::A, |request| {
        request.root_servers = vec![silent.clone()];
    });
    let steps: Vec<_> = queries(&report).into_iter().map(shown).collect();
    let wanted =
        [". NS for . @b.root. 10.53.0.5: Silence", "www.good.test. A @b.root. 10.53.0.5: Silence"];
    assert_eq!(steps, wanted);
    let other = RootServer { name: "a.root.".into(), address: ROOT.parse().unwrap() };
    let report = iterate(&bind, "www.good.test", RecordType::A, |request| {
        request.root_servers = vec![silent, other];
    });
    assert_eq!(queries(&report).last().unwrap().outcome, DnsOutcome::Answered);
}

#[test]
fn what_dig_traces_is_traced() {
    let bind = Bind::start();
    let names = [
        ("www.good.test", RecordType::A),
        ("www.good.test", RecordType::MX),
        ("one.good.test", RecordType::A),
        ("nobody.good.test", RecordType::A),
        ("good.test", RecordType::DS),
        ("www.nsec3.test", RecordType::AAAA),
        ("nobody.nsec3.test", RecordType::A),
        ("www.unsigned.test", RecordType::A),
        ("www.glueless.test", RecordType::A),
        ("www.child.optout", RecordType::A),
        ("www.signed.optout", RecordType::A),
        ("www.changed.test", RecordType::A),
        ("ns.other", RecordType::A),
    ];
    for (name, kind) in names {
        let report = iterate(&bind, name, kind, |request| request.options.dnssec_ok = true);
        let ours: Vec<_> = queries(&report).into_iter().filter_map(Step::by_engine).collect();
        let output = dig_trace(&bind, name, kind);
        assert_eq!(ours, Step::by_dig(&output), "{name} {kind}\n{output}");
    }
}

/// Of one server, the records that dig shows: those of the answer and of the authority section.
#[derive(Debug, Default, PartialEq)]
struct Step {
    records: Vec<Line>,
    bytes: u64,
    server: String,
}

impl Step {
    fn by_dig(output: &str) -> Vec<Self> {
        let mut steps = Vec::new();
        let mut step = Self::default();
        for line in output.lines().filter(|line| !line.is_empty()) {
            if let Some(received) = line.strip_prefix(";; Received ") {
                let words: Vec<_> = received.split(' ').collect();
                step.bytes = words[0].parse().unwrap();
                words[3].split('(').next().unwrap().clone_into(&mut step.server);
                steps.push(std::mem::take(&mut step));
            } else if !line.starts_with(';') {
                step.records.push(Line::by_dig(line));
            }
        }
        steps
    }

    /// dig looks names of servers up elsewhere, by the machine's resolver.
    fn by_engine(query: &DnsQuery) -> Option<Self> {
        let is_infrastructure = query.on_behalf_of.is_some() && query.kind != RecordType::NS;
        let message = query.message.as_ref().filter(|_| !is_infrastructure)?;
        let shown = message.answer.iter().chain(&message.authority);
        Some(Self {
            records: shown.map(Line::by_engine).collect(),
            bytes: message.size_bytes,
            server: format!("{}#{}", query.server, query.port),
        })
    }
}

/// With the lab's resolver for the names of servers, in a mount namespace of dig's own.
fn dig_trace(bind: &Bind, name: &str, kind: RecordType) -> String {
    let resolv_conf = bind.directory.path().join("resolv.conf");
    fs::write(&resolv_conf, format!("nameserver {RESOLVER}\n")).unwrap();
    let script = format!(
        "mount --bind {} /etc/resolv.conf && exec dig -4 +trace @{ROOT} {name} {kind}",
        resolv_conf.display()
    );
    let output = bind.namespace.output("unshare", &["-m", "sh", "-c", &script]);
    String::from_utf8_lossy(&output.stdout).into_owned()
}
