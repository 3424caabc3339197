//! What one part of a scan asks: these ports of these addresses, each pair with a number.

use std::{collections::HashMap, net::IpAddr};

use netdiag_wire::scan::{PortState, ScanProtocol, ScanRest, ScanWhy};
use netdiag_wire::{IcmpError, scan::Ports};
use rustix::io::Errno;

use crate::sys::refusal;

/// Pairs that are worked on at once; one address with all of its ports always is.
const MOST_PAIRS: usize = 1 << 17;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Host {
    pub(super) address: IpAddr,
    /// That packets to it come from; unspecified without a route.
    pub(super) source: IpAddr,
}

/// What became of a port, but for when.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Fate {
    pub(super) state: PortState,
    pub(super) why: ScanWhy,
    pub(super) by: Option<IpAddr>,
    pub(super) icmp: Option<IcmpError>,
    /// Of what this host's kernel did not send.
    errno: Option<Errno>,
}

impl Fate {
    pub(super) fn new(state: PortState, why: ScanWhy) -> Self {
        Self { state, why, by: None, icmp: None, errno: None }
    }

    pub(super) fn rejected(state: PortState, by: IpAddr, icmp: IcmpError) -> Self {
        let fate = Self::new(state, ScanWhy::Rejected);
        Self { by: Some(by), icmp: Some(icmp), ..fate }
    }

    pub(super) fn not_sent(errno: Option<Errno>) -> Self {
        Self { errno, ..Self::new(PortState::Filtered, ScanWhy::NotSent) }
    }
}

/// Addresses of one IP version.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) hosts: Vec<Host>,
    pub(super) ports: Vec<u16>,
    protocol: ScanProtocol,
    by_address: HashMap<IpAddr, usize>,
    fates: Vec<Option<Fate>>,
}

impl Field {
    /// Parts that are worked on one after the other.
    pub(super) fn parts(hosts: &[Host], ports: &Ports, protocol: ScanProtocol) -> Vec<Self> {
        let ports: Vec<u16> = ports.iter().collect();
        let most = (MOST_PAIRS / ports.len().max(1)).max(1);
        let parts = hosts.chunks(most).filter(|_| !ports.is_empty());
        parts.map(|hosts| Self::new(hosts.to_vec(), ports.clone(), protocol)).collect()
    }

    /// `ports` are in order.
    pub(super) fn new(hosts: Vec<Host>, ports: Vec<u16>, protocol: ScanProtocol) -> Self {
        let by_address = (0..).zip(&hosts).map(|(index, host)| (host.address, index)).collect();
        let fates = vec![None; hosts.len() * ports.len()];
        Self { hosts, ports, protocol, by_address, fates }
    }

    pub(super) fn len(&self) -> usize {
        self.fates.len()
    }

    pub(super) fn at(&self, id: u32) -> (Host, u16) {
        let (host, port) = (id as usize / self.ports.len(), id as usize % self.ports.len());
        (self.hosts[host], self.ports[port])
    }

    pub(super) fn find(&self, address: IpAddr, port: u16) -> Option<u32> {
        let host = self.by_address.get(&address)?;
        let port = self.ports.binary_search(&port).ok()?;
        Some((host * self.ports.len() + port) as u32)
    }

    pub(super) fn settle(&mut self, id: u32, fate: Fate) {
        self.fates[id as usize] = Some(fate);
    }

    /// Of the ports that are not open, by address; those without a fate were not asked.
    pub(super) fn rest(&self) -> Vec<ScanRest> {
        let by_host = self.fates.chunks(self.ports.len().max(1)).zip(&self.hosts);
        by_host.flat_map(|(fates, host)| self.rest_of(host.address, fates)).collect()
    }

    fn rest_of(&self, address: IpAddr, fates: &[Option<Fate>]) -> Vec<ScanRest> {
        let mut groups: HashMap<&Fate, Vec<u16>> = HashMap::new();
        for (fate, port) in fates.iter().zip(&self.ports) {
            let Some(fate) = fate.as_ref().filter(|fate| fate.state != PortState::Open) else {
                continue;
            };
            groups.entry(fate).or_default().push(*port);
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|(fate, ports)| (fate.state, fate.why, ports[0]));
        let rest = groups.into_iter().map(|(fate, ports)| ScanRest {
            address,
            protocol: self.protocol,
            state: fate.state,
            why: fate.why,
            by: fate.by,
            icmp: fate.icmp.clone(),
            refusal: fate.errno.map(|errno| refusal::of_errno(errno, address)),
            ports: ports.into_iter().collect(),
        });
        rest.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(last: u8) -> Host {
        Host { address: [10, 0, 0, last].into(), source: [10, 0, 0, 9].into() }
    }

    #[test]
    fn every_pair_has_a_number_that_leads_back_to_it() {
        let field = Field::new(vec![host(1), host(2)], vec![22, 80, 443], ScanProtocol::Tcp);
        assert_eq!(field.len(), 6);
        for id in 0..6 {
            let (host, port) = field.at(id);
            assert_eq!(field.find(host.address, port), Some(id));
        }
        assert_eq!(field.find(host(3).address, 22), None);
        assert_eq!(field.find(host(1).address, 23), None);
    }

    #[test]
    fn what_is_not_open_is_told_together_by_its_fate() {
        let mut field = Field::new(vec![host(1)], vec![22, 80, 81, 443], ScanProtocol::Tcp);
        let closed = Fate::new(PortState::Closed, ScanWhy::Rst);
        field.settle(0, closed.clone());
        field.settle(1, Fate::new(PortState::Open, ScanWhy::SynAck));
        field.settle(2, closed);
        let rest = field.rest();
        assert_eq!(rest.len(), 1, "{rest:?}");
        assert_eq!((rest[0].ports.to_string().as_str(), rest[0].why), ("22,81", ScanWhy::Rst));
    }

    #[test]
    fn many_addresses_come_in_parts() {
        let hosts = [host(1), host(2), host(3)];
        let parts = Field::parts(&hosts, &Ports::all(), ScanProtocol::Tcp);
        let counts: Vec<_> = parts.iter().map(|part| part.hosts.len()).collect();
        assert_eq!(counts, [2, 1]);
        assert!(Field::parts(&hosts, &Ports::default(), ScanProtocol::Tcp).is_empty());
    }
}
