//! How large a packet passes: on the real kernel's routers, with their rate limits.

use netdiag_probe::Probe;
use std::{net::IpAddr, thread};

use netdiag_wire::trace::{MtuLimit, TraceMethod, TraceProtocol, TraceRequest};

use super::{
    Traced,
    chain::{Chain, v4, v6},
    lose_privilege, trace, trace_unprivileged,
};

const PROTOCOLS: [TraceProtocol; 3] = [TraceProtocol::Udp, TraceProtocol::Tcp, TraceProtocol::Icmp];

/// Every protocol over IPv4 and IPv6, each on a network that has said nothing yet; `who` tells the
/// address of a distance.
fn each(prepare: fn(&Chain), check: fn(&Traced, fn(usize) -> IpAddr)) {
    // They wait more than they work.
    thread::scope(|scope| {
        for protocol in PROTOCOLS {
            for who in [v4, v6] {
                scope.spawn(move || one(protocol, who, prepare, check));
            }
        }
    });
}

fn one(
    protocol: TraceProtocol,
    who: fn(usize) -> IpAddr,
    prepare: fn(&Chain),
    check: fn(&Traced, fn(usize) -> IpAddr),
) {
    let chain = Chain::new(4).limited();
    prepare(&chain);
    let mut request = TraceRequest::to(who(5).to_string(), protocol);
    request.mtu = true;
    check(&trace(chain.client(), &request), who);
}

fn sizes(traced: &Traced) -> Vec<u16> {
    traced.report.mtu.iter().map(|hop| hop.passes_bytes.unwrap_or_default()).collect()
}

/// TTL, and what stops a larger packet there.
fn limits(traced: &Traced) -> Vec<(u8, MtuLimit)> {
    let hops = traced.report.mtu.iter();
    hops.filter_map(|hop| Some((hop.ttl, hop.limit.clone()?))).collect()
}

fn says_nothing(chain: &Chain, node: usize) {
    chain.nodes[node].rule("output", "icmp type destination-unreachable icmp code 4 drop");
    chain.nodes[node].nft("add rule inet t output icmpv6 type packet-too-big drop");
}

const SILENCE: MtuLimit = MtuLimit::Silence { sent: 4 };

#[test]
fn a_path_without_a_step_is_as_wide_as_the_interface() {
    each(
        |_| {},
        |traced, who| {
            assert_eq!(sizes(traced), [1500; 5], "{traced:#?}");
            assert_eq!(limits(traced), [(1, MtuLimit::Interface)], "{traced:#?}");
            let addresses: Vec<_> =
                traced.report.mtu.iter().filter_map(|hop| hop.address).collect();
            assert_eq!(addresses, (1..=5).map(who).collect::<Vec<_>>());
        },
    );
}

#[test]
fn a_narrow_interface_of_the_source_is_named() {
    each(
        |chain| chain.narrow(0, 1400),
        |traced, _| {
            assert_eq!(sizes(traced), [1400; 5], "{traced:#?}");
            assert_eq!(limits(traced), [(1, MtuLimit::Interface)], "{traced:#?}");
        },
    );
}

#[test]
fn a_step_is_named_by_the_router_before_it() {
    each(
        |chain| chain.narrow(2, 1400),
        |traced, who| {
            assert_eq!(sizes(traced), [1500, 1500, 1400, 1400, 1400], "{traced:#?}");
            let said = MtuLimit::Icmp { address: who(2), mtu: 1400 };
            assert_eq!(limits(traced), [(1, MtuLimit::Interface), (3, said)], "{traced:#?}");
        },
    );
}

#[test]
fn a_black_hole_is_found_to_the_byte() {
    each(
        |chain| {
            chain.narrow(2, 1400);
            says_nothing(chain, 2);
        },
        |traced, _| {
            assert_eq!(sizes(traced), [1500, 1500, 1400, 1400, 1400], "{traced:#?}");
            assert_eq!(limits(traced), [(1, MtuLimit::Interface), (3, SILENCE)], "{traced:#?}");
        },
    );
}

#[test]
fn two_steps_are_two() {
    each(
        |chain| {
            chain.narrow(1, 1460);
            chain.narrow(3, 1300);
            says_nothing(chain, 3);
        },
        |traced, who| {
            assert_eq!(sizes(traced), [1500, 1460, 1460, 1300, 1300], "{traced:#?}");
            let said = MtuLimit::Icmp { address: who(1), mtu: 1460 };
            let all = [(1, MtuLimit::Interface), (2, said), (4, SILENCE)];
            assert_eq!(limits(traced), all, "{traced:#?}");
        },
    );
}

/// As between the nodes of a cluster whose network is an overlay: the tunnel hides a router, and
/// leaves 50 bytes of each packet to itself.
#[test]
fn a_tunnel_takes_its_share() {
    each(tunnel, |traced, who| {
        assert_eq!(sizes(traced), [1500, 1450, 1450, 1450], "{traced:#?}");
        let said = MtuLimit::Icmp { address: who(1), mtu: 1450 };
        assert_eq!(limits(traced), [(1, MtuLimit::Interface), (2, said)], "{traced:#?}");
    });
}

fn tunnel(chain: &Chain) {
    chain.nodes[3].ip("route add 10.9.2.0/24 via 10.9.3.1");
    for (node, other, local, remote, there) in
        [(1, 2, "10.9.2.1", "10.9.3.2", 5), (3, 1, "10.9.3.2", "10.9.2.1", 1)]
    {
        let (node, this) = (&chain.nodes[node], 3 - other);
        let ends = format!("local {local} remote {remote} dstport 4789");
        node.ip(&format!("link add tunnel type vxlan id 7 {ends}"));
        node.ip("link set tunnel mtu 1450 up");
        node.ip(&format!("addr add 10.9.100.{this}/24 dev tunnel"));
        node.ip(&format!("addr add fd09:100::{this}/64 dev tunnel nodad"));
        node.ip(&format!("route replace 10.9.{there}.0/24 via 10.9.100.{other}"));
        node.ip(&format!("route replace fd09:{there}::/64 via fd09:100::{other}"));
    }
    // A new link carries nothing before the kernel has seen that it is up.
    for end in ["10.9.100.2", "fd09:100::2"] {
        chain.nodes[1].must("ping", &format!("-c 1 -w 10 {end}"));
    }
}

#[test]
fn what_the_kernel_has_learned_changes_nothing() {
    let chain = Chain::new(4).limited();
    chain.narrow(2, 1400);
    let mut request = TraceRequest::to(chain.target(), TraceProtocol::Tcp);
    request.mtu = true;
    let [first, second] = [(); 2].map(|()| trace(chain.client(), &request));
    assert_eq!(sizes(&first), [1500, 1500, 1400, 1400, 1400]);
    assert_eq!((sizes(&first), limits(&first)), (sizes(&second), limits(&second)));
}

#[test]
fn without_privilege_the_sizes_are_the_same() {
    for protocol in [TraceProtocol::Udp, TraceProtocol::Icmp] {
        for who in [v4, v6] {
            let chain = Chain::new(4);
            chain.client().sysctl("ipv4/ping_group_range", "0 2147483647");
            chain.narrow(1, 1460);
            chain.narrow(3, 1400);
            says_nothing(&chain, 3);
            let mut request = TraceRequest::to(who(5).to_string(), protocol);
            request.mtu = true;
            let traced = trace_unprivileged(chain.client(), &request);
            assert_eq!(traced.report.method, Some(TraceMethod::Datagram));
            assert_eq!(sizes(&traced), [1500, 1460, 1460, 1400, 1400], "{protocol:?} {traced:#?}");
            let said = MtuLimit::Icmp { address: who(1), mtu: 1460 };
            let all = [(1, MtuLimit::Interface), (2, said), (4, SILENCE)];
            assert_eq!(limits(&traced), all, "{protocol:?} {traced:#?}");
        }
    }
}

#[test]
fn tcp_without_privilege_says_what_it_needs() {
    let chain = Chain::new(0);
    let mut request = TraceRequest::to(chain.target(), TraceProtocol::Tcp);
    request.mtu = true;
    let opened = chain.client().enter(|| {
        lose_privilege();
        request.open()
    });
    assert!(opened.unwrap_err().to_string().contains("CAP_NET_RAW"));
}

#[test]
fn a_silent_hop_has_no_size() {
    let chain = Chain::new(4);
    chain.nodes[3].rule("output", "icmp type time-exceeded drop");
    chain.narrow(3, 1400);
    let mut request = TraceRequest::to(chain.target(), TraceProtocol::Icmp);
    request.mtu = true;
    let traced = trace(chain.client(), &request);
    assert_eq!(sizes(&traced), [1500, 1500, 0, 1400, 1400], "{traced:#?}");
    assert_eq!(traced.report.mtu[2].address, None);
}

#[test]
fn without_the_option_no_sizes_are_told() {
    let chain = Chain::new(1);
    let traced = trace(chain.client(), &TraceRequest::to(chain.target(), TraceProtocol::Udp));
    assert!(traced.report.mtu.is_empty());
}

/// `F=` stands at the first hop to which a size passes, and then at each that takes less.
#[test]
fn traceroute_finds_the_same_steps_where_routers_announce_them() {
    let chain = Chain::new(4);
    chain.narrow(1, 1460);
    chain.narrow(3, 1400);
    let arguments = ["-n", "-w", "1", "-m", "8", "--mtu", &chain.target()];
    let text = String::from_utf8(chain.client().output("traceroute", &arguments).stdout).unwrap();
    chain.client().ip("route flush cache");
    let mut request = TraceRequest::to(chain.target(), TraceProtocol::Udp);
    request.mtu = true;
    let traced = trace(chain.client(), &request);
    let steps = limits(&traced).into_iter().map(|(ttl, _)| {
        let size = sizes(&traced)[usize::from(ttl) - 1];
        (usize::from(ttl), size)
    });
    assert_eq!(steps.collect::<Vec<_>>(), steps_of_traceroute(&text), "{text}");
}

fn steps_of_traceroute(text: &str) -> Vec<(usize, u16)> {
    let hops = (1..).zip(text.lines().skip(1));
    let step = |(ttl, line): (usize, &str)| {
        let size = line.split("F=").nth(1)?.split(' ').next()?;
        Some((ttl, size.parse().unwrap()))
    };
    hops.filter_map(step).collect()
}
