//! Where the tree begins.

use std::net::IpAddr;

use netdiag_wire::dns::RootServer;

use super::delegation::{NameServer, ZoneServers};
use crate::dns::name::Name;

/// IANA's root servers (www.internic.net/domain/named.root, 2024-12): a to m.
const IANA: [(&str, [u8; 4], &str); 13] = [
    ("a", [198, 41, 0, 4], "2001:503:ba3e::2:30"),
    ("b", [170, 247, 170, 2], "2801:1b8:10::b"),
    ("c", [192, 33, 4, 12], "2001:500:2::c"),
    ("d", [199, 7, 91, 13], "2001:500:2d::d"),
    ("e", [192, 203, 230, 10], "2001:500:a8::e"),
    ("f", [192, 5, 5, 241], "2001:500:2f::f"),
    ("g", [192, 112, 36, 4], "2001:500:12::d0d"),
    ("h", [198, 97, 190, 53], "2001:500:1::53"),
    ("i", [192, 36, 148, 17], "2001:7fe::53"),
    ("j", [192, 58, 128, 30], "2001:503:c27::2:30"),
    ("k", [193, 0, 14, 129], "2001:7fd::1"),
    ("l", [199, 7, 83, 42], "2001:500:9f::42"),
    ("m", [202, 12, 27, 33], "2001:dc3::35"),
];

pub(super) fn zone(given: &[RootServer]) -> ZoneServers {
    let servers = match given {
        [] => iana(),
        given => {
            let mut servers: Vec<NameServer> = Vec::new();
            for root in given {
                add(&mut servers, &root.name, root.address);
            }
            servers
        }
    };
    ZoneServers { name: Name::root(), servers }
}

fn iana() -> Vec<NameServer> {
    let mut servers = Vec::new();
    for (letter, four, six) in IANA {
        let name = format!("{letter}.root-servers.net.");
        add(&mut servers, &name, four.into());
        if let Ok(six) = six.parse() {
            add(&mut servers, &name, six);
        }
    }
    servers
}

fn add(servers: &mut Vec<NameServer>, name: &str, address: IpAddr) {
    let Ok((name, _)) = Name::parse(name) else { return };
    match servers.iter_mut().find(|server| server.name.is_same(&name)) {
        Some(server) => server.addresses.push(address),
        None => servers.push(NameServer { name, addresses: vec![address] }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_thirteen_of_both_families() {
        let servers = zone(&[]).servers;
        assert_eq!(servers.len(), 13);
        assert!(servers.iter().all(|server| server.addresses.len() == 2));
    }

    #[test]
    fn addresses_of_one_name_are_one_server() {
        let root = |address: &str| RootServer {
            name: "a.root.".into(),
            address: address.parse().unwrap(),
        };
        let servers = zone(&[root("10.0.0.1"), root("fd00::1")]).servers;
        assert_eq!((servers.len(), servers[0].addresses.len()), (1, 2));
    }
}
