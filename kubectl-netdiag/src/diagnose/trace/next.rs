//! What to run next; every command is complete.

use netdiag_wire::trace::{TraceProtocol, UDP_PORT};

use super::Path;
use crate::{
    diagnose::labels,
    finding::{Label, Peer, PeerKind},
};

impl Path<'_> {
    /// The same trace, from wherever and with other options.
    pub(super) fn command(&self, from: &Peer, options: &[&str]) -> Label {
        self.trace(&self.context.to, from, options)
    }

    /// The same by another protocol.
    pub(super) fn again(&self, protocol: &str, options: &[&str]) -> Label {
        let (to, from) = (self.target(), self.context.from.word());
        let words = ["kubectl", "netdiag", "trace", &to, "--from", &from, protocol];
        Label::Next(words.iter().chain(options).map(|word| (*word).to_owned()).collect())
    }

    pub(super) fn trace(&self, to: &Peer, from: &Peer, options: &[&str]) -> Label {
        let is_same = *to == self.context.to;
        let port = self.request.port.filter(|_| is_same);
        let tcp = self.request.protocol == TraceProtocol::Tcp;
        let target = Peer { port: port.filter(|_| tcp), ..to.clone() }.word();
        let mut words = vec!["kubectl", "netdiag", "trace", &target, "--from"];
        let from = from.word();
        words.push(&from);
        let number = port.filter(|port| *port != UDP_PORT).map(|port| port.to_string());
        match (self.request.protocol, &number) {
            (TraceProtocol::Udp, Some(number)) => words.extend(["-U", "-p", number]),
            (TraceProtocol::Udp, None) => words.push("-U"),
            (TraceProtocol::Icmp, _) => words.push("-I"),
            (TraceProtocol::Tcp, _) if port.is_none() => words.push("-T"),
            (TraceProtocol::Tcp, _) => {}
        }
        words.extend(options);
        Label::Next(words.into_iter().map(str::to_owned).collect())
    }

    /// The nearest look-alikes of a path that ends in silence.
    pub(super) fn silence_next(&self) -> Vec<Label> {
        let context = self.context;
        match context.to.kind {
            PeerKind::Pod => {
                let node = context.to.node.as_ref().map(|name| Peer {
                    kind: PeerKind::Node,
                    name: name.clone(),
                    ..Peer::default()
                });
                let elsewhere = node.filter(|node| node.word() != context.from.word());
                let at_target = elsewhere.map(|node| self.command(&node, &[]));
                at_target.into_iter().chain(labels::policies(context)).collect()
            }
            PeerKind::Node => labels::describe_node(context),
            PeerKind::Service => labels::endpoints(context).into_iter().collect(),
            PeerKind::Workload(_) | PeerKind::Address | PeerKind::Host | PeerKind::Local => {
                let other = match self.request.protocol {
                    TraceProtocol::Tcp => self.again("-I", &[]),
                    TraceProtocol::Udp | TraceProtocol::Icmp => self.again("-T", &[]),
                };
                self.own_node().into_iter().chain([other]).collect()
            }
        }
    }

    /// From the source pod's node: what differs is the pod's own rules.
    pub(super) fn own_node(&self) -> Option<Label> {
        let from = &self.context.from;
        let node = from.node.as_ref().filter(|_| from.kind == PeerKind::Pod)?;
        let node = Peer { kind: PeerKind::Node, name: node.clone(), ..Peer::default() };
        Some(self.command(&node, &[]))
    }
}
