//! From Kubernetes objects to an nftables table, without looking at anything else.

use std::fmt::Write;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::selector::picks;

/// A direction, with the words that NetworkPolicy and nftables have for it.
struct Direction {
    policy_type: &'static str,
    /// The policy's list of rules.
    rules: &'static str,
    /// The rule's list of peers.
    peers: &'static str,
    /// Where a packet bears the isolated pod's address, and where the peer's.
    own: &'static str,
    peer: &'static str,
}

const DIRECTIONS: [Direction; 2] = [
    Direction { policy_type: "Egress", rules: "egress", peers: "to", own: "saddr", peer: "daddr" },
    Direction {
        policy_type: "Ingress",
        rules: "ingress",
        peers: "from",
        own: "daddr",
        peer: "saddr",
    },
];

/// The table that enforces all policies among `objects` (policies, pods and namespaces).
pub(super) fn table(objects: &[Value]) -> Result<String> {
    let cluster = Cluster { objects };
    let mut chains = String::new();
    let mut jumps = String::new();
    for (number, pod) in cluster.pods().enumerate() {
        for direction in &DIRECTIONS {
            let policies: Vec<_> = cluster.isolating(pod, direction).collect();
            if policies.is_empty() {
                continue;
            }
            let chain = format!("{}-{number}", direction.rules);
            for ip in addresses(pod) {
                writeln!(jumps, "  {} {} {ip} jump {chain}", family(ip), direction.own)?;
            }
            writeln!(chains, " chain {chain} {{")?;
            for policy in policies {
                chains.push_str(&cluster.allowances(policy, direction)?);
            }
            writeln!(chains, "  drop\n }}")?;
        }
    }
    Ok(format!(
        "table inet netpol-stand-in\ndelete table inet netpol-stand-in\n\
         table inet netpol-stand-in {{\n{chains} chain forward {{\n  \
         type filter hook forward priority 10; policy accept;\n  \
         ct state established,related accept\n  \
         icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert }} accept\n{jumps} }}\n}}\n"
    ))
}

struct Cluster<'a> {
    objects: &'a [Value],
}

impl<'a> Cluster<'a> {
    fn of_kind(&self, kind: &'static str) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.objects.iter().filter(move |object| object["kind"] == kind)
    }

    /// Pods with a network namespace of their own.
    fn pods(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.of_kind("Pod").filter(|pod| pod["spec"]["hostNetwork"] != true)
    }

    /// The policies that leave `pod` only what they allow.
    fn isolating(&self, pod: &Value, direction: &Direction) -> impl Iterator<Item = &'a Value> {
        self.of_kind("NetworkPolicy").filter(move |policy| {
            let types = policy["spec"]["policyTypes"].as_array();
            policy["metadata"]["namespace"] == pod["metadata"]["namespace"]
                && picks(&policy["spec"]["podSelector"], &pod["metadata"]["labels"])
                && types.is_some_and(|types| types.iter().any(|t| t == direction.policy_type))
        })
    }

    /// What one policy lets through in one direction: lines that return from the pod's chain.
    fn allowances(&self, policy: &Value, direction: &Direction) -> Result<String> {
        let mut lines = String::new();
        for rule in list(&policy["spec"][direction.rules]) {
            let ports = ports(&rule["ports"])?;
            for peer in self.peers(policy, &rule[direction.peers], direction.peer)? {
                for port in &ports {
                    writeln!(lines, "  {peer} {port} return")?;
                }
            }
        }
        Ok(lines)
    }

    /// One match for each peer and family; an absent list means everyone.
    fn peers(&self, policy: &Value, peers: &Value, side: &str) -> Result<Vec<String>> {
        if list(peers).is_empty() {
            return Ok(vec![String::new()]);
        }
        let mut matches = Vec::new();
        for peer in list(peers) {
            if peer["ipBlock"].is_object() {
                matches.push(block(&peer["ipBlock"], side)?);
                continue;
            }
            let picked = self.pods().filter(|pod| self.is_peer(policy, peer, pod));
            let ips = picked.flat_map(addresses);
            matches.extend(ips.map(|ip| format!("{} {side} {ip}", family(ip))));
        }
        Ok(matches)
    }

    fn is_peer(&self, policy: &Value, peer: &Value, pod: &Value) -> bool {
        let place = &pod["metadata"]["namespace"];
        let in_place = if peer["namespaceSelector"].is_object() {
            let mut namespaces = self.of_kind("Namespace");
            let namespace = namespaces.find(|namespace| namespace["metadata"]["name"] == *place);
            namespace.is_some_and(|n| picks(&peer["namespaceSelector"], &n["metadata"]["labels"]))
        } else {
            *place == policy["metadata"]["namespace"]
        };
        in_place && picks(&peer["podSelector"], &pod["metadata"]["labels"])
    }
}

fn block(block: &Value, side: &str) -> Result<String> {
    let cidr = block["cidr"].as_str().context("an ipBlock without cidr")?;
    let family = family(cidr);
    let except: Vec<&str> = list(&block["except"]).iter().filter_map(Value::as_str).collect();
    let mut line = format!("{family} {side} {cidr}");
    if !except.is_empty() {
        write!(line, " {family} {side} != {{ {} }}", except.join(", "))?;
    }
    Ok(line)
}

/// One match for each port; an absent list means every protocol and port.
fn ports(ports: &Value) -> Result<Vec<String>> {
    if list(ports).is_empty() {
        return Ok(vec![String::new()]);
    }
    let port = |entry: &Value| {
        let protocol = entry["protocol"].as_str().unwrap_or("TCP").to_lowercase();
        match (&entry["port"], entry["endPort"].as_u64()) {
            (Value::Null, _) => Ok(format!("meta l4proto {protocol}")),
            (Value::Number(port), None) => Ok(format!("{protocol} dport {port}")),
            (Value::Number(port), Some(end)) => Ok(format!("{protocol} dport {port}-{end}")),
            (named, _) => bail!("named ports are beyond this stand-in: {named}"),
        }
    };
    list(ports).iter().map(port).collect()
}

fn addresses(pod: &Value) -> impl Iterator<Item = &str> {
    // A pod that ended may have left its address to another.
    let alive = !matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    let ips = list(&pod["status"]["podIPs"]).iter().filter(move |_| alive);
    ips.filter_map(|ip| ip["ip"].as_str())
}

fn family(address: &str) -> &'static str {
    if address.contains(':') { "ip6" } else { "ip" }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, ip: &str) -> Value {
        json!({
            "kind": "Pod",
            "metadata": { "name": name, "namespace": "shop", "labels": { "app": name } },
            "status": { "podIPs": [{ "ip": ip }] },
        })
    }

    fn policy(spec: &Value) -> Value {
        json!({ "kind": "NetworkPolicy", "metadata": { "namespace": "shop" }, "spec": spec })
    }

    /// The lines of the table that depend on the objects.
    fn lines(objects: &[Value]) -> Vec<String> {
        let table = table(objects).unwrap();
        let ours =
            |line: &&str| ["return", "drop", "jump"].iter().any(|verdict| line.contains(verdict));
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        table.lines().filter(ours).map(words).collect()
    }

    #[test]
    fn default_deny_drops_what_comes_in_and_nothing_else() {
        let deny = policy(&json!({ "podSelector": {}, "policyTypes": ["Ingress"] }));
        assert_eq!(
            lines(&[pod("db", "10.0.0.1"), deny]),
            ["drop", "ip daddr 10.0.0.1 jump ingress-0"]
        );
    }

    #[test]
    fn a_peer_and_a_port_are_let_through() {
        let allow = policy(&json!({
            "podSelector": { "matchLabels": { "app": "db" } },
            "policyTypes": ["Ingress"],
            "ingress": [{
                "from": [
                    { "podSelector": { "matchLabels": { "app": "web" } } },
                    { "ipBlock": { "cidr": "10.9.0.0/16", "except": ["10.9.1.0/24"] } },
                ],
                "ports": [{ "protocol": "TCP", "port": 5432 }],
            }],
        }));
        assert_eq!(
            lines(&[pod("db", "10.0.0.1"), pod("web", "10.0.0.2"), allow]),
            [
                "ip saddr 10.0.0.2 tcp dport 5432 return",
                "ip saddr 10.9.0.0/16 ip saddr != { 10.9.1.0/24 } tcp dport 5432 return",
                "drop",
                "ip daddr 10.0.0.1 jump ingress-0",
            ]
        );
    }

    #[test]
    fn an_allow_all_rule_lets_everything_through() {
        let allow = json!({ "podSelector": {}, "policyTypes": ["Egress"], "egress": [{}] });
        assert_eq!(
            lines(&[pod("db", "10.0.0.1"), policy(&allow)]),
            ["return", "drop", "ip saddr 10.0.0.1 jump egress-0"]
        );
    }
}
