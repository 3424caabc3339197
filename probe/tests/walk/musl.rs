//! Walks as musl walks. No musl belongs to the machine of these tests; once, a program linked with
//! musl 1.2.5 (Rust 1.95's own) stood beside 135 walks like these, and the servers saw the same.

use super::*;

fn musl(name: &str) -> DnsRequest {
    DnsRequest { libc: Libc::Musl, ..DnsRequest::walk(name) }
}

fn sorted(mut list: Vec<String>) -> Vec<String> {
    list.sort();
    list
}

#[test]
fn all_servers_are_asked_at_once_and_the_first_answer_counts() {
    let place = Place::new(&[(1, "*", "*", Act::Silent), (2, "*", "*", Act::Address)]);
    let report = walk(&place, &musl("a.b"), &format!("search x\n{TWO}"), "").unwrap();
    let wanted = ["1 udp a.b. A", "1 udp a.b. AAAA", "2 udp a.b. A", "2 udp a.b. AAAA"];
    assert_eq!(sorted(place.seen()), wanted);
    assert_eq!(sorted(listed(&report)), wanted);
    use DnsOutcome::{Answered, Overtaken};
    assert_eq!(outcomes(&report), [Overtaken, Answered, Overtaken, Answered]);
    assert!(report.counts.took_us < 500_000, "{:?}", report.counts);
}

#[test]
fn no_data_ends_a_walk_where_glibc_goes_on() {
    let place = Place::new(&[(0, "a.x.", "*", Act::NoData)]);
    let conf = "search x y\nnameserver 10.53.0.1\n";
    walk(&place, &musl("a"), conf, "").unwrap();
    assert_eq!(sorted(place.seen()), ["1 udp a.x. A", "1 udp a.x. AAAA"]);
}

#[test]
fn enough_dots_leave_the_search_list_out() {
    let place = Place::new(&[]);
    for (name, names) in [("web", 4), ("a.b.c.d.e.f", 1), ("web.", 1)] {
        let report = walk(&place, &musl(name), POD, "").unwrap();
        assert_eq!((report.counts.names, report.counts.queries), (names, 2 * names), "{name}");
    }
}

#[test]
fn a_server_that_fails_is_asked_again_at_once() {
    let place = Place::new(&[(1, "*", "*", Act::Code(2))]);
    let conf = "search x\nnameserver 10.53.0.1\noptions timeout:1 attempts:1\n";
    let report = walk(&place, &musl("a"), conf, "").unwrap();
    // Two questions, and twice two more in the one attempt; then it ends, without `a.`.
    assert_eq!((place.seen().len(), report.counts.names), (6, 1));
    assert_eq!(outcomes(&report), vec![DnsOutcome::ServFail; 6]);
}

#[test]
fn silence_is_asked_again_within_the_timeout() {
    let place = Place::new(&[(0, "*", "*", Act::Silent)]);
    let conf = "search x\nnameserver 10.53.0.1\noptions timeout:1 attempts:2\n";
    let report = walk(&place, &musl("a"), conf, "").unwrap();
    assert_eq!((place.seen().len(), report.counts.silent), (4, 4));
    assert!((1_000_000..1_400_000).contains(&report.counts.took_us), "{:?}", report.counts);
}

#[test]
fn other_types_have_no_search_list() {
    let place = Place::new(&[]);
    let request = DnsRequest { types: vec![RecordType::MX], ..musl("a") };
    walk(&place, &request, POD, "").unwrap();
    assert_eq!(place.seen(), ["1 udp a. MX"]);
}
