//! Whether NetworkPolicies let a connection through, by the rules of the API
//! (`networking.k8s.io/v1`: what no policy selects is free, what some select needs one that admits).

use std::{collections::BTreeMap, net::IpAddr};

use ipnet::IpNet;
use k8s_openapi::{
    api::networking::v1::{IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort},
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};
use kube::core::{Selector, SelectorExt};

use crate::{
    finding::Object,
    plan::{DeclaredPort, PortProtocol},
};

/// Peers that are put into words.
const MAX_PEERS: usize = 3;
const NOBODY: &str = "nobody";

/// A pod as policies see it.
#[derive(Clone, Debug)]
pub(crate) struct Party {
    pub(crate) namespace: String,
    pub(crate) namespace_labels: BTreeMap<String, String>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) address: IpAddr,
    pub(crate) ports: Vec<DeclaredPort>,
}

impl Party {
    /// Who is no pod: only address ranges are about it.
    pub(crate) fn of_node(address: IpAddr) -> Self {
        let (namespace_labels, labels) = (BTreeMap::new(), BTreeMap::new());
        Self { namespace: String::new(), namespace_labels, labels, address, ports: Vec::new() }
    }

    pub(crate) fn is_pod(&self) -> bool {
        !self.namespace.is_empty()
    }
}

/// Seen from the pod that a policy selects.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Direction {
    Ingress,
    Egress,
}

/// Policies select the pod, and none of their rules admits the connection.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Denial {
    pub(crate) direction: Direction,
    /// All that select it, in the order of their names.
    pub(crate) policies: Vec<Object>,
    /// Whom they admit, on whatever port: `pods with role=frontend`; nobody.
    pub(crate) admits: String,
}

impl Denial {
    pub(crate) fn admits_nobody(&self) -> bool {
        self.admits == NOBODY
    }
}

/// A connection from the one pod to the other.
pub(crate) struct Asked<'a> {
    pub(crate) from: &'a Party,
    pub(crate) to: &'a Party,
    pub(crate) port: u16,
    pub(crate) protocol: PortProtocol,
}

/// A rule of either direction.
struct Rule<'a> {
    peers: Option<&'a Vec<NetworkPolicyPeer>>,
    ports: Option<&'a Vec<NetworkPolicyPort>>,
}

impl Direction {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }
}

impl Asked<'_> {
    /// By the policies of the namespace of the pod that sends (egress) or of the one that is sent to.
    pub(crate) fn denied(&self, all: &[NetworkPolicy], direction: Direction) -> Option<Denial> {
        let own = match direction {
            Direction::Ingress => self.to,
            Direction::Egress => self.from,
        };
        let selects = |policy: &&NetworkPolicy| selects(policy, own, direction);
        let mut selecting: Vec<&NetworkPolicy> = all.iter().filter(selects).collect();
        selecting.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        let rules: Vec<Rule<'_>> =
            selecting.iter().flat_map(|policy| rules(policy, direction)).collect();
        let is_admitted = rules.iter().any(|rule| self.is_admitted(rule, own, direction));
        (!selecting.is_empty() && !is_admitted).then(|| Denial {
            direction,
            policies: selecting.iter().map(|policy| object(policy)).collect(),
            admits: admits(&rules),
        })
    }

    fn is_admitted(&self, rule: &Rule<'_>, own: &Party, direction: Direction) -> bool {
        let other = match direction {
            Direction::Ingress => self.from,
            Direction::Egress => self.to,
        };
        let is_peer = rule.peers.is_none_or(|peers| {
            peers.is_empty() || peers.iter().any(|peer| is_peer(peer, own, other))
        });
        let is_port = rule
            .ports
            .is_none_or(|ports| ports.is_empty() || ports.iter().any(|port| self.is_port(port)));
        is_peer && is_port
    }

    fn is_port(&self, port: &NetworkPolicyPort) -> bool {
        let protocol = match port.protocol.as_deref() {
            None | Some("TCP") => PortProtocol::Tcp,
            Some("UDP") => PortProtocol::Udp,
            Some(_) => PortProtocol::Other,
        };
        if protocol != self.protocol {
            return false;
        }
        let asked = i32::from(self.port);
        match (&port.port, port.end_port) {
            (None, _) => true,
            (Some(IntOrString::Int(first)), Some(last)) => (*first..=last).contains(&asked),
            (Some(IntOrString::Int(number)), None) => *number == asked,
            (Some(IntOrString::String(name)), _) => self.to.ports.iter().any(|declared| {
                declared.name.as_ref() == Some(name)
                    && declared.number == self.port
                    && declared.protocol == protocol
            }),
        }
    }
}

/// Whether the policy is about this pod, in that direction.
fn selects(policy: &NetworkPolicy, pod: &Party, direction: Direction) -> bool {
    let Some(spec) = &policy.spec else { return false };
    let is_there = policy.metadata.namespace.as_ref() == Some(&pod.namespace);
    let has_direction = match &spec.policy_types {
        Some(types) if !types.is_empty() => {
            types.iter().any(|kind| kind.eq_ignore_ascii_case(direction.word()))
        }
        _ => direction == Direction::Ingress || spec.egress.is_some(),
    };
    is_there && has_direction && matches(spec.pod_selector.as_ref(), &pod.labels)
}

fn rules(policy: &NetworkPolicy, direction: Direction) -> Vec<Rule<'_>> {
    let Some(spec) = &policy.spec else { return Vec::new() };
    match direction {
        Direction::Ingress => {
            let rules = spec.ingress.iter().flatten();
            rules
                .map(|rule| Rule { peers: rule.from.as_ref(), ports: rule.ports.as_ref() })
                .collect()
        }
        Direction::Egress => {
            let rules = spec.egress.iter().flatten();
            rules.map(|rule| Rule { peers: rule.to.as_ref(), ports: rule.ports.as_ref() }).collect()
        }
    }
}

fn is_peer(peer: &NetworkPolicyPeer, own: &Party, other: &Party) -> bool {
    if let Some(block) = &peer.ip_block {
        return is_in(block, other.address);
    }
    let is_namespace = match &peer.namespace_selector {
        Some(selector) => matches(Some(selector), &other.namespace_labels),
        None => own.namespace == other.namespace,
    };
    other.is_pod() && is_namespace && matches(peer.pod_selector.as_ref(), &other.labels)
}

fn is_in(block: &IPBlock, address: IpAddr) -> bool {
    let has = |range: &String| range.parse().is_ok_and(|range: IpNet| range.contains(&address));
    has(&block.cidr) && !block.except.iter().flatten().any(has)
}

/// An absent one, and an empty one, match everything.
fn matches(selector: Option<&LabelSelector>, labels: &BTreeMap<String, String>) -> bool {
    let Some(selector) = selector else { return true };
    Selector::try_from(selector.clone()).is_ok_and(|selector| selector.matches(labels))
}

fn object(policy: &NetworkPolicy) -> Object {
    Object {
        kind: "NetworkPolicy".into(),
        namespace: policy.metadata.namespace.clone(),
        name: policy.metadata.name.clone().unwrap_or_default(),
        resource_version: policy.metadata.resource_version.clone().unwrap_or_default(),
    }
}

fn admits(rules: &[Rule<'_>]) -> String {
    let mut words: Vec<String> = rules.iter().flat_map(rule_words).collect();
    words.dedup();
    match words.len() {
        0 => NOBODY.into(),
        count if count > MAX_PEERS => {
            format!("{} and {} more", words[..MAX_PEERS].join(", "), count - MAX_PEERS)
        }
        _ => words.join(", "),
    }
}

fn rule_words(rule: &Rule<'_>) -> Vec<String> {
    let ports: Vec<String> = rule.ports.into_iter().flatten().map(port_word).collect();
    let ports = match ports.is_empty() {
        true => String::new(),
        false => format!(" on {}", ports.join(" and ")),
    };
    match rule.peers.filter(|peers| !peers.is_empty()) {
        Some(peers) => peers.iter().map(|peer| format!("{}{ports}", peer_words(peer))).collect(),
        None => vec![format!("everybody{ports}")],
    }
}

fn port_word(port: &NetworkPolicyPort) -> String {
    let protocol = port.protocol.as_deref().unwrap_or("TCP");
    match (&port.port, port.end_port) {
        (None, _) => format!("every {protocol} port"),
        (Some(IntOrString::Int(first)), Some(last)) => format!("{protocol} {first}-{last}"),
        (Some(IntOrString::Int(number)), None) => format!("{protocol} {number}"),
        (Some(IntOrString::String(name)), _) => format!("{protocol} {name}"),
    }
}

fn peer_words(peer: &NetworkPolicyPeer) -> String {
    if let Some(block) = &peer.ip_block {
        return block.cidr.clone();
    }
    let pods = selector_word(peer.pod_selector.as_ref());
    let namespaces = peer.namespace_selector.as_ref().map(|it| selector_word(Some(it)));
    let pods = pods.map_or("pods".to_owned(), |labels| format!("pods with {labels}"));
    match namespaces {
        None => pods,
        Some(None) => format!("{pods} of every namespace"),
        Some(Some(labels)) => format!("{pods} of namespaces with {labels}"),
    }
}

/// None where it selects everything.
fn selector_word(selector: Option<&LabelSelector>) -> Option<String> {
    let selector = Selector::try_from(selector?.clone()).ok()?;
    Some(selector.to_string()).filter(|word| !word.is_empty())
}

/// `app=web,tier=api`, the first few.
pub(crate) fn labels_word(labels: &BTreeMap<String, String>) -> String {
    let words: Vec<String> =
        labels.iter().take(MAX_PEERS).map(|(key, value)| format!("{key}={value}")).collect();
    match labels.len().saturating_sub(MAX_PEERS) {
        _ if words.is_empty() => "no labels".into(),
        0 => words.join(" and "),
        more => format!("{} and {more} more labels", words.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn party(namespace: &str, name: &str, address: [u8; 4]) -> Party {
        let pair = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
        Party {
            namespace: namespace.into(),
            namespace_labels: pair("kubernetes.io/metadata.name", namespace),
            labels: pair("app", name),
            address: address.into(),
            ports: vec![DeclaredPort {
                name: Some("http".into()),
                number: 8080,
                protocol: PortProtocol::Tcp,
            }],
        }
    }

    fn policies(specs: &[Value]) -> Vec<NetworkPolicy> {
        let policy = |(at, spec): (usize, &Value)| {
            let metadata = json!({"namespace": "shop", "name": format!("p{at}")});
            serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap()
        };
        specs.iter().enumerate().map(policy).collect()
    }

    fn denied(direction: Direction, specs: &[Value]) -> Option<Denial> {
        let (from, to) =
            (party("shop", "web", [10, 0, 1, 2]), party("shop", "checkout", [10, 0, 2, 3]));
        let asked = Asked { from: &from, to: &to, port: 8080, protocol: PortProtocol::Tcp };
        asked.denied(&policies(specs), direction)
    }

    #[test]
    fn what_is_selected_needs_a_rule_that_admits() {
        let all = json!({});
        let checkout = json!({"matchLabels": {"app": "checkout"}});
        let from = |peer: Value| json!({"podSelector": checkout, "ingress": [{"from": [peer]}]});
        let ports = |ports: Value| json!({"podSelector": all, "ingress": [{"ports": ports}]});
        let web = json!({"matchLabels": {"app": "web"}});
        let name = |name: &str| json!({"matchLabels": {"kubernetes.io/metadata.name": name}});
        let is_in = [json!({"key": "app", "operator": "In", "values": ["web", "api"]})];
        for (spec, is_denied) in [
            (json!({"podSelector": {"matchLabels": {"app": "other"}}}), false),
            (json!({"podSelector": all}), true),
            (json!({"podSelector": all, "policyTypes": ["Egress"]}), false),
            (json!({"podSelector": all, "ingress": [{}]}), false),
            (from(json!({"podSelector": web})), false),
            (from(json!({"podSelector": checkout})), true),
            (from(json!({"podSelector": {"matchExpressions": is_in}})), false),
            (from(json!({"namespaceSelector": name("shop")})), false),
            (from(json!({"namespaceSelector": name("other")})), true),
            (from(json!({"namespaceSelector": name("shop"), "podSelector": checkout})), true),
            (from(json!({"ipBlock": {"cidr": "10.0.0.0/16"}})), false),
            (from(json!({"ipBlock": {"cidr": "10.0.0.0/16", "except": ["10.0.1.0/24"]}})), true),
            (ports(json!([{"port": 8080}])), false),
            (ports(json!([{"port": 8081}])), true),
            (ports(json!([{"port": 8000, "endPort": 9000}])), false),
            (ports(json!([{"port": "http"}])), false),
            (ports(json!([{"port": "grpc"}])), true),
            (ports(json!([{"port": 8080, "protocol": "UDP"}])), true),
        ] {
            let denial = denied(Direction::Ingress, std::slice::from_ref(&spec));
            assert_eq!(denial.is_some(), is_denied, "{spec}");
        }
    }

    #[test]
    fn one_that_admits_is_enough_and_egress_is_its_own_question() {
        let all = json!({"podSelector": {}});
        let admits = json!({"podSelector": {}, "ingress": [{"ports": [{"port": 8080}]}]});
        assert_eq!(denied(Direction::Ingress, &[all.clone(), admits]), None);
        assert_eq!(denied(Direction::Egress, &[all]), None);
        let out = json!({"podSelector": {}, "policyTypes": ["Egress"],
            "egress": [{"to": [{"podSelector": {"matchLabels": {"app": "db"}}}],
                "ports": [{"port": 5432}]}]});
        let denial = denied(Direction::Egress, &[out]).unwrap();
        assert_eq!(denial.admits, "pods with app=db on TCP 5432");
        assert_eq!(denial.policies[0].name, "p0");
    }

    #[test]
    fn no_selector_is_about_a_node() {
        let node = Party::of_node([10, 89, 0, 11].into());
        let to = party("shop", "checkout", [10, 0, 2, 3]);
        let asked = Asked { from: &node, to: &to, port: 8080, protocol: PortProtocol::Tcp };
        let from =
            |peer: Value| policies(&[json!({"podSelector": {}, "ingress": [{"from": [peer]}]})]);
        let all = from(json!({"namespaceSelector": {}}));
        assert!(asked.denied(&all, Direction::Ingress).is_some());
        let range = from(json!({"ipBlock": {"cidr": "10.89.0.0/24"}}));
        assert_eq!(asked.denied(&range, Direction::Ingress), None);
    }

    #[test]
    fn a_policy_of_another_namespace_is_none_of_this_pod() {
        let mut policies = policies(&[json!({"podSelector": {}})]);
        policies[0].metadata.namespace = Some("other".into());
        let (from, to) = (party("shop", "web", [10, 0, 1, 2]), party("shop", "a", [10, 0, 2, 3]));
        let asked = Asked { from: &from, to: &to, port: 8080, protocol: PortProtocol::Tcp };
        assert_eq!(asked.denied(&policies, Direction::Ingress), None);
    }
}
