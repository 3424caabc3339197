//! `POST /v1/scan`: which ports of which addresses answer, and what listens there.

use std::{net::IpAddr, num::NonZeroU32};

use serde::{Deserialize, Serialize};

mod fold;
mod hosts;
mod ports;

pub use fold::ScanFold;
pub use hosts::{ScanTarget, targets};
pub use ports::{Ports, PortsError};

use crate::{
    Family, IcmpError, MAX_HOST_BYTES, SendRefusal, Source, Untrusted, check_bytes, is_default,
};

/// Most entries of `targets` and of `exclude`.
pub const MAX_TARGETS: usize = 128;
/// Most addresses of one request, as its targets and CIDRs expand; an agent's limit may be lower.
pub const MAX_ADDRESSES: u32 = 65_536;
/// Header of a second token, minted in the target's namespace: it shows a right over `object`.
pub const TARGET_TOKEN_HEADER: &str = "netdiag-target-token";

/// Ask every port of every address.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScanRequest {
    /// Addresses, CIDRs, or names that are resolved in the source; 1 to [`MAX_TARGETS`].
    pub targets: Vec<String>,
    /// Addresses and CIDRs that nothing is sent to.
    #[serde(default, skip_serializing_if = "is_default")]
    pub exclude: Vec<String>,
    /// Without a port of either protocol, hosts are only discovered.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tcp: Ports,
    #[serde(default, skip_serializing_if = "is_default")]
    pub udp: Ports,
    #[serde(default, skip_serializing_if = "is_default")]
    pub method: ScanMethod,
    #[serde(default, skip_serializing_if = "is_default")]
    pub discovery: Discovery,
    /// Ask what is open which protocol it speaks, and the product and version that it says.
    #[serde(default, skip_serializing_if = "is_default")]
    pub identify: bool,
    /// Most probes a second; that of the lane holds besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<NonZeroU32>,
    /// The object of the cluster that the targets are the addresses of: with a token that shows the
    /// right `scan` over it, it is scanned at full speed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<Source>,
    /// Send from this address, which must be one of the namespace's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_address: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub family: Family,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ScanMethod {
    /// Half-open where there is a raw socket, else by connecting.
    #[default]
    Auto,
    /// SYNs from a raw socket; an answer is reset and never becomes a connection.
    Syn,
    /// Connections, closed at once.
    Connect,
}

/// Whether addresses are asked if anybody is there, before their ports are.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Discovery {
    /// Where there is more than one address.
    #[default]
    Auto,
    Always,
    /// Every address counts as up.
    Never,
}

impl ScanRequest {
    /// These TCP ports of one target, at the speed that the lane allows.
    pub fn to(target: impl Into<String>, tcp: Ports) -> Self {
        Self {
            targets: vec![target.into()],
            exclude: Vec::new(),
            tcp,
            udp: Ports::default(),
            method: ScanMethod::Auto,
            discovery: Discovery::Auto,
            identify: false,
            rate: None,
            object: None,
            source_address: None,
            family: Family::Any,
        }
    }

    /// The first bound that a value passes, named with the field.
    pub fn check(&self) -> Result<(), String> {
        let count = self.targets.len();
        if !(1..=MAX_TARGETS).contains(&count) {
            return Err(format!("targets: {count}, must be 1 to {MAX_TARGETS}"));
        }
        let excluded = self.exclude.len();
        if excluded > MAX_TARGETS {
            return Err(format!("exclude: {excluded}, must be at most {MAX_TARGETS}"));
        }
        for target in self.targets.iter().chain(&self.exclude) {
            check_bytes("targets", target.len(), MAX_HOST_BYTES)?;
        }
        targets(&self.targets, &self.exclude).map(drop)
    }
}

/// What a worker is ordered: a scan, and how fast the agent lets it be.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scan {
    pub request: ScanRequest,
    pub lane: ScanLane,
}

/// Open ports come as they are found; all others grouped by what became of them, when the address
/// is done.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ScanEvent {
    /// Names are resolved and sockets are open.
    Started {
        /// Never `auto`.
        method: ScanMethod,
        lane: ScanLane,
        /// To be asked if they are up, or whose ports are asked.
        addresses: u32,
        /// Of a CIDR, and nothing may be sent to them: left out.
        #[serde(default, skip_serializing_if = "is_default")]
        off_limits: u32,
        tcp_ports: u32,
        udp_ports: u32,
        /// Unspecified while there is no route.
        source: IpAddr,
        /// Of the names: nothing is sent to them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        other_addresses: Vec<IpAddr>,
    },
    /// What discovery found, or an address that counts as up without it.
    Host(ScanHost),
    /// An open port, or one that is said to be by what it answered.
    Port(ScanPort),
    /// All other ports of an address with the same fate.
    Rest(ScanRest),
    Progress {
        /// Ports (with discovery: addresses) whose fate is known.
        done: u64,
        total: u64,
        open: u32,
        /// By the rate and the waiting so far.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        left_us: Option<u64>,
    },
    /// With `identify`, after the ports.
    Identified(Identity),
    /// Likewise, an operating system by its TCP answers.
    Os(OsGuess),
    Done {
        /// Without what was waited for before the first probe.
        took_us: u64,
        /// Ports that were silent at first and were sent again.
        asked_again: u32,
        /// Packets sent, all of them.
        sent: u64,
    },
    /// A proxy of the source's mesh answers in the target's place: nothing was scanned.
    Intercepted,
    /// From a newer agent.
    #[serde(other)]
    Unknown,
}

/// How fast the agent lets a scan be (architecture.md, "What may be sent where").
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "lane", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ScanLane {
    /// The caller may scan the object that has these addresses.
    Full,
    /// The agent's `limits.scan`.
    Held {
        /// Probes a second.
        rate: u32,
        /// Most hosts whose ports are asked, where discovery has asked more.
        #[serde(default)]
        hosts: u32,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanHost {
    pub address: IpAddr,
    /// As asked for, where that is a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Untrusted>,
    pub is_up: bool,
    /// What answered, or that nothing did; absent where nothing was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<ScanWhy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_us: Option<u64>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ScanProtocol {
    Tcp,
    Udp,
}

/// As nmap has them, so that people need not learn new words.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PortState {
    /// SYN-ACK, or a datagram in answer.
    Open,
    /// RST, or port unreachable from the target itself.
    Closed,
    /// Silence (TCP), or an ICMP error by somebody.
    Filtered,
    /// UDP that stays silent.
    OpenOrFiltered,
    #[serde(other)]
    Unknown,
}

/// The evidence for a state.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ScanWhy {
    SynAck,
    Rst,
    /// A UDP datagram.
    Reply,
    EchoReply,
    /// By ARP or neighbour discovery.
    Neighbour,
    Silence,
    /// An ICMP error, see `icmp` and `by`.
    Rejected,
    /// This host's kernel did not send.
    NotSent,
    #[serde(other)]
    Unknown,
}

/// One port.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanPort {
    pub address: IpAddr,
    pub protocol: ScanProtocol,
    pub port: u16,
    pub state: PortState,
    pub why: ScanWhy,
    /// Who sent the ICMP error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icmp: Option<IcmpError>,
    /// With which the answer arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u8>,
    /// Absent where the answer may be one to an earlier probe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_us: Option<u64>,
}

/// Ports of one address with the same fate.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanRest {
    pub address: IpAddr,
    pub protocol: ScanProtocol,
    pub state: PortState,
    pub why: ScanWhy,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icmp: Option<IcmpError>,
    /// With `notSent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<SendRefusal>,
    pub ports: Ports,
}

/// What a port said of itself; nothing is here that it did not say or show.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    pub address: IpAddr,
    pub protocol: ScanProtocol,
    pub port: u16,
    /// From the outer to the inner: `TLS 1.3`, `HTTP/2`. Empty where nothing fitted.
    pub speaks: Vec<Untrusted>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<Untrusted>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Untrusted>,
    /// Whatever else it said that is worth a cell: a host name, an authentication scheme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub info: Option<Untrusted>,
    /// What it said first by itself, cut to 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub banner: Option<Untrusted>,
}

/// An operating system guessed by the TTL, window and options of a SYN-ACK.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OsGuess {
    pub address: IpAddr,
    /// `Linux`.
    pub name: Untrusted,
    pub confidence: Confidence,
    /// Of the SYN-ACK that it is guessed from.
    pub ttl: u8,
    pub window: u16,
    /// In their order, as p0f writes them: `mss,sok,ts,nop,ws`.
    pub options: Untrusted,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Confidence {
    Low,
    Medium,
    High,
    #[serde(other)]
    Unknown,
}

/// The fold of a scan's events.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanReport {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<ScanMethod>,
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<ScanLane>,
    pub hosts: Vec<ScanHost>,
    /// By address, protocol and port.
    pub ports: Vec<ScanPort>,
    pub rest: Vec<ScanRest>,
    pub identified: Vec<Identity>,
    pub os: Vec<OsGuess>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_us: Option<u64>,
    pub asked_again: u32,
    pub sent: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    pub intercepted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<crate::EndReason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<crate::ErrorBody>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, Line};

    #[test]
    fn golden_request() {
        let mut request = ScanRequest::to("10.244.1.15", "1-1024,8080".parse().unwrap());
        let golden = r#"{"targets":["10.244.1.15"],"tcp":"1-1024,8080"}"#;
        assert_eq!(serde_json::to_string(&request).unwrap(), golden);
        assert_eq!(serde_json::from_str::<ScanRequest>(golden).unwrap(), request);
        request.identify = true;
        request.rate = NonZeroU32::new(500);
        let golden =
            r#"{"targets":["10.244.1.15"],"tcp":"1-1024,8080","identify":true,"rate":500}"#;
        assert_eq!(serde_json::to_string(&request).unwrap(), golden);
        assert!(serde_json::from_str::<ScanRequest>(r#"{"targets":["a"],"mood":1}"#).is_err());
    }

    #[test]
    fn golden_lines() {
        for golden in [
            r#"{"at":"2026-11-23T03:07:11Z","event":"started","method":"syn","lane":{"lane":"held","rate":200,"hosts":16},"addresses":1,"tcpPorts":1025,"udpPorts":0,"source":"10.244.1.23"}"#,
            r#"{"at":"2026-11-23T03:07:11Z","event":"port","address":"10.244.1.15","protocol":"tcp","port":80,"state":"open","why":"synAck","ttl":62,"rttUs":412}"#,
            r#"{"at":"2026-11-23T03:07:11Z","event":"rest","address":"10.244.1.15","protocol":"tcp","state":"closed","why":"rst","ports":"1-79,81-1024"}"#,
            r#"{"at":"2026-11-23T03:07:11Z","event":"rest","address":"10.244.1.15","protocol":"tcp","state":"filtered","why":"notSent","refusal":{"reason":"denied"},"ports":"22"}"#,
        ] {
            let line: Line<ScanEvent> = serde_json::from_str(golden).unwrap();
            assert!(matches!(&line.event, Event::Probe(event) if *event != ScanEvent::Unknown));
            assert_eq!(serde_json::to_string(&line).unwrap(), golden);
        }
        let newer = r#"{"at":"2026-11-23T03:07:11Z","event":"teleported","seq":1}"#;
        let line: Line<ScanEvent> = serde_json::from_str(newer).unwrap();
        assert_eq!(line.event, Event::Probe(ScanEvent::Unknown));
    }
}
