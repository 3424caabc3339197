//! Probes and their answers as bytes; no sockets, no clock.

use std::net::IpAddr;

pub(crate) mod answer;
pub(crate) mod echo;
mod extensions;
#[cfg(test)]
mod hostile;
pub(crate) mod icmp4;
pub(crate) mod icmp6;
pub(crate) mod meaning;
pub(crate) mod netlink;
pub(crate) mod probe;
pub(crate) mod quoted;
pub(crate) mod saved_syn;
pub(crate) mod syn;
pub(crate) mod tcp_options;

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Version {
    V4,
    V6,
}

impl Version {
    pub(crate) fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}
