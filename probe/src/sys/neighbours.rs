//! Who answers on this host's own links, as ARP and neighbour discovery found out (rtnetlink(7)).

use std::net::IpAddr;

use nix::libc;

use super::links::Links;
use crate::packet::netlink::{attribute, u16_at};

/// ndmsg.
const NEIGHBOUR: usize = 12;

impl Links {
    /// Those that have answered within the last seconds.
    pub(crate) fn reachable(&self) -> Vec<IpAddr> {
        let mut found = Vec::new();
        let mut note = |body: &[u8]| found.extend(neighbour(body));
        let body = [0; NEIGHBOUR];
        match self.dump(libc::RTM_GETNEIGH, &body, libc::RTM_NEWNEIGH, &mut note) {
            Ok(()) => found,
            Err(_) => Vec::new(),
        }
    }
}

fn neighbour(body: &[u8]) -> Option<IpAddr> {
    if u16_at(body, 8)? & libc::NUD_REACHABLE == 0 {
        return None;
    }
    let address = attribute(body.get(NEIGHBOUR..)?, libc::NDA_DST)?;
    let v4 = <[u8; 4]>::try_from(address).ok().map(IpAddr::from);
    v4.or_else(|| Some(IpAddr::from(<[u8; 16]>::try_from(address).ok()?)))
}
