//! What is true of a trace whatever other tools say.

use std::{collections::BTreeSet, net::IpAddr};

use netdiag_wire::trace::{PathEnd, TraceEvent, TraceOutcome, TraceProtocol, TraceRequest};

use super::{
    Traced,
    chain::{Chain, v4},
    path::{self, Path},
    router::{self, Router},
    side_by_side::two_paths,
    trace, trace_unprivileged,
};

const PROTOCOLS: [TraceProtocol; 3] = [TraceProtocol::Udp, TraceProtocol::Tcp, TraceProtocol::Icmp];

fn straight(last: usize) -> Path {
    let mut path = Path::default();
    (1..=last).for_each(|ttl| path.note(ttl, path::Said::plain(v4(ttl))));
    path
}

fn sent(traced: &Traced) -> usize {
    let hops = traced.report.hops.iter();
    hops.map(|hop| hop.answers.len() + usize::from(hop.silent)).sum()
}

#[test]
fn ten_traces_in_a_row_are_complete_in_spite_of_rate_limits() {
    for protocol in PROTOCOLS {
        let chain = Chain::new(5).limited();
        for count in 1..=10 {
            let mut request = TraceRequest::to(chain.target(), protocol);
            request.queries = 1;
            let traced = trace(chain.client(), &request);
            assert_eq!(path::of(&traced, 0), straight(6), "{protocol:?} {count}: {traced:#?}");
            assert_eq!(path::end(traced.end()), "reached in 6", "{protocol:?} {count}");
        }
    }
}

#[test]
fn a_rate_limited_end_is_told_from_silence() {
    let chain = Chain::new(2).limited();
    let target = chain.target();
    for count in 1..=4 {
        let traced = trace(chain.client(), &TraceRequest::to(&target, TraceProtocol::Udp));
        assert_eq!(path::end(traced.end()), "reached in 3", "{count}: {traced:#?}");
    }
}

#[test]
fn without_privilege_a_long_path_is_the_same() {
    for protocol in PROTOCOLS {
        let chain = Chain::new(5);
        chain.client().sysctl("ipv4/ping_group_range", "0 2147483647");
        chain.nodes[3].rule("output", "icmp type time-exceeded drop");
        let request = TraceRequest::to(chain.target(), protocol);
        let [raw, unprivileged] = [trace, trace_unprivileged].map(|t| t(chain.client(), &request));
        assert_ne!(raw.report.method, unprivileged.report.method, "{protocol:?}");
        assert_eq!(path::of(&raw, 0), path::of(&unprivileged, 0), "{protocol:?}");
        assert_eq!(path::end(raw.end()), "reached in 6");
        assert_eq!(path::end(unprivileged.end()), "reached in 6", "{protocol:?}");
    }
}

#[test]
fn without_privilege_a_router_that_quotes_28_bytes_is_seen_as_well() {
    let chain = Chain::new(3);
    let _router = Router::start(&chain.nodes[2], |packet| vec![router::expired(packet, 28)]);
    let request = TraceRequest::to(chain.target(), TraceProtocol::Udp);
    let traced = trace_unprivileged(chain.client(), &request);
    assert_eq!(path::of(&traced, 0), straight(4), "{traced:#?}");
    assert_eq!(path::end(traced.end()), "reached in 4");
}

#[test]
fn a_dead_path_costs_two_rounds_whatever_its_length() {
    let chain = Chain::new(3);
    chain.nodes[3].rule("forward", "oif right drop");
    chain.client().rule("output", "ip daddr 10.9.4.2 counter");
    for protocol in PROTOCOLS {
        let traced = trace(chain.client(), &TraceRequest::to(chain.target(), protocol));
        assert_eq!(path::end(traced.end()), "silence after 3", "{protocol:?}: {traced:#?}");
        assert_eq!(traced.report.hops.len(), 30, "{protocol:?}");
        let waits = traced.report.hops[3..].iter().filter_map(|hop| hop.waited_us);
        let longest = waits.max().unwrap();
        // One hop after the other it would be 27 times 250 ms and more.
        assert!(longest < 3_000_000, "{protocol:?}: {longest} us");
        assert_eq!(sent(&traced), 3 * 30, "{protocol:?}: {traced:#?}");
    }
}

#[test]
fn a_flow_keeps_one_path_and_flows_show_both() {
    for protocol in [TraceProtocol::Udp, TraceProtocol::Tcp] {
        let mut chain = Chain::new(3);
        two_paths(&mut chain);
        let mut request = TraceRequest::to(chain.target(), protocol);
        request.flows = 16;
        let traced = trace(chain.client(), &request);
        let mut seen: BTreeSet<IpAddr> = BTreeSet::new();
        for flow in 0..16 {
            let path = path::of(&traced, flow);
            assert_eq!(path.0.len(), 4, "{protocol:?} flow {flow}: {path}");
            let hop: Vec<IpAddr> = path.at(2).iter().map(|said| said.by).collect();
            assert_eq!(hop.len(), 1, "{protocol:?} flow {flow}: {path}");
            seen.extend(hop);
        }
        let both: [IpAddr; 2] = [[10, 8, 2, 2].into(), [10, 9, 2, 2].into()];
        assert_eq!(seen, BTreeSet::from(both), "{protocol:?}");
    }
}

#[test]
fn a_loop_is_not_followed_to_the_last_ttl() {
    let chain = Chain::new(3);
    chain.nodes[3].ip("route replace default via 10.9.3.1");
    for protocol in PROTOCOLS {
        let traced = trace(chain.client(), &TraceRequest::to("10.9.99.1", protocol));
        let round = vec![v4(2), v4(3)];
        assert_eq!(*traced.end(), PathEnd::Loop { from_ttl: 2, addresses: round }, "{traced:#?}");
        assert_eq!(traced.report.hops.len(), 5, "{protocol:?}: {traced:#?}");
    }
}

#[test]
fn labels_of_a_switched_path_are_told() {
    let chain = Chain::new(3);
    let _router =
        Router::start(&chain.nodes[2], |packet| vec![router::with_labels(packet, &[24_001, 16])]);
    for protocol in PROTOCOLS {
        let traced = trace(chain.client(), &TraceRequest::to(chain.target(), protocol));
        let answer = &traced.report.hops[1].answers[0];
        let labels: Vec<_> = answer.labels.iter().map(|l| (l.label, l.bottom)).collect();
        assert_eq!(labels, [(24_001, false), (16, true)], "{protocol:?}: {answer:?}");
        assert!(answer.labels.iter().all(|l| (l.traffic_class, l.ttl) == (5, 1)), "{answer:?}");
    }
}

#[test]
fn a_rewritten_target_is_reached_at_its_own_distance() {
    let chain = Chain::new(3);
    chain.nodes[1].nft("add table ip n");
    chain.nodes[1].nft("add chain ip n p { type nat hook prerouting priority -100; }");
    chain.nodes[1].nft("add rule ip n p ip daddr 10.77.0.1 dnat to 10.9.4.2");
    for protocol in PROTOCOLS {
        let traced = trace(chain.client(), &TraceRequest::to("10.77.0.1", protocol));
        assert_eq!(path::end(traced.end()), "reached in 4", "{protocol:?}: {traced:#?}");
    }
}

type Forge = fn(&mut Vec<u8>);

/// Each is one change to a right answer, by which it is none.
const FORGERIES: [(&str, Forge); 9] = [
    ("a wrong checksum", |m| m[2] ^= 0x55),
    ("another type", |m| m[0] = 14),
    ("another source in the quote", |m| m[8 + 12] ^= 1),
    ("another protocol in the quote", |m| m[8 + 9] = 132),
    ("another source port in the quote", |m| m[8 + 20] ^= 0x80),
    ("another identification in the quote", |m| m[8 + 4] ^= 0x80),
    ("a fragment in the quote", |m| m[8 + 7] = 9),
    ("a header length of 60 in the quote", |m| m[8] = 0x4f),
    ("a quote cut short", |m| m.truncate(8 + 20 + 3)),
];

#[test]
fn forged_answers_make_no_hop() {
    for (what, forge) in FORGERIES {
        let chain = Chain::new(3);
        let _router = Router::start(&chain.nodes[2], move |packet| {
            let mut message = router::expired(packet, 28);
            crate::responder::seal(&mut message);
            let sealed = [message[2], message[3]];
            forge(&mut message);
            if [message[2], message[3]] == sealed {
                crate::responder::seal(&mut message);
            }
            vec![message]
        });
        let traced = trace(chain.client(), &TraceRequest::to(chain.target(), TraceProtocol::Udp));
        let answered = !traced.report.hops[1].answers.is_empty();
        assert!(!answered, "{what}: {:#?}", traced.report.hops[1]);
        assert_eq!(path::end(traced.end()), "reached in 4", "{what}");
    }
}

#[test]
fn an_answer_said_many_times_is_one() {
    let chain = Chain::new(3);
    let _router = Router::start(&chain.nodes[2], |packet| vec![router::expired(packet, 28); 20]);
    for protocol in PROTOCOLS {
        let traced = trace(chain.client(), &TraceRequest::to(chain.target(), protocol));
        let answers = &traced.report.hops[1].answers;
        assert_eq!(answers.len(), 3, "{protocol:?}: {answers:#?}");
        assert!(answers.iter().all(|a| a.outcome == TraceOutcome::Expired));
    }
}

#[test]
fn hops_come_in_the_order_of_their_ttl() {
    let mut chain = Chain::new(3);
    two_paths(&mut chain);
    let mut request = TraceRequest::to(chain.target(), TraceProtocol::Udp);
    request.flows = 4;
    let traced = trace(chain.client(), &request);
    let places = traced.events.iter().filter_map(|event| match event {
        TraceEvent::Hop(hop) => Some((hop.flow, hop.ttl)),
        _ => None,
    });
    let places: Vec<_> = places.collect();
    assert!(places.is_sorted(), "{places:?}");
    assert_eq!(places.len(), 16);
}
