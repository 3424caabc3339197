//! `POST /v1/connect`: whether a port takes connections or answers datagrams, and what it says first.

use std::{fmt::Display, net::IpAddr, num::NonZeroU32};

use serde::{Deserialize, Serialize};

mod attempt;
mod fold;
pub mod stream;

pub use attempt::{ConnectAttempt, ConnectOutcome, routers};
pub use fold::{ConnectFold, ConnectReport, ConnectTally, ConnectedTo, MAX_ATTEMPTS};

use crate::{Family, MAX_HOST_BYTES, Untrusted, check_bytes, is_default};

/// Most targets of one request.
pub const MAX_TARGETS: usize = 128;
/// Most attempts under way at once.
pub const MAX_CONCURRENCY: u8 = 64;
/// Most bytes of a datagram's data.
pub const MAX_SEND: usize = 8_192;
/// Most bytes of a banner or a reply that are kept.
pub const MAX_KEPT: usize = 1_024;
/// Shortest interval from one attempt to the next of a target.
pub const MIN_INTERVAL_US: u32 = 10_000;

/// Connect to each target, or send it a datagram, and say what became of it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectRequest {
    /// 1 to [`MAX_TARGETS`].
    pub targets: Vec<ConnectTarget>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub protocol: ConnectProtocol,
    /// Rounds of each target; absent: one, or with `forUs` as many as that takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<NonZeroU32>,
    /// From one round to the next, for each target.
    #[serde(default = "default_interval", skip_serializing_if = "is_default_interval")]
    pub interval_us: u32,
    /// No round begins later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_us: Option<u64>,
    /// How long to wait for an answer; absent: three SYNs at least (3.1 s), or 2 s for a datagram.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_us: Option<u32>,
    /// How long a server that took the connection may take to speak first.
    #[serde(default = "default_banner", skip_serializing_if = "is_default_banner")]
    pub banner_us: u32,
    /// Attempts under way at once, over all targets.
    #[serde(default = "default_concurrency", skip_serializing_if = "is_default_concurrency")]
    pub concurrency: u8,
    #[serde(default, skip_serializing_if = "is_default")]
    pub family: Family,
    /// Send from this address, which must be one of the namespace's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_address: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_port: Option<u16>,
    /// The IPv4 header's TOS, the IPv6 header's traffic class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tos: Option<u8>,
    /// Data of the datagram; absent: a question that fits the port, else none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send: Option<Untrusted>,
}

/// An address or a name, and a port; a name is resolved in the source, with the source's resolv.conf.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectTarget {
    pub host: String,
    pub port: u16,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ConnectProtocol {
    #[default]
    Tcp,
    Udp,
}

impl ConnectRequest {
    /// As `nc -z HOST PORT` asks: every field at its default.
    pub fn to(host: impl Into<String>, port: u16) -> Self {
        Self {
            targets: vec![ConnectTarget { host: host.into(), port }],
            protocol: ConnectProtocol::Tcp,
            count: None,
            interval_us: default_interval(),
            for_us: None,
            wait_us: None,
            banner_us: default_banner(),
            concurrency: default_concurrency(),
            family: Family::Any,
            source_address: None,
            source_port: None,
            tos: None,
            send: None,
        }
    }

    /// What carries another protocol: nobody waits for a banner.
    pub(crate) fn below(host: &str, port: u16, wait_us: u32) -> Self {
        Self { wait_us: Some(wait_us), banner_us: 0, ..Self::to(host, port) }
    }

    /// In microseconds.
    pub fn wait(&self) -> u32 {
        self.wait_us.unwrap_or(match self.protocol {
            // At least three SYNs: after 0, 1 and 3 s, or every second from Linux 6.5 on.
            ConnectProtocol::Tcp => 3_100_000,
            ConnectProtocol::Udp => 2_000_000,
        })
    }

    /// Rounds of each target; absent: until the time is up.
    pub fn rounds(&self) -> Option<NonZeroU32> {
        self.count.or(if self.for_us.is_some() { None } else { Some(NonZeroU32::MIN) })
    }

    /// The first bound that a value passes, named with the field.
    pub fn check(&self) -> Result<(), String> {
        let targets = self.targets.len();
        within("targets", targets, 1, MAX_TARGETS)?;
        for target in &self.targets {
            check_bytes("host", target.host.len(), MAX_HOST_BYTES)?;
            within("port", target.port, 1, u16::MAX)?;
        }
        within("intervalUs", self.interval_us, MIN_INTERVAL_US, 3_600_000_000)?;
        within("waitUs", self.wait(), 1_000, 60_000_000)?;
        within("bannerUs", self.banner_us, 0, 60_000_000)?;
        within("concurrency", self.concurrency, 1, MAX_CONCURRENCY)?;
        within("sourcePort", self.source_port.unwrap_or(1), 1, u16::MAX)?;
        match &self.send {
            Some(_) if self.protocol == ConnectProtocol::Tcp => {
                Err("send: only a datagram has data of the caller's here".into())
            }
            Some(send) => within("send", send.as_bytes().len(), 0, MAX_SEND),
            None => Ok(()),
        }
    }
}

fn within<T: Copy + PartialOrd + Display>(
    field: &str,
    value: T,
    least: T,
    most: T,
) -> Result<(), String> {
    match (least..=most).contains(&value) {
        true => Ok(()),
        false => Err(format!("{field}: {value}, must be {least} to {most}")),
    }
}

fn default_interval() -> u32 {
    1_000_000
}

fn is_default_interval(us: &u32) -> bool {
    *us == default_interval()
}

/// Who speaks first does so within a round trip, and what it must look up before.
fn default_banner() -> u32 {
    100_000
}

fn is_default_banner(us: &u32) -> bool {
    *us == default_banner()
}

fn default_concurrency() -> u8 {
    16
}

fn is_default_concurrency(concurrency: &u8) -> bool {
    *concurrency == default_concurrency()
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ConnectEvent {
    /// The target's addresses are known; nothing was sent yet.
    Started {
        #[serde(default, skip_serializing_if = "is_default")]
        target: u16,
        /// As the request has it.
        host: Untrusted,
        port: u16,
        #[serde(default, skip_serializing_if = "is_default")]
        protocol: ConnectProtocol,
        /// In the order in which they are tried.
        addresses: Vec<IpAddr>,
        /// Where packets to the first come from; absent while there is no route.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<IpAddr>,
    },
    Attempt(ConnectAttempt),
    /// From a newer agent.
    #[serde(other)]
    Unknown,
}

#[cfg(test)]
mod tests;
