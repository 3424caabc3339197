//! Verdicts as tables; whole screens stand in `render/dns/tests.rs`.

use netdiag_wire::{
    EndReason, IcmpMeaning, SendRefusal,
    dns::{
        Discarded, DnsEvent, DnsMode, DnsOutcome, DnsQuery, DnsRequest, DnsTransport, Edns,
        ExtendedError, Proof, RecordType,
    },
};

use crate::{
    diagnose::{Says, Truth},
    finding::{Code, Finding, Label, Object, Severity},
    render::{
        dns::scene::{KUBE_DNS, Lookup, query, record},
        scene::{icmp, node_peer},
    },
};

fn only(lookup: &Lookup) -> Finding {
    let mut findings = lookup.findings();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    findings.remove(0)
}

fn told(lookup: &Lookup) -> (Severity, Option<u16>, String) {
    let finding = only(lookup);
    (finding.severity, finding.code.map(|Code(code)| code), finding.summary)
}

fn asked(outcome: DnsOutcome) -> DnsQuery {
    query("web.example.", RecordType::A, outcome, 5_000_000)
}

fn ask(query: DnsQuery) -> Lookup {
    Lookup::ask("web.example", RecordType::A).then(query)
}

#[test]
fn whoever_says_no_is_named() {
    let dns = "10.96.0.10 (kube-system/svc/kube-dns)";
    let mut rejected = asked(DnsOutcome::Rejected);
    rejected.by = Some([10, 244, 1, 1].into());
    rejected.icmp = Some(icmp(IcmpMeaning::PortUnreachable, 3, 3));
    let mut not_sent = asked(DnsOutcome::NotSent);
    not_sent.refusal = Some(SendRefusal::NoRoute);
    let mut tls = asked(DnsOutcome::TlsFailed);
    tls.problem = Some("certificate expired".into());
    for (query, code, summary) in [
        (
            asked(DnsOutcome::NxDomain),
            501,
            format!("web.example does not exist: NXDOMAIN, said by {dns}"),
        ),
        (
            asked(DnsOutcome::Silence),
            502,
            format!("no answer for web.example: silence from {dns} to 1 query over 5.00 s"),
        ),
        (
            rejected,
            502,
            "no answer for web.example: rejected by 10.244.1.1, port unreachable".into(),
        ),
        (asked(DnsOutcome::Refused), 502, format!("no answer for web.example: refused by {dns}")),
        (asked(DnsOutcome::Reset), 502, format!("no answer for web.example: reset by {dns}")),
        (not_sent, 502, format!("no answer for web.example: not sent to {dns}: no route")),
        (
            tls,
            502,
            format!("no answer for web.example: TLS with {dns} failed: certificate expired"),
        ),
        (
            asked(DnsOutcome::ServFail),
            505,
            format!("SERVFAIL: {dns} could not find out about web.example."),
        ),
        (
            asked(DnsOutcome::RefusedQuery),
            505,
            format!("REFUSED: {dns} does not answer this source about web.example."),
        ),
        (
            asked(DnsOutcome::OtherCode),
            505,
            format!("NOERROR: {dns} does not answer about web.example."),
        ),
        (
            asked(DnsOutcome::Malformed),
            509,
            format!("malformed: {dns} answers what is no DNS message"),
        ),
        (asked(DnsOutcome::NoData), 510, "web.example. exists, but has no record of type A".into()),
        (
            asked(DnsOutcome::Referral),
            505,
            format!("{dns} refers to other servers, and does not ask them"),
        ),
    ] {
        assert_eq!(told(&ask(query)), (Severity::Fail, Some(code), summary));
    }
}

#[test]
fn an_answer_of_another_name_is_none() {
    let mut foreign = asked(DnsOutcome::Answered);
    foreign.message.as_mut().unwrap().answer =
        vec![record("evil.example.", RecordType::A, "203.0.113.66")];
    assert_eq!(told(&ask(foreign)).1, Some(510));
}

#[test]
fn the_servers_own_reason_is_told() {
    let mut servfail = asked(DnsOutcome::ServFail);
    let error = ExtendedError { code: 22, text: "at delegation example.".into() };
    let edns = Edns { extended_errors: vec![error], ..Edns::default() };
    servfail.message.as_mut().unwrap().edns = Some(edns);
    let seen = "the server's reason: EDE 22 (No Reachable Authority): \"at delegation example.\"";
    assert!(only(&ask(servfail)).labels.contains(&Label::Seen(seen.into())));
}

#[test]
fn no_recursion_asked_for_is_no_failure() {
    let mut lookup = ask(asked(DnsOutcome::Referral));
    lookup.view.request.options.no_recurse = true;
    assert_eq!(told(&lookup).0, Severity::Ok);
}

#[test]
fn a_libc_remembers_that_a_name_was_there() {
    let of = |name, outcome| query(name, RecordType::MX, outcome, 610);
    let mut lookup = Lookup::walk("checkout")
        .then(of("checkout.shop.svc.cluster.local.", DnsOutcome::NoData))
        .then(of("checkout.", DnsOutcome::RefusedQuery));
    lookup.view.request.types = vec![RecordType::MX];
    let summary = "checkout.shop.svc.cluster.local. exists, but has no record of type MX";
    assert_eq!(told(&lookup), (Severity::Fail, Some(510), summary.into()));
}

#[test]
fn half_a_pair_is_a_warning() {
    let of = |outcome| {
        let a = Lookup::walk("web.").says(KUBE_DNS, "web.", "192.0.2.7", 610);
        Lookup::walk("web.").beside(query("web.", RecordType::AAAA, outcome, 610)).then(a)
    };
    for (outcome, code) in
        [(DnsOutcome::NxDomain, 509), (DnsOutcome::ServFail, 505), (DnsOutcome::RefusedQuery, 505)]
    {
        let (severity, raised, summary) = told(&of(outcome));
        assert_eq!((severity, raised), (Severity::Warn, Some(code)), "{summary}");
        assert!(summary.starts_with("web. is 192.0.2.7, but 10.96.0.10 (kube"), "{summary}");
    }
    assert_eq!(told(&of(DnsOutcome::NoData)).0, Severity::Ok);
    assert_eq!(told(&of(DnsOutcome::Overtaken)).0, Severity::Ok, "musl did not wait for it");
}

#[test]
fn strangers_are_counted_with_or_without_an_answer() {
    let discarded = Discarded { id: 2, source: 1, ..Discarded::default() };
    let well = Lookup::ask("web.", RecordType::A).says(KUBE_DNS, "web.", "192.0.2.7", 610);
    let spoofed = Lookup::ask("web.", RecordType::A).then(DnsQuery { discarded, ..well });
    assert_eq!(told(&spoofed).1, Some(509));
    let silent = ask(DnsQuery { discarded, ..asked(DnsOutcome::Silence) });
    let seen = "3 answers (2 with another id, 1 from an address that was not asked) did not belong and went unused";
    assert!(only(&silent).labels.contains(&Label::Seen(seen.into())));
}

#[test]
fn a_proof_is_said_and_what_cannot_be_told_is_unknown() {
    for (proof, severity, words) in [
        (Proof::Secure, Severity::Ok, ", validated by DNSSEC;"),
        (Proof::Insecure, Severity::Ok, ", provably not signed;"),
        (Proof::Indeterminate, Severity::Unknown, ", and DNSSEC cannot tell"),
    ] {
        let lookup = Lookup::ask("web.", RecordType::A);
        let answer = lookup.says(KUBE_DNS, "web.", "192.0.2.7", 610);
        let mut lookup = lookup.then(answer);
        let link = netdiag_wire::dns::ChainLink {
            name: ".".into(),
            kind: RecordType::DNSKEY,
            proof,
            reason: "".into(),
        };
        lookup.events.push(DnsEvent::Link(link));
        let (is, _, summary) = told(&lookup);
        assert_eq!(is, severity);
        assert!(summary.contains(words), "{summary}");
    }
}

#[test]
fn an_external_name_is_compared_by_its_cname() {
    let object = Object {
        kind: "Service".into(),
        namespace: Some("shop".into()),
        name: "db".into(),
        resource_version: "7".into(),
    };
    for (kind, target, severity) in [
        (RecordType::A, "DB.example.net.", Severity::Ok),
        (RecordType::A, "old.example.net.", Severity::Fail),
        (RecordType::CNAME, "db.example.net.", Severity::Ok),
        (RecordType::CNAME, "old.example.net.", Severity::Fail),
    ] {
        let name = "db.shop.svc.cluster.local.";
        let mut answer = query(name, kind, DnsOutcome::Answered, 610);
        answer.message.as_mut().unwrap().answer = vec![
            record(name, RecordType::CNAME, target),
            record(target, RecordType::A, "192.0.2.7"),
        ];
        let mut lookup = Lookup::walk("db").then(answer);
        lookup.view.request.types = vec![kind];
        let says = Says::Cname("db.example.net".into());
        let object = object.clone();
        lookup.context.truth = Some(Ok(Truth { says, word: "shop/svc/db".into(), object }));
        assert_eq!(told(&lookup).0, severity, "{kind} {target}");
    }
}

#[test]
fn every_server_silent_is_no_answer() {
    let mut lookup = Lookup::walk("web.").then(asked(DnsOutcome::Silence));
    lookup.view.request = DnsRequest {
        mode: DnsMode::EveryServer,
        types: vec![RecordType::A],
        ..DnsRequest::walk("web.")
    };
    assert_eq!(told(&lookup).1, Some(502));
}

#[test]
fn a_node_is_told_where_the_clusters_names_are_known() {
    let mut lookup = Lookup::walk("checkout.shop.svc").nowhere("checkout.shop.svc.", 610);
    lookup.context.ends.from = node_peer(1);
    lookup.context.cluster_dns = Some(KUBE_DNS.into());
    let next = "kubectl netdiag dns checkout.shop.svc @10.96.0.10 --from node/node-1";
    let next = next.split(' ').map(str::to_owned).collect();
    assert!(only(&lookup).labels.contains(&Label::Next(next)));
}

#[test]
fn what_a_libc_does_not_read_is_told() {
    let mut lookup = Lookup::walk("web.").found("web.", "192.0.2.7", 610);
    if let Some(DnsEvent::Resolver(settings)) = lookup.events.first_mut() {
        settings.ignored = vec!["nameserver 10.0.0.4".into()];
    }
    let note = "of resolv.conf glibc passes over \"nameserver 10.0.0.4\"";
    assert_eq!(only(&lookup).labels, [Label::Note(note.into())]);
}

#[test]
fn what_ended_early_or_asked_nobody_cannot_tell() {
    let mut lookup = Lookup::walk("web");
    lookup.ended = Some(EndReason::Deadline);
    let finding = only(&lookup);
    assert_eq!((finding.severity, finding.code), (Severity::Unknown, Some(Code(309))));
    assert_eq!(finding.labels, [Label::Note("ended early: its deadline passed".into())]);
    let lookup = ask(asked(DnsOutcome::Overtaken));
    assert_eq!(told(&lookup).0, Severity::Unknown);
}

fn next(command: &str) -> Label {
    Label::Next(command.split(' ').map(str::to_owned).collect())
}

#[test]
fn a_typo_in_a_cluster_without_upstream_is_told_by_its_names_there() {
    let mut lookup = Lookup::walk("chekout")
        .nowhere("chekout.shop.svc.cluster.local.", 610)
        .nowhere("chekout.svc.cluster.local.", 610)
        .then(query("chekout.", RecordType::A, DnsOutcome::ServFail, 610));
    lookup.context.near = Some(("shop".into(), "checkout".into()));
    let finding = only(&lookup);
    assert_eq!(finding.code, Some(Code(505)));
    let seen = "NXDOMAIN for 2 names of the search list; SERVFAIL is for chekout., which the \
                server asks its upstream";
    let from = "--from shop/pod/web-7d4c9b5f6-x2x9z";
    assert_eq!(
        finding.labels,
        [
            Label::Seen(seen.into()),
            Label::Note("the API has svc/checkout in shop".into()),
            next(&format!("kubectl netdiag dns shop/svc/checkout {from}")),
        ]
    );
}

#[test]
fn cd_is_offered_where_the_server_speaks_of_dnssec() {
    for (code, is_offered) in [(6, true), (9, true), (22, false)] {
        let mut servfail = asked(DnsOutcome::ServFail);
        let error = ExtendedError { code, text: "".into() };
        let edns = Edns { extended_errors: vec![error], ..Edns::default() };
        servfail.message.as_mut().unwrap().edns = Some(edns);
        let mut lookup = ask(servfail);
        lookup.view.request.options.transport = DnsTransport::Tls;
        let command = "kubectl netdiag dns web.example. @10.96.0.10 +tls +cd --from \
                       shop/pod/web-7d4c9b5f6-x2x9z";
        assert_eq!(only(&lookup).labels.contains(&next(command)), is_offered, "EDE {code}");
    }
}

#[test]
fn a_bare_word_from_a_node_is_offered_as_the_service_it_is() {
    let mut rejected = asked(DnsOutcome::Rejected);
    rejected.server = [127, 0, 0, 1].into();
    let mut lookup = Lookup::walk("checkout").then(rejected);
    lookup.context.ends.from = node_peer(1);
    lookup.context.ends.default_source = true;
    lookup.context.near = Some(("demo".into(), "checkout".into()));
    let note =
        "a node's nameservers do not know the cluster's names; the API has svc/checkout in demo";
    assert_eq!(
        only(&lookup).labels,
        [
            Label::Note("nothing listens on port 53 there".into()),
            Label::Note(note.into()),
            next("kubectl netdiag dns demo/svc/checkout --from node/node-1"),
        ]
    );
}

#[test]
fn a_silent_cluster_dns_is_asked_further_from_the_same_source() {
    let mut lookup = Lookup::walk("web.").then(asked(DnsOutcome::Silence));
    lookup.context.ends.default_source = true;
    let from = "--from shop/pod/web-7d4c9b5f6-x2x9z";
    let labels = only(&lookup).labels;
    for command in ["dns web. --every-server", "ping kube-system/svc/kube-dns"] {
        assert!(labels.contains(&next(&format!("kubectl netdiag {command} {from}"))), "{labels:?}");
    }
}

#[test]
fn dnssec_has_nothing_to_prove_of_a_clusters_name() {
    let name = "checkout.shop.svc.cluster.local.";
    let lookup = Lookup::ask(name, RecordType::A);
    let answer = lookup.says(KUBE_DNS, name, "10.96.14.7", 610);
    let mut lookup = lookup.then(answer).knows(&[[10, 96, 14, 7]]);
    lookup.events.push(DnsEvent::Link(netdiag_wire::dns::ChainLink {
        name: ".".into(),
        kind: RecordType::DNSKEY,
        proof: Proof::Indeterminate,
        reason: "SERVFAIL".into(),
    }));
    let finding = only(&lookup);
    assert_eq!(finding.severity, Severity::Unknown);
    let note = "the cluster's zones are not signed: DNSSEC proves nothing about their names";
    assert_eq!(finding.labels[0], Label::Seen(". DNSKEY: SERVFAIL".into()));
    assert_eq!(finding.labels[1], Label::Note(note.into()));
    assert!(matches!(&finding.labels[2], Label::SeenOf { .. }), "{finding:?}");
}
