//! A trace as people read it: the header, one path as a table, several as a tree, sizes, a graph.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    net::IpAddr,
};

use netdiag_wire::trace::{TraceMethod, TraceOutcome, TraceProtocol, TraceReport, TraceRequest};
use serde_json::{Value, json};

mod dot;
mod hops;
mod paths;
mod sizes;
mod tree;

pub(crate) use dot::trace_dot;
pub(crate) use hops::Hops;
pub(crate) use paths::{PathsView, paths, paths_header};
pub(crate) use sizes::trace_sizes;
pub(crate) use tree::trace_tree;

use super::{Names, Screen, named};
use crate::finding::{Peer, PeerKind};

/// What the hops of a path are named by.
#[derive(Clone, Copy)]
pub(crate) struct TraceView<'a> {
    pub(crate) request: &'a TraceRequest,
    pub(crate) report: &'a TraceReport,
    pub(crate) from: &'a Peer,
    pub(crate) to: &'a Peer,
    pub(crate) names: &'a Names,
}

/// Who to whom, by which packets.
pub(crate) fn trace_header(
    out: &mut dyn Write,
    screen: &Screen,
    request: &TraceRequest,
    method: TraceMethod,
    (from, to): (&Peer, &Peer),
) -> io::Result<()> {
    let protocol = match request.protocol {
        TraceProtocol::Udp => "UDP",
        TraceProtocol::Tcp => "TCP",
        TraceProtocol::Icmp => "ICMP",
    };
    let flows = (request.flows > 1).then(|| format!("{} flows", request.flows));
    let fragments = (request.dont_fragment || request.mtu).then(|| "DF set".to_owned());
    // Without a raw socket each hop is asked from a port of its own.
    let one_by_one = match method {
        TraceMethod::Raw | TraceMethod::Datagram => None,
        TraceMethod::Sequential | TraceMethod::Unknown => {
            Some("one hop after the other, so paths may differ from probe to probe".to_owned())
        }
    };
    let words = [named(to), protocol.to_owned()].into_iter();
    let words = words.chain([flows, fragments, one_by_one].into_iter().flatten());
    super::header_line(out, screen, from, &words.collect::<Vec<_>>().join(", "))
}

impl TraceView<'_> {
    /// Who has the address, on a path that ends at the target.
    fn who(&self, address: IpAddr) -> String {
        if self.is_target(address) && !matches!(self.to.kind, PeerKind::Address | PeerKind::Host) {
            return Peer { port: None, ..self.to.clone() }.word();
        }
        if let Some(who) = self.names.who(address) {
            return who;
        }
        let reverse = self.report.names.iter().find(|known| known.address == address);
        match reverse {
            Some(reverse) => reverse.name.to_string(),
            None if self.is_target(address) => "the target".into(),
            None if self.names.is_empty() => "-".into(),
            None => "(unknown address)".into(),
        }
    }

    fn is_target(&self, address: IpAddr) -> bool {
        self.report.address == Some(address)
    }

    /// Both ends hang on one bridge of one node, which forwards without being a hop.
    fn is_same_bridge(&self, ttl: u8) -> bool {
        let is_pod = |peer: &Peer| {
            peer.kind == PeerKind::Pod && !peer.words.iter().any(|word| word == "hostNetwork")
        };
        let nodes = (&self.from.node, &self.to.node);
        ttl == 1 && is_pod(self.from) && is_pod(self.to) && nodes.0.is_some() && nodes.0 == nodes.1
    }

    /// After kube-proxy's rewriting whoever answers does it in the Service's name.
    fn is_in_services_name(&self, address: IpAddr, outcome: TraceOutcome) -> bool {
        let is_service = self.to.kind == PeerKind::Service
            || self.names.services.iter().any(|service| service.cluster_ips.contains(&address));
        outcome == TraceOutcome::Expired && self.is_target(address) && is_service
    }

    /// What each address of the path is in the cluster, for `-o json`.
    pub(crate) fn addresses(&self) -> Vec<Value> {
        let answers = self.report.hops.iter().flat_map(|hop| &hop.answers);
        let sizes = self.report.mtu.iter().filter_map(|hop| hop.address);
        let all: BTreeSet<IpAddr> = answers.map(|answer| answer.address).chain(sizes).collect();
        let known = all.into_iter().filter_map(|address| {
            let (kind, what) = (self.names.kind(address)?, self.names.who(address)?);
            Some(json!({"address": address, "kind": kind, "what": what}))
        });
        known.collect()
    }
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
pub(crate) mod scene;
#[cfg(test)]
mod screens;
