//! One name, each server.

use super::*;

fn every(name: &str) -> DnsRequest {
    DnsRequest { mode: DnsMode::EveryServer, ..DnsRequest::walk(name) }
}

fn server(host: &str) -> DnsServer {
    DnsServer { host: host.into(), port: None }
}

#[test]
fn the_name_that_a_walk_finds_is_asked_of_all() {
    let place = Place::new(&[
        (1, "*", "*", Act::Silent),
        (2, "web.shop.svc.cluster.local.", "*", Act::Address),
        (3, "web.shop.svc.cluster.local.", "*", Act::NoData),
    ]);
    let mut request = every("web");
    request.servers = vec![server("10.53.0.3"), server("10.53.0.2")];
    request.options.timeout_us = Some(300_000);
    let conf = format!("{POD}nameserver 10.53.0.2\n");
    let report = walk(&place, &request, &conf, "").unwrap();
    assert_eq!(report.names.len(), 1);
    assert_eq!(report.names[0].name, "web.shop.svc.cluster.local.".into());
    use DnsOutcome::{Answered, NoData, Silence};
    assert_eq!(outcomes(&report), [Silence, Silence, Answered, Answered, NoData, NoData]);
    let silent = &report.names[0].queries[0];
    assert_eq!((silent.sent, silent.took_us / 100_000), (2, 6));
    // All at once: the slowest is what it takes.
    assert!(report.counts.took_us < 900_000, "{:?}", report.counts);
}

#[test]
fn a_name_that_nobody_knows_is_asked_for_as_it_is() {
    let place = Place::new(&[]);
    let report = walk(&place, &every("nobody"), POD, "").unwrap();
    assert_eq!(report.names.len(), 1);
    assert_eq!(report.names[0].name, "nobody.".into());
    assert_eq!(outcomes(&report), [DnsOutcome::NxDomain; 2]);
}

#[test]
fn a_server_by_name_is_found_as_the_source_finds_it() {
    let place = Place::new(&[(0, "web.", "*", Act::Address)]);
    let mut request = every("web.");
    request.servers = vec![server("third")];
    let report = walk(&place, &request, POD, "10.53.0.3 third\n").unwrap();
    let queries = &report.names[0].queries;
    assert_eq!(queries.len(), 4);
    assert_eq!(queries[2].server_name, Some("third".into()));
    assert_eq!(queries[2].server.to_string(), "10.53.0.3");
}

#[test]
fn a_forbidden_server_costs_no_other_its_row() {
    let place = Place::new(&[(0, "web.", "*", Act::Address)]);
    let mut request = every("web.");
    request.servers = vec![server("10.53.0.2"), server("10.53.0.3")];
    let forbid = |address: IpAddr| match address.to_string() == "10.53.0.2" {
        true => Err(ProbeError::Forbidden { address, why: "a test's".into() }),
        false => Ok(()),
    };
    let report = walk_to(&place, &request, POD, "", &forbid).unwrap();
    use DnsOutcome::{Answered, NotSent};
    assert_eq!(outcomes(&report), [Answered, Answered, NotSent, NotSent, Answered, Answered]);
    let forbidden = &report.names[0].queries[2];
    let problem = "10.53.0.2 is off limits: a test's";
    assert_eq!((forbidden.sent, &forbidden.problem), (0, &Some(problem.into())));
    assert!(!place.seen().iter().any(|seen| seen.starts_with("2 ")));
}
