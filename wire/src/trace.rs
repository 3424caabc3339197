//! `POST /v1/trace`: who answers at each distance on the way to a target.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

mod fold;
pub use fold::{TraceFold, round};

use crate::{
    EndReason, ErrorBody, Family, IcmpError, MAX_HOST_BYTES, SendRefusal, Untrusted, check_bytes,
    is_default,
};

/// Most probes of one request: flows x TTLs x queries.
pub const MAX_PROBES: u32 = 20_000;
/// Most queries to one TTL.
pub const MAX_QUERIES: u8 = 100;
pub const MAX_FLOWS: u8 = 64;
/// First port of a UDP trace, as traceroute has it.
pub const UDP_PORT: u16 = 33_434;
/// Port of a TCP trace to a target that declares none.
pub const TCP_PORT: u16 = 80;

/// Find the path to one target.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TraceRequest {
    /// An address, or a name that is resolved in the source, with the source's resolv.conf.
    pub host: String,
    pub protocol: TraceProtocol,
    /// Of UDP and TCP; absent: [`UDP_PORT`], [`TCP_PORT`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub first_ttl: u8,
    #[serde(default = "default_max_ttl", skip_serializing_if = "is_default_max_ttl")]
    pub max_ttl: u8,
    /// Probes to each TTL of each flow.
    #[serde(default = "default_queries", skip_serializing_if = "is_default_queries")]
    pub queries: u8,
    /// How long to wait for an answer; absent: 10 times the longest round trip so far, at least
    /// 250 ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_us: Option<u32>,
    /// The whole IP packet, in bytes; absent: as small as the protocol allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u16>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub dont_fragment: bool,
    /// Walk so many flows, each with a source port (ICMP: identifier) of its own.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub flows: u8,
    /// Find how large a packet passes to each hop, and who says so.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mtu: bool,
    /// No reverse DNS.
    #[serde(default, skip_serializing_if = "is_default")]
    pub no_names: bool,
    /// Send from this address, which must be one of the namespace's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_address: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub family: Family,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TraceProtocol {
    Udp,
    /// SYNs; what answers them is torn down again at once.
    Tcp,
    /// Echo requests.
    Icmp,
}

impl TraceRequest {
    /// As `traceroute HOST` sends, but all hops at once.
    pub fn to(host: impl Into<String>, protocol: TraceProtocol) -> Self {
        Self {
            host: host.into(),
            protocol,
            port: None,
            first_ttl: one(),
            max_ttl: default_max_ttl(),
            queries: default_queries(),
            wait_us: None,
            size: None,
            dont_fragment: false,
            flows: one(),
            mtu: false,
            no_names: false,
            source_address: None,
            family: Family::Any,
        }
    }

    /// The first bound that a value passes, named with the field.
    pub fn check(&self) -> Result<(), String> {
        let within = |field: &str, value: u8, last: u8| match (1..=last).contains(&value) {
            true => Ok(()),
            false => Err(format!("{field}: {value}, must be 1 to {last}")),
        };
        check_bytes("host", self.host.len(), MAX_HOST_BYTES)?;
        match (self.protocol, self.port) {
            (TraceProtocol::Icmp, Some(port)) => {
                return Err(format!("port: {port}, but ICMP has no ports"));
            }
            (_, Some(0)) => return Err("port: 0, must be 1 to 65535".into()),
            (_, Some(_) | None) => {}
        }
        within("maxTtl", self.max_ttl, u8::MAX)?;
        within("firstTtl", self.first_ttl, self.max_ttl)?;
        within("queries", self.queries, MAX_QUERIES)?;
        within("flows", self.flows, MAX_FLOWS)?;
        let probes = self.probes();
        if probes > MAX_PROBES {
            return Err(format!("flows x TTLs x queries: {probes}, must be at most {MAX_PROBES}"));
        }
        if self.mtu && self.flows > 1 {
            return Err(format!("flows: {}, must be 1 with mtu", self.flows));
        }
        if let Some(us) = self.wait_us.filter(|us| !(1_000..=60_000_000).contains(us)) {
            return Err(format!("waitUs: {us}, must be 1000 to 60000000"));
        }
        if let Some(size) = self.size.filter(|size| *size < 28) {
            return Err(format!("size: {size}, must be 28 to 65535"));
        }
        Ok(())
    }

    fn probes(&self) -> u32 {
        let hops = u32::from(self.max_ttl) + 1 - u32::from(self.first_ttl);
        u32::from(self.flows) * hops * u32::from(self.queries)
    }
}

fn one() -> u8 {
    1
}

fn is_one(n: &u8) -> bool {
    *n == 1
}

fn default_max_ttl() -> u8 {
    30
}

fn is_default_max_ttl(ttl: &u8) -> bool {
    *ttl == default_max_ttl()
}

fn default_queries() -> u8 {
    3
}

fn is_default_queries(n: &u8) -> bool {
    *n == default_queries()
}

/// Hops come in the order of their TTL, one flow after another, each when all that is to be known
/// of it is known.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum TraceEvent {
    /// The target's address is known and the sockets are open.
    Started {
        /// As the request has it.
        host: Untrusted,
        address: IpAddr,
        /// Unspecified while there is no route.
        source: IpAddr,
        method: TraceMethod,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port: Option<u16>,
        /// Through which the packets leave.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        interface: Option<Interface>,
    },
    /// Before the first hop of each flow.
    Flow {
        #[serde(default, skip_serializing_if = "is_default")]
        flow: u8,
        /// Absent for ICMP, and where every TTL has a port of its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source_port: Option<u16>,
    },
    Hop(TraceHop),
    /// By reverse DNS.
    Name {
        address: IpAddr,
        name: Untrusted,
    },
    /// With `mtu`: what passes to one hop; in the order of the TTL, after all hops.
    Passes(MtuHop),
    /// The connection is in the source's own socket table with a process of the source at its other
    /// end: a proxy of a mesh answered, not the target.
    Intercepted,
    /// From a newer agent.
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TraceMethod {
    /// A raw socket: all hops at once, every probe of a flow on the same 5-tuple.
    Raw,
    /// One unprivileged UDP socket a flow, answers from its error queue: same 5-tuple, all at once.
    Datagram,
    /// Unprivileged, one hop after the other, as paths may differ from probe to probe.
    Sequential,
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Interface {
    pub name: Untrusted,
    /// In bytes with the IP header.
    pub mtu: u32,
}

/// One TTL of one flow.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceHop {
    #[serde(default, skip_serializing_if = "is_default")]
    pub flow: u8,
    pub ttl: u8,
    /// In the order in which they came.
    pub answers: Vec<TraceAnswer>,
    /// Probes without an answer.
    #[serde(default, skip_serializing_if = "is_default")]
    pub silent: u16,
    /// How long the silent ones were waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_us: Option<u64>,
    /// Silent at first, so sent once more after the second that ICMP's rate limits need.
    #[serde(default, skip_serializing_if = "is_default")]
    pub asked_again: bool,
    /// Why this host's kernel did not send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_sent: Option<SendRefusal>,
}

/// What came back for one probe.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceAnswer {
    pub address: IpAddr,
    pub rtt_us: u64,
    pub outcome: TraceOutcome,
    /// ICMP's own, present with `expired` and `rejected`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icmp: Option<IcmpError>,
    /// TTL with which the answer arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u8>,
    /// RFC 4950, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<MplsLabel>,
    /// Where the quoted packet was going by then, if not to the target: rewritten on the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewritten_to: Option<IpAddr>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TraceOutcome {
    /// TTL exceeded: somebody on the way.
    Expired,
    /// A SYN-ACK.
    Open,
    /// An RST.
    Refused,
    /// An echo reply, or a datagram.
    Replied,
    /// Unreachable or prohibited; from the target itself a port unreachable means: arrived.
    Rejected,
    #[serde(other)]
    Unknown,
}

/// One entry of an MPLS label stack (RFC 3032).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MplsLabel {
    /// 20 bits.
    pub label: u32,
    /// 3 bits.
    pub traffic_class: u8,
    pub bottom: bool,
    pub ttl: u8,
}

/// How large a packet passes to one hop.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MtuHop {
    pub ttl: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// Largest packet that was answered, with the IP header; absent if none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passes_bytes: Option<u16>,
    /// What stops a larger one; absent where that is an earlier hop's limit, or none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<MtuLimit>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "by", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum MtuLimit {
    /// This router said that fragmentation was needed.
    Icmp { address: IpAddr, mtu: u32 },
    /// Nobody said anything: one byte more vanishes, each time it was sent.
    Silence { sent: u16 },
    /// The source's own interface.
    Interface,
    #[serde(other)]
    Unknown,
}

/// The fold of a trace's events.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceReport {
    pub host: Untrusted,
    pub protocol: TraceProtocol,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_address: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<Interface>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<TraceMethod>,
    /// As they came: by flow, then by TTL.
    pub hops: Vec<TraceHop>,
    pub flows: Vec<TraceFlow>,
    /// With `mtu`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mtu: Vec<MtuHop>,
    pub names: Vec<ReverseName>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub intercepted: bool,
    /// The same as something to draw.
    pub graph: TraceGraph,
    /// Absent when the stream broke off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<EndReason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

/// One flow, and how its path ends.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceFlow {
    #[serde(default, skip_serializing_if = "is_default")]
    pub flow: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_port: Option<u16>,
    pub end: PathEnd,
}

/// What is known of a path's end.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum PathEnd {
    /// The target answered.
    Reached {
        hops: u8,
        /// Mean over the target's answers at that distance.
        rtt_us: u64,
    },
    /// Somebody else said that it goes no further.
    Rejected { ttl: u8, by: IpAddr, icmp: IcmpError },
    /// The same routers again and again.
    Loop {
        /// TTL at which the first of them answered first.
        from_ttl: u8,
        addresses: Vec<IpAddr>,
    },
    /// Nothing from the target, and nothing behind this TTL; 0: nobody answered at all.
    Silence { after_ttl: u8 },
    /// Routers answer up to the last TTL asked.
    Unfinished { ttl: u8 },
    /// The source's kernel sent nothing.
    NotSent { refusal: SendRefusal },
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReverseName {
    pub address: IpAddr,
    pub name: Untrusted,
}

/// Nodes and edges of every path; a silent hop is a node of its own, known by its place.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceGraph {
    pub nodes: Vec<GraphNode>,
    pub edges: Vec<GraphEdge>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GraphNode {
    /// `source`, an address with its TTL (`10.244.1.1@1`), or `*@3/0` for silence in flow 0.
    pub id: String,
    pub ttl: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The target itself.
    #[serde(default, skip_serializing_if = "is_default")]
    pub is_target: bool,
    /// Shortest round trip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_us: Option<u64>,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GraphEdge {
    pub from: String,
    pub to: String,
    /// Flows that go this way.
    pub flows: Vec<u8>,
}

impl TraceAnswer {
    /// Whether this is the target's own answer, and so the end of the path.
    pub fn is_arrival(&self, target: IpAddr) -> bool {
        match self.outcome {
            TraceOutcome::Open | TraceOutcome::Refused | TraceOutcome::Replied => true,
            TraceOutcome::Rejected => self.address == target,
            TraceOutcome::Expired | TraceOutcome::Unknown => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, Line};

    #[test]
    fn golden_request() {
        let mut request = TraceRequest::to("10.244.2.7", TraceProtocol::Tcp);
        request.port = Some(8080);
        let golden = r#"{"host":"10.244.2.7","protocol":"tcp","port":8080}"#;
        assert_eq!(serde_json::to_string(&request).unwrap(), golden);
        assert_eq!(serde_json::from_str::<TraceRequest>(golden).unwrap(), request);
        let newer = r#"{"host":"a","protocol":"udp","colour":"red"}"#;
        assert!(serde_json::from_str::<TraceRequest>(newer).is_err());
    }

    #[test]
    fn golden_hop() {
        let golden = r#"{"at":"2026-11-22T03:07:11Z","event":"hop","ttl":2,"answers":[{"address":"10.89.0.12","rttUs":312,"outcome":"expired","icmp":{"meaning":"ttlExceeded","type":11,"code":0},"ttl":63}],"silent":1,"waitedUs":250000}"#;
        let line: Line<TraceEvent> = serde_json::from_str(golden).unwrap();
        let Event::Probe(TraceEvent::Hop(hop)) = &line.event else { panic!("{line:?}") };
        assert_eq!((hop.ttl, hop.answers.len(), hop.silent), (2, 1, 1));
        assert_eq!(serde_json::to_string(&line).unwrap(), golden);
    }

    #[test]
    fn an_event_of_a_newer_agent_is_unknown() {
        let newer = r#"{"at":"2026-11-22T03:07:11Z","event":"teleported","ttl":1}"#;
        let line: Line<TraceEvent> = serde_json::from_str(newer).unwrap();
        assert_eq!(line.event, Event::Probe(TraceEvent::Unknown));
    }

    #[test]
    fn every_bound_is_named() {
        let bad = |change: fn(&mut TraceRequest)| {
            let mut request = TraceRequest::to("a", TraceProtocol::Udp);
            change(&mut request);
            request.check().unwrap_err()
        };
        assert_eq!(bad(|r| r.max_ttl = 0), "maxTtl: 0, must be 1 to 255");
        assert_eq!(bad(|r| r.first_ttl = 31), "firstTtl: 31, must be 1 to 30");
        assert_eq!(bad(|r| r.port = Some(0)), "port: 0, must be 1 to 65535");
        assert_eq!(bad(|r| r.queries = 101), "queries: 101, must be 1 to 100");
        assert_eq!(bad(|r| r.flows = 65), "flows: 65, must be 1 to 64");
        assert_eq!(bad(|r| r.host = String::new()), "host: 0 bytes, must be 1 to 253");
        let many: fn(&mut TraceRequest) = |r| (r.flows, r.queries) = (64, 100);
        assert_eq!(bad(many), "flows x TTLs x queries: 192000, must be at most 20000");
        let echo: fn(&mut TraceRequest) = |r| {
            (r.protocol, r.port) = (TraceProtocol::Icmp, Some(7));
        };
        assert_eq!(bad(echo), "port: 7, but ICMP has no ports");
    }
}
