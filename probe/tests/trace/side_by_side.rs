//! traceroute, mtr and ours in the same namespace in the same run: hop by hop the same, but for
//! the differences listed here with their reasons.

use std::{fmt::Write, net::TcpListener, thread};

use netdiag_wire::trace::{TraceProtocol, TraceRequest};

use super::{
    Traced,
    chain::{Chain, v4, v6},
    classic::{self, MAX_TTL},
    path::{self, Path, Said, word},
    router::{self, Router},
    trace,
};
use crate::lab::Netns;

use TraceProtocol::{Icmp, Tcp, Udp};

/// A network, and what is true of it.
struct Topology {
    name: &'static str,
    routers: usize,
    prepare: fn(&mut Chain) -> Option<Router>,
    /// Where not the last node.
    target: Option<&'static str>,
    v6: bool,
    /// Whole packets of this size, with DF.
    size: Option<u16>,
    /// A word each hop: distances or addresses of those who may answer, with `!` and a mark for a
    /// rejection; `T` is the target.
    hops: &'static str,
    end: &'static str,
    known: &'static [Known],
}

/// A difference that is meant, from this TTL on.
struct Known {
    tools: &'static [Tool],
    protocols: &'static [TraceProtocol],
    from_ttl: usize,
    reason: &'static str,
}

impl Known {
    fn covers(&self, tool: Tool, protocol: TraceProtocol, ttl: usize) -> bool {
        self.tools.contains(&tool) && self.protocols.contains(&protocol) && ttl >= self.from_ttl
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Tool {
    Traceroute,
    Mtr,
}

const ALL: &[TraceProtocol] = &[Udp, Tcp, Icmp];

const PLAIN: Topology = Topology {
    name: "straight",
    routers: 5,
    prepare: |_| None,
    target: None,
    v6: false,
    size: None,
    hops: "1 2 3 4 5 6",
    end: "reached in 6",
    known: &[],
};

#[test]
fn straight() {
    compare(&PLAIN);
}

#[test]
fn ipv6() {
    compare(&Topology { name: "IPv6", v6: true, ..PLAIN });
}

#[test]
fn no_router_at_all() {
    let end = "reached in 1";
    compare(&Topology { name: "neighbour", routers: 0, hops: "1", end, ..PLAIN });
}

#[test]
fn an_open_port_answers_as_a_closed_one() {
    let chain = Chain::new(5);
    let _listener = chain.server().enter(|| TcpListener::bind(("0.0.0.0", 80)).unwrap());
    compare_in(&chain, &Topology { name: "open TCP port", ..PLAIN });
}

#[test]
fn a_silent_middle_hop() {
    compare(&Topology {
        name: "silent middle hop",
        prepare: |chain| rule(&chain.nodes[3], "output", "icmp type time-exceeded drop"),
        hops: "1 2 * 4 5 6",
        ..PLAIN
    });
}

#[test]
fn a_silent_end() {
    compare(&Topology {
        name: "silent end",
        prepare: |chain| rule(chain.server(), "input", "drop"),
        hops: "1 2 3 4 5",
        end: "silence after 5",
        ..PLAIN
    });
}

#[test]
fn two_paths_of_equal_cost() {
    compare(&Topology {
        name: "two-path ECMP",
        routers: 3,
        prepare: two_paths,
        hops: "1 2|10.8.2.2 3 4",
        end: "reached in 4",
        ..PLAIN
    });
}

#[test]
fn a_loop() {
    compare(&Topology {
        name: "loop",
        target: Some("10.9.99.1"),
        prepare: |chain| {
            chain.nodes[3].ip("route replace default via 10.9.3.1");
            None
        },
        hops: "1 2 3 2 3",
        end: "loop of 2 from 2",
        known: &[Known {
            tools: &[Tool::Traceroute, Tool::Mtr],
            protocols: ALL,
            from_ttl: 6,
            reason: "goes round until the last TTL; ours stops when it has seen the round twice",
        }],
        ..PLAIN
    });
}

#[test]
fn unreachable_says_a_router() {
    compare(&Topology {
        name: "unreachable by a router",
        prepare: |chain| {
            rule(&chain.nodes[3], "forward", "oif right reject with icmpx host-unreachable")
        },
        hops: "1 2 3 3!H",
        end: "rejected at 4",
        ..PLAIN
    });
}

#[test]
fn a_firewall_drops() {
    compare(&Topology {
        name: "firewall drop",
        prepare: |chain| rule(&chain.nodes[3], "forward", "oif right drop"),
        hops: "1 2 3",
        end: "silence after 3",
        ..PLAIN
    });
}

#[test]
fn a_firewall_rejects() {
    compare(&Topology {
        name: "firewall reject",
        prepare: |chain| {
            rule(&chain.nodes[3], "forward", "oif right reject with icmpx admin-prohibited")
        },
        hops: "1 2 3 3!X",
        end: "rejected at 4",
        ..PLAIN
    });
}

#[test]
fn a_firewall_rejects_ipv6() {
    compare(&Topology {
        name: "firewall reject, IPv6",
        v6: true,
        prepare: |chain| {
            rule(&chain.nodes[3], "forward", "oif right reject with icmpx admin-prohibited")
        },
        hops: "1 2 3 3!X",
        end: "rejected at 4",
        ..PLAIN
    });
}

#[test]
fn the_mtu_grows_smaller() {
    compare(&Topology {
        name: "MTU step",
        prepare: |chain| {
            chain.narrow(3, 1400);
            None
        },
        size: Some(1450),
        hops: "1 2 3 3!F-1400",
        end: "rejected at 4",
        known: &[
            Known {
                tools: &[Tool::Traceroute],
                protocols: &[Tcp],
                from_ttl: 4,
                reason: "sends SYNs of the usual size whatever size it is asked for",
            },
            Known {
                tools: &[Tool::Mtr],
                protocols: ALL,
                from_ttl: 4,
                reason: "cannot set DF, so that its packets are cut to pieces and go on",
            },
        ],
        ..PLAIN
    });
}

#[test]
fn a_destination_rewritten_on_the_way() {
    compare(&Topology {
        name: "DNAT",
        target: Some("10.77.0.1"),
        prepare: |chain| nat(&chain.nodes[3], "prerouting", "ip daddr 10.77.0.1 dnat to 10.9.6.2"),
        hops: "1 2 T T T T",
        end: "reached in 6",
        known: &[Known {
            tools: &[Tool::Mtr],
            protocols: ALL,
            from_ttl: 4,
            reason: "takes time exceeded in the target's name, which NAT makes, for the target",
        }],
        ..PLAIN
    });
}

#[test]
fn a_source_rewritten_on_the_way() {
    compare(&Topology {
        name: "SNAT",
        prepare: |chain| {
            for at in [5, 6] {
                chain.nodes[at].ip(&format!("route add 10.9.4.0/24 via 10.9.{at}.1"));
            }
            nat(&chain.nodes[3], "postrouting", "oifname right masquerade")
        },
        ..PLAIN
    });
}

#[test]
fn the_way_back_is_another() {
    compare(&Topology {
        name: "asymmetric return",
        prepare: |chain| {
            chain.nodes[6].link("back", &chain.nodes[1], "back");
            chain.nodes[1].ip("addr add 10.8.1.2/24 dev back");
            chain.nodes[6].ip("addr add 10.8.1.1/24 dev back");
            chain.nodes[6].ip("route replace 10.9.1.0/24 via 10.8.1.2");
            // Those on the way answer over the end, too.
            chain.nodes[5].ip("route replace 10.9.1.0/24 via 10.9.6.2");
            None
        },
        hops: "1 2 3 4 10.9.6.1 6",
        ..PLAIN
    });
}

#[test]
fn a_router_quotes_28_bytes() {
    compare(&Topology {
        name: "28 bytes quoted",
        prepare: |chain| {
            Some(Router::start(&chain.nodes[3], |packet| vec![router::expired(packet, 28)]))
        },
        ..PLAIN
    });
}

#[test]
fn a_router_of_a_label_switched_path() {
    compare(&Topology {
        name: "MPLS",
        prepare: |chain| {
            Some(Router::start(&chain.nodes[3], |packet| {
                vec![router::with_labels(packet, &[24_001, 16])]
            }))
        },
        ..PLAIN
    });
}

/// The difference here is one of luck, so that it is not in the table: who comes when the end has
/// just used up its answers has to wait for the next, which ours alone does; traceroute takes it
/// for silence, and the end for farther away.
#[test]
fn a_rate_limited_end() {
    let chain = Chain::new(5);
    chain.server().sysctl("ipv4/icmp_ratemask", "6168");
    let target = chain.target();
    let truth = Truth::of(&PLAIN, &target);
    for run in 1..=4 {
        let (theirs, text) = classic::traceroute(chain.client(), Udp, &[], &target, None);
        let ours = ours(&chain, &PLAIN, Udp, &target);
        let differences = truth.differences(&path::of(&ours, 0));
        assert!(differences.is_empty(), "run {run}: {differences:?}\n{ours:#?}");
        assert_eq!(path::end(ours.end()), PLAIN.end, "run {run}");
        let differences = truth.differences(&theirs);
        assert!(differences.iter().all(|(ttl, _)| *ttl >= 6), "run {run}: {text}");
        println!("run {run}: netdiag {}, traceroute{theirs}", PLAIN.end);
    }
}

fn rule(node: &Netns, hook: &str, rule: &str) -> Option<Router> {
    node.rule(hook, rule);
    None
}

fn nat(node: &Netns, hook: &str, rule: &str) -> Option<Router> {
    let priority = if hook == "prerouting" { -100 } else { 100 };
    node.nft("add table ip n");
    node.nft(&format!("add chain ip n {hook} {{ type nat hook {hook} priority {priority}; }}"));
    node.nft(&format!("add rule ip n {hook} {rule}"));
    None
}

/// Beside node 2 stands another, of which node 1 makes as much use.
pub(super) fn two_paths(chain: &mut Chain) -> Option<Router> {
    let other = Netns::new();
    let [_, before, _, after, ..] = &chain.nodes[..] else { unreachable!() };
    before.link("right2", &other, "left");
    other.link("right", after, "left2");
    before.ip("addr add 10.8.2.1/24 dev right2");
    other.ip("addr add 10.8.2.2/24 dev left");
    other.ip("addr add 10.8.3.1/24 dev right");
    after.ip("addr add 10.8.3.2/24 dev left2");
    other.sysctl("ipv4/ip_forward", "1");
    other.sysctl("ipv4/icmp_ratemask", "0");
    other.ip("route add default via 10.8.3.2");
    other.ip("route add 10.9.1.0/24 via 10.8.2.1");
    before.sysctl("ipv4/fib_multipath_hash_policy", "1");
    before.ip("route replace default nexthop via 10.9.2.2 nexthop via 10.8.2.2");
    chain.aside.push(other);
    None
}

fn compare(topology: &Topology) {
    let mut chain = Chain::new(topology.routers);
    let _router = (topology.prepare)(&mut chain);
    compare_in(&chain, topology);
}

#[expect(clippy::print_stdout, reason = "the table, for whoever runs it with --nocapture")]
fn compare_in(chain: &Chain, topology: &Topology) {
    let mut report = format!("== {}\n", topology.name);
    let target = target(chain, topology);
    let truth = Truth::of(topology, &target);
    let mut used = vec![false; topology.known.len()];
    for protocol in ALL {
        let theirs = thread::scope(|scope| {
            let tools = [Tool::Traceroute, Tool::Mtr];
            let runs = tools.map(|tool| {
                let (chain, target) = (&chain, &target);
                (tool, scope.spawn(move || classic(chain, topology, tool, *protocol, target)))
            });
            runs.map(|(tool, run)| (tool, run.join().unwrap()))
        });
        // What the kernel has learned of the path since.
        chain.client().ip("route flush cache");
        let ours = ours(chain, topology, *protocol, &target);
        let (path, end) = (path::of(&ours, 0), path::end(ours.end()));
        writeln!(report, "{protocol:?}\n  netdiag   {path}, {end}").unwrap();
        let differences = truth.differences(&path);
        assert!(differences.is_empty(), "{report}{differences:?}\n{ours:#?}");
        assert_eq!(end, topology.end, "{report}{ours:#?}");
        for (tool, (path, text)) in theirs {
            writeln!(report, "  {:<10}{path}", format!("{tool:?}").to_lowercase()).unwrap();
            let truth = if tool == Tool::Mtr { truth.without_marks() } else { truth.clone() };
            for (ttl, difference) in truth.differences(&path) {
                let mut known = topology.known.iter();
                let known = known.position(|k| k.covers(tool, *protocol, ttl));
                let at = known.unwrap_or_else(|| panic!("{report}{tool:?}: {difference}\n{text}"));
                used[at] = true;
                let reason = topology.known[at].reason;
                writeln!(report, "    differs: {difference}: it {reason}").unwrap();
            }
            let differs = topology.known.iter().any(|k| k.covers(tool, *protocol, MAX_TTL.into()));
            if tool == Tool::Traceroute && !differs {
                assert_eq!(path.end(target.parse().unwrap()), topology.end, "{report}{text}");
            }
        }
    }
    println!("{report}");
    assert!(used.iter().all(|used| *used), "a difference listed that there is not: {report}");
}

fn target(chain: &Chain, topology: &Topology) -> String {
    match (topology.target, topology.v6) {
        (Some(target), _) => target.to_owned(),
        (None, false) => chain.target(),
        (None, true) => chain.target6(),
    }
}

fn classic(
    chain: &Chain,
    topology: &Topology,
    tool: Tool,
    protocol: TraceProtocol,
    target: &str,
) -> (Path, String) {
    let df: &[&str] = if topology.size.is_some() { &["-F"] } else { &[] };
    match tool {
        Tool::Traceroute => {
            classic::traceroute(chain.client(), protocol, df, target, topology.size)
        }
        Tool::Mtr => classic::mtr(chain.client(), protocol, &[], target, topology.size),
    }
}

fn ours(chain: &Chain, topology: &Topology, protocol: TraceProtocol, target: &str) -> Traced {
    let mut request = TraceRequest::to(target, protocol);
    request.max_ttl = MAX_TTL;
    request.no_names = true;
    request.size = topology.size;
    request.dont_fragment = topology.size.is_some();
    trace(chain.client(), &request)
}

/// Who may answer at each distance.
#[derive(Clone)]
struct Truth(Path);

impl Truth {
    fn of(topology: &Topology, target: &str) -> Self {
        let mut path = Path::default();
        for (ttl, hop) in (1..).zip(topology.hops.split(' ')) {
            for said in hop.split('|').filter(|said| *said != "*") {
                let (who, mark) = match said.split_once('!') {
                    Some((who, mark)) => (who, Some(format!("!{mark}"))),
                    None => (said, None),
                };
                let by = match who.parse() {
                    Ok(at) if topology.v6 => v6(at),
                    Ok(at) => v4(at),
                    Err(_) if who == "T" => target.parse().unwrap(),
                    Err(_) => who.parse().unwrap(),
                };
                path.note(ttl, Said { by, mark });
            }
        }
        Self(path)
    }

    fn without_marks(&self) -> Self {
        Self(self.0.without_marks())
    }

    /// TTL and what differs there.
    fn differences(&self, path: &Path) -> Vec<(usize, String)> {
        let last = self.0.0.len().max(path.0.len());
        let differs = |ttl: &usize| {
            let [truth, said] = [self.0.at(*ttl), path.at(*ttl)];
            said.is_empty() != truth.is_empty() || !said.is_subset(truth)
        };
        let word_at =
            |ttl| format!("TTL {ttl} {} for {}", word(path.at(ttl)), word(self.0.at(ttl)));
        (1..=last).filter(differs).map(|ttl| (ttl, word_at(ttl))).collect()
    }
}
