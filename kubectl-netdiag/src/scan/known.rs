//! What only the cluster knows of a target's ports: who declares them, who listens, who leads there.

use std::{fmt, net::IpAddr};

use netdiag_wire::{Untrusted, scan::ScanProtocol};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Known {
    /// By the pod's containers.
    pub(crate) declared: Vec<Declared>,
    /// Services that send to a port of the pod.
    pub(crate) led: Vec<Led>,
    /// Of the target's network namespace; absent: not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) listeners: Option<Vec<Listener>>,
    /// Why listeners, or only whose they are, are not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) skipped: Option<String>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Declared {
    pub(crate) protocol: ScanProtocol,
    pub(crate) port: u16,
    /// Without one, its number stands for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Led {
    pub(crate) protocol: ScanProtocol,
    /// The pod's.
    pub(crate) port: u16,
    /// `svc/checkout:http`.
    pub(crate) by: String,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listener {
    pub(crate) protocol: ScanProtocol,
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
    /// Bound to all addresses of IPv6 and takes IPv4 as well.
    #[serde(default)]
    pub(crate) dual_stack: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) process: Option<PortProcess>,
}

/// `app/server (1)`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PortProcess {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) container: Option<String>,
    pub(crate) name: Untrusted,
    /// As its container has it; outside of one as the node has it.
    pub(crate) pid: u32,
}

impl Known {
    /// The target's agent did not say in time.
    pub(crate) fn late() -> Self {
        Self { skipped: Some("processes: no answer in time".into()), ..Self::default() }
    }

    pub(crate) fn declared(&self, protocol: ScanProtocol, port: u16) -> Option<&Declared> {
        self.declared.iter().find(|one| (one.protocol, one.port) == (protocol, port))
    }

    pub(crate) fn led(&self, protocol: ScanProtocol, port: u16) -> impl Iterator<Item = &str> {
        let is_here = move |one: &&Led| (one.protocol, one.port) == (protocol, port);
        self.led.iter().filter(is_here).map(|one| one.by.as_str())
    }

    /// Who takes what is sent to this address and port.
    pub(crate) fn listener(
        &self,
        protocol: ScanProtocol,
        address: IpAddr,
        port: u16,
    ) -> Option<&Listener> {
        let listeners = self.listeners.iter().flatten();
        let mut here = listeners.filter(|one| (one.protocol, one.port) == (protocol, port));
        here.find(|one| one.takes(address))
    }

    /// Listeners that nobody but the target itself reaches.
    pub(crate) fn on_loopback(&self, address: IpAddr) -> impl Iterator<Item = &Listener> {
        let is_only = move |one: &&Listener| {
            one.address.is_loopback() && self.listener(one.protocol, address, one.port).is_none()
        };
        self.listeners.iter().flatten().filter(is_only)
    }

    /// Every port that is declared, led to or listened on.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (ScanProtocol, u16)> {
        let declared = self.declared.iter().map(|one| (one.protocol, one.port));
        let led = self.led.iter().map(|one| (one.protocol, one.port));
        let listeners = self.listeners.iter().flatten().map(|one| (one.protocol, one.port));
        declared.chain(led).chain(listeners)
    }

    /// Whether a row is due to this port whatever became of it.
    pub(crate) fn names(&self, protocol: ScanProtocol, address: IpAddr, port: u16) -> bool {
        self.declared(protocol, port).is_some()
            || self.led(protocol, port).next().is_some()
            || self.listener(protocol, address, port).is_some()
    }
}

impl Declared {
    pub(crate) fn word(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.port.to_string())
    }
}

impl Listener {
    fn takes(&self, address: IpAddr) -> bool {
        match self.address.is_unspecified() {
            true => self.address.is_ipv4() == address.is_ipv4() || self.dual_stack,
            false => self.address == address,
        }
    }
}

impl fmt::Display for PortProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let container = self.container.iter().map(|name| format!("{name}/")).collect::<String>();
        write!(f, "{container}{} ({})", self.name, self.pid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_takes_what_its_address_covers() {
        let known = |address: &str, dual_stack| Known {
            listeners: Some(vec![Listener {
                protocol: ScanProtocol::Tcp,
                address: address.parse().unwrap(),
                port: 80,
                dual_stack,
                process: None,
            }]),
            ..Known::default()
        };
        for (bound, dual_stack, asked, takes) in [
            ("0.0.0.0", false, "10.0.0.1", true),
            ("0.0.0.0", false, "fd00::1", false),
            ("::", false, "10.0.0.1", false),
            ("::", true, "10.0.0.1", true),
            ("::", false, "fd00::1", true),
            ("10.0.0.1", false, "10.0.0.1", true),
            ("127.0.0.1", false, "10.0.0.1", false),
        ] {
            let known = known(bound, dual_stack);
            let asked = asked.parse().unwrap();
            assert_eq!(known.listener(ScanProtocol::Tcp, asked, 80).is_some(), takes, "{bound}");
            let is_loopback = bound.starts_with("127");
            assert_eq!(known.on_loopback(asked).count(), usize::from(is_loopback), "{bound}");
        }
    }
}
