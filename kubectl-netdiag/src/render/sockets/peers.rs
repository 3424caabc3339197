//! Who is at the other end: this place itself, a Service, a pod, a node.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    net::IpAddr,
};

use netdiag_wire::sockets::{SocketAddress, SocketEntry};
use serde_json::{Value, json};

use super::{Processes, SocketsView};
use crate::render::{Names, ServiceFacts};

/// Looked up once each: a table may have tens of thousands of rows.
pub(crate) struct Peers<'a> {
    view: &'a SocketsView<'a>,
    pub(crate) processes: Processes<'a>,
    services: HashMap<IpAddr, &'a ServiceFacts>,
    /// By both addresses as the socket itself has them.
    sockets: HashMap<(SocketAddress, SocketAddress), &'a SocketEntry>,
    unix: HashMap<u32, &'a SocketEntry>,
    named: RefCell<HashMap<IpAddr, Option<String>>>,
}

impl<'a> Peers<'a> {
    pub(crate) fn new(view: &'a SocketsView<'a>) -> Self {
        let names: &'a Names = &view.known.names;
        let services = names
            .services
            .iter()
            .flat_map(|service| service.cluster_ips.iter().map(move |address| (*address, service)));
        let within = view.report.entries.iter().filter_map(|entry| {
            let (local, peer) = (entry.local?, entry.peer?);
            view.is_within(local, peer).then_some(((local, peer), entry))
        });
        let unix = view.report.entries.iter().filter(|entry| entry.unix.is_some());
        Self {
            view,
            processes: Processes::new(view),
            services: services.collect(),
            sockets: within.collect(),
            unix: unix.filter_map(|entry| Some((entry.inode?, entry))).collect(),
            named: RefCell::default(),
        }
    }

    /// `svc/checkout:http`, `pod/db-1 on node-2`, `itself: app/server (1)`.
    pub(crate) fn who(&self, entry: &SocketEntry) -> String {
        let (Some(local), Some(peer)) = (entry.local, entry.peer) else {
            return match self.unix_peer(entry) {
                Some(other) => self.itself(other),
                None => "-".into(),
            };
        };
        if self.view.is_within(local, peer) {
            let other = self.sockets.get(&(peer, local));
            return other.map_or_else(|| "itself".into(), |other| self.itself(other));
        }
        let nothing = if self.view.known.names.is_empty() { "-" } else { "(unknown address)" };
        self.name(peer).unwrap_or_else(|| nothing.into())
    }

    /// The other end's own address, or what a unix socket is called.
    pub(super) fn address(&self, entry: &SocketEntry) -> String {
        let inode = entry.unix.as_ref().and_then(|unix| unix.peer_inode);
        match (entry.peer, self.unix_peer(entry), inode) {
            (Some(peer), _, _) => super::words::address(peer),
            (None, Some(other), _) => super::words::local(other),
            (None, None, Some(inode)) => format!("inode {inode}"),
            (None, None, None) => "-".into(),
        }
    }

    fn unix_peer(&self, entry: &SocketEntry) -> Option<&'a SocketEntry> {
        self.unix.get(&entry.unix.as_ref()?.peer_inode?).copied()
    }

    fn itself(&self, other: &SocketEntry) -> String {
        let process = self.processes.of(other);
        process.map_or_else(|| "itself".into(), |process| format!("itself: {process}"))
    }

    /// As [`Self::who`], for a sentence: the address where nobody is known.
    pub(crate) fn word(&self, peer: SocketAddress) -> String {
        if self.view.is_own(peer.address) {
            return format!("itself ({})", super::words::address(peer));
        }
        let named = self.name(peer);
        let named = named.map(|name| name.split(" on ").next().unwrap_or(&name).to_owned());
        named.unwrap_or_else(|| super::words::address(peer))
    }

    fn name(&self, peer: SocketAddress) -> Option<String> {
        let saved = &self.view.known.saved;
        let saved = saved
            .get(&(peer.address, Some(peer.port)))
            .or_else(|| saved.get(&(peer.address, None)));
        if let Some(saved) = saved {
            return Some(saved.clone());
        }
        if let Some(service) = self.services.get(&peer.address) {
            return Some(self.service(service, peer.port));
        }
        let mut named = self.named.borrow_mut();
        named.entry(peer.address).or_insert_with(|| self.owner(peer.address)).clone()
    }

    fn service(&self, service: &ServiceFacts, port: u16) -> String {
        let word = self.short(&format!("{}/svc/{}", service.namespace, service.name));
        match service.ports.iter().find(|known| known.number == port) {
            Some(known) => match &known.name {
                Some(name) => format!("{word}:{name}"),
                None => format!("{word}:{port}"),
            },
            None => format!("{word}, which has no port {port}"),
        }
    }

    fn owner(&self, address: IpAddr) -> Option<String> {
        let names = &self.view.known.names;
        let (name, role) = names.owner(address)?;
        let name = match names.kind(address) {
            Some("node") => format!("node/{name}"),
            _ => self.short(&name),
        };
        Some(match role {
            Some(role) if role.starts_with("on ") => format!("{name} {role}"),
            Some(role) => format!("{name}, {role}"),
            None => name,
        })
    }

    /// Without the namespace where that is the place's own.
    fn short(&self, word: &str) -> String {
        let own = self.view.place.namespace.as_ref().map(|namespace| format!("{namespace}/"));
        own.and_then(|own| word.strip_prefix(&own)).unwrap_or(word).to_owned()
    }

    /// What is known of every peer, for programs and for a table that is shown again.
    pub(super) fn known(&self) -> Vec<Value> {
        let entries = self.view.report.entries.iter();
        let peers = entries.filter_map(|entry| entry.peer);
        let peers = peers.filter(|peer| !self.view.is_own(peer.address)).map(|peer| {
            let port = self.services.contains_key(&peer.address).then_some(peer.port);
            (peer.address, port)
        });
        let peers: BTreeSet<(IpAddr, Option<u16>)> = peers.collect();
        let known = peers.into_iter().filter_map(|(address, port)| {
            let what = self.name(SocketAddress { address, port: port.unwrap_or_default() })?;
            let kind = self.view.known.names.kind(address);
            let mut value = json!({"address": address, "what": what});
            if let Some(kind) = kind {
                value["kind"] = kind.into();
            }
            if let Some(port) = port {
                value["port"] = port.into();
            }
            Some(value)
        });
        known.collect()
    }
}
