//! Who is there.

use netdiag_wire::scan::{Ports, Scan, ScanMethod, ScanRequest, ScanWhy};

use super::{Scanned, full, scan};
use crate::lab::{Lab, SERVER};

/// Who is up, and why.
fn hosts(scanned: &Scanned) -> Vec<(String, ScanWhy)> {
    let up = scanned.report.hosts.iter().filter(|host| host.is_up);
    up.map(|host| (host.address.to_string(), host.why.unwrap())).collect()
}

fn request(target: &str) -> Scan {
    full(ScanRequest::to(target, Ports::default()))
}

#[test]
fn whoever_answers_anything_is_up() {
    let lab = Lab::new();
    let own = "10.9.2.1".to_owned();
    let ways = [
        (None, ScanWhy::EchoReply),
        (Some("icmp type echo-request counter drop"), ScanWhy::Rst),
        (Some("counter drop"), ScanWhy::Neighbour),
    ];
    for (rule, why) in ways {
        rule.into_iter().for_each(|rule| lab.server.filter(rule));
        let scanned = scan(&lab.router, &request("10.9.2.0/28"));
        let expected = [(own.clone(), ScanWhy::EchoReply), (SERVER.to_owned(), why)];
        assert_eq!(hosts(&scanned), expected, "{scanned:#?}");
        assert_eq!(scanned.report.hosts.len(), 14);
        assert!(scanned.report.rest.is_empty() && scanned.report.ports.is_empty());
    }
}

#[test]
fn without_a_raw_socket_ports_show_who_is_up() {
    let lab = Lab::new();
    let mut request = request("10.9.2.0/29");
    request.request.method = ScanMethod::Connect;
    let scanned = scan(&lab.client, &request);
    let expected = ["10.9.2.1", SERVER].map(|address| (address.to_owned(), ScanWhy::Rst));
    assert_eq!(hosts(&scanned), expected, "{scanned:#?}");
}

#[test]
fn only_ports_of_those_that_are_up_are_asked() {
    let lab = Lab::new();
    let request = ScanRequest::to("10.9.2.0/28", "22,80".parse().unwrap());
    let scanned = scan(&lab.client, &full(request));
    let asked: Vec<_> = scanned.report.rest.iter().map(|rest| rest.address.to_string()).collect();
    assert_eq!(asked, ["10.9.2.1", SERVER], "{scanned:#?}");
}
