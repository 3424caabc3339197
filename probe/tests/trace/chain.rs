//! A line of network namespaces: client, routers, server. The node at distance `k` has the
//! addresses `10.9.k.2` and `fd09:k::2` on the side of the client, so that these are the hops.

use std::net::IpAddr;

use crate::lab::Netns;

pub(crate) struct Chain {
    /// By distance; the client is at 0.
    pub(crate) nodes: Vec<Netns>,
    /// Those beside the line.
    pub(crate) aside: Vec<Netns>,
}

impl Chain {
    /// ICMP's rate limits are off, which the second tool would not get past.
    pub(crate) fn new(routers: usize) -> Self {
        let nodes = (0..routers + 2).map(|_| Netns::new()).collect();
        let chain = Self { nodes, aside: Vec::new() };
        for node in &chain.nodes {
            // A way back of its own is no forgery here.
            node.sysctl("ipv4/conf/all/rp_filter", "0");
            node.sysctl("ipv4/conf/default/rp_filter", "0");
        }
        let last = routers + 1;
        for (at, pair) in (1..).zip(chain.nodes.windows(2)) {
            let [left, right] = pair else { unreachable!() };
            left.link("right", right, "left");
            for (node, name, end) in [(left, "right", 1), (right, "left", 2)] {
                node.ip(&format!("addr add 10.9.{at}.{end}/24 dev {name}"));
                node.ip(&format!("addr add fd09:{at}::{end}/64 dev {name} nodad"));
            }
        }
        for (at, node) in chain.nodes.iter().enumerate() {
            node.sysctl("ipv4/ip_forward", "1");
            node.sysctl("ipv6/conf/all/forwarding", "1");
            node.sysctl("ipv4/icmp_ratemask", "0");
            node.sysctl("ipv6/icmp/ratemask", "\n");
            if at < last {
                node.ip(&format!("route add default via 10.9.{}.2", at + 1));
                node.ip(&format!("route add default via fd09:{}::2", at + 1));
            }
            if at > 1 {
                node.ip(&format!("route add 10.9.1.0/24 via 10.9.{at}.1"));
                node.ip(&format!("route add fd09:1::/64 via fd09:{at}::1"));
            }
        }
        chain
    }

    /// As Linux comes: six ICMP errors at once to one peer, then one a second.
    pub(crate) fn limited(self) -> Self {
        for node in &self.nodes {
            node.sysctl("ipv4/icmp_ratemask", "6168");
            node.sysctl("ipv6/icmp/ratemask", "0-1,3-127");
        }
        self
    }

    /// No larger packet goes from this node to the next, nor back.
    pub(crate) fn narrow(&self, node: usize, mtu: u16) {
        self.nodes[node].ip(&format!("link set right mtu {mtu}"));
        self.nodes[node + 1].ip(&format!("link set left mtu {mtu}"));
    }

    pub(crate) fn client(&self) -> &Netns {
        &self.nodes[0]
    }

    pub(crate) fn server(&self) -> &Netns {
        &self.nodes[self.last()]
    }

    /// Distance of the server.
    pub(crate) fn last(&self) -> usize {
        self.nodes.len() - 1
    }

    pub(crate) fn target(&self) -> String {
        v4(self.last()).to_string()
    }

    pub(crate) fn target6(&self) -> String {
        v6(self.last()).to_string()
    }
}

impl Netns {
    /// Applies the rule to every packet that passes a hook.
    pub(crate) fn rule(&self, hook: &str, rule: &str) {
        self.nft("add table inet t");
        self.nft(&format!("add chain inet t {hook} {{ type filter hook {hook} priority 0; }}"));
        self.nft(&format!("add rule inet t {hook} {rule}"));
    }
}

/// Who answers at this distance.
pub(crate) fn v4(distance: usize) -> IpAddr {
    IpAddr::from([10, 9, distance as u8, 2])
}

pub(crate) fn v6(distance: usize) -> IpAddr {
    IpAddr::from([0xfd09, distance as u16, 0, 0, 0, 0, 0, 2])
}
