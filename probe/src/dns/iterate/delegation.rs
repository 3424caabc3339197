//! The servers of a zone, as its parent names them.

use std::net::IpAddr;

use netdiag_wire::dns::RecordType;

use crate::dns::{
    cursor::Cursor,
    message::{Asked, Message, RawRecord},
    name::Name,
};

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct ZoneServers {
    pub(super) name: Name,
    pub(super) servers: Vec<NameServer>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct NameServer {
    pub(super) name: Name,
    /// IPv4 first; none where they did not come along.
    pub(super) addresses: Vec<IpAddr>,
}

impl ZoneServers {
    /// Whereto a server of `zone` refers, if that is nearer to the name asked for.
    pub(super) fn below(zone: &Self, asked: &Asked, message: &Message) -> Option<Self> {
        let is_nearer = |record: &&RawRecord| {
            record.kind == RecordType::NS
                && asked.name.is_within(&record.name)
                && record.name.is_within(&zone.name)
                && !record.name.is_same(&zone.name)
        };
        let name = &message.authority.iter().find(is_nearer)?.name;
        Some(Self::read(name, &message.authority, &message.additional, &zone.name))
    }

    /// Addresses count only of servers within `bailiwick`, whose server says it: of others, anybody
    /// could say anything.
    pub(super) fn read(
        name: &Name,
        section: &[RawRecord],
        additional: &[RawRecord],
        bailiwick: &Name,
    ) -> Self {
        let records = section.iter().filter(|r| r.kind == RecordType::NS && r.name.is_same(name));
        let servers = records.filter_map(|r| Cursor::new(&r.data).name().ok()).map(|server| {
            let is_known = server.is_within(bailiwick);
            let glue = if is_known { addresses(&server, additional) } else { Vec::new() };
            NameServer { name: server, addresses: glue }
        });
        Self { name: name.clone(), servers: servers.collect() }
    }
}

/// Of one name, IPv4 first.
pub(super) fn addresses(name: &Name, section: &[RawRecord]) -> Vec<IpAddr> {
    let own = section.iter().filter(|record| record.name.is_same(name));
    let mut addresses: Vec<IpAddr> = own.filter_map(address).collect();
    addresses.sort_by_key(IpAddr::is_ipv6);
    addresses
}

/// An IPv4 address must not pass for another one in IPv6's clothes.
fn address(record: &RawRecord) -> Option<IpAddr> {
    match record.kind {
        RecordType::A => Some(<[u8; 4]>::try_from(&record.data[..]).ok()?.into()),
        RecordType::AAAA => {
            let address = IpAddr::from(<[u8; 16]>::try_from(&record.data[..]).ok()?);
            Some(address.to_canonical())
        }
        _ => None,
    }
}
