//! The ends and hops of a path as sentences name them.

use std::net::IpAddr;

use netdiag_wire::trace::TraceProtocol;

use super::Path;
use crate::finding::{Peer, PeerKind};

impl Path<'_> {
    /// The target as the command line takes it, without its port.
    pub(super) fn target(&self) -> String {
        self.context.to.word()
    }

    /// `SYNs`.
    pub(super) fn packets(&self) -> &'static str {
        match self.request.protocol {
            TraceProtocol::Udp => "datagrams",
            TraceProtocol::Tcp => "SYNs",
            TraceProtocol::Icmp => "echoes",
        }
    }

    /// `hop 2, node-2, the pod's own node`.
    pub(super) fn place(&self, ttl: u8, address: IpAddr) -> String {
        format!("hop {ttl}, {}", self.known_as(address))
    }

    /// `node-2, the pod's own node`.
    pub(super) fn known_as(&self, address: IpAddr) -> String {
        let context = self.context;
        let Some(owner) = context.names.owner_of(address) else {
            let reverse = self.report.names.iter().find(|known| known.address == address);
            return match reverse {
                Some(reverse) => format!("{address} ({})", reverse.name),
                None if context.names.is_empty() => address.to_string(),
                None => format!("{address}, an unknown address"),
            };
        };
        let node_of = |peer: &Peer| peer.node.clone().filter(|_| peer.kind != PeerKind::Node);
        let thing = if context.to.kind == PeerKind::Pod { "the pod's" } else { "the target's" };
        match &owner {
            owner if Some(owner) == node_of(&context.to).as_ref() => {
                format!("{owner}, {thing} own node")
            }
            owner if Some(owner) == node_of(&context.from).as_ref() => {
                format!("{owner}, the source's own node")
            }
            _ => context.names.who(address).unwrap_or(owner),
        }
    }

    /// `node-2`, or the address of nobody known.
    pub(super) fn named(&self, address: IpAddr) -> String {
        match self.context.names.owner_of(address) {
            Some(owner) => owner,
            None if self.report.address == Some(address) => self.target(),
            None if self.report.source_address == Some(address) => "the source itself".into(),
            None => address.to_string(),
        }
    }

    /// This hop is the last before the target, as far as the API tells.
    pub(super) fn is_targets_node(&self, address: IpAddr) -> bool {
        let node = self.context.to.node.as_ref();
        node.is_some() && self.context.names.owner_of(address).as_ref() == node
    }
}
