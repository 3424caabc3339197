use netdiag_wire::dns::{
    Class, Discarded, DnsEvent, DnsMode, DnsOutcome, DnsQuery, DnsRequest, DnsServer, Edns,
    EdnsOption, ExtendedError, HostsEntry, Proof, RecordType,
};

use super::scene::{KUBE_DNS, Lookup, query, record};
use crate::render::Format;

const API: &str = "api.example.com.";

fn external() -> Lookup {
    Lookup::walk("api.example.com")
        .nowhere("api.example.com.shop.svc.cluster.local.", 610)
        .nowhere("api.example.com.svc.cluster.local.", 580)
        .nowhere("api.example.com.cluster.local.", 590)
        .nowhere("api.example.com.corp.example.", 11_200)
        .found(API, "203.0.113.10", 9_800)
}

#[test]
fn every_name_that_libc_asks_is_a_row() {
    insta::assert_snapshot!(external().shown(), @r#"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> 10.96.0.10 (kube-system/svc/kube-dns)
    as glibc asks: search shop.svc.cluster.local svc.cluster.local cluster.local corp.example, ndots:5
    NAME ASKED                               A             AAAA      MS
    api.example.com.shop.svc.cluster.local.  NXDOMAIN      NXDOMAIN  0.610
    api.example.com.svc.cluster.local.       NXDOMAIN      NXDOMAIN  0.580
    api.example.com.cluster.local.           NXDOMAIN      NXDOMAIN  0.590
    api.example.com.corp.example.            NXDOMAIN      NXDOMAIN  11.2
    api.example.com.                         203.0.113.10  no data   9.80

    OK       api.example.com is 203.0.113.10; 5 names, 10 queries, 22.8 ms
      note   2 dots are fewer than ndots:5, so the search list goes first; "api.example.com." takes 2
    "#);
}

#[test]
fn wide_has_both_times_and_the_server() {
    let mut lookup = external();
    lookup.screen.format = Format::Wide;
    insta::assert_snapshot!(lookup.evidence(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> 10.96.0.10 (kube-system/svc/kube-dns)
    as glibc asks: search shop.svc.cluster.local svc.cluster.local cluster.local corp.example, ndots:5
    NAME ASKED                               SERVER      A             MS     AAAA      MS
    api.example.com.shop.svc.cluster.local.  10.96.0.10  NXDOMAIN      0.610  NXDOMAIN  0.600
    api.example.com.svc.cluster.local.       10.96.0.10  NXDOMAIN      0.580  NXDOMAIN  0.570
    api.example.com.cluster.local.           10.96.0.10  NXDOMAIN      0.590  NXDOMAIN  0.580
    api.example.com.corp.example.            10.96.0.10  NXDOMAIN      11.2   NXDOMAIN  11.2
    api.example.com.                         10.96.0.10  203.0.113.10  9.80   no data   9.79
    ");
}

#[test]
fn a_name_that_is_nowhere_is_said_of_all_of_them() {
    let mut lookup = Lookup::walk("chekout")
        .nowhere("chekout.shop.svc.cluster.local.", 610)
        .nowhere("chekout.svc.cluster.local.", 610)
        .nowhere("chekout.cluster.local.", 610)
        .nowhere("chekout.corp.example.", 610)
        .nowhere("chekout.", 610);
    lookup.context.near = Some(("shop".into(), "checkout".into()));
    insta::assert_snapshot!(lookup.verdict(), @r"

    FAIL     ND0501  chekout does not exist: NXDOMAIN for every name that glibc would try
      note   the API has svc/checkout in shop
      next   kubectl netdiag dns shop/svc/checkout --from shop/pod/web-7d4c9b5f6-x2x9z
    ");
}

#[test]
fn a_service_agrees_with_the_api() {
    let lookup = Lookup::walk("checkout.shop.svc")
        .found("checkout.shop.svc.cluster.local.", "10.96.14.7", 610)
        .knows(&[[10, 96, 14, 7]]);
    insta::assert_snapshot!(lookup.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> 10.96.0.10 (kube-system/svc/kube-dns)
    as glibc asks: search shop.svc.cluster.local svc.cluster.local cluster.local corp.example, ndots:5
    NAME ASKED                        A           AAAA     MS
    checkout.shop.svc.cluster.local.  10.96.14.7  no data  0.610

    OK       checkout.shop.svc is 10.96.14.7; 1 name, 2 queries, 0.610 ms
      seen   the answer agrees with the API: ClusterIP of shop/svc/checkout (Service, resourceVersion 91822)
    ");
}

#[test]
fn a_record_that_the_api_does_not_have_is_stale() {
    let lookup = Lookup::walk("checkout")
        .found("checkout.shop.svc.cluster.local.", "10.96.14.9", 610)
        .knows(&[[10, 96, 14, 7]]);
    insta::assert_snapshot!(lookup.verdict(), @r"

    FAIL     ND0507  stale or foreign: DNS says 10.96.14.9 for checkout.shop.svc.cluster.local., but shop/svc/checkout has ClusterIP 10.96.14.7
      seen   ClusterIP of shop/svc/checkout: 10.96.14.7 (Service, resourceVersion 91822)
      unless the object changed less than 30 s ago: CoreDNS caches that long
      next   kubectl netdiag dns checkout.shop.svc.cluster.local. --every-server --from shop/pod/web-7d4c9b5f6-x2x9z
    ");
}

fn every_server() -> Lookup {
    let mut lookup = Lookup::walk("checkout.shop.svc");
    lookup.view.request.mode = DnsMode::EveryServer;
    lookup.view.request.types = vec![RecordType::A];
    lookup
}

const CHECKOUT: &str = "checkout.shop.svc.cluster.local.";

#[test]
fn a_silent_coredns_pod_stands_out() {
    let lookup = every_server().knows(&[[10, 96, 14, 7]]);
    let first = lookup.says(KUBE_DNS, CHECKOUT, "10.96.14.7", 610);
    let second = lookup.says([10, 244, 1, 4], CHECKOUT, "10.96.14.7", 400);
    let silent = DnsQuery {
        server: [10, 244, 3, 2].into(),
        sent: 2,
        ..query(CHECKOUT, RecordType::A, DnsOutcome::Silence, 10_000_000)
    };
    insta::assert_snapshot!(lookup.then(first).then(second).then(silent).shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> checkout.shop.svc.cluster.local. A, 3 servers
    SERVER      WHAT                                                ANSWER      MS
    10.96.0.10  kube-system/svc/kube-dns                            10.96.14.7  0.610
    10.244.1.4  kube-system/pod/coredns-5d78c9869d-4hx2p on node-1  10.96.14.7  0.400
    10.244.3.2  kube-system/pod/coredns-5d78c9869d-q9tzl on node-3  silence     2 queries over 10.0 s

    FAIL     ND0503  1 of 2 CoreDNS pods is silent: a query that is sent to it costs 5 s (timeout:5)
      seen   the answer agrees with the API: ClusterIP of shop/svc/checkout (Service, resourceVersion 91822)
      seen   kube-system/pod/coredns-5d78c9869d-q9tzl is Ready, and yet: silence for A
      next   kubectl netdiag ping kube-system/pod/coredns-5d78c9869d-q9tzl -c 3 --from shop/pod/web-7d4c9b5f6-x2x9z
    ");
}

#[test]
fn servers_that_disagree_are_laid_side_by_side() {
    let lookup = every_server();
    let first = lookup.says(KUBE_DNS, CHECKOUT, "10.96.14.7", 610);
    let second = lookup.says([10, 244, 1, 4], CHECKOUT, "10.96.14.7", 400);
    let third = lookup.says([10, 244, 3, 2], CHECKOUT, "10.96.14.9", 420);
    let shown = lookup.then(first).then(second).then(third).shown();
    insta::assert_snapshot!(shown, @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> checkout.shop.svc.cluster.local. A, 3 servers
    SERVER      WHAT                                                ANSWER      MS
    10.96.0.10  kube-system/svc/kube-dns                            10.96.14.7  0.610
    10.244.1.4  kube-system/pod/coredns-5d78c9869d-4hx2p on node-1  10.96.14.7  0.400
    10.244.3.2  kube-system/pod/coredns-5d78c9869d-q9tzl on node-3  10.96.14.9  0.420

    FAIL     ND0506  the servers disagree: 1 of 3 answers otherwise than 10.96.0.10 (kube-system/svc/kube-dns)
      seen   10.96.0.10 (kube-system/svc/kube-dns): A 10.96.14.7
      seen   10.244.3.2 (kube-system/pod/coredns-5d78c9869d-q9tzl): A 10.96.14.9
      unless the name is meant to differ by server, or it changed seconds ago
    ");
}

#[test]
fn servers_that_agree_are_well() {
    let lookup = every_server().knows(&[[10, 96, 14, 7]]);
    let first = lookup.says(KUBE_DNS, CHECKOUT, "10.96.14.7", 610);
    let second = lookup.says([10, 244, 1, 4], CHECKOUT, "10.96.14.7", 400);
    insta::assert_snapshot!(lookup.then(first).then(second).verdict(), @r"

    OK       checkout.shop.svc is 10.96.14.7; both servers agree
      seen   the answer agrees with the API: ClusterIP of shop/svc/checkout (Service, resourceVersion 91822)
    ");
}

#[test]
fn the_hosts_file_answers_before_any_server() {
    let mut lookup = Lookup::walk("db");
    let addresses = vec![[10, 0, 0, 5].into()];
    lookup.events.push(DnsEvent::InHosts(HostsEntry { name: "db".into(), addresses, line: 7 }));
    insta::assert_snapshot!(lookup.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> 10.96.0.10 (kube-system/svc/kube-dns)
    as glibc asks: search shop.svc.cluster.local svc.cluster.local cluster.local corp.example, ndots:5
    /etc/hosts, line 7: db is 10.0.0.5

    OK       db is 10.0.0.5 by the hosts file (line 7), so no server was asked
    ");
}

#[test]
fn a_silent_first_server_is_a_warning_with_its_price() {
    let silent = |kind| DnsQuery {
        server: [10, 0, 0, 53].into(),
        ..query("checkout.shop.svc.cluster.local.", kind, DnsOutcome::Silence, 5_000_000)
    };
    let lookup = Lookup::walk("checkout")
        .beside(silent(RecordType::A))
        .then(silent(RecordType::AAAA))
        .found("checkout.shop.svc.cluster.local.", "10.96.14.7", 610);
    insta::assert_snapshot!(lookup.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> 10.0.0.53, 10.96.0.10 (kube-system/svc/kube-dns)
    as glibc asks: search shop.svc.cluster.local svc.cluster.local cluster.local corp.example, ndots:5
    NAME ASKED                        SERVER      A           AAAA     MS
    checkout.shop.svc.cluster.local.  10.0.0.53   silence     silence  2 queries over 5.00 s
    checkout.shop.svc.cluster.local.  10.96.0.10  10.96.14.7  no data  0.610

    WARN     ND0503  checkout is 10.96.14.7, but 10.0.0.53, asked first, is silent: that costs 5.00 s; 1 name, 4 queries, 5.00 s
    ");
}

#[test]
fn a_search_domain_that_nobody_serves_is_a_warning_with_its_price() {
    let silent = |kind| query("a.b.corp.example.", kind, DnsOutcome::Silence, 5_000_000);
    let lookup = Lookup::walk("a.b")
        .beside(silent(RecordType::A))
        .then(silent(RecordType::AAAA))
        .found("a.b.", "192.0.2.7", 610);
    insta::assert_snapshot!(lookup.verdict(), @r#"

    WARN     ND0504  a.b is 192.0.2.7, but the search list costs 5.00 s: nobody answers for a.b.corp.example.; 2 names, 4 queries, 5.00 s
      note   1 dot is fewer than ndots:5, so the search list goes first; "a.b." takes 2
    "#);
}

#[test]
fn whatever_becomes_of_a_query_has_its_word() {
    let of = |outcome| query("a.", RecordType::A, outcome, 610);
    let mut rejected = of(DnsOutcome::Rejected);
    rejected.by = Some([10, 244, 1, 1].into());
    rejected.icmp =
        Some(crate::render::scene::icmp(netdiag_wire::IcmpMeaning::PortUnreachable, 3, 3));
    let mut not_sent = of(DnsOutcome::NotSent);
    not_sent.refusal = Some(netdiag_wire::SendRefusal::NoRoute);
    let mut cname = of(DnsOutcome::Answered);
    cname.message.as_mut().unwrap().answer = vec![
        record("a.", RecordType::CNAME, "lb.example.net."),
        record("LB.example.net.", RecordType::A, "192.0.2.7"),
        record("lb.example.net.", RecordType::A, "192.0.2.8"),
        record("elsewhere.example.", RecordType::A, "203.0.113.66"),
    ];
    let mut other = of(DnsOutcome::OtherCode);
    other.message.as_mut().unwrap().rcode = netdiag_wire::dns::Rcode::NOTIMP;
    let mut lookup = Lookup::walk("a");
    lookup.view.request.types = vec![RecordType::A];
    let fates = [
        DnsOutcome::NoData,
        DnsOutcome::Referral,
        DnsOutcome::NxDomain,
        DnsOutcome::ServFail,
        DnsOutcome::RefusedQuery,
        DnsOutcome::Malformed,
        DnsOutcome::Silence,
        DnsOutcome::Refused,
        DnsOutcome::Reset,
        DnsOutcome::TlsFailed,
        DnsOutcome::HttpFailed,
        DnsOutcome::Overtaken,
        DnsOutcome::Unknown,
    ];
    let queries = fates.map(of).into_iter().chain([rejected, not_sent, cname, other]);
    let lookup = queries.fold(lookup, Lookup::then);
    insta::assert_snapshot!(lookup.evidence(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> 10.96.0.10 (kube-system/svc/kube-dns)
    as glibc asks: search shop.svc.cluster.local svc.cluster.local cluster.local corp.example, ndots:5
    NAME ASKED  A                                             MS
    a.          no data                                       0.610
    a.          referral                                      0.610
    a.          NXDOMAIN                                      0.610
    a.          SERVFAIL                                      0.610
    a.          REFUSED                                       0.610
    a.          malformed                                     0.610
    a.          silence                                       1 query over 0.001 s
    a.          refused                                       0.610
    a.          reset                                         0.610
    a.          TLS failed                                    0.610
    a.          HTTP failed                                   0.610
    a.          not waited for                                -
    a.          ?                                             0.610
    a.          rejected by 10.244.1.1, port unreachable      0.610
    a.          not sent: no route                            -
    a.          192.0.2.7, 192.0.2.8 (CNAME lb.example.net.)  0.610
    a.          NOTIMP                                        0.610
    ");
}

fn dig() -> Lookup {
    let mut answer = query("example.com.", RecordType::TXT, DnsOutcome::Answered, 3_700);
    let message = answer.message.as_mut().unwrap();
    message.answer = vec![
        record("example.com.", RecordType::TXT, r#""a\"b\\\001\255""#),
        record("example.com.", RecordType::CAA, r#"0 issue """#),
    ];
    let long = "averyveryveryverylongnamelabel0.";
    message.authority =
        vec![record(long, RecordType::CSYNC, "1 3"), record(long, RecordType::A, "97.98.99.100")];
    message.authority[0].ttl_seconds = 1_234_567;
    message.edns = Some(Edns {
        version: 0,
        dnssec_ok: true,
        udp_bytes: 4_096,
        options: vec![
            EdnsOption { code: 3, data: r#"6e 73 2d 31 ("ns-1")"#.into() },
            EdnsOption { code: 65_001, data: "61".into() },
        ],
        extended_errors: vec![
            ExtendedError { code: 18, text: "blocked here".into() },
            ExtendedError { code: 22, text: "".into() },
        ],
    });
    answer.truncated_first = true;
    answer.discarded = Discarded { id: 2, source: 1, ..Discarded::default() };
    Lookup::ask("example.com", RecordType::TXT).then(answer)
}

#[test]
fn digs_layout_stands_between_our_header_and_verdict() {
    insta::assert_snapshot!(dig().shown(), @r#"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> 10.96.0.10 (kube-system/svc/kube-dns)
    ;; Truncated, retrying in TCP mode.
    ;; Got answer:
    ;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 4711
    ;; flags: qr rd ra; QUERY: 1, ANSWER: 2, AUTHORITY: 2, ADDITIONAL: 1

    ;; OPT PSEUDOSECTION:
    ; EDNS: version: 0, flags: do; udp: 4096
    ; EDE: 18 (Prohibited): (blocked here)
    ; EDE: 22 (No Reachable Authority)
    ; NSID: 6e 73 2d 31 ("ns-1")
    ; OPT=65001: 61
    ;; QUESTION SECTION:
    ;example.com.			IN	TXT

    ;; ANSWER SECTION:
    example.com.		30	IN	TXT	"a\"b\\\001\255"
    example.com.		30	IN	CAA	0 issue ""

    ;; AUTHORITY SECTION:
    averyveryveryverylongnamelabel0. 1234567 IN CSYNC 1 3
    averyveryveryverylongnamelabel0. 30 IN	A	97.98.99.100

    ;; Query time: 3 msec
    ;; SERVER: 10.96.0.10#53(10.96.0.10) (UDP)
    ;; WHEN: Sun Nov 22 03:07:11 UTC 2026
    ;; MSG SIZE  rcvd: 56
    ;; Warning: thrown away: 3 answers (2 with another id, 1 from an address that was not asked)

    WARN     ND0509  example.com TXT is "a\"b\\\001\255", but 3 answers (2 with another id, 1 from an address that was not asked) did not belong and went unused; 1 name, 1 query, 3.70 ms
      note   the answer over UDP was truncated, so it was asked for again over TCP
    "#);
}

#[test]
fn short_is_the_answers_and_nothing_else() {
    let mut lookup = dig();
    lookup.view.shown.short = true;
    assert_eq!(lookup.evidence(), "\"a\\\"b\\\\\\001\\255\"\n0 issue \"\"\n");
    lookup.view.shown.identify = true;
    assert!(
        lookup.evidence().starts_with("\"a\\\"b\\\\\\001\\255\" from server 10.96.0.10 in 3 ms.\n")
    );
}

#[test]
fn parts_of_digs_layout_can_be_left_out() {
    let mut lookup = dig();
    lookup.view.shown.comments = false;
    lookup.view.shown.question = false;
    lookup.view.shown.authority = false;
    lookup.view.shown.stats = false;
    lookup.view.shown.ttl = false;
    insta::assert_snapshot!(lookup.evidence(), @r#"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> 10.96.0.10 (kube-system/svc/kube-dns)
    example.com.		IN	TXT	"a\"b\\\001\255"
    example.com.		IN	CAA	0 issue ""
    ;; Warning: thrown away: 3 answers (2 with another id, 1 from an address that was not asked)
    "#);
}

#[test]
fn a_server_that_says_nothing_is_one_line_of_digs_kind() {
    let silence =
        DnsQuery { sent: 3, ..query("a.", RecordType::A, DnsOutcome::Silence, 15_000_000) };
    let lookup = Lookup::ask("a", RecordType::A).then(silence);
    insta::assert_snapshot!(lookup.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> 10.96.0.10 (kube-system/svc/kube-dns)
    ;; silence: 3 queries over 15.0 s to 10.96.0.10#53 (kube-system/svc/kube-dns), UDP

    FAIL     ND0502  no answer for a: silence from 10.96.0.10 (kube-system/svc/kube-dns) to 3 queries over 15.0 s
      note   the server, the way to it or a policy: by silence alone these look alike
      next   kubectl netdiag dns a @10.96.0.10 --every-server --from shop/pod/web-7d4c9b5f6-x2x9z
      next   kubectl netdiag ping kube-system/svc/kube-dns --from shop/pod/web-7d4c9b5f6-x2x9z
    ");
}

#[test]
fn the_steps_from_the_root_are_digs() {
    let mut lookup = Lookup::new(DnsRequest {
        types: vec![RecordType::A],
        mode: DnsMode::Iterate,
        ..DnsRequest::walk("example.com")
    });
    let mut root = query("example.com.", RecordType::A, DnsOutcome::Referral, 3_000);
    root.server = [198, 51, 100, 4].into();
    root.server_name = Some("a.root-servers.net.".into());
    let message = root.message.as_mut().unwrap();
    message.authority =
        vec![record("com.", RecordType::NS, "ns.com."), record("com.", RecordType::DS, "1 8 2 AA")];
    let mut helper = query("ns.com.", RecordType::A, DnsOutcome::Answered, 3_000);
    helper.on_behalf_of = Some("com.".into());
    let last = lookup.says([198, 51, 100, 7], "example.com.", "192.0.2.7", 12_000);
    lookup = lookup
        .then(root)
        .then(helper)
        .then(DnsQuery { server_name: Some("ns.com.".into()), ..last });
    insta::assert_snapshot!(lookup.shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> example.com A, from the root servers down
    com.			30	IN	NS	ns.com.
    com.			30	IN	DS	1 8 2 AA
    ;; Received 56 bytes from 198.51.100.4#53(a.root-servers.net) in 3 ms

    example.com.		30	IN	A	192.0.2.7
    ;; Received 56 bytes from 198.51.100.7#53(ns.com) in 12 ms

    OK       example.com is 192.0.2.7; 3 names, 3 queries, 18.0 ms
    ");
}

#[test]
fn a_zone_transfer_is_its_records() {
    let mut answer = query("example.", RecordType::AXFR, DnsOutcome::Answered, 3_000);
    let message = answer.message.as_mut().unwrap();
    let soa = record("example.", RecordType::SOA, "ns. root. 1 2 3 4 5");
    message.answer = vec![soa.clone(), record("a.example.", RecordType::A, "192.0.2.7"), soa];
    message.messages = Some(2);
    answer.transport = netdiag_wire::dns::DnsTransport::Tcp;
    insta::assert_snapshot!(Lookup::ask("example", RecordType::AXFR).then(answer).shown(), @r"
    shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> 10.96.0.10 (kube-system/svc/kube-dns)
    example.		30	IN	SOA	ns. root. 1 2 3 4 5
    a.example.		30	IN	A	192.0.2.7
    example.		30	IN	SOA	ns. root. 1 2 3 4 5
    ;; Query time: 3 msec
    ;; SERVER: 10.96.0.10#53(10.96.0.10) (TCP)
    ;; WHEN: Sun Nov 22 03:07:11 UTC 2026
    ;; XFR size: 3 records (messages 2, bytes 56)

    OK       example has 3 records; 1 name, 1 query, 3.00 ms
    ");
}

#[test]
fn a_chain_that_breaks_says_where() {
    let mut lookup = Lookup::ask("example.com", RecordType::A);
    lookup.view.request.validate = true;
    let answer = lookup.says(KUBE_DNS, "example.com.", "192.0.2.7", 610);
    lookup = lookup.then(answer);
    for (name, kind, proof, reason) in [
        (".", RecordType::DNSKEY, Proof::Secure, "DS 20326 of the trust anchor"),
        ("com.", RecordType::DS, Proof::Secure, "RRSIG by . 5613"),
        ("example.com.", RecordType::A, Proof::Bogus, "RRSIG by example.com. 1 expired 2026-11-01"),
    ] {
        let link =
            netdiag_wire::dns::ChainLink { name: name.into(), kind, proof, reason: reason.into() };
        lookup.events.push(DnsEvent::Link(link));
    }
    let shown = lookup.shown();
    let tail = shown.split_once("MSG SIZE  rcvd: 56\n").unwrap().1;
    insta::assert_snapshot!(tail, @r"

    OWNER         TYPE    PROOF   WHY
    .             DNSKEY  secure  DS 20326 of the trust anchor
    com.          DS      secure  RRSIG by . 5613
    example.com.  A       bogus   RRSIG by example.com. 1 expired 2026-11-01

    FAIL     ND0508  DNSSEC: bogus at example.com. A
      seen   RRSIG by example.com. 1 expired 2026-11-01
      means  resolvers that validate answer SERVFAIL for this name
    ");
}

#[test]
fn a_name_of_another_script_is_shown_both_ways() {
    let mut lookup =
        Lookup::walk("xn--mnchen-3ya.example.").found("xn--mnchen-3ya.example.", "192.0.2.7", 610);
    lookup.view.unicode = Some("münchen.example.".into());
    assert!(lookup.evidence().contains("\nmünchen.example. is xn--mnchen-3ya.example. in DNS\n"));
    lookup.screen.ascii = true;
    assert!(
        lookup.evidence().contains("\nm\\u{fc}nchen.example. is xn--mnchen-3ya.example. in DNS\n")
    );
}

#[test]
fn a_server_by_name_is_shown_with_its_address() {
    let mut lookup = Lookup::ask("a", RecordType::A);
    lookup.view.request.servers = vec![DnsServer { host: "ns.example".into(), port: None }];
    let said = lookup.says([192, 0, 2, 53], "a.", "192.0.2.7", 610);
    lookup =
        lookup.then(DnsQuery { server_name: Some("ns.example".into()), class: Class::IN, ..said });
    let evidence = lookup.evidence();
    assert!(
        evidence.starts_with(
            "shop/pod/web-7d4c9b5f6-x2x9z (10.244.1.23, node-1) -> ns.example (192.0.2.53)\n"
        ),
        "{evidence}"
    );
    assert!(evidence.contains(";; SERVER: 192.0.2.53#53(ns.example) (UDP)\n"), "{evidence}");
}
