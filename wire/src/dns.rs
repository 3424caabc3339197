//! `POST /v1/dns`: what a name means to the source, or what a server says of it.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

mod fold;
mod message;
mod words;

pub use fold::DnsFold;
pub use message::{
    DnsMessage, Edns, EdnsOption, ExtendedError, Flags, MAX_RECORD_BYTES, Question, Record, Section,
};
pub use words::{Class, Opcode, Rcode, RecordType};

use crate::{
    EndReason, ErrorBody, Family, IcmpError, MAX_HOST_BYTES, SendRefusal, Untrusted, check_bytes,
    is_default,
};

/// Longest name in presentation form: 255 octets, each as `\DDD`.
pub const MAX_NAME_BYTES: usize = 1_024;
/// Most servers of one request.
pub const MAX_SERVERS: usize = 32;
/// Most types of one request.
pub const MAX_TYPES: usize = 32;
/// Most addresses of root servers, and most trust anchors.
pub const MAX_ROOTS: usize = 64;
/// Most records of a zone transfer.
pub const MAX_TRANSFER_RECORDS: u32 = 100_000;

/// One name, asked for in one of four ways.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DnsRequest {
    /// In presentation form (RFC 1035, section 5.1), A-labels only; a trailing dot makes it absolute.
    pub name: String,
    /// Empty: A and AAAA, as a client that wants an address asks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<RecordType>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub class: Class,
    #[serde(default, skip_serializing_if = "is_default")]
    pub mode: DnsMode,
    /// `name` is `NAME.NAMESPACE.svc` or `NAME.NAMESPACE.pod` and lacks the cluster's domain, which
    /// the source's search list tells (else `cluster.local`).
    #[serde(default, skip_serializing_if = "is_default")]
    pub in_cluster: bool,
    /// Whom to ask: of [`DnsMode::Ask`] the first that answers, empty: those of resolv.conf; of
    /// [`DnsMode::EveryServer`] besides those of resolv.conf. The other modes have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<DnsServer>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub libc: Libc,
    #[serde(default, skip_serializing_if = "is_default")]
    pub options: QueryOptions,
    /// Validate by DNSSEC, from a trust anchor down.
    #[serde(default, skip_serializing_if = "is_default")]
    pub validate: bool,
    /// Absent: the root's of IANA.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trust_anchors: Vec<TrustAnchor>,
    /// Where [`DnsMode::Iterate`] begins; absent: IANA's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub root_servers: Vec<RootServer>,
    /// Send from this address, which must be one of the namespace's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_address: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_port: Option<u16>,
    /// Of the servers' addresses.
    #[serde(default, skip_serializing_if = "is_default")]
    pub family: Family,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DnsMode {
    /// As the source's libc resolves: hosts file, search list, its nameservers. Needs `files`.
    #[default]
    Walk,
    /// This name only, without a search list, as dig does. Needs `files` where no server is named.
    Ask,
    /// The name that the walk finds, from each server. Needs `files`.
    EveryServer,
    /// From the root servers down, as dig's `+trace`.
    Iterate,
}

/// Whose way to walk the search list.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Libc {
    #[default]
    Glibc,
    Musl,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DnsServer {
    /// An address, or a name that is resolved as the source resolves.
    pub host: String,
    /// Absent: 53, or 853 and 443 over TLS and HTTPS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// How to ask; the defaults are dig's.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct QueryOptions {
    #[serde(skip_serializing_if = "is_default")]
    pub transport: DnsTransport,
    /// Keep a truncated answer instead of asking again over TCP.
    #[serde(skip_serializing_if = "is_default")]
    pub keep_truncated: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub no_recurse: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub checking_disabled: bool,
    /// Without the AD bit, which says that the asker understands it.
    #[serde(skip_serializing_if = "is_default")]
    pub no_ad: bool,
    /// No OPT record at all.
    #[serde(skip_serializing_if = "is_default")]
    pub no_edns: bool,
    /// DO: send DNSSEC records.
    #[serde(skip_serializing_if = "is_default")]
    pub dnssec_ok: bool,
    /// UDP payload size offered.
    #[serde(skip_serializing_if = "is_default_bufsize")]
    pub bufsize: u16,
    #[serde(skip_serializing_if = "is_default")]
    pub nsid: bool,
    /// No cookie (RFC 7873); dig sends one.
    #[serde(skip_serializing_if = "is_default")]
    pub no_cookie: bool,
    /// 8 to 40 bytes in hexadecimal, instead of one made up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cookie: Option<String>,
    /// Client subnet (RFC 7871): `ADDRESS/LENGTH`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet: Option<String>,
    /// For each try of each server; absent: 5 s, in a walk resolv.conf's, in an iteration 2 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_us: Option<u32>,
    /// Over UDP; absent: 3, in a walk resolv.conf's attempts, in an iteration 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tries: Option<u8>,
    /// Of the certificate, over TLS and HTTPS; absent: the server as it is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_name: Option<String>,
    /// Certificates (PEM) to trust over TLS and HTTPS, instead of not checking at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Path of a DoH server (RFC 8484).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_path: Option<String>,
}

impl Default for QueryOptions {
    fn default() -> Self {
        Self {
            transport: DnsTransport::Udp,
            keep_truncated: false,
            no_recurse: false,
            checking_disabled: false,
            no_ad: false,
            no_edns: false,
            dnssec_ok: false,
            bufsize: default_bufsize(),
            nsid: false,
            no_cookie: false,
            cookie: None,
            subnet: None,
            timeout_us: None,
            tries: None,
            tls_name: None,
            ca: None,
            http_path: None,
        }
    }
}

/// As dig 9.18 and DNS flag day 2020 have it.
fn default_bufsize() -> u16 {
    1_232
}

fn is_default_bufsize(bytes: &u16) -> bool {
    *bytes == default_bufsize()
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DnsTransport {
    #[default]
    Udp,
    Tcp,
    /// RFC 7858.
    Tls,
    /// RFC 8484.
    Https,
    #[serde(other)]
    Unknown,
}

/// A key or a digest of one, known to be good.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrustAnchor {
    pub zone: String,
    /// `DNSKEY` or `DS`.
    pub kind: RecordType,
    /// In presentation form: `257 3 8 AwEAAa…`, `20326 8 2 E06D44B8…`.
    pub data: String,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RootServer {
    pub name: String,
    pub address: IpAddr,
}

impl DnsRequest {
    /// As a client in the source asks for an address.
    pub fn walk(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            types: Vec::new(),
            class: Class::IN,
            mode: DnsMode::Walk,
            in_cluster: false,
            servers: Vec::new(),
            libc: Libc::Glibc,
            options: QueryOptions::default(),
            validate: false,
            trust_anchors: Vec::new(),
            root_servers: Vec::new(),
            source_address: None,
            source_port: None,
            family: Family::Any,
        }
    }

    /// As dig asks one server.
    pub fn ask(name: impl Into<String>, kind: RecordType, server: impl Into<String>) -> Self {
        Self {
            types: vec![kind],
            mode: DnsMode::Ask,
            servers: vec![DnsServer { host: server.into(), port: None }],
            ..Self::walk(name)
        }
    }

    /// What is asked for: where nothing is named, both kinds of address.
    pub fn asked_types(&self) -> Vec<RecordType> {
        match &self.types[..] {
            [] => vec![RecordType::A, RecordType::AAAA],
            types => types.to_vec(),
        }
    }

    /// Whether the source's resolv.conf or hosts file is read and shown, which is a right of its own.
    pub fn needs_files(&self) -> bool {
        match self.mode {
            DnsMode::Walk | DnsMode::EveryServer => true,
            DnsMode::Ask => self.servers.is_empty() || self.in_cluster,
            DnsMode::Iterate => self.in_cluster,
        }
    }

    /// The first bound that a value passes, named with the field.
    pub fn check(&self) -> Result<(), String> {
        let most = |field: &str, count: usize, most: usize| match count <= most {
            true => Ok(()),
            false => Err(format!("{field}: {count}, must be at most {most}")),
        };
        check_bytes("name", self.name.len(), MAX_NAME_BYTES)?;
        most("types", self.types.len(), MAX_TYPES)?;
        most("servers", self.servers.len(), MAX_SERVERS)?;
        most("trustAnchors", self.trust_anchors.len(), MAX_ROOTS)?;
        most("rootServers", self.root_servers.len(), MAX_ROOTS)?;
        for server in &self.servers {
            check_bytes("servers.host", server.host.len(), MAX_HOST_BYTES)?;
            if server.port == Some(0) {
                return Err("servers.port: 0, must be 1 to 65535".into());
            }
        }
        if !self.servers.is_empty() && matches!(self.mode, DnsMode::Walk | DnsMode::Iterate) {
            return Err("servers: given, but this mode finds its own".into());
        }
        for anchor in &self.trust_anchors {
            check_bytes("trustAnchors.zone", anchor.zone.len(), MAX_NAME_BYTES)?;
            check_bytes("trustAnchors.data", anchor.data.len(), 4_096)?;
            if !matches!(anchor.kind, RecordType::DNSKEY | RecordType::DS) {
                return Err(format!("trustAnchors.kind: {}, must be DNSKEY or DS", anchor.kind));
            }
        }
        for root in &self.root_servers {
            check_bytes("rootServers.name", root.name.len(), MAX_NAME_BYTES)?;
        }
        self.options.check()
    }
}

impl QueryOptions {
    fn check(&self) -> Result<(), String> {
        if let Some(us) = self.timeout_us.filter(|us| !(1_000..=60_000_000).contains(us)) {
            return Err(format!("options.timeoutUs: {us}, must be 1000 to 60000000"));
        }
        if let Some(tries) = self.tries.filter(|tries| !(1..=10).contains(tries)) {
            return Err(format!("options.tries: {tries}, must be 1 to 10"));
        }
        let is_cookie = |hex: &String| {
            (16..=80).contains(&hex.len())
                && hex.len().is_multiple_of(2)
                && hex.bytes().all(|b| b.is_ascii_hexdigit())
        };
        if self.cookie.as_ref().is_some_and(|cookie| !is_cookie(cookie)) {
            return Err("options.cookie: must be 8 to 40 bytes in hexadecimal".into());
        }
        let texts = [
            ("subnet", &self.subnet, 64),
            ("tlsName", &self.tls_name, 253),
            ("ca", &self.ca, 32 * 1_024),
            ("httpPath", &self.http_path, 1_024),
        ];
        for (field, text, most) in texts {
            if let Some(text) = text {
                check_bytes(&format!("options.{field}"), text.len(), most)?;
            }
        }
        if self.transport == DnsTransport::Unknown {
            return Err("options.transport: must be udp, tcp, tls or https".into());
        }
        Ok(())
    }
}

/// Queries come when they are done, numbered from 0 in the order in which they were asked.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum DnsEvent {
    /// Where resolv.conf was read: how a client in the source asks.
    Resolver(ResolverSettings),
    /// The hosts file knows the name, so nobody is asked.
    InHosts(HostsEntry),
    Query(Box<DnsQuery>),
    /// What did not fit into the message of query `index`, in order.
    Records {
        index: u32,
        section: Section,
        records: Vec<Record>,
    },
    /// One step of a validation, from the trust anchor down.
    Link(ChainLink),
    /// From a newer agent.
    #[serde(other)]
    Unknown,
}

/// resolv.conf as that libc reads it, within its bounds (resolv.conf(5)).
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResolverSettings {
    pub nameservers: Vec<IpAddr>,
    pub search: Vec<Untrusted>,
    pub ndots: u8,
    pub timeout_seconds: u8,
    pub attempts: u8,
    #[serde(default, skip_serializing_if = "is_default")]
    pub rotate: bool,
    /// A, and when that is answered AAAA, from one port.
    #[serde(default, skip_serializing_if = "is_default")]
    pub single_request: bool,
    /// The same from two ports.
    #[serde(default, skip_serializing_if = "is_default")]
    pub single_request_reopen: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub use_vc: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub edns0: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub trust_ad: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub no_aaaa: bool,
    /// A name without a dot is not asked for as it is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub no_tld_query: bool,
    pub libc: Libc,
    /// Lines and options that this libc passes over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<Untrusted>,
    /// The file is empty, missing or unreadable; the libc then asks 127.0.0.1.
    #[serde(default, skip_serializing_if = "is_default")]
    pub is_absent: bool,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HostsEntry {
    /// The first name of that line, which is the canonical one.
    pub name: Untrusted,
    pub addresses: Vec<IpAddr>,
    /// Of the first such line, from 1.
    pub line: u32,
}

/// One question to one server and what became of it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DnsQuery {
    pub index: u32,
    /// As it was asked, absolute.
    pub name: Untrusted,
    #[serde(rename = "type")]
    pub kind: RecordType,
    #[serde(default, skip_serializing_if = "is_default")]
    pub class: Class,
    pub server: IpAddr,
    pub port: u16,
    /// Where the server was given, or delegated to, by a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<Untrusted>,
    /// The one that brought the outcome.
    pub transport: DnsTransport,
    pub outcome: DnsOutcome,
    /// From the start of the run to the first send.
    #[serde(default, skip_serializing_if = "is_default")]
    pub asked_us: u64,
    /// From the first send to the outcome, all tries together.
    pub took_us: u64,
    /// Of the try that was answered, as dig's "Query time".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_us: Option<u64>,
    /// Times sent, over whatever transport.
    pub sent: u8,
    /// Over UDP the answer was cut (TC), so it was asked for again over TCP.
    #[serde(default, skip_serializing_if = "is_default")]
    pub truncated_first: bool,
    /// Answers that do not belong to the question; not used.
    #[serde(default, skip_serializing_if = "is_default")]
    pub discarded: Discarded,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<DnsMessage>,
    /// With `rejected`: who says so, and what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icmp: Option<IcmpError>,
    /// With `notSent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<SendRefusal>,
    /// With `malformed`, `tlsFailed` and `httpFailed`: what was wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Untrusted>,
    /// Asked to find this zone's servers or keys, not for the answer itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<Untrusted>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DnsOutcome {
    /// NOERROR with an answer.
    Answered,
    /// NOERROR, and no record of this type.
    NoData,
    /// NOERROR and neither: other servers are said to know.
    Referral,
    NxDomain,
    ServFail,
    /// RCODE REFUSED.
    RefusedQuery,
    /// Any other RCODE; see the message.
    OtherCode,
    /// A message that cannot be read; `message` holds what of its header could.
    Malformed,
    Silence,
    /// By ICMP.
    Rejected,
    /// RST to the SYN.
    Refused,
    /// RST or EOF after the connection was there.
    Reset,
    TlsFailed,
    HttpFailed,
    NotSent,
    /// musl asks all servers at once; it took another one's answer and did not wait for this one.
    Overtaken,
    #[serde(other)]
    Unknown,
}

/// Answers that were not used, by what did not fit.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Discarded {
    #[serde(skip_serializing_if = "is_default")]
    pub id: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub question: u32,
    /// From an address or port that was not asked.
    #[serde(skip_serializing_if = "is_default")]
    pub source: u32,
    /// QR not set, or too short to have a header.
    #[serde(skip_serializing_if = "is_default")]
    pub no_response: u32,
    /// Client cookie not ours (RFC 7873, section 5.3).
    #[serde(skip_serializing_if = "is_default")]
    pub cookie: u32,
}

/// One link of the chain of trust.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChainLink {
    /// Owner of the records.
    pub name: Untrusted,
    /// What was checked: `DNSKEY`, `DS`, or the type asked for.
    #[serde(rename = "type")]
    pub kind: RecordType,
    pub proof: Proof,
    /// In words: with which key and how, or why not.
    pub reason: Untrusted,
}

/// RFC 4035, section 4.3.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Proof {
    Secure,
    /// Provably not signed.
    Insecure,
    Bogus,
    /// No trust anchor, or records that could not be had.
    Indeterminate,
    #[serde(other)]
    Unknown,
}

/// The fold of the events.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DnsReport {
    /// As it was asked for.
    pub name: Untrusted,
    pub types: Vec<RecordType>,
    pub mode: DnsMode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolver: Option<ResolverSettings>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_hosts: Option<HostsEntry>,
    /// Every name really asked, in order; a name asked again later stands again.
    pub names: Vec<AskedName>,
    pub counts: DnsCounts,
    /// With `validate`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<ChainLink>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// Absent when the stream broke off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<EndReason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AskedName {
    pub name: Untrusted,
    /// In the order in which they were asked.
    pub queries: Vec<DnsQuery>,
}

/// Names and queries are counted apart.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DnsCounts {
    pub names: u32,
    pub queries: u32,
    pub nx_domain: u32,
    pub silent: u32,
    /// For each name from its first query to its last outcome, all together: what a client waits.
    pub took_us: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, Line};

    #[test]
    fn golden_request() {
        let walk = DnsRequest::walk("checkout");
        assert_eq!(serde_json::to_string(&walk).unwrap(), r#"{"name":"checkout"}"#);
        let mut ask = DnsRequest::ask("example.com", RecordType::MX, "10.96.0.10");
        ask.options.dnssec_ok = true;
        let golden = r#"{"name":"example.com","types":["MX"],"mode":"ask","servers":[{"host":"10.96.0.10"}],"options":{"dnssecOk":true}}"#;
        assert_eq!(serde_json::to_string(&ask).unwrap(), golden);
        assert_eq!(serde_json::from_str::<DnsRequest>(golden).unwrap(), ask);
        assert!(serde_json::from_str::<DnsRequest>(r#"{"name":"a","colour":"red"}"#).is_err());
    }

    #[test]
    fn golden_query() {
        let golden = r#"{"at":"2026-11-22T03:07:11Z","event":"query","index":0,"name":"a.","type":"A","server":"10.96.0.10","port":53,"transport":"udp","outcome":"nxDomain","tookUs":610,"rttUs":610,"sent":1,"discarded":{"id":2}}"#;
        let line: Line<DnsEvent> = serde_json::from_str(golden).unwrap();
        assert!(matches!(line.event, Event::Probe(DnsEvent::Query(_))), "{line:?}");
        assert_eq!(serde_json::to_string(&line).unwrap(), golden);
    }

    #[test]
    fn an_event_of_a_newer_agent_is_unknown() {
        let newer = r#"{"at":"2026-11-22T03:07:11Z","event":"teleported"}"#;
        let line: Line<DnsEvent> = serde_json::from_str(newer).unwrap();
        assert_eq!(line.event, Event::Probe(DnsEvent::Unknown));
    }

    #[test]
    fn every_bound_is_named() {
        let bad = |change: fn(&mut DnsRequest)| {
            let mut request = DnsRequest::walk("a");
            change(&mut request);
            request.check().unwrap_err()
        };
        assert_eq!(bad(|r| r.name.clear()), "name: 0 bytes, must be 1 to 1024");
        assert_eq!(bad(|r| r.options.tries = Some(0)), "options.tries: 0, must be 1 to 10");
        assert_eq!(
            bad(|r| r.options.cookie = Some("zz".into())),
            "options.cookie: must be 8 to 40 bytes in hexadecimal"
        );
        let named: fn(&mut DnsRequest) =
            |r| r.servers = vec![DnsServer { host: "10.96.0.10".into(), port: None }];
        assert_eq!(bad(named), "servers: given, but this mode finds its own");
    }

    #[test]
    fn files_are_needed_where_they_are_shown() {
        assert!(DnsRequest::walk("a").needs_files());
        assert!(!DnsRequest::ask("a", RecordType::A, "10.96.0.10").needs_files());
    }
}
