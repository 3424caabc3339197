//! Walks beside glibc's own: the same resolv.conf and servers, and the servers see the same.

use std::net::IpAddr;

use netdiag_probe::{Probe, ProbeError, names::ResolverFiles};
use netdiag_wire::{
    EndReason, Family,
    dns::{
        DnsEvent, DnsFold, DnsMode, DnsOutcome, DnsReport, DnsRequest, DnsServer, DnsTransport,
        Libc, RecordType,
    },
};
use tokio_util::sync::CancellationToken;

mod every_server;
mod musl;
mod place;

use crate::lab::runtime;
use place::{Act, Place};

/// Kubernetes' own, with one server.
const POD: &str = "search shop.svc.cluster.local svc.cluster.local cluster.local\n\
    nameserver 10.53.0.1\noptions ndots:5 timeout:1\n";
const TWO: &str = "nameserver 10.53.0.1\nnameserver 10.53.0.2\n";

/// What glibc's getaddrinfo makes the servers see, and what a walk does; both the same.
#[track_caller]
fn alike(
    resolv_conf: &str,
    name: &str,
    acts: &[(u8, &str, &str, Act)],
) -> (Vec<String>, DnsReport) {
    let place = Place::new(acts);
    let glibc = place.getaddrinfo(resolv_conf, "", name);
    let report = walk(&place, &DnsRequest::walk(name), resolv_conf, "").unwrap();
    let ours = place.seen();
    assert_eq!(ours, glibc, "{resolv_conf}{name}");
    assert_eq!(listed(&report), ours, "what is listed is what was sent");
    (ours, report)
}

fn walk(
    place: &Place,
    request: &DnsRequest,
    resolv_conf: &str,
    hosts: &str,
) -> Result<DnsReport, ProbeError> {
    walk_to(place, request, resolv_conf, hosts, &|_| Ok(()))
}

fn walk_to(
    place: &Place,
    request: &DnsRequest,
    resolv_conf: &str,
    hosts: &str,
    destination: &(dyn Fn(IpAddr) -> Result<(), ProbeError> + Sync),
) -> Result<DnsReport, ProbeError> {
    place.namespace.enter(|| {
        let mut fold = DnsFold::new(request);
        let mut emit = |event: DnsEvent| fold.push(&event);
        let sockets = request.open()?;
        let files =
            ResolverFiles { resolv_conf: resolv_conf.into(), hosts: hosts.into(), never_ask: None };
        let stop = CancellationToken::new();
        runtime().block_on(request.run(sockets, &files, destination, &mut emit, stop))?;
        Ok(fold.report(Some(EndReason::Completed), None))
    })
}

/// The queries of a report as the servers tell them.
fn listed(report: &DnsReport) -> Vec<String> {
    let queries = report.names.iter().flat_map(|name| &name.queries);
    let mut listed = Vec::new();
    for query in queries.filter(|query| query.outcome != DnsOutcome::Rejected) {
        let IpAddr::V4(server) = query.server else { panic!("{query:?}") };
        let name = str::from_utf8(query.name.as_bytes()).unwrap();
        let line = |over| format!("{} {over} {name} {}", server.octets()[3], query.kind);
        if query.truncated_first || query.transport == DnsTransport::Udp {
            listed.push(line("udp"));
        }
        if query.transport == DnsTransport::Tcp {
            listed.push(line("tcp"));
        }
    }
    listed
}

fn outcomes(report: &DnsReport) -> Vec<DnsOutcome> {
    report.names.iter().flat_map(|name| &name.queries).map(|query| query.outcome).collect()
}

#[test]
fn a_pods_search_list_is_walked_alike() {
    for (name, names) in [
        ("web", 4),
        ("web.shop", 4),
        ("api.example.com", 4),
        ("api.example.com.", 1),
        ("a.b.c.d.e.f", 4),
        ("_odd_", 4),
        ("Mixed.Case", 4),
    ] {
        let (seen, report) = alike(POD, name, &[]);
        assert_eq!((seen.len(), report.counts.names), (2 * names, names as u32), "{name}");
        assert_eq!(report.counts.nx_domain, 2 * names as u32);
    }
}

#[test]
fn an_answer_ends_a_walk_alike() {
    let (seen, report) = alike(
        POD,
        "web.shop",
        &[
            (0, "web.shop.svc.cluster.local.", "A", Act::Address),
            (0, "web.shop.svc.cluster.local.", "AAAA", Act::NoData),
        ],
    );
    let wanted = [
        "1 udp web.shop.shop.svc.cluster.local. A",
        "1 udp web.shop.shop.svc.cluster.local. AAAA",
        "1 udp web.shop.svc.cluster.local. A",
        "1 udp web.shop.svc.cluster.local. AAAA",
    ];
    assert_eq!(seen, wanted);
    use DnsOutcome::{Answered, NoData, NxDomain};
    assert_eq!(outcomes(&report), [NxDomain, NxDomain, Answered, NoData]);
}

#[test]
fn no_data_goes_on_and_an_alias_alone_ends_a_walk_alike() {
    let search = "search x y\nnameserver 10.53.0.1\n";
    let (seen, _) = alike(search, "a", &[(0, "a.x.", "*", Act::NoData)]);
    assert_eq!(seen.len(), 6);
    let (seen, _) = alike(search, "a", &[(0, "a.x.", "*", Act::Alias)]);
    assert_eq!(seen.len(), 2);
}

#[test]
fn every_refusal_is_met_alike() {
    let conf = format!("search x y\n{TWO}options attempts:1 timeout:1\n");
    for (act, count) in [
        (Act::Code(1), 4),
        (Act::Code(2), 12),
        (Act::Code(4), 8),
        (Act::Code(5), 8),
        (Act::Code(9), 4),
        (Act::Lame, 8),
    ] {
        let (seen, _) = alike(&conf, "a", &[(0, "*", "*", act)]);
        assert_eq!(seen.len(), count, "{act:?}");
    }
}

#[test]
fn one_server_that_fails_is_passed_over_alike() {
    let conf = format!("search x\n{TWO}options timeout:1\n");
    for acts in [
        [(1, "*", "*", Act::Code(2)), (2, "a.x.", "*", Act::Address)],
        [(1, "*", "A", Act::Code(2)), (0, "*", "*", Act::NoData)],
        [(1, "*", "AAAA", Act::Code(5)), (0, "*", "*", Act::NoData)],
        [(1, "*", "A", Act::Code(2)), (0, "*", "*", Act::Address)],
        [(1, "*", "A", Act::Code(2)), (1, "*", "AAAA", Act::Silent)],
    ] {
        alike(&conf, "a", &acts);
    }
}

#[test]
fn silence_is_waited_for_alike() {
    let conf = format!("search x\n{TWO}options timeout:1 attempts:2\n");
    let (seen, report) = alike(&conf, "a", &[(1, "*", "*", Act::Silent)]);
    assert_eq!(seen.len(), 8);
    assert_eq!(report.counts.silent, 4);
    // A second for each name, which the sum of a name's queries has.
    assert!((2_000_000..2_500_000).contains(&report.counts.took_us), "{:?}", report.counts);
    let (seen, report) = alike(&conf, "a", &[(0, "*", "*", Act::Silent)]);
    // Silence ends the search, but not the name as it is.
    assert_eq!((seen.len(), report.counts.names), (16, 2));
}

#[test]
fn a_later_server_is_waited_for_as_long_as_glibc_waits() {
    let conf = format!("{TWO}nameserver 10.53.0.3\noptions timeout:2 attempts:1\n");
    let place = Place::new(&[(0, "*", "*", Act::Silent)]);
    let report = walk(&place, &DnsRequest::walk("a"), &conf, "").unwrap();
    let waits: Vec<u64> =
        report.names[0].queries.iter().map(|query| (query.took_us + 100_000) / 1_000_000).collect();
    // 2, then 2 << 1 and 2 << 2 by three, in whole seconds: `send_dg`.
    assert_eq!(waits, [2, 2, 1, 1, 2, 2]);
}

#[test]
fn half_a_pair_is_asked_for_in_turn_alike() {
    let conf = format!("search x\n{TWO}options timeout:1\n");
    let (seen, _) =
        alike(&conf, "a.b", &[(0, "a.b.", "AAAA", Act::Silent), (0, "*", "*", Act::NoData)]);
    // At once, in turn, in turn from two ports; the other name in turn at once.
    assert_eq!(seen.len(), 8);
    alike(&conf, "a.b", &[(0, "*", "A", Act::Silent), (0, "*", "*", Act::Address)]);
}

#[test]
fn options_are_heeded_alike() {
    let ours = "search x y\nnameserver 10.53.0.1\noptions timeout:1 ";
    for options in [
        "single-request",
        "single-request-reopen",
        "no-aaaa",
        "no-tld-query",
        "use-vc",
        "edns0 trust-ad",
        "attempts:0",
        "ndots:0",
        "ndots:-1",
        "ndots:99",
        "rotated ndots:2",
    ] {
        for name in ["a", "a.b"] {
            alike(&format!("{ours}{options}\n"), name, &[]);
        }
    }
    let failing = format!("{TWO}options single-request timeout:1\n");
    alike(&failing, "a", &[(1, "*", "A", Act::Code(2))]);
    alike(&failing, "a", &[(1, "*", "AAAA", Act::Code(2))]);
    alike(&failing, "a", &[(1, "*", "AAAA", Act::Silent), (1, "*", "A", Act::Address)]);
    alike(&format!("{TWO}options use-vc\n"), "a", &[(1, "*", "*", Act::Code(2))]);
}

#[test]
fn odd_files_are_read_alike() {
    for conf in [
        "search .\nnameserver 10.53.0.1\n",
        "search x .\nnameserver 10.53.0.1\n",
        "search .x y.\nnameserver 10.53.0.1\n",
        "search x y\ndomain z\nnameserver 10.53.0.1\n",
        "domain z w\nnameserver 10.53.0.1 # own\n",
        "search x\nsearch \nnameserver 10.53.0.1\n",
        "search\tx  y\t\n\tnameserver 10.53.0.2\nnameserver\t10.53.0.1\n",
        " search x\n;search y\n#search z\nnameserver 10.53.1\n",
        "search x\r\nnameserver 10.53.0.1\noptions ndots:2\r\n",
        "search x\nnameserver 10.53.0.1\nnameserver 10.53.0.2\r\noptions attempts:1 timeout:1\r\n",
        "nameserver 10.53.0.1\nsearch x",
        "nameserver nonsense\nnameserver 0xa.065.1\n",
    ] {
        alike(conf, "a.b", &[]);
    }
    let long = format!(
        "search {}.example\nnameserver 10.53.0.1\n",
        ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(50)].join(".")
    );
    alike(&long, "short", &[]);
    alike(&long, &format!("{}.{}", "e".repeat(20), "f".repeat(20)), &[]);
}

#[test]
fn a_cut_answer_is_asked_for_over_tcp_alike() {
    let conf = format!("search x\n{TWO}");
    let (seen, report) =
        alike_in_any_order(&conf, &[(0, "*", "A", Act::Cut), (0, "*", "*", Act::NoData)]);
    assert_eq!(seen, ["1 tcp a. A", "1 tcp a. AAAA", "1 udp a. A", "1 udp a. AAAA"]);
    let queries = &report.names[0].queries;
    assert!(queries[0].truncated_first && queries[0].sent == 2, "{queries:?}");
}

/// The listing has a query that was cut before what was sent between its two times.
#[track_caller]
fn alike_in_any_order(conf: &str, acts: &[(u8, &str, &str, Act)]) -> (Vec<String>, DnsReport) {
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    let place = Place::new(acts);
    let glibc = sorted(place.getaddrinfo(conf, "", "a."));
    let report = walk(&place, &DnsRequest::walk("a."), conf, "").unwrap();
    let ours = sorted(place.seen());
    assert_eq!(ours, glibc);
    assert_eq!(sorted(listed(&report)), ours);
    (ours, report)
}

#[test]
fn rotation_begins_anywhere_and_goes_on_alike() {
    let conf = format!("search x y z\n{TWO}nameserver 10.53.0.3\noptions rotate timeout:1\n");
    let place = Place::new(&[]);
    let glibc = place.getaddrinfo(&conf, "", "a");
    walk(&place, &DnsRequest::walk("a"), &conf, "").unwrap();
    let ours = place.seen();
    for seen in [glibc, ours] {
        let servers: Vec<u32> =
            seen.iter().step_by(2).map(|line| line[..1].parse().unwrap()).collect();
        assert_eq!(servers.len(), 4);
        assert!(servers.windows(2).all(|pair| pair[1] == pair[0] % 3 + 1), "{servers:?}");
    }
}

#[test]
fn nobody_at_home_ends_a_walk_alike() {
    let closed = [(1, "*", "*", Act::Closed)];
    let (seen, report) = alike("search x y\nnameserver 10.53.0.1\n", "a", &closed);
    assert_eq!(seen.len(), 0);
    // Two tries of the first name, and then nothing else.
    assert_eq!((report.counts.names, outcomes(&report)), (1, vec![DnsOutcome::Rejected; 4]));
    let (seen, _) = alike(&format!("search x y\n{TWO}"), "a", &closed);
    assert_eq!(seen.len(), 6);
}

#[test]
fn the_hosts_file_comes_first_alike() {
    let place = Place::new(&[(0, "*", "*", Act::Address)]);
    let hosts = "127.0.0.1 localhost\n10.1.2.3 Web.shop.svc web\nfd00::3 web # too\n10.9.9.9 # a\n";
    for (name, is_there) in
        [("web", true), ("WEB", true), ("web.", false), ("a", false), ("web.shop.svc", true)]
    {
        let glibc = place.getaddrinfo("nameserver 10.53.0.1\n", hosts, name);
        let report =
            walk(&place, &DnsRequest::walk(name), "nameserver 10.53.0.1\n", hosts).unwrap();
        let ours = place.seen();
        assert_eq!((ours.is_empty(), ours), (is_there, glibc), "{name}");
        assert_eq!(report.in_hosts.is_some(), is_there);
    }
}

#[test]
fn one_family_is_asked_for_alike() {
    let conf = "search x\nnameserver 10.53.0.1\n";
    for (database, kind) in [("ahostsv4", RecordType::A), ("ahostsv6", RecordType::AAAA)] {
        let place = Place::new(&[]);
        let glibc = place.getent(database, conf, "", "a");
        let request = DnsRequest { types: vec![kind], ..DnsRequest::walk("a") };
        let report = walk(&place, &request, conf, "").unwrap();
        // Without an IPv6 address ahostsv6 asks for IPv4 besides, to map it.
        let of_kind = |line: &String| line.ends_with(&format!(" {kind}"));
        let glibc: Vec<_> = glibc.into_iter().filter(of_kind).collect();
        assert_eq!((place.seen(), listed(&report)), (glibc.clone(), glibc));
    }
}

#[test]
fn other_types_are_searched_for_one_by_one() {
    let place = Place::new(&[(0, "a.x.", "MX", Act::NoData)]);
    let types = vec![RecordType::MX, RecordType::SRV];
    let request = DnsRequest { types, ..DnsRequest::walk("a") };
    walk(&place, &request, "search x\nnameserver 10.53.0.1\n", "10.0.0.1 a\n").unwrap();
    let wanted = ["1 udp a.x. MX", "1 udp a. MX", "1 udp a.x. SRV", "1 udp a. SRV"];
    assert_eq!(place.seen(), wanted);
}

#[test]
fn a_clusters_name_is_asked_for_whole() {
    let place = Place::new(&[]);
    let request = DnsRequest { in_cluster: true, ..DnsRequest::walk("web.shop.svc") };
    walk(&place, &request, &POD.replace("cluster.local", "k8s.example"), "").unwrap();
    let wanted = ["1 udp web.shop.svc.k8s.example. A", "1 udp web.shop.svc.k8s.example. AAAA"];
    assert_eq!(place.seen(), wanted);
}

#[test]
fn what_no_libc_asks_for_is_refused_in_words() {
    let place = Place::new(&[]);
    for (name, why) in [
        ("10.0.0.1", "10.0.0.1 is an address: nobody is asked"),
        ("0x7f.1", "0x7f.1 is an address: nobody is asked"),
        ("fd00::1", "fd00::1 is an address: nobody is asked"),
        ("-a", "-a is no host name to glibc: nobody is asked"),
        ("a+b", "a+b is no host name to glibc: nobody is asked"),
    ] {
        let error = walk(&place, &DnsRequest::walk(name), POD, "").unwrap_err();
        assert_eq!(error.to_string(), why);
        assert_eq!(place.getaddrinfo(POD, "", name), Vec::<String>::new());
    }
    assert_eq!(place.seen(), Vec::<String>::new());
}

#[test]
fn a_forbidden_server_is_not_asked() {
    let place = Place::new(&[]);
    let forbid = |address| Err(ProbeError::Forbidden { address, why: "a test's".into() });
    let error = walk_to(&place, &DnsRequest::walk("a"), POD, "", &forbid).unwrap_err();
    assert_eq!(error.to_string(), "10.53.0.1 is off limits: a test's");
    assert_eq!(place.seen(), Vec::<String>::new());
}

/// The servers of a family alone, and the timeouts that a request has of its own.
#[test]
fn a_request_has_the_last_word() {
    let place = Place::new(&[(0, "*", "*", Act::Silent)]);
    let mut request = DnsRequest { family: Family::V4, ..DnsRequest::walk("a.") };
    request.options.timeout_us = Some(50_000);
    request.options.tries = Some(3);
    let report = walk(&place, &request, "nameserver fd53::1\nnameserver 10.53.0.1\n", "").unwrap();
    assert_eq!(place.seen().len(), 6);
    assert!(report.counts.took_us < 500_000, "{:?}", report.counts);
}
